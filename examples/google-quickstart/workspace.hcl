# What this workspace is, who answers for it, and who may sign.
# A person for each control surface; dana writes the configuration and therefore signs none of it.

provisioner {
  workspace = "acme-google"

  ledger "local" {
    path = ".provisioner"
  }

  approval {
    plan_ttl = "72h"
  }
}

provider "google" {
  project        = "acme-fin-prod"
  project_number = "987654321098" # part of the names of federated principals
  environment    = "sandbox"
  watch          = ["projects/acme-data-prod"] # read as well, so that grants found there are seen
}

person "alice" {
  emails = ["alice@acme.example"]
  keys   = [file("keys/alice.pub")]
}

person "bob" {
  emails = ["bob@acme.example"]
  keys   = [file("keys/bob.pub")]
}

person "carol" {
  emails = ["carol@acme.example"]
  keys   = [file("keys/carol.pub")]
}

person "erin" {
  emails = ["erin@acme.example"]
  keys   = [file("keys/erin.pub")]
}

# Writes the configuration: an author never signs what they wrote.
person "dana" {
  emails = ["dana@acme.example"]
  keys   = [file("keys/dana.pub")]
}

# Answers for what the agent does. Answering is not signing, so no key is needed.
person "sam" {
  emails = ["sam@acme.example"]
}

control_owner "iam" {
  title       = "Identity platform"
  contact     = "iam@acme.example"
  surfaces    = ["identity"]
  default_for = ["identity"]
  signers     = [person.alice]
}

control_owner "api" {
  title       = "API team"
  contact     = "api@acme.example"
  surfaces    = ["tool_access"]
  default_for = ["tool_access"]
  signers     = [person.bob]
}

control_owner "platform" {
  title       = "Agent platform"
  contact     = "platform@acme.example"
  surfaces    = ["runtime"]
  default_for = ["runtime"]
  signers     = [person.carol]
}

control_owner "security" {
  title       = "Security leadership"
  contact     = "security@acme.example"
  surfaces    = ["governance"]
  default_for = ["governance"]
  signers     = [person.erin]
}
