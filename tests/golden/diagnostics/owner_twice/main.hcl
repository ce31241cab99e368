control_owner "second" {
  surfaces    = ["runtime"]
  default_for = ["runtime"]
  signers     = [person.bob]
}
