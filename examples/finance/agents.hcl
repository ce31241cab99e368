# The agents, one block for each place where they run, repeated over agents.yaml.

locals {
  agents = yamldecode(file("agents.yaml"))

  functions = { for name, agent in local.agents : name => agent if agent.runtime == "lambda" }
  services  = { for name, agent in local.agents : name => agent if agent.runtime == "ecs" }
  workflows = { for name, agent in local.agents : name => agent if agent.runtime == "github_actions" }

  # Every agent block by the agent's name.
  everyone = merge(agent.function, agent.service, agent.workflow)
}

agent_defaults {
  environment = "prod"
  review_by   = "2027-11-01"
}

agent "function" {
  for_each = local.functions

  name     = each.key
  purpose  = each.value.purpose
  sponsor  = person[each.value.sponsor]
  inputs   = each.value.inputs
  boundary = boundary[each.value.boundary]

  runtime "lambda" {
    functions = ["finance-${replace(each.key, "_", "-")}"]
  }

  identity "aws" {}

  # What an agent is in Google Cloud, where its entry asks for it: its AWS role, as a federated principal.
  dynamic "identity" {
    for_each = try(each.value.google, false) ? ["google"] : []
    labels   = [identity.value]

    content {
      federation = federation.aws
    }
  }
}

agent "service" {
  for_each = local.services

  name     = each.key
  purpose  = each.value.purpose
  sponsor  = person[each.value.sponsor]
  inputs   = each.value.inputs
  boundary = boundary[each.value.boundary]

  runtime "ecs" {
    regions = [local.region]
  }

  identity "aws" {}
}

agent "workflow" {
  for_each = local.workflows

  name     = each.key
  purpose  = each.value.purpose
  sponsor  = person[each.value.sponsor]
  inputs   = each.value.inputs
  boundary = boundary[each.value.boundary]

  runtime "github_actions" {
    repository    = each.value.repository.name
    repository_id = each.value.repository.id
    owner_id      = each.value.repository.owner_id
    environment   = "production"
  }

  identity "aws" {}
}

# One grant for each agent: the tools that its entry in the file names.
grant "works" {
  for_each = local.agents

  agents = [local.everyone[each.key]]
  tools  = [for name in each.value.tools : tool[name]]
  reason = "agents.yaml"
}

# Closing a year takes more, for a while. The cloud itself ends it.
grant "year_end" {
  agents  = [local.everyone["month_end_close"], local.everyone["tax_reporter"]]
  tools   = [tool.bank_statements]
  expires = "90d"
  reason  = "FIN-2027-YE"
}

output "agents" {
  description = "Names of all agents."
  value       = sort(keys(local.everyone))
}
