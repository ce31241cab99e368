removed {
  from = agent.old

  lifecycle {
    destroy = true
  }
}
