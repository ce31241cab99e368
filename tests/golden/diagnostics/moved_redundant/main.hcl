moved {
  from = agent.triage
  to   = agent.triage
}
