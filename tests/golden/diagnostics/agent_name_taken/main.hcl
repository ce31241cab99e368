agent "other" {
  name    = "triage"
  purpose = "Sort"
  sponsor = person.bob

  runtime "lambda" {
  }

  identity "aws" {}
}
