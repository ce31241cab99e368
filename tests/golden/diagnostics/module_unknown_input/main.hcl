module "x" {
  source = "./m"
  regoin = "eu-west-1"
}
