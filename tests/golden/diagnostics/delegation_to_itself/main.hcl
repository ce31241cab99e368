delegation "loop" {
  from = [agent.triage]
  to   = agent.triage
  via  = "assume_role"
}
