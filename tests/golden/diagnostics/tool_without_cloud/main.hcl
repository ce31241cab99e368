tool "x" {
  purpose     = "x"
  sensitivity = "public"
  effect      = "read"
}
