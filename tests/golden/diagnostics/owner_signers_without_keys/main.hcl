control_owner "lone" {
  surfaces = ["runtime"]
  signers  = [person.bob]
}
