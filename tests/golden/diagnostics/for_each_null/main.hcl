tool "x" {
  for_each    = null
  purpose     = "x"
  sensitivity = "public"
  effect      = "read"
}
