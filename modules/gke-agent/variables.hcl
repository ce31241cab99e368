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

variable "cluster" {
  type        = string
  description = "The GKE cluster. Its project is part of the principal; its location and name are not."

  validation {
    condition     = can(regex("^projects/[a-z][a-z0-9-]{4,28}[a-z0-9]/locations/[a-z0-9-]+/clusters/[a-z][a-z0-9-]*$", var.cluster))
    error_message = "Write projects/PROJECT/locations/LOCATION/clusters/NAME, without wildcards."
  }
}

variable "namespace" {
  type        = string
  description = "Kubernetes namespace of the agent's pods."

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "Write the namespace as kubectl prints it, without wildcards."
  }
}

variable "service_account" {
  type        = string
  description = "Kubernetes service account of the agent alone."

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", var.service_account)) && var.service_account != "default"
    error_message = "Name a service account of the agent's own: every pod that names none runs as default."
  }
}

variable "identity" {
  type        = string
  description = "\"federated\": the pods are granted to by their own principal, with no account at all. \"service_account\" for an API that takes no federated principal."
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
