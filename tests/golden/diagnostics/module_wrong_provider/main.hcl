module "x" {
  source = "./m"

  providers = {
    google = provider.aws
  }
}
