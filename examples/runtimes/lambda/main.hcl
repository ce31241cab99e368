# An agent on AWS Lambda. The trust is the service's; no two agents may share a function.

provisioner {
  workspace = "example-lambda"

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
    allow           = ["s3:GetObject"]
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

agent "invoice_triage" {
  purpose     = "Sort supplier invoices by team; never pay, never delete"
  sponsor     = person.alice
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {
    functions = ["invoice-triage"]
  }

  identity "aws" {}
}

grant "reads" {
  agents = [agent.invoice_triage]
  tools  = [tool.inbox]
}

test "other_service_is_not_the_agent" {
  agents  = [agent.invoice_triage]
  surface = "identity"
  expect  = "denied"

  assume "ec2" {
    claims = { service = "ec2.amazonaws.com" }
  }
}
