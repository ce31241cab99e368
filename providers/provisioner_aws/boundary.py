"""The permissions boundary policy.

A boundary limits identity policies only by what it leaves out, and a resource policy that names the session gets
around that. An explicit deny limits everything. So the allow list is written twice: as the Allow that a boundary
needs, and as a Deny of everything else.
Source: IAM User Guide, «Permissions boundaries for IAM entities», «Evaluating effective permissions with boundaries».
"""

from __future__ import annotations

from typing import Any

from provisioner.model.configuration import Settings

from .trust import VERSION


def boundary_document(settings: Settings) -> dict[str, Any]:
    """The policy document of a boundary's `aws` block."""
    allow = list(settings.get("allow") or ())
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": allow, "Resource": "*"}]
    if "*" not in allow:
        statements.append({"Effect": "Deny", "NotAction": allow, "Resource": "*"})
    deny = list(settings.get("deny") or ())
    if deny:
        statements.append({"Effect": "Deny", "Action": deny, "Resource": "*"})
    regions = list(settings.get("regions") or ())
    if regions:
        statements.append(_regions(regions, list(settings.get("global_services") or ())))
    return {"Version": VERSION, "Statement": statements}


def _regions(regions: list[str], services: list[str]) -> dict[str, Any]:
    """Global services answer from one region whatever the caller's, so they are left out where asked."""
    scope = {"NotAction": [f"{service}:*" for service in services]} if services else {"Action": "*"}
    return {
        "Effect": "Deny",
        **scope,
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": regions}},
    }
