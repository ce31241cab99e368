variable "x" {
  nullable = false
}

output "n" {
  value = var.x
}
