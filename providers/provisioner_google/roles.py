"""What is known of roles and permissions without asking: those that make a principal more than it is.

Sources: «IAM basic and predefined roles»; «Roles for service account authentication»; «Privilege escalation», IAM
recommender documentation; the permissions reference.
"""

from __future__ import annotations

BASIC_ROLES = ("roles/owner", "roles/editor", "roles/viewer")

BECOMING = (
    "iam.serviceAccounts.actAs",
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.getOpenIdToken",
    "iam.serviceAccounts.implicitDelegation",
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
    "iam.serviceAccountKeys.create",
)
"""Permissions by which a principal becomes another, or takes away a key of it."""

ABOVE_PROJECTS = ("resourcemanager.projects.list", "resourcemanager.folders.", "resourcemanager.organizations.")
"""What only a custom role of an organization can hold: permissions on folders and organizations, and the listing of
projects. Source: «Understanding IAM custom roles». Which others Google keeps out of custom roles (`NOT_SUPPORTED`) is a
list of thousands that only the cloud has; the emulator has examples."""

BECOMING_ROLES = (
    "roles/iam.workloadIdentityUser",
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser",
    "roles/iam.serviceAccountOpenIdTokenCreator",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountAdmin",
)

SETTING_POLICY = (
    "resourcemanager.projects.setIamPolicy",
    "resourcemanager.folders.setIamPolicy",
    "resourcemanager.organizations.setIamPolicy",
    "iam.serviceAccounts.setIamPolicy",
    "storage.buckets.setIamPolicy",
    "secretmanager.secrets.setIamPolicy",
    "bigquery.datasets.setIamPolicy",
    "cloudkms.cryptoKeys.setIamPolicy",
    "pubsub.topics.setIamPolicy",
    "run.services.setIamPolicy",
    "iam.roles.update",
    "iam.denypolicies.update",
    "iam.denypolicies.delete",
    "iam.workloadIdentityPoolProviders.create",
    "iam.workloadIdentityPoolProviders.update",
)
"""Permissions by which a principal gives itself, or others, what it wants."""

SERVICE_WIDE = (
    "roles/storage.admin",
    "roles/storage.objectAdmin",
    "roles/bigquery.admin",
    "roles/bigquery.dataOwner",
    "roles/bigquery.dataEditor",
    "roles/bigquery.dataViewer",
    "roles/secretmanager.admin",
    "roles/secretmanager.secretAccessor",
    "roles/pubsub.admin",
    "roles/pubsub.editor",
    "roles/cloudkms.admin",
    "roles/cloudkms.cryptoKeyDecrypter",
    "roles/cloudkms.cryptoKeyEncrypterDecrypter",
    "roles/run.admin",
    "roles/storage.objectViewer",
    "roles/storage.objectUser",
)
"""Roles whose permissions work on single resources: on a project they reach everything of the service in it."""
