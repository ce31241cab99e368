"""What an old role has, kept as it is: its trust, its name, its policies. Each is said in every plan until replaced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.configuration import Agent, Settings
from provisioner.model.diagnostics import Diagnostic, Severity

from .policy.canonical import canonical_policy
from .policy.errors import PolicyError

LABEL = "adopted"
CODE = "ADOPT-1"


def old_policies(agent: Agent) -> Mapping[str, dict[str, Any]]:
    """Inline policies of the role before it was adopted, by name. Only meaningful where `check_identity` is clean."""
    return {block.labels[0]: json.loads(block.get("document", "{}")) for block in _policies(agent)}


def attached(agent: Agent) -> tuple[str, ...]:
    """ARNs of managed policies that stay on the role."""
    return tuple(sorted(_identity(agent).get("attach") or ()))


def _identity(agent: Agent) -> Settings:
    return agent.identities["aws"].settings


def _policies(agent: Agent) -> tuple[Settings, ...]:
    return _identity(agent).of("policy")


def check_trust(agent: Agent) -> Iterable[Diagnostic]:
    """An adopted trust must be one, and is a finding as long as it stands."""
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
        return
    yield _finding(
        agent,
        "its trust is the one that the role had before: nobody here made it safe",
        'Replace runtime "adopted" with the runtime that the agent has; the trust is then written by construction.',
        agent.runtime,
        "trust",
    )


def check_identity(agent: Agent) -> Iterable[Diagnostic]:
    """Old policies and attachments: documents and ARNs must be ones; each is a finding."""
    identity = _identity(agent)
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
            continue
        yield _finding(
            agent,
            f"it keeps the old inline policy {block.labels[0]!r}",
            "Say what the agent needs as a tool, grant it, and take the block out.",
            block,
            "document",
        )
    for arn in attached(agent):
        if not arn.startswith("arn:") or ":policy/" not in arn or any(char in arn for char in "*?"):
            yield Diagnostic(
                "E-AWS-ADOPTED",
                f"{agent.address}: {arn!r} is no ARN of a managed policy",
                "Write it whole: `aws iam list-attached-role-policies --role-name NAME` prints them.",
                subject=identity.range_of("attach"),
            )
            continue
        yield _finding(
            agent,
            f"it keeps the attached policy {arn}",
            "Whoever edits that policy changes this agent without a signature. Say what the agent needs as a tool,"
            " grant it, and take the ARN out of attach.",
            identity,
            "attach",
        )


def _finding(agent: Agent, what: str, way_out: str, settings: Settings, attribute: str) -> Diagnostic:
    return Diagnostic(
        CODE, f"{agent.address}: {what}", way_out, severity=Severity.WARNING, subject=settings.range_of(attribute)
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
