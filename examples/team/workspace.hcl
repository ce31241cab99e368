# The workspace of one support team, and who answers for what.

provisioner {
  workspace = "acme-support"

  ledger "local" {
    path = ".provisioner"
  }
}

provider "aws" {
  account_id  = "123456789012"
  regions     = ["eu-west-1"]
  environment = "sandbox"
}

person "alice" {
  emails = ["alice@acme.example"]
  keys   = [file("keys/alice.pub")]
}

person "bob" {
  emails = ["bob@acme.example"]
  keys   = [file("keys/bob.pub")]
}

# Writes the configuration, answers for the agents, and signs none of it.
person "dana" {
  emails = ["dana@acme.example"]
  keys   = [file("keys/dana.pub")]
}

control_owner "platform" {
  title       = "Agent platform"
  contact     = "platform@acme.example"
  surfaces    = ["identity", "runtime", "governance"]
  default_for = ["identity", "runtime", "governance"]
  signers     = [person.alice, person.bob]
}

control_owner "support" {
  title       = "Support tooling"
  contact     = "support@acme.example"
  surfaces    = ["tool_access"]
  default_for = ["tool_access"]
  signers     = [person.bob, person.alice]
}
