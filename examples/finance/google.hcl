# What an agent that runs on AWS may use in Google Cloud, and how it gets there: with its AWS role, and without a key.

provider "google" {
  project        = var.project
  project_number = var.project_number # part of the names of federated principals
  environment    = "prod"
}

variable "project" {
  description = "The Google Cloud project that has the warehouse."
  type        = string
  default     = "acme-fin-prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "project_number" {
  description = "Its number: gcloud projects describe PROJECT prints it."
  type        = string
  default     = "987654321098"

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "Write the number, not the id."
  }
}

# One pool for the AWS account. Each agent has a provider of its own in it, which admits its role and no other.
federation "aws" {
  provider = provider.google
  pool     = "acme-finance-aws"

  aws {
    account_id = var.account_id
  }
}

tool "supplier_spend" {
  purpose     = "Query in the warehouse what suppliers were paid"
  owner       = control_owner.data
  sensitivity = "confidential"
  effect      = "read"

  # Two custom roles with exactly these: a predefined one holds more, and grows.
  google "data" {
    permissions = ["bigquery.tables.get", "bigquery.tables.getData"]
    resource    = "//bigquery.googleapis.com/projects/${var.project}/datasets/suppliers"
  }

  google "jobs" {
    permissions = ["bigquery.jobs.create"]
    resource    = "projects/${var.project}"
  }
}

test "another_role_is_not_the_finder" {
  agents  = [local.everyone["duplicate_finder"]]
  surface = "identity"
  expect  = "denied"

  assume "another_role" {
    cloud  = "google"
    claims = { arn = "arn:aws:sts::${var.account_id}:assumed-role/acme-finance-invoice-triage/session" }
  }

  assume "the_same_role_of_another_account" {
    cloud  = "google"
    claims = { arn = "arn:aws:sts::999999999999:assumed-role/acme-finance-duplicate-finder/session" }
  }
}

test "finder_reads_spend_and_changes_nothing" {
  agents  = [local.everyone["duplicate_finder"]]
  surface = "tool_access"
  expect  = "denied"

  attempt "google" "write_the_warehouse" {
    permission = "bigquery.tables.updateData"
    resource   = "//bigquery.googleapis.com/projects/${var.project}/datasets/suppliers/tables/payments"
  }

  attempt "google" "read_elsewhere" {
    permission = "bigquery.tables.getData"
    resource   = "//bigquery.googleapis.com/projects/${var.project}/datasets/payroll/tables/salaries"
  }
}
