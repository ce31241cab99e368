agent "other" {
  for_each = toset(["Not OK"])

  runtime "lambda" {
  }

  identity "aws" {}
}
