variable "a" {
  default = "${local.x}-a"
}

locals {
  x = var.a
}
