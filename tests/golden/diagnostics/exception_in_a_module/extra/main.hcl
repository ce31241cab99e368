exception "late" {
  rule = "INV-1"
}
