# What must hold, for every agent or for the ones that matter most.

locals {
  here = { "aws:RequestedRegion" = local.region }
}

test "nobody_changes_authority" {
  all     = true
  surface = "runtime"
  expect  = "denied"

  attempt "aws" "attach_a_policy" {
    action   = "iam:AttachRolePolicy"
    resource = "arn:aws:iam::${var.account_id}:role/agents/acme-finance-invoice-triage"
    context  = local.here
  }

  attempt "aws" "become_somebody_else" {
    action   = "sts:AssumeRole"
    resource = "arn:aws:iam::${var.account_id}:role/agents/acme-finance-payment-preparer"
    context  = local.here
  }
}

test "readers_of_strangers_text_move_no_money" {
  agents  = [for name, one in local.agents : local.everyone[name] if one.inputs == "untrusted"]
  surface = "tool_access"
  expect  = "denied"

  attempt "aws" "propose_a_payment" {
    action   = "sqs:SendMessage"
    resource = "arn:aws:sqs:${local.region}:${var.account_id}:payment-proposals"
    context  = local.here
  }

  attempt "aws" "read_the_bank_credential" {
    action   = "secretsmanager:GetSecretValue"
    resource = "${local.secrets}:bank/statements-a1b2c3"
    context  = local.here
  }
}

test "only_the_preparer_proposes_payments" {
  agents  = [local.everyone["payment_preparer"]]
  surface = "tool_access"
  expect  = "allowed"

  attempt "aws" "propose_a_payment" {
    action   = "sqs:SendMessage"
    resource = "arn:aws:sqs:${local.region}:${var.account_id}:payment-proposals"
    context  = local.here
  }
}

test "release_bot_releases_finance_only" {
  agents  = [local.everyone["release_bot"]]
  surface = "tool_access"
  expect  = "denied"

  dynamic "attempt" {
    for_each = toset(["payroll", "identity"])
    labels   = ["aws", attempt.key]

    content {
      action   = "s3:PutObject"
      resource = "arn:aws:s3:::acme-releases/${attempt.key}/run.zip"
      context  = local.here
    }
  }
}
