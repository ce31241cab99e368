variable "s" {
  default   = "x"
  sensitive = true
}

output "x" {
  value = var.s
}
