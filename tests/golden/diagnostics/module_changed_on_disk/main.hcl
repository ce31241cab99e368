module "x" {
  source = "git::https://git.example/agents.git?ref=v1"
}
