module "git::https://git.example/agents.git?ref=v1" {
  commit = "v1"
}
