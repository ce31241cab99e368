module "x" {
  source = "git::https://git.example/agents.git//../x?ref=v1.0.0"
}
