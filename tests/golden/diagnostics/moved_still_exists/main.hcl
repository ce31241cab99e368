moved {
  from = agent.triage
  to   = agent.sorter
}

agent "sorter" {
  sponsor = person.bob

  runtime "lambda" {
  }

  identity "aws" {}
}
