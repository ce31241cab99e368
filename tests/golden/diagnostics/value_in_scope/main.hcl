locals {
  teams = { red = 1, blue = "two" }
}

tool "x" {
  for_each    = local.teams
  purpose     = "x"
  sensitivity = each.value
  effect      = "read"

  aws {
    statement "s" {
      actions   = ["s3:GetObject"]
      resources = ["*"]
    }
  }
}
