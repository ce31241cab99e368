exception "late" {
  rule                 = "INV-1"
  subjects             = [agent.triage, "agent.traige", 3]
  reason               = "Review is under way"
  compensating_control = "Nothing widens meanwhile"
  ticket               = "SEC-1"
  accepted_by          = control_owner.team
  expires              = "2027-01-15"
}
