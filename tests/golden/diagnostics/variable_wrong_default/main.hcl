variable "n" {
  type    = number
  default = "many"
}

output "n" {
  value = var.n
}
