moved {
  from = agent.old
  to   = agent.triage
  why  = "renamed"
}
