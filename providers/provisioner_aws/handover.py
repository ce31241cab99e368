"""What the owner of a resource has to put into its policy for a tool to work, and whether it is there. Pure.

Of a resource in another account, or where a service wants it, an agent's own policy is not enough. Who owns the
resource writes its policy; here it is only judged, and the statement to hand over is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.model.authority import Authority, GrantPart
from provisioner.model.changes import Effect
from provisioner.model.configuration import Settings, Tool
from provisioner.model.diagnostics import Diagnostic, Severity
from provisioner.model.resources import ResourcePolicy, Snapshot

from .compile import agent_place, aws_parts, role_arn
from .grants import ContradictionError, grant_statement, statements_of
from .policy.compare import compare_policies
from .policy.document import Policy, parse_policy
from .policy.errors import PolicyError
from .resource_policies import requirements
from .trust import VERSION

Document = Mapping[str, Any]

_WHOLE = ("kms",)
"""Services in whose policies `Resource` is always `*`: the key itself. Source: KMS Developer Guide, «Key policies»."""


def check_resource_policies(authority: Authority, live: Snapshot) -> Iterable[Diagnostic]:
    """A warning for each policy that lacks, or may lack, what a tool needs."""
    read = {(item.target, item.resource): item for item in live.policies}
    wanted: dict[tuple[str, str, str], list[GrantPart]] = {}
    blocks: dict[tuple[str, str, str], tuple[Tool, Settings]] = {}
    for part in aws_parts(authority):
        account = agent_place(authority, part.agent).account
        for tool in part.tools:
            for item in requirements(tool):
                key = (account, str(item.get("resource")), tool.address)
                wanted.setdefault(key, []).append(part)
                blocks[key] = tool, item
    for (account, arn, address), parts in sorted(wanted.items(), key=lambda item: item[0]):
        tool, block = blocks[account, arn, address]
        statements = _needed(authority, tool, arn, parts)
        if statements:
            yield from _judged(read.get((account, arn)), arn, address, statements, block)


def _judged(
    policy: ResourcePolicy | None, arn: str, address: str, statements: Sequence[Document], block: Settings
) -> Iterable[Diagnostic]:
    if policy is None or policy.unread:
        why = policy.unread if policy is not None else "it was not asked for"
        summary = f"{address}: whether the policy of {arn} admits its agents was not judged"
        yield _told(summary, f"It could not be read: {why}. It has to hold", statements, block)
        return
    lacking, doubts, stopped = _lacking(policy.document, statements)
    if stopped:
        summary = f"{address}: the policy of {arn} denies what its agents need"
        yield _told(
            summary, "An explicit Deny goes before every Allow; its owner would have to let through", stopped, block
        )
    if lacking:
        yield _told(f"{address}: the policy of {arn} does not admit its agents", "Its owner adds", lacking, block)
    if doubts:
        summary = f"{address}: whether the policy of {arn} admits its agents could not be decided"
        yield _told(summary, "Its owner makes sure that it holds", doubts, block)


def _told(summary: str, what: str, statements: Sequence[Document], block: Settings) -> Diagnostic:
    text = json.dumps(list(statements) if len(statements) > 1 else statements[0], separators=(", ", ": "))
    return Diagnostic(
        "W-AWS-RESOURCE-POLICY",
        summary,
        f"{what}: {text} . It is handed over, never written here.",
        severity=Severity.WARNING,
        subject=block.range_of("resource"),
    )


def _needed(authority: Authority, tool: Tool, arn: str, parts: Sequence[GrantPart]) -> list[Document]:
    """The tool's statements on the resource, each once for all agents that hold it on the same conditions."""
    by_text: dict[str, tuple[dict[str, Any], set[str]]] = {}
    for part in parts:
        for settings in statements_of(tool):
            statement = _on(settings, part, arn)
            if statement is not None:
                found = by_text.setdefault(json.dumps(statement, sort_keys=True), (statement, set()))
                found[1].add(role_arn(authority, part.agent))
    return [
        {"Effect": "Allow", "Principal": {"AWS": sorted(roles)}, **{k: v for k, v in one.items() if k != "Effect"}}
        for one, roles in by_text.values()
    ]


def _on(settings: Settings, part: GrantPart, arn: str) -> dict[str, Any] | None:
    """What of a statement is about the resource and what lies in it; None where nothing is."""
    try:
        statement = grant_statement(settings, part)
    except ContradictionError:
        return None  # `validate` has refused it
    inside = [arn if item == "*" else item for item in statement.get("Resource", ()) if _lies_in(item, arn)]
    if not inside:
        return None
    return {**statement, "Resource": ["*"] if arn.split(":", 3)[2] in _WHOLE else inside}


def _lies_in(pattern: str, arn: str) -> bool:
    return pattern in ("*", arn, f"{arn}*") or pattern.startswith((f"{arn}/", f"{arn}:"))


def _lacking(
    document: Document | None, statements: Sequence[Document]
) -> tuple[list[Document], list[Document], list[Document]]:
    """The statements that the policy does not hold, those that cannot be decided, and those that it denies whole."""
    lacking: list[Document] = []
    doubts: list[Document] = []
    stopped: list[Document] = []
    for statement in statements:
        try:
            live = _parsed(_delegated(document, statement["Principal"]["AWS"]))
            denies = tuple(item for item in live.statements if not item.allow)
            both = Policy("both", (*live.statements, *_parsed([statement]).statements))
            gained = compare_policies([live], [both]).effect
            left = compare_policies(
                [Policy("what it denies", denies)],
                [Policy("what it denies", (*denies, *_parsed([statement]).statements))],
            ).effect
        except PolicyError:
            doubts.append(statement)
            continue
        if denies and left is Effect.EQUAL:
            stopped.append(statement)
        elif gained is Effect.UNKNOWN:
            doubts.append(statement)
        elif gained is not Effect.EQUAL:
            lacking.append(statement)
    return lacking, doubts, stopped


def _parsed(statements: Sequence[Document]) -> Policy:
    return parse_policy({"Version": VERSION, "Statement": list(statements)}, "the resource's policy")


def _delegated(document: Document | None, roles: Sequence[str]) -> list[Document]:
    """The policy's statements; an Allow of the whole account admits each of its roles that has a policy of its own
    that allows the same, as a tool's grant does."""
    given = (document or {}).get("Statement", [])
    found: list[Document] = []
    for statement in given if isinstance(given, list) else [given]:
        if not isinstance(statement, dict):
            raise PolicyError(f"a statement is no object: {statement!r}")
        principal = statement.get("Principal")
        if statement.get("Effect") == "Allow" and isinstance(principal, dict) and "AWS" in principal:
            names = principal["AWS"] if isinstance(principal["AWS"], list) else [principal["AWS"]]
            admitted = [role for role in roles if {role.split(":")[4], _root_of(role)} & set(names)]
            statement = {**statement, "Principal": {**principal, "AWS": [*names, *admitted]}}
        found.append(statement)
    return found


def _root_of(role: str) -> str:
    partition, account = role.split(":")[1], role.split(":")[4]
    return f"arn:{partition}:iam::{account}:root"
