agent "worker" {
  for_each  = { for name, one in local.agents : name => one if one.enabled }
  sponsor   = person[each.value.sponsor]
  review_by = each.value.review_by

  runtime "lambda" {
    functions = each.value.functions
  }

  identity "aws" {}
}

locals {
  agents = yamldecode(file("agents.yaml")).agents
}
