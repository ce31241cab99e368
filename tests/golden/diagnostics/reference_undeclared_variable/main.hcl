variable "purpose" {
  default = "Sort invoices"
}
