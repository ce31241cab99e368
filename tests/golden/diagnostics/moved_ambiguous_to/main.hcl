moved {
  from = agent.old
  to   = agent.triage
}

moved {
  from = agent.older
  to   = agent.triage
}
