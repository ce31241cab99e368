"""What sets the runner's roles up: one Terraform document, for Infrastructure Manager or the command line.

The language of this tool makes agents, not what runs it: who may change the runner must not be decided by the runner.
So this comes as a document of its own, to be deployed by whoever owns the project, and the pool that the runner comes
through belongs into another project, which the runner cannot write to.
Sources: Terraform's JSON syntax; registry pages of google_iam_workload_identity_pool(_provider),
google_project_iam_custom_role, google_organization_iam_custom_role, google_(project|folder|organization)_iam_member.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.resources import Desired
from provisioner.sdk.provider import RunnerPolicy

from . import names
from .permissions import PLACEHOLDER, PURPOSES, permissions

FORMS = ("terraform",)
GITHUB = "https://token.actions.githubusercontent.com"

_POOL = "google_iam_workload_identity_pool"
_PROVIDER = "google_iam_workload_identity_pool_provider"
_EXACT = r"^[^*?\"'\\\\$]+$"
"""Of a subject or a workflow: no wildcard, and nothing that ends the literal it is put into."""

Block = dict[str, Any]


def bootstrap(authority: Authority, desired: Sequence[Desired], form: str) -> Mapping[str, Any]:
    """The document of the workspace; nothing for a form that Google does not have. Pure."""
    if form not in FORMS:
        return {}
    policies = [policy for purpose in PURPOSES for policy in permissions(authority, desired, purpose)]
    return {authority.workspace: _document(authority.workspace, policies)} if policies else {}


def _document(workspace: str, policies: Sequence[RunnerPolicy]) -> Block:
    resources: dict[str, dict[str, Block]] = {_POOL: {"runner": _pool(workspace)}, _PROVIDER: {}}
    variables = {**_place(policies), "issuer": _issuer()}
    for purpose in PURPOSES:
        resources[_PROVIDER][purpose] = _provider(purpose)
        variables |= _caller(purpose)
    for policy in policies:
        label = _label(policy)
        kind, role = _role(policy.document)
        resources.setdefault(kind, {})[label] = role
        kind_, member = _member(policy, f"${{{kind}.{label}.name}}")
        resources.setdefault(kind_, {})[label] = member
    return {
        "//": f"Roles that plan, watch and apply the workspace {workspace}; each with what it needs.",
        "terraform": {"required_providers": {"google": {"source": "hashicorp/google", "version": ">= 5.0"}}},
        "variable": variables,
        "resource": resources,
        "output": {
            f"{purpose}_provider": {
                "description": f"The provider that the job which runs {purpose} names.",
                "value": f"${{{_PROVIDER}.{purpose}.name}}",
            }
            for purpose in PURPOSES
        },
    }


def _place(policies: Sequence[RunnerPolicy]) -> Block:
    found: Block = {
        "runner_project": {
            "type": "string",
            "description": "Project of the runner's pool; not the agents', where an apply could change it.",
        }
    }
    if any(str(policy.document["name"]).startswith(PLACEHOLDER) for policy in policies):
        found["organization"] = {"type": "string", "description": "Number of the organization that has the folders."}
    return found


def _issuer() -> Block:
    return {"type": "string", "description": "Issuer of the CI system's tokens.", "default": GITHUB}


def _caller(purpose: str) -> Block:
    protected = "; name a protected environment." if purpose == "apply" else "."
    texts = {
        "subject": f"The exact `sub` of the job that runs {purpose}{protected}",
        "workflow": f"The exact `job_workflow_ref` of the workflow that runs {purpose}.",
    }
    return {
        f"{purpose}_{name}": {
            "type": "string",
            "description": text,
            "validation": {
                "condition": f'${{can(regex("{_EXACT}", var.{purpose}_{name}))}}',
                "error_message": "Write it exactly, without wildcards and quotes.",
            },
        }
        for name, text in texts.items()
    }


def _pool(workspace: str) -> Block:
    return {
        "project": "${var.runner_project}",
        "workload_identity_pool_id": names.provider_id("provisioner", workspace),
        "display_name": f"provisioner {workspace}"[: names.DISPLAY_LIMIT],
        "description": f"Jobs that run provisioner for the workspace {workspace}.",
    }


def _provider(purpose: str) -> Block:
    """One for each purpose. The subject begins with it: two jobs with one `sub` are two principals."""
    subject, workflow = f"${{var.{purpose}_subject}}", f"${{var.{purpose}_workflow}}"
    return {
        "project": "${var.runner_project}",
        "workload_identity_pool_id": f"${{{_POOL}.runner.workload_identity_pool_id}}",
        "workload_identity_pool_provider_id": purpose,
        "display_name": f"provisioner {purpose}",
        "attribute_mapping": {"google.subject": f"'{purpose}:' + assertion.sub"},
        "attribute_condition": f"assertion.sub == '{subject}' && assertion.job_workflow_ref == '{workflow}'",
        "oidc": {"issuer_uri": "${var.issuer}"},
    }


def _label(policy: RunnerPolicy) -> str:
    place = policy.target.removeprefix("google ")
    return re.sub(r"[^A-Za-z0-9_]", "_", f"{policy.purpose}_{place}")


def _role(document: Mapping[str, Any]) -> tuple[str, Block]:
    parent, _, identity = str(document["name"]).rpartition("/roles/")
    body = {
        "role_id": identity,
        "title": document["title"],
        "stage": document["stage"],
        "permissions": list(document["includedPermissions"]),
    }
    kind, _, name = parent.partition("/")
    if kind == "projects":
        return "google_project_iam_custom_role", {"project": name, **body}
    number = "${var.organization}" if parent == PLACEHOLDER else name
    return "google_organization_iam_custom_role", {"org_id": number, **body}


def _member(policy: RunnerPolicy, role: str) -> tuple[str, Block]:
    subject = f"{policy.purpose}:${{var.{policy.purpose}_subject}}"
    member = f"principal://iam.googleapis.com/${{{_POOL}.runner.name}}/subject/{subject}"
    kind, _, name = (
        str(policy.document["grantOn"]).removeprefix("//cloudresourcemanager.googleapis.com/").partition("/")
    )
    place = {"projects": "project", "folders": "folder", "organizations": "org_id"}[kind]
    resource = {"project": "google_project_iam_member", "folder": "google_folder_iam_member"}
    return resource.get(place, "google_organization_iam_member"), {place: name, "role": role, "member": member}
