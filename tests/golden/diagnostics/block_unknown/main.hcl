agnt "x" {
}
