module "x" {
  source = "https://git.example/acme/agents.git?ref=v1.0.0"
}
