module "x" {
  source = "github.com/acme/agents//worker?ref=v1.0.0"
}
