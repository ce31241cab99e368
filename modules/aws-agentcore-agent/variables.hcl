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

variable "runtime_ids" {
  type        = list(string)
  description = "Ids of the agent's runtimes, once AgentCore has minted them. Until then any runtime of the account that the role is passed to can become the agent, and every plan says so."
  default     = []

  validation {
    condition     = alltrue([for id in var.runtime_ids : can(regex("^[A-Za-z][A-Za-z0-9_]*-[A-Za-z0-9]{10}$", id))])
    error_message = "Write ids as aws bedrock-agentcore-control list-agent-runtimes prints them, without wildcards."
  }
}

variable "return_urls" {
  type        = list(string)
  description = "OAuth2 return URLs of a workload identity of its own, for an agent that AgentCore does not host. None by default: AgentCore makes one for each runtime."
  default     = null

  validation {
    condition     = var.return_urls == null ? true : alltrue([for url in var.return_urls : startswith(url, "https://")])
    error_message = "A return URL begins with https://."
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
