# One desk a line: an agent that reads the desk's own tickets, and nothing of the others'.

locals {
  desks = {
    billing  = { mailbox = "tickets/billing/", may_reply = true }
    returns  = { mailbox = "tickets/returns/", may_reply = true }
    security = { mailbox = "tickets/security/", may_reply = false }
  }
}

boundary "desk" {
  aws {
    allow           = ["s3:GetObject", "s3:ListBucket", "sqs:SendMessage"]
    deny            = ["iam:*", "sts:AssumeRole"]
    regions         = ["eu-west-1"]
    global_services = ["sts"]
  }

  lifecycle {
    prevent_destroy = true
  }
}

tool "reply" {
  purpose     = "Hand an answer to the people who send it"
  sensitivity = "internal"
  effect      = "external"

  aws {
    statement "queue" {
      actions   = ["sqs:SendMessage"]
      resources = ["arn:aws:sqs:eu-west-1:${provider.aws.account_id}:replies"]
    }
  }
}

module "desk" {
  source   = "./modules/desk"
  for_each = local.desks

  bucket   = "acme-support"
  mailbox  = each.value.mailbox
  others   = [for name, desk in local.desks : desk.mailbox if name != each.key]
  tools    = each.value.may_reply ? [tool.reply] : []
  sponsor  = person.dana
  boundary = boundary.desk
}

# The desk was called "refunds" once. Its agent is the same principal still.
moved {
  from = module.desk["refunds"]
  to   = module.desk["returns"]
}

output "agents" {
  description = "The agents' names; each is part of its role's name."
  value       = { for desk, made in module.desk : desk => made.agent.name }
}
