delegation "a_asks_b" {
  from = [agent.triage]
}
