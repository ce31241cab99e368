variable "a" {
  default = upper("a")
}

output "a" {
  value = var.a
}
