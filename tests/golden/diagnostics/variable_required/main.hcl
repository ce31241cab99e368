variable "account" {
  type = string
}

output "a" {
  value = var.account
}
