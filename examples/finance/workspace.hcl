# The finance agents of Acme: what the workspace is, and how its plans are signed.

provisioner {
  required_version = ">= 0.1"
  workspace        = "acme-finance"
  protect          = ["arn:aws:iam::*:role/OrganizationAccountAccessRole"]

  ledger "local" {
    path = ".provisioner"
  }

  limits {
    max_changes        = 200
    max_delete_percent = 20
  }

  approval {
    plan_ttl = "48h"
  }
}

provider "aws" {
  account_id  = var.account_id
  regions     = [local.region]
  environment = "prod"
}

variable "account_id" {
  description = "The AWS account that the agents live in."
  type        = string
  default     = "123456789012"

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An AWS account id has 12 digits."
  }
}

locals {
  region  = "eu-west-1"
  dynamo  = "arn:aws:dynamodb:${local.region}:${var.account_id}:table"
  secrets = "arn:aws:secretsmanager:${local.region}:${var.account_id}:secret"
}
