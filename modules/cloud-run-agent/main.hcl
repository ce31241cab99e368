# One agent on Cloud Run with a service account of its own, the grant of its tools,
# and the tests that every such agent has to pass.

agent "this" {
  purpose     = var.purpose
  sponsor     = var.sponsor
  inputs      = var.inputs
  environment = var.environment
  review_by   = var.review_by
  boundary    = var.boundary

  runtime "cloud_run" {
    service  = var.service
    location = var.location
  }

  identity "google" {}
}

grant "this" {
  agents  = [agent.this]
  tools   = var.tools
  expires = var.expires
  reason  = var.reason
}

test "never_more_authority" {
  agents  = [agent.this]
  surface = "runtime"
  expect  = "denied"

  attempt "google" "change_a_policy" {
    permission = "resourcemanager.projects.setIamPolicy"
    resource   = "projects/${provider.google.project}"
  }

  attempt "google" "make_a_key" {
    permission = "iam.serviceAccountKeys.create"
    resource   = "projects/${provider.google.project}"
  }

  attempt "google" "become_somebody_else" {
    permission = "iam.serviceAccounts.getAccessToken"
    resource   = "projects/${provider.google.project}"
  }

  attempt "google" "lose_its_boundary" {
    permission = "iam.denypolicies.delete"
    resource   = "projects/${provider.google.project}"
  }
}

test "nobody_becomes_it" {
  agents  = [agent.this]
  surface = "identity"
  expect  = "denied"

  assume "everybody" {
    claims = { principal = "user:somebody@example.com" }
  }

  assume "another_account" {
    claims = { principal = "serviceAccount:somebody-else@${provider.google.project}.iam.gserviceaccount.com" }
  }
}

test "denied" {
  count = length(var.denied) > 0 ? 1 : 0

  agents  = [agent.this]
  surface = "tool_access"
  expect  = "denied"

  dynamic "attempt" {
    for_each = var.denied
    labels   = ["google", attempt.key]

    content {
      permission = attempt.value.permission
      resource   = attempt.value.resource
      context    = attempt.value.context
    }
  }
}
