# What must hold, whatever the policies say. Tried against the planned policies and against the live ones.

test "triage_reads_the_inbox" {
  agents  = [agent.invoice_triage]
  surface = "tool_access"
  expect  = "allowed"

  attempt "google" "inbox" {
    permission = "storage.objects.get"
    resource   = "//storage.googleapis.com/projects/_/buckets/acme-invoices/objects/inbox/2026/0001.pdf"
  }
}

test "triage_reads_nothing_else" {
  agents  = [agent.invoice_triage]
  surface = "tool_access"
  expect  = "denied"

  attempt "google" "outside_the_inbox" {
    permission = "storage.objects.get"
    resource   = "//storage.googleapis.com/projects/_/buckets/acme-invoices/objects/archive/2019/0001.pdf"
    context    = { project = "acme-fin-prod" }
  }

  attempt "google" "delete" {
    permission = "storage.objects.delete"
    resource   = "//storage.googleapis.com/projects/_/buckets/acme-invoices/objects/inbox/2026/0001.pdf"
    context    = { project = "acme-fin-prod" }
  }
}

test "nobody_mints_a_key" {
  all     = true
  surface = "runtime"
  expect  = "denied"

  attempt "google" "key" {
    permission = "iam.serviceAccountKeys.create"
    resource   = "projects/acme-fin-prod"
  }
}

test "another_repository_is_not_the_reporter" {
  agents  = [agent.history_report]
  surface = "identity"
  expect  = "denied"

  assume "fork" {
    claims = {
      issuer              = "https://token.actions.githubusercontent.com"
      sub                 = "repo:acme/reports:environment:prod"
      repository_id       = "999999999"
      repository_owner_id = "4567890"
      environment         = "prod"
    }
  }
}
