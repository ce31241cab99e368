"""Stopping an agent on AWS: an inline policy on its roles that denies everything, whatever else allows it.

An explicit deny in an identity policy goes before every allow, in identity and resource policies alike, for sessions
that were issued before too. The second statement does all of that; the first is IAM's own «revoke active sessions»,
so that a console shows what happened, and since when. `sts:GetCallerIdentity` needs no permission and stays.
Source: IAM User Guide, «Policy evaluation logic» and «Revoke IAM role temporary security credentials».
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from provisioner.model.changes import Action, Change
from provisioner.model.resources import Address, Resource

from . import schema
from .forms import document

POLICY = "provisioner-stop"
"""The policy's name, one on each role."""

ROOM = 256
"""Characters that grants leave free of a role's inline space where they can, so that there is room for a stop."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def stop(agent: str, live: Iterable[Resource], at: str) -> tuple[Resource, ...]:
    """The policy on every role of the agent that is there. `at` is RFC 3339 UTC with whole seconds."""
    return tuple(
        Resource(
            Address("aws", role.address.target, schema.ROLE_POLICY, f"{role.address.name}/{POLICY}"),
            {"role_arn": role.attributes["arn"], "document": stop_document(at)},
            agent=agent,
            parent=role.address,
        )
        for role in live
        if role.address.kind == schema.ROLE and role.agent == agent
    )


def stops(change: Change) -> bool:
    """Whether a change puts exactly this policy on a role: then nothing is left possible, whatever was there."""
    role, _, name = change.address.name.partition("/")
    if change.address.kind != schema.ROLE_POLICY or name != POLICY or not role or change.action is Action.DELETE:
        return False
    after = dict(change.after or {})
    time = _time_of(after.get("document"))
    return time is not None and after.get("document") == stop_document(time) and set(after) == {"role_arn", "document"}


def stop_document(at: str) -> dict[str, Any]:
    """The policy in canonical form. Raises ValueError for a time of another form."""
    if not _TIME.fullmatch(at):
        raise ValueError(f"{at!r} is no time of the form 2026-01-31T23:59:59Z")
    older = {"DateLessThan": {"aws:TokenIssueTime": at}}
    return document(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": older},
                {"Effect": "Deny", "Action": "*", "Resource": "*"},
            ],
        }
    )


def _time_of(found: Any) -> str | None:
    """The time in a document that may be ours."""
    statements = found.get("Statement") if isinstance(found, dict) else None
    for statement in statements if isinstance(statements, list) else ():
        condition = statement.get("Condition") if isinstance(statement, dict) else None
        values = condition.get("DateLessThan") if isinstance(condition, dict) else None
        texts = values.get("aws:TokenIssueTime") if isinstance(values, dict) else None
        if isinstance(texts, list) and len(texts) == 1 and isinstance(texts[0], str) and _TIME.fullmatch(texts[0]):
            return texts[0]
    return None
