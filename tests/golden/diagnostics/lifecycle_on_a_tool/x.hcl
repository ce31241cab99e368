tool "kept" {
  purpose     = "Read"
  sensitivity = "internal"
  effect      = "read"

  aws {
    statement "s" {
      actions   = ["s3:GetObject"]
      resources = ["*"]
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
