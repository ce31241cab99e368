removed {
  from = agent.old

  lifecycle {
    destroy = "no"
  }
}
