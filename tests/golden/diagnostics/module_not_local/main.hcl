module "x" {
  source = "acme/agents"
}
