person "mallory" {
  emails = ["mallory@acme.example"]
}
