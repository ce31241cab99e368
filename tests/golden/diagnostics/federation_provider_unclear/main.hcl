provider "google" {
  project = "acme-fin"
}

federation "github" {
  url = "https://token.actions.githubusercontent.com"
}
