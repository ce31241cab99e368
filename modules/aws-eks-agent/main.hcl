# One agent in pods of one service account on Amazon EKS, by EKS Pod Identity, the grant of its tools,
# and the tests that every such agent has to pass.

agent "this" {
  purpose     = var.purpose
  sponsor     = var.sponsor
  inputs      = var.inputs
  environment = var.environment
  review_by   = var.review_by
  boundary    = var.boundary

  runtime "eks_pod_identity" {
    cluster         = var.cluster
    namespace       = var.namespace
    service_account = var.service_account
  }

  identity "aws" {}
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

  attempt "aws" "attach_a_policy" {
    action   = "iam:AttachRolePolicy"
    resource = "arn:aws:iam::${provider.aws.account_id}:role/somebody-else"
  }

  attempt "aws" "make_a_key" {
    action   = "iam:CreateAccessKey"
    resource = "arn:aws:iam::${provider.aws.account_id}:user/somebody-else"
  }

  attempt "aws" "lose_its_boundary" {
    action   = "iam:DeleteRolePermissionsBoundary"
    resource = "arn:aws:iam::${provider.aws.account_id}:role/somebody-else"
  }
}

test "siblings_do_not_become_it" {
  agents  = [agent.this]
  surface = "runtime"
  expect  = "denied"

  assume "other_namespace" {
    claims = { cluster = var.cluster, namespace = "${var.namespace}-other", service_account = var.service_account }
  }

  assume "other_service_account" {
    claims = { cluster = var.cluster, namespace = var.namespace, service_account = "${var.service_account}-other" }
  }
}

test "denied" {
  count = length(var.denied) > 0 ? 1 : 0

  agents  = [agent.this]
  surface = "tool_access"
  expect  = "denied"

  dynamic "attempt" {
    for_each = var.denied
    labels   = ["aws", attempt.key]

    content {
      action   = attempt.value.action
      resource = attempt.value.resource
      context  = attempt.value.context
    }
  }
}
