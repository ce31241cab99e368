person "alice" {
  emails = ["alice@other.example"]
}
