moved {
  from = agent.old
  to   = agent[var.key]
}
