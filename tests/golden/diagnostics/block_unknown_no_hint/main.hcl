frobnicate "x" {
}
