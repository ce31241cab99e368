boundary "agents" {
  aws {
    allow = ["s3:*"]
  }
}

tool "inbox" {
  purpose     = "Read invoices"
  sensitivity = "confidential"
  effect      = "read"

  aws {
    statement "objects" {
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::acme-invoices/inbox/*"]
    }
  }
}

agent "triage" {
  purpose     = "Sort invoices"
  sponsor     = person.bob
  environment = "prod"
  review_by   = "2027-02-01"
  boundary    = boundary.agents
  manage      = ["tools"]

  runtime "lambda" {
    functions = ["triage"]
  }

  identity "aws" {}
}

grant "reads" {
  agents = [agent.triage]
  tools  = [tool.inbox]
}
