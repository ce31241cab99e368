moved {
  from = grant.old
  to   = agent.triage
}
