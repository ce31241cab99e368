variable "region" {
  default = "eu-west-1"
}

output "r" {
  value = var.region
}
