# What must hold, whatever the policies say. Tried against the planned policies and against the live ones.

test "triage_reads_the_inbox" {
  agents  = [agent.invoice_triage]
  surface = "tool_access"
  expect  = "allowed"

  attempt "aws" "inbox" {
    action   = "s3:GetObject"
    resource = "arn:aws:s3:::acme-invoices/inbox/2026/0001.pdf"
    context  = { "aws:RequestedRegion" = "eu-west-1" }
  }
}

test "triage_cannot_pay" {
  agents  = [agent.invoice_triage]
  surface = "tool_access"
  expect  = "denied"

  attempt "aws" "payment_run" {
    action   = "s3:PutObject"
    resource = "arn:aws:s3:::acme-payments/run.csv"
    context  = { "aws:RequestedRegion" = "eu-west-1" }
  }

  attempt "aws" "outside_the_inbox" {
    action   = "s3:GetObject"
    resource = "arn:aws:s3:::acme-invoices/archive/2019/0001.pdf"
    context  = { "aws:RequestedRegion" = "eu-west-1" }
  }
}

test "triage_cannot_leave_its_boundary" {
  agents  = [agent.invoice_triage]
  surface = "runtime"
  expect  = "denied"

  attempt "aws" "other_region" {
    action   = "dynamodb:PutItem"
    resource = "arn:aws:dynamodb:us-east-1:${provider.aws.account_id}:table/triage"
    context  = { "aws:RequestedRegion" = "us-east-1" }
  }

  attempt "aws" "more_authority" {
    action   = "iam:AttachRolePolicy"
    resource = "arn:aws:iam::${provider.aws.account_id}:role/agents/acme-sandbox-invoice-triage"
    context  = { "aws:RequestedRegion" = "us-east-1" }
  }
}

test "nobody_else_becomes_the_agent" {
  agents  = [agent.invoice_triage]
  surface = "identity"
  expect  = "denied"

  assume "a_person" {
    claims = { principal = "arn:aws:iam::${provider.aws.account_id}:user/dana" }
  }

  assume "a_task_elsewhere" {
    claims = { service = "ecs-tasks.amazonaws.com" }
  }
}
