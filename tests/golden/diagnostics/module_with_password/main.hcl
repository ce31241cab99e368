module "x" {
  source = "git::https://token@git.example/agents.git?ref=v1.0.0"
}
