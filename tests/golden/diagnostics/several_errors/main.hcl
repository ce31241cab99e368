locals {
  a = local.b
}

output "x" {
  value = var.nope
}
