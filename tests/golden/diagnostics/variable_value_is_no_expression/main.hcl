variable "sizes" {
  type = list(number)
}

output "n" {
  value = var.sizes
}
