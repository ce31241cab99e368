removed {
  from = person.carol

  lifecycle {
    destroy = false
  }
}
