module "x" {
  source = "s3::https://acme.example/agents.zip"
}
