# A coding agent in GitHub Actions. Repository, environment and workflow are exact; pull requests are refused.

provisioner {
  workspace = "example-github-actions"

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

# The account's OIDC provider, made and owned here; every agent of the issuer refers to it.
federation "github" {
  oidc {
    issuer    = "https://token.actions.githubusercontent.com"
    audiences = ["sts.amazonaws.com"]
  }
}

agent "invoice_triage" {
  purpose     = "Sort supplier invoices by team; never pay, never delete"
  sponsor     = person.alice
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "github_actions" {
    federation       = federation.github
    repository       = "acme/billing"
    repository_id    = "42"
    owner_id         = "7"
    environment      = "agents"
    job_workflow_ref = "acme/billing/.github/workflows/agent.yml@refs/heads/main"
  }

  identity "aws" {}
}

grant "reads" {
  agents = [agent.invoice_triage]
  tools  = [tool.inbox]
}

test "pull_requests_are_not_the_agent" {
  agents  = [agent.invoice_triage]
  surface = "runtime"
  expect  = "denied"

  assume "pull_request" {
    claims = { sub = "repo:acme@7/billing@42:pull_request", aud = "sts.amazonaws.com" }
  }
}
