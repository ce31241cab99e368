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
