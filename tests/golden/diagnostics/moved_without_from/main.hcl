moved {
  to = agent.triage
}
