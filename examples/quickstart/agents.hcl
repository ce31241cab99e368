# One agent that sorts incoming invoices. It may read the inbox and write what it found; it may never pay.

boundary "agents" {
  aws {
    allow           = ["s3:GetObject", "s3:ListBucket", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
    deny            = ["iam:*", "sts:AssumeRole", "s3:DeleteObject", "dynamodb:DeleteItem"]
    regions         = ["eu-west-1"]
    global_services = ["sts"]
  }
}

tool "invoice_inbox" {
  purpose     = "Read the invoices that suppliers send"
  sensitivity = "confidential"
  effect      = "read"

  aws {
    statement "objects" {
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::acme-invoices/inbox/*"]
    }

    statement "list" {
      actions   = ["s3:ListBucket"]
      resources = ["arn:aws:s3:::acme-invoices"]

      condition {
        operator = "StringLike"
        key      = "s3:prefix"
        values   = ["inbox/*"]
      }
    }
  }
}

tool "triage_log" {
  purpose     = "Write down which team gets an invoice"
  sensitivity = "internal"
  effect      = "write"

  aws {
    statement "items" {
      actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
      resources = ["arn:aws:dynamodb:eu-west-1:${provider.aws.account_id}:table/triage"]
    }
  }
}

agent "invoice_triage" {
  purpose     = "Sort supplier invoices by team; never pay, never delete"
  sponsor     = person.sam
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {
    functions = ["invoice-triage"]
  }

  identity "aws" {}
}

grant "triage" {
  agents = [agent.invoice_triage]
  tools  = [tool.invoice_inbox, tool.triage_log]
  reason = "DEMO-1"
}
