removed {
  from = agent.triage

  lifecycle {
    destroy = false
  }
}
