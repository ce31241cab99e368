moved {
  from = agent.old
  to   = agent.triage
}

moved {
  from = agent.old
  to   = agent.other
}

agent "other" {
  sponsor = person.bob

  runtime "lambda" {
  }

  identity "aws" {}
}
