baseline "start" {
  rules   = []
  agents  = [agent.triage]
  expires = "2027-03-01"
}
