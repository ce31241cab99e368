provisioner {
  workspace = "golden"
}

provider "aws" {
  account_id = "123456789012"
  regions    = ["eu-west-1"]
}

person "alice" {
  emails   = ["alice@acme.example"]
  keys     = [file("keys/alice.pub")]
  accounts = ["github:alice"]
}

person "bob" {
  emails   = ["bob@acme.example"]
  accounts = ["alice"]
}

control_owner "team" {
  surfaces    = ["identity", "tool_access", "runtime", "governance"]
  default_for = ["identity", "tool_access", "runtime", "governance"]
  signers     = [person.alice]
}
