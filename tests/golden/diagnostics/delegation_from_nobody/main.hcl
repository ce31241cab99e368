agent "fixer" {
  purpose     = "Fix"
  sponsor     = person.bob
  environment = "prod"
  review_by   = "2027-02-01"

  runtime "lambda" {
  }

  identity "aws" {}
}

delegation "nobody" {
  from = []
  to   = agent.fixer
  via  = "invoke"
}
