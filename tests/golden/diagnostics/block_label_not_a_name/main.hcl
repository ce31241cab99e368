tool "my tool" {
}
