locals {
  name = agent.other.purpose
}

agent "other" {
  purpose = local.name

  runtime "lambda" {
  }

  identity "aws" {}
}
