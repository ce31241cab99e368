provider "google" {
  project = "p"
}

agent "other" {
  sponsor  = person.bob
  provider = provider.google

  runtime "lambda" {
  }

  identity "aws" {}
}
