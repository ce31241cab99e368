provider "google" {
  project = "acme-fin"
}

federation "eks" {
  provider = provider.google
  pool     = "eks-agents"
}
