moved {
  from = agent.old
  to   = agent.triage
}

agent "again" {
  sponsor = person.bob

  name = "old"

  runtime "lambda" {
  }

  identity "aws" {}
}
