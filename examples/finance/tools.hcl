# What the teams offer. Each tool is the smallest set of permissions that makes it work, and has one owner.

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

tool "expense_receipts" {
  purpose     = "Read the receipts of expense claims"
  sensitivity = "confidential"
  effect      = "read"

  aws {
    statement "objects" {
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::acme-expenses/receipts/*"]
    }
  }
}

tool "case_notes" {
  purpose     = "Write down what was found, for a person to decide"
  sensitivity = "internal"
  effect      = "write"

  aws {
    statement "items" {
      actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
      resources = ["${local.dynamo}/case-notes"]
    }
  }
}

tool "supplier_history" {
  purpose     = "Look up what a supplier charged before"
  owner       = control_owner.data
  sensitivity = "confidential"
  effect      = "read"

  aws {
    statement "items" {
      actions   = ["dynamodb:GetItem", "dynamodb:Query"]
      resources = ["${local.dynamo}/suppliers", "${local.dynamo}/suppliers/index/*"]
    }
  }
}

tool "ledger_entries" {
  purpose     = "Read booked entries"
  owner       = control_owner.data
  sensitivity = "restricted"
  effect      = "read"

  aws {
    statement "items" {
      actions   = ["dynamodb:GetItem", "dynamodb:Query"]
      resources = ["${local.dynamo}/ledger"]
    }
  }
}

tool "report_archive" {
  purpose     = "File finished reports"
  owner       = control_owner.data
  sensitivity = "internal"
  effect      = "write"

  aws {
    statement "objects" {
      actions   = ["s3:PutObject"]
      resources = ["arn:aws:s3:::acme-reports/*"]
    }
  }
}

tool "payment_proposals" {
  purpose     = "Propose a payment; a person releases it"
  owner       = control_owner.payments
  sensitivity = "restricted"
  effect      = "external"

  aws {
    statement "send" {
      actions   = ["sqs:SendMessage"]
      resources = ["arn:aws:sqs:${local.region}:${var.account_id}:payment-proposals"]
    }
  }
}

tool "bank_statements" {
  purpose     = "Fetch account statements with the bank's read-only credential"
  owner       = control_owner.payments
  sensitivity = "restricted"
  effect      = "read"

  aws {
    statement "credential" {
      actions   = ["secretsmanager:GetSecretValue"]
      resources = ["${local.secrets}:bank/statements-*"]
    }
  }
}

tool "release_packages" {
  purpose     = "Hand reviewed packages of the finance functions to the release pipeline"
  sensitivity = "internal"
  effect      = "write"

  aws {
    # Not lambda:UpdateFunctionCode: who puts code into a function has that function's role (PRV-4).
    statement "packages" {
      actions   = ["s3:PutObject"]
      resources = ["arn:aws:s3:::acme-releases/finance/*"]
    }
  }
}
