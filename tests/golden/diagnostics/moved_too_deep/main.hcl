moved {
  from = agent.old.name
  to   = agent.triage
}
