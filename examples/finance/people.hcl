# Who may sign, and for what. Three teams own tools: each signs only for its own.

person "amara" {
  emails = ["amara@acme.example"]
  keys   = [file("keys/amara.pub")]
}

person "bruno" {
  emails = ["bruno@acme.example"]
  keys   = [file("keys/bruno.pub")]
}

person "chen" {
  emails = ["chen@acme.example"]
  keys   = [file("keys/chen.pub")]
}

person "divya" {
  emails = ["divya@acme.example"]
  keys   = [file("keys/divya.pub")]
}

person "elif" {
  emails = ["elif@acme.example"]
  keys   = [file("keys/elif.pub")]
}

person "farid" {
  emails = ["farid@acme.example"]
  keys   = [file("keys/farid.pub")]
}

person "gita" {
  emails = ["gita@acme.example"]
  keys   = [file("keys/gita.pub")]
}

person "hana" {
  emails = ["hana@acme.example"]
  keys   = [file("keys/hana.pub")]
}

# Sponsors answer for what an agent does. They hold no keys here: answering is not signing.
person "ines" {
  emails = ["ines@acme.example"]
}

person "jonas" {
  emails = ["jonas@acme.example"]
}

control_owner "iam" {
  title       = "Identity platform"
  contact     = "iam@acme.example"
  surfaces    = ["identity"]
  default_for = ["identity"]
  signers     = [person.amara, person.bruno]

  escalation {
    to    = control_owner.security
    after = "24h"
  }
}

control_owner "platform" {
  title       = "Agent platform"
  contact     = "platform@acme.example"
  surfaces    = ["runtime"]
  default_for = ["runtime"]
  signers     = [person.chen]
}

# Owns every tool that names nobody else.
control_owner "finance_api" {
  title       = "Finance API team"
  contact     = "finance-api@acme.example"
  surfaces    = ["tool_access"]
  default_for = ["tool_access"]
  signers     = [person.divya, person.elif]
}

# Money moves only when two people of this team agree.
control_owner "payments" {
  title     = "Payments"
  contact   = "payments@acme.example"
  surfaces  = ["tool_access"]
  signers   = [person.elif, person.farid, person.gita]
  threshold = 2
}

control_owner "data" {
  title    = "Data platform"
  contact  = "data@acme.example"
  surfaces = ["tool_access"]
  signers  = [person.gita]
}

control_owner "security" {
  title       = "Security leadership"
  contact     = "security@acme.example"
  surfaces    = ["identity", "governance"]
  default_for = ["governance"]
  signers     = [person.hana, person.amara]
}
