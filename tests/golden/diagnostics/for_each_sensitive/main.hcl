variable "s" {
  default   = { a = 1 }
  sensitive = true
}

tool "x" {
  for_each    = var.s
  purpose     = "x"
  sensitivity = "public"
  effect      = "read"
}
