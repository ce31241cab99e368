tool "a" "b" {
}
