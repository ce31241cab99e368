module "x" {
  source = "git::https://git.example/agents.git?depth=1"
}
