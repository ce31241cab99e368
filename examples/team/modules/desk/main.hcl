# One desk: a tool that reads its own mailbox, an agent, what the agent gets, and the proof that it gets no more.

variable "bucket" {
  type        = string
  description = "Bucket of all tickets."
}

variable "mailbox" {
  type        = string
  description = "Where this desk's tickets are, as a prefix in the bucket."

  validation {
    condition     = can(regex("^[a-z0-9/]+/$", var.mailbox))
    error_message = "A mailbox is a prefix of lower-case letters and digits that ends in a slash."
  }
}

variable "others" {
  type        = list(string)
  description = "Mailboxes of other desks, which must stay closed."
}

variable "tools" {
  type        = list(tool)
  description = "What it may use beside its mailbox."
  default     = []
}

variable "sponsor" {
  type = person
}

variable "boundary" {
  type = boundary
}

tool "mailbox" {
  purpose     = "Read the tickets of one desk"
  sensitivity = "confidential"
  effect      = "read"

  aws {
    statement "tickets" {
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::${var.bucket}/${var.mailbox}*"]
    }
  }
}

agent "this" {
  purpose     = "Draft answers to the tickets in ${var.mailbox}; never send one, never read another desk's"
  sponsor     = var.sponsor
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = var.boundary

  runtime "lambda" {
    functions = ["desk-${replace(trim(trimprefix(var.mailbox, "tickets/"), "/"), "/", "-")}"]
  }

  identity "aws" {}
}

grant "this" {
  agents = [agent.this]
  tools  = concat([tool.mailbox], var.tools)
}

test "reads_its_own_tickets" {
  agents  = [agent.this]
  surface = "tool_access"
  expect  = "allowed"

  attempt "aws" "own" {
    action   = "s3:GetObject"
    resource = "arn:aws:s3:::${var.bucket}/${var.mailbox}0001.txt"
    context  = { "aws:RequestedRegion" = "eu-west-1" }
  }
}

test "reads_no_other_desk" {
  agents  = [agent.this]
  surface = "tool_access"
  expect  = "denied"

  dynamic "attempt" {
    for_each = toset(var.others)
    labels   = ["aws", replace(trim(attempt.key, "/"), "/", "_")]

    content {
      action   = "s3:GetObject"
      resource = "arn:aws:s3:::${var.bucket}/${attempt.key}0001.txt"
      context  = { "aws:RequestedRegion" = "eu-west-1" }
    }
  }
}

output "agent" {
  value = agent.this
}
