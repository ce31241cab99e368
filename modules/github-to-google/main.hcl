# One coding agent in GitHub Actions that reaches Google Cloud without a key, the grant of its tools,
# and the tests that every such agent has to pass.

agent "this" {
  purpose     = var.purpose
  sponsor     = var.sponsor
  inputs      = var.inputs
  environment = var.environment
  review_by   = var.review_by
  boundary    = var.boundary

  runtime "github_actions" {
    repository       = var.repository
    repository_id    = var.repository_id
    owner_id         = var.owner_id
    environment      = var.github_environment
    job_workflow_ref = var.workflow
  }

  identity "google" {
    federation = var.federation
  }
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

test "others_do_not_become_it" {
  agents  = [agent.this]
  surface = "identity"
  expect  = "denied"

  assume "a_fork" {
    claims = {
      issuer              = "https://token.actions.githubusercontent.com"
      sub                 = "repo:${var.repository}:environment:${var.github_environment}"
      repository_id       = "${var.repository_id}0"
      repository_owner_id = var.owner_id
      environment         = var.github_environment
    }
  }

  assume "a_pull_request" {
    claims = {
      issuer              = "https://token.actions.githubusercontent.com"
      sub                 = "repo:${var.repository}:pull_request"
      repository_id       = var.repository_id
      repository_owner_id = var.owner_id
      environment         = null
    }
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
