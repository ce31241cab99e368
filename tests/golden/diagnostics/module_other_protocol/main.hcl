module "x" {
  source = "git::ext::sh -c id"
}
