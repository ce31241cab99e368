variable "name" {
  default = "UPPER"

  validation {
    condition     = lower(var.name) == var.name
    error_message = "The name must be in lower case."
  }
}

output "n" {
  value = var.name
}
