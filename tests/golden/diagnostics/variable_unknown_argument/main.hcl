variable "x" {
  defualt = 1
}

output "x" {
  value = var.x
}
