output "tool" {
  value = "x"
}
