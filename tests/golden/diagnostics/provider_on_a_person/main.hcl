person "carol" {
  emails   = ["carol@acme.example"]
  provider = provider.aws
}
