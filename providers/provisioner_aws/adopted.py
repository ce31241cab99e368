"""What an old role has, kept as it is: its trust, its name, its policies. Each is said in every plan until replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.configuration import Agent, Settings
from provisioner.model.diagnostics import Diagnostic

from . import schema
from .policy.canonical import canonical_policy
from .policy.errors import PolicyError

LABEL = "adopted"
RULE = "ADO-1"
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


def old_policies(agent: Agent) -> Mapping[str, dict[str, Any]]:
    """Inline policies of the role before it was adopted, by name; those that `check_identity` refuses are left out."""
    readable = (block for block in _policies(agent) if not _unreadable(block.get("document", "")))
    return {block.labels[0]: json.loads(block.get("document")) for block in readable}


def attached(agent: Agent) -> tuple[str, ...]:
    """ARNs of managed policies that stay on the role."""
    return tuple(sorted(_identity(agent).get("attach") or ()))


def _identity(agent: Agent) -> Settings:
    return agent.identities["aws"].settings


def _policies(agent: Agent) -> tuple[Settings, ...]:
    return _identity(agent).of("policy")


def kept(agent: Agent, kind: str, child: str) -> str:
    """What an adopted policy of the role is called in a finding; empty for one that is none."""
    if kind == schema.ROLE_POLICY and child in old_policies(agent):
        return f"the old inline policy {child}"
    return f"the attached policy {child}" if kind == schema.ATTACHMENT and child in attached(agent) else ""


def check_trust(agent: Agent) -> Iterable[Diagnostic]:
    """An adopted trust must be one. As long as it stands, rule ADO-1 says so."""
    text = agent.runtime.get("trust", "")
    wrong = _unreadable(text)
    if wrong:
        yield Diagnostic(
            "E-AWS-ADOPTED",
            f"{agent.address}: the adopted trust is no policy document",
            f"{wrong}. Write what IAM has: `aws iam get-role --role-name NAME --query Role.AssumeRolePolicyDocument >"
            ' trust.json`, and trust = file("trust.json").',
            subject=agent.runtime.range_of("trust"),
        )


def check_identity(agent: Agent) -> Iterable[Diagnostic]:
    """A role's own name and tags, old policies and attachments."""
    identity = _identity(agent)
    name = identity.get("role_name")
    if name is not None and not _ROLE_NAME.fullmatch(name):
        yield Diagnostic(
            "E-AWS-NAME",
            f"{agent.address}: {name!r} is no role name",
            "It has up to 64 letters, digits and +=,.@_-; its path stands in path.",
            subject=identity.range_of("role_name"),
        )
    for key in identity.get("tags") or {}:
        if key.lower().startswith(("aws:", "provisioner:")):
            yield Diagnostic(
                "E-AWS-TAG",
                f"{agent.address}: the tag {key!r} is not its own to set",
                "Tags that begin with aws: are AWS's, those with provisioner: say whose the role is. Take it out.",
                subject=identity.range_of("tags"),
            )
    for block in _policies(agent):
        wrong = _unreadable(block.get("document", ""))
        if wrong:
            yield Diagnostic(
                "E-AWS-ADOPTED",
                f"{agent.address}: the old policy {block.labels[0]!r} is no policy document",
                f"{wrong}. `aws iam get-role-policy --role-name NAME --policy-name {block.labels[0]} --query"
                " PolicyDocument` prints it.",
                subject=block.range_of("document"),
            )
    for arn in attached(agent):
        if not arn.startswith("arn:") or ":policy/" not in arn or any(char in arn for char in "*?"):
            yield Diagnostic(
                "E-AWS-ADOPTED",
                f"{agent.address}: {arn!r} is no ARN of a managed policy",
                "Write it whole: `aws iam list-attached-role-policies --role-name NAME` prints them.",
                subject=identity.range_of("attach"),
            )


def _unreadable(text: str) -> str:
    try:
        loaded = json.loads(text)
        if not isinstance(loaded, dict) or "Statement" not in loaded:
            return "It has no Statement"
        canonical_policy(text)
    except ValueError as error:
        return f"It is not JSON: {error}"
    except PolicyError as error:
        return str(error)
    return ""
