module "x" {
}
