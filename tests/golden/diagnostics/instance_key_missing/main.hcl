tool "many" {
  for_each    = toset(["a", "b"])
  purpose     = "x"
  sensitivity = "public"
  effect      = "read"

  aws {
    statement "s" {
      actions   = ["s3:GetObject"]
      resources = ["*"]
    }
  }
}
