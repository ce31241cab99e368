federation "github" {
  provider = "aws"
  url      = "https://token.actions.githubusercontent.com"
}
