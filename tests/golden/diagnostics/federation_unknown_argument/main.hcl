federation "github" {
  url   = "https://token.actions.githubusercontent.com"
  scope = "all"
}
