# Two agents. One runs on Cloud Run as a service account of its own; one runs in GitHub Actions and has no account at
# all: the token of its job is exchanged for a federated principal.

federation "github" {
  pool = "github-agents"

  oidc {
    issuer = "https://token.actions.githubusercontent.com"
  }
}

boundary "agents" {
  google {
    attach = "projects/acme-fin-prod"
    deny = [
      "iam.serviceAccountKeys.create",
      "iam.serviceAccounts.getAccessToken",
      "resourcemanager.projects.setIamPolicy",
    ]
  }
}

tool "invoice_inbox" {
  purpose     = "Read the invoices that suppliers send"
  sensitivity = "confidential"
  effect      = "read"

  # No predefined role is as small as this: it becomes a custom role.
  google "objects" {
    permissions = ["storage.objects.get"]
    resource    = "//storage.googleapis.com/projects/_/buckets/acme-invoices"

    condition {
      expression = "resource.name.startsWith(\"projects/_/buckets/acme-invoices/objects/inbox/\")"
    }
  }
}

tool "supplier_history" {
  purpose     = "Look up a supplier's past invoices"
  sensitivity = "confidential"
  effect      = "read"

  google "data" {
    role     = "roles/bigquery.dataViewer"
    resource = "//bigquery.googleapis.com/projects/acme-fin-prod/datasets/suppliers"
  }

  google "jobs" {
    role     = "roles/bigquery.jobUser"
    resource = "projects/acme-fin-prod"
  }
}

tool "ticket_queue" {
  purpose     = "Open a ticket for a person to look at"
  sensitivity = "internal"
  effect      = "write"

  google "topic" {
    role     = "roles/pubsub.publisher"
    resource = "//pubsub.googleapis.com/projects/acme-fin-prod/topics/tickets"
  }
}

agent_defaults {
  sponsor     = person.sam
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents
}

agent "invoice_triage" {
  purpose = "Sort supplier invoices by team; never pay, never delete"
  inputs  = "untrusted"

  runtime "cloud_run" {
    service  = "invoice-triage"
    location = "europe-west1"
  }

  identity "google" {}
}

agent "history_report" {
  purpose = "Write the monthly report about suppliers"
  inputs  = "trusted"

  runtime "github_actions" {
    repository    = "acme/reports"
    repository_id = "612345678"
    owner_id      = "4567890"
    environment   = "prod"
  }

  identity "google" {
    federation = federation.github
  }
}

grant "triage" {
  agents  = [agent.invoice_triage]
  tools   = [tool.invoice_inbox, tool.supplier_history]
  expires = "180d"
  reason  = "DEMO-1"
}

grant "tickets" {
  agents = [agent.invoice_triage]
  tools  = [tool.ticket_queue]
  reason = "DEMO-1"
}

grant "reports" {
  agents = [agent.history_report]
  tools  = [tool.supplier_history]
  reason = "DEMO-2"
}
