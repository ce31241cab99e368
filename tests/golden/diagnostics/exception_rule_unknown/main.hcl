exception "late" {
  rule                 = "inventory"
  subjects             = []
  reason               = " "
  compensating_control = "Nothing widens meanwhile"
  ticket               = "SEC-1"
  accepted_by          = control_owner.team
  expires              = "in January"
}
