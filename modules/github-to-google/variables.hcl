variable "purpose" {
  type        = string
  description = "What the agent is for, and what it must never do. Everybody who signs reads this."

  validation {
    condition     = length(var.purpose) >= 20
    error_message = "Say in a sentence what the agent is for, and what it must never do."
  }
}

variable "sponsor" {
  type        = person
  description = "The human who answers for what it does."
}

variable "environment" {
  type        = string
  description = "Where it belongs: dev, prod …"
}

variable "review_by" {
  type        = string
  description = "The day on which its authority is looked at again."

  validation {
    condition     = can(formatdate("YYYY-MM-DD", "${var.review_by}T00:00:00Z"))
    error_message = "Write a date: \"2027-11-01\"."
  }
}

variable "federation" {
  type        = federation
  description = "The workload identity pool for GitHub, one for all agents."
}

variable "repository" {
  type        = string
  description = "owner/name."

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "Write owner/name, without wildcards: an agent for each repository is cheap with for_each."
  }
}

variable "repository_id" {
  type        = string
  description = "Numeric id of the repository; survives a rename and a resale."

  validation {
    condition     = can(regex("^[0-9]+$", var.repository_id))
    error_message = "Write the number: gh api repos/OWNER/NAME --jq .id prints it."
  }
}

variable "owner_id" {
  type        = string
  description = "Numeric id of the owner."

  validation {
    condition     = can(regex("^[0-9]+$", var.owner_id))
    error_message = "Write the number: gh api repos/OWNER/NAME --jq .owner.id prints it."
  }
}

variable "github_environment" {
  type        = string
  description = "Deployment environment that the job must name. It can require reviewers."

  validation {
    condition     = length(var.github_environment) > 0 && !can(regex("[*?]", var.github_environment))
    error_message = "Name one environment, without wildcards."
  }
}

variable "workflow" {
  type        = string
  description = "owner/repo/.github/workflows/file.yml@ref, exactly; any workflow of the repository by default."
  default     = null
}

variable "boundary" {
  type        = boundary
  description = "What it can never do, whatever is granted to it: a boundary with a google block."
}

variable "tools" {
  type        = list(tool)
  description = "What it may use."

  validation {
    condition     = length(var.tools) > 0
    error_message = "An agent without a tool can do nothing. Name at least one."
  }
}

variable "inputs" {
  type        = string
  description = "\"untrusted\" where it reads what strangers wrote."
  default     = "untrusted"
}

variable "expires" {
  type        = string
  description = "When the grant ends: a time, or a duration such as \"90d\" from when it is first planned. Never by default; topics and subscriptions take no end."
  default     = null
}

variable "reason" {
  type        = string
  description = "Why it gets its tools, or a ticket."
  default     = null
}

variable "denied" {
  type = map(object({
    permission = string
    resource   = string
    context    = optional(map(string), {})
  }))
  description = "Requests that must be denied whatever the policies say, by a name for each: they become a boundary test."
  default     = {}
}
