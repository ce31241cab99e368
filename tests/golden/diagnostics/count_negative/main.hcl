tool "x" {
  count       = -1
  purpose     = "x"
  sensitivity = "public"
  effect      = "read"
}
