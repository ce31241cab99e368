variable "x" {
  type    = lst(string)
  default = []
}

output "n" {
  value = var.x
}
