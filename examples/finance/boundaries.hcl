# Two outer limits, owned by the platform team. Whatever a grant says, an agent never gets beyond its own.

locals {
  never = ["iam:*", "organizations:*", "sts:AssumeRole", "kms:ScheduleKeyDeletion", "s3:DeleteObject", "s3:PutBucketPolicy"]
}

# For agents that read what strangers wrote: they look things up and write notes, and move nothing.
boundary "reading" {
  aws {
    allow           = ["s3:GetObject", "s3:ListBucket", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
    deny            = local.never
    regions         = [local.region]
    global_services = ["sts"]
  }

  google {
    attach = "projects/${var.project}"
    deny = [
      "iam.serviceAccountKeys.create", "iam.serviceAccounts.getAccessToken", "resourcemanager.projects.setIamPolicy",
      "bigquery.tables.delete",
    ]
  }
}

# For agents that act on instructions of our own systems.
boundary "acting" {
  aws {
    allow = [
      "s3:GetObject", "s3:ListBucket", "s3:PutObject",
      "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
      "sqs:SendMessage", "secretsmanager:GetSecretValue",
    ]
    deny            = local.never
    regions         = [local.region]
    global_services = ["sts"]
  }
}
