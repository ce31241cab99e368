moved {
  from = agent.old
  to   = agent.sorter
}
