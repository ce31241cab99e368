moved {
  from = agent.a
  to   = agent.b
}

moved {
  from = agent.b
  to   = agent.a
}
