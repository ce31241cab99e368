# One agent asks another: triage may become the archivist for a while, and call the translator without becoming it.

provisioner {
  workspace = "example-delegation"

  ledger "local" {
    path = ".provisioner"
  }

  approval {
    solo = true # one person here; a team names an owner for each surface
  }
}

provider "aws" {
  account_id  = "123456789012"
  regions     = ["eu-west-1"]
  environment = "sandbox"
}

person "alice" {
  emails = ["alice@acme.example"]
  keys   = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEvZDa1gzfqmsCCm1dMA48LBASXGJePehHtD3EpD6AiG placeholder key of alice, nobody holds its private half"]
}

control_owner "platform" {
  title       = "Agent platform"
  contact     = "platform@acme.example"
  surfaces    = ["identity", "tool_access", "runtime", "governance"]
  default_for = ["identity", "tool_access", "runtime", "governance"]
  signers     = [person.alice]
}

boundary "agents" {
  aws {
    allow           = ["s3:GetObject", "lambda:InvokeFunction", "sts:AssumeRole"]
    deny            = ["iam:*"]
    regions         = ["eu-west-1"]
    global_services = ["sts"]
  }
}

tool "inbox" {
  purpose     = "Read what suppliers send"
  sensitivity = "confidential"
  effect      = "read"

  aws {
    statement "objects" {
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::acme-inbox/*"]
    }
  }
}

agent "triage" {
  purpose     = "Sort supplier invoices by team; never pay, never delete"
  sponsor     = person.alice
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {
    functions = ["triage"]
  }

  identity "aws" {}
}

agent "archivist" {
  purpose     = "Find old invoices in the archive; never change them"
  sponsor     = person.alice
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {
    functions = ["archivist"]
  }

  identity "aws" {}
}

agent "translator" {
  purpose     = "Translate letters of suppliers; never answer them"
  sponsor     = person.alice
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {
    functions = ["translator"]
  }

  identity "aws" {}
}

grant "reads" {
  agents = [agent.archivist]
  tools  = [tool.inbox]
}

delegation "triage_asks_archivist" {
  from    = [agent.triage]
  to      = agent.archivist
  via     = "assume_role"
  expires = "2027-06-01"
  reason  = "Suppliers refer to invoices of earlier years"
}

delegation "triage_calls_translator" {
  from = [agent.triage]
  to   = agent.translator
  via  = "invoke"
}

test "others_do_not_become_the_archivist" {
  agents  = [agent.archivist]
  surface = "identity"
  expect  = "denied"

  assume "translator" {
    claims = { principal = "arn:aws:iam::123456789012:role/agents/example-delegation-translator", session_name = "triage" }
  }
}
