provisioner {
  workspace = "golden"

  limits {
    max_changes = 99999999999999999999
  }
}

provider "aws" {
  account_id = "123456789012"
  regions    = ["eu-west-1"]
}

person "alice" {
  emails = ["alice@acme.example"]
  keys   = [file("keys/alice.pub")]
}

person "bob" {
  emails = ["bob@acme.example"]
  keys   = [file("keys/bob.pub")]
}

control_owner "team" {
  surfaces    = ["identity", "tool_access", "runtime", "governance"]
  default_for = ["identity", "tool_access", "runtime", "governance"]
  signers     = [person.alice, person.bob]
}
