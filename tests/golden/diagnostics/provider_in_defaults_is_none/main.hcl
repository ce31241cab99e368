agent_defaults {
  provider = "aws"
}
