agent "fixer" {
  purpose     = "Fix"
  sponsor     = person.bob
  environment = "prod"
  review_by   = "2027-02-01"

  runtime "lambda" {
  }

  identity "aws" {}
}

delegation "asks" {
  from = [agent.triage]
  to   = agent.fixer
  via  = "impersonate"
}
