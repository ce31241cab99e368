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

variable "location" {
  type        = string
  description = "Region of the engine."

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.location))
    error_message = "Write one region, for example europe-west1."
  }
}

variable "unique_id" {
  type        = string
  description = "The engine's numeric id, which Google gives it when it is made. Part of its principal."

  validation {
    condition     = can(regex("^[0-9]+$", var.unique_id))
    error_message = "Write the number at the end of projects/P/locations/L/reasoningEngines/NUMBER. Make the engine first: Google gives the id."
  }
}

variable "organization" {
  type        = string
  description = "Number of the organization; the provider's by default."
  default     = null

  validation {
    condition     = var.organization == null ? true : can(regex("^[0-9]+$", var.organization))
    error_message = "Write the number: gcloud organizations list prints it."
  }
}

variable "identity" {
  type        = string
  description = "\"federated\": the engine's own identity, with no account at all. \"service_account\" for an engine that is deployed with one."
  default     = "federated"

  validation {
    condition     = contains(["federated", "service_account"], var.identity)
    error_message = "Write \"federated\" or \"service_account\"."
  }
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
