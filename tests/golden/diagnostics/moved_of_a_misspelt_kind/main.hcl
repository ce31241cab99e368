moved {
  from = agnet.a
  to   = agent.triage
}
