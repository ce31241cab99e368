control_owner "iam" {
  surfaces = ["identity"]
  signers  = [person.bob]
}
