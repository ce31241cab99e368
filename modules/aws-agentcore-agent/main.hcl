# One agent in Amazon Bedrock AgentCore, the grant of its tools,
# and the tests that every such agent has to pass.

agent "this" {
  purpose     = var.purpose
  sponsor     = var.sponsor
  inputs      = var.inputs
  environment = var.environment
  review_by   = var.review_by
  boundary    = var.boundary

  runtime "bedrock_agentcore" {
    runtime_ids = var.runtime_ids

    dynamic "workload_identity" {
      for_each = var.return_urls == null ? [] : [var.return_urls]

      content {
        return_urls = workload_identity.value
      }
    }
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

test "other_runtimes_do_not_become_it" {
  count = length(var.runtime_ids) > 0 ? 1 : 0

  agents  = [agent.this]
  surface = "runtime"
  expect  = "denied"

  assume "another" {
    claims = { account = provider.aws.account_id, region = "us-east-1", runtime_id = "another-0000000000" }
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
