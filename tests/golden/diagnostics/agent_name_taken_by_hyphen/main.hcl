agent "a_b" {
  runtime "lambda" {
  }

  identity "aws" {}
}

agent "a-b" {
  runtime "lambda" {
  }

  identity "aws" {}
}
