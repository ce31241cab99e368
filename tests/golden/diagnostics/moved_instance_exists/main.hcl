moved {
  from = agent.worker["a"]
  to   = agent.triage
}

agent "worker" {
  sponsor = person.bob

  for_each = toset(["a"])

  runtime "lambda" {
  }

  identity "aws" {}
}
