provider "google" {
  project = "acme"
}

tool "warehouse" {
  purpose     = "Look up"
  sensitivity = "internal"
  effect      = "read"

  google "data" {
    role     = "roles/bigquery.dataViewer"
    resource = "//bigquery"
  }
}

test "x" {
  all     = true
  surface = "tool_access"
  expect  = "denied"

  attempt "google" "a" {
    permission = "x"
  }
}
