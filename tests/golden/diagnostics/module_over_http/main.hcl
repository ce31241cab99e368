module "x" {
  source = "git::http://git.example/agents.git?ref=v1.0.0"
}
