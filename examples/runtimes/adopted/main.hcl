# An old role is adopted as it is: its trust and its policy. Each is a finding until it is replaced.
# Managed policies that stay on it would be named in attach; what they say is known only to a plan, which reads them.

provisioner {
  workspace = "example-adopted"

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

agent "report_bot" {
  purpose     = "Write the weekly report; the role is from before agents were declared"
  sponsor     = person.alice
  inputs      = "trusted"
  environment = "sandbox"
  review_by   = "2027-03-01"

  runtime "adopted" {
    trust = file("trust.json")
  }

  identity "aws" {
    role_name = "report-bot"
    path      = "/"

    policy "reports" {
      document = file("reports.json")
    }
  }
}
