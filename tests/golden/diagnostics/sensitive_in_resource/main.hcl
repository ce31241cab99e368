variable "bucket" {
  default   = "acme-invoices"
  sensitive = true
}
