provisioner {
 required_version = ">= 0.1"
 workspace = "acme-agents-prod"
 protect = ["arn:aws:iam::*:role/OrganizationAccountAccessRole"] # never touched, whatever the plan says

 ledger "local" { # "s3" (bucket, prefix, region), "gcs" (bucket, prefix)
 path = ".provisioner"
 single_host = true # needed for clouds that are not loopback
 }
 limits {
 max_changes = 200
 max_delete_percent = 30
 }
 approval {
 plan_ttl = "72h"
 carry = "none" # or "unchanged": a sign-off survives a re-plan in which its own part is the same
 narrowing = "signed" # or "notify": changes that only take authority away need no signature
 solo = false # true: a one-person team, said in every plan
 checkpoint_keys = [file("keys/checkpoint.pub")]
 }
 severity = { "FED-3" = "block" } # root data, like all of this block
}

provider "aws" { # what it is; never with which credentials (that is the runner's own file, see below)
 alias = "prod"
 account_id = "111122223333" # checked against the caller before anything is read
 regions = ["eu-west-1"]
 environment = "prod"
}
provider "google" {
 project = "acme-fin-prod"
 project_number = "987654321098"
 environment = "prod"
 watch = ["projects/acme-data-prod"] # also read, so that grants found there are seen
}

person "alice" {
 emails = ["alice@acme.example", "alice@users.noreply.github.com"]
 keys = [file("keys/alice.pub")] # OpenSSH public keys, hardware (sk-) keys too
}

control_owner "iam" {
 title = "Identity platform"
 contact = "iam@acme.example"
 surfaces = ["identity"]
 default_for = ["identity"]
 signers = [person.alice, person.bob]
 threshold = 1 # distinct people, never keys

 escalation {
 to = control_owner.security
 after = "24h" # from the ledger's own time of publication
 }
}

boundary "agents" { # what no identity policy can exceed
 max_session = "1h"
 aws {
 allow = ["s3:*", "dynamodb:*"]
 deny = ["iam:*", "kms:ScheduleKeyDeletion"]
 regions = ["eu-west-1"]
 global_services = ["sts"]
 }
 google {
 attach = "projects/acme-fin-prod"
 resources = ["//cloudresourcemanager.googleapis.com/projects/acme-fin-prod"] # principal access boundary, where supported
 deny = ["iam.serviceAccounts.getAccessToken", "iam.serviceAccountKeys.create"] # deny policy, always
 }
}

federation "eks" { # one trust between two clouds, shared by many agents, removed only with its own block
 provider = provider.google # with an AWS provider: the account's OIDC provider, e.g. for GitHub
 pool = "eks-agents-prod"
 oidc {
 issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
 audiences = []
 }
}

tool "invoice_inbox" { # what the API team offers: the smallest set of permissions that makes the tool work
 purpose = "Read supplier invoices"
 owner = control_owner.finance_api # default: the agent's owner of tool_access, then the workspace's
 sensitivity = "confidential" # public | internal | confidential | restricted
 effect = "read" # read | write | execute | external
 aws {
 statement "objects" {
 actions = ["s3:GetObject"]
 resources = ["arn:aws:s3:::acme-invoices-prod/inbox/*"]
 }
 statement "list" {
 actions = ["s3:ListBucket"]
 resources = ["arn:aws:s3:::acme-invoices-prod"]
 condition {
 operator = "StringLike"
 key = "s3:prefix"
 values = ["inbox/*"]
 }
 }
 }
 requires "resource_policy" { # read and judged, never written here; the plan prints the statement to hand over
 resource = "arn:aws:s3:::acme-invoices-prod"
 }
}
tool "supplier_history" {
 purpose = "Look up a supplier's past invoices"
 sensitivity = "confidential"
 effect = "read"
 google "data" {
 role = "roles/bigquery.dataViewer" # or permissions = [...], which becomes a custom role
 resource = "//bigquery.googleapis.com/projects/acme-fin-prod/datasets/suppliers"
 }
 google "jobs" {
 role = "roles/bigquery.jobUser"
 resource = "//cloudresourcemanager.googleapis.com/projects/acme-fin-prod"
 }
}

agent_defaults {
 environment = "prod"
 boundary = boundary.agents
}

agent "invoice_triage" {
 purpose = "Classify inbound supplier invoices; never pay, never delete"
 sponsor = person.dana # the human who answers for what it does; not the owner of its controls
 inputs = "untrusted" # trusted | untrusted
 review_by = "2027-02-01"

 session {
 attribution = "workload_tags" # source_identity | workload_tags | session_name; the default is the strongest the runtime can do
 }
 runtime "eks_pod_identity" { # exactly one: where it runs and how it proves who it is
 cluster = "arn:aws:eks:eu-west-1:111122223333:cluster/agents-prod"
 namespace = "finance-agents"
 service_account = "invoice-triage"
 }
 identity "aws" { # what it is in each cloud: a role
 provider = provider.aws.prod
 }
 identity "google" { # … a federated principal (or kind = "service_account")
 federation = federation.eks
 }
}

grant "triage_reads" {
 agents = [agent.invoice_triage]
 tools = [tool.invoice_inbox, tool.supplier_history]
 expires = "2027-02-01T00:00:00Z" # or "90d", resolved when it is first planned and kept on the resource; enforced by the cloud, then removed
 reason = "FIN-1234"
}

delegation "triage_asks_fixer" { # agent-to-agent authority is declared or it does not exist; both agents' owners sign
 from = [agent.invoice_triage]
 to = agent.repo_fixer
 via = "assume_role" # assume_role | invoke | impersonate
 expires = "90d"
}

exception "billing_name_subject" { # rare, time-bound, recorded at the control owner
 rule = "FED-3"
 subjects = [agent.repo_fixer]
 reason = "Repository has not opted in to immutable subjects"
 compensating_control = "Trust also pins repository_id and job_workflow_ref"
 ticket = "SEC-77"
 accepted_by = control_owner.security
 expires = "2027-01-15" # at most 90 days from its first signature
}

test "triage_cannot_write_payments" { # each boundary is tested, against the planned and the live policies
 agents = [agent.invoice_triage] # or all = true
 surface = "tool_access" # runtime: an attempt that the boundary must stop, or an assume from another place
 expect = "denied" # allowed | denied
 attempt "aws" "put" {
 action = "s3:PutObject"
 resource = "arn:aws:s3:::acme-payments-prod/run.csv"
 context = { "aws:RequestedRegion" = "eu-west-1" }
 }
}
test "sibling_namespace_cannot_become_triage" {
 agents = [agent.invoice_triage]
 surface = "identity"
 expect = "denied"
 assume "sibling" { # the workload or token that tries to become the agent
 claims = { namespace = "default", service_account = "invoice-triage" }
 }
}
