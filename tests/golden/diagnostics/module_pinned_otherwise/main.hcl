module "x" {
  source = "git::https://git.example/agents.git?ref=2222222222222222222222222222222222222222"
}
