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
  description = "ARN of the EKS cluster. The trust pins it exactly."

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:eks:[a-z0-9-]+:[0-9]{12}:cluster/[0-9A-Za-z][A-Za-z0-9_-]*$", var.cluster))
    error_message = "Write the whole ARN: aws eks describe-cluster --name NAME --query cluster.arn prints it."
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

variable "boundary" {
  type        = boundary
  description = "What none of its policies can exceed."
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
  description = "When the grant ends: a time, or a duration such as \"90d\" from when it is first planned. Never by default."
  default     = null
}

variable "reason" {
  type        = string
  description = "Why it gets its tools, or a ticket."
  default     = null
}

variable "denied" {
  type = map(object({
    action   = string
    resource = string
    context  = optional(map(string), {})
  }))
  description = "Requests that must be denied whatever the policies say, by a name for each: they become a boundary test."
  default     = {}
}
