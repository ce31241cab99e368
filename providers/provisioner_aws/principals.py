"""Principals that a trust names and that are not there: IAM refuses such a trust.

A role or user is looked for among those that the plan makes and those of the accounts that were read. Of an account
that was not read nothing is known: that is a warning, and the next stage is said.
Source: IAM User Guide, «AWS JSON policy elements: Principal» (a principal must exist when the policy is saved).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from provisioner.model.authority import Authority
from provisioner.model.configuration import Agent
from provisioner.model.diagnostics import Diagnostic, Severity
from provisioner.model.resources import Desired, Snapshot
from provisioner.model.source import SourceRange

from . import schema
from .live import admitted
from .trust import runtime_label

_NAMED = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):(role|user)/.+")


def check_principals(authority: Authority, desired: Sequence[Desired], live: Snapshot) -> Iterable[Diagnostic]:
    """Of every trust that this plan would write."""
    found = {resource.address: resource for resource in live.resources}
    roles = [item for item in desired if item.resource.address.kind == schema.ROLE]
    there = {str(item.resource.attributes["arn"]) for item in roles}
    there.update(*(inventory.principals for inventory in live.inventories))
    read = {inventory.target for inventory in live.inventories}
    ours = {target.id for target in authority.targets.values()}
    for item in roles:
        role = item.resource
        before = found.get(role.address)
        if before is not None and before.attributes["trust"] == role.attributes["trust"]:
            continue  # IAM took it, and shows the id of a principal that is gone since
        for arn in sorted(set(admitted(role.attributes["trust"], "AWS")) - there):
            named = _NAMED.fullmatch(arn)
            if named is None:
                continue
            account, noun = named[1], named[2]
            if account in read:
                yield _absent(authority, item, arn, account, noun)
            elif account not in ours:
                yield _unseen(authority, item, arn, account, noun)


def _absent(authority: Authority, item: Desired, arn: str, account: str, noun: str) -> Diagnostic:
    return Diagnostic(
        "E-AWS-PRINCIPAL",
        f"{item.block}: its trust names a {noun} that is not there, {arn}",
        f"Account {account} has none of this ARN, path included, and this plan makes none: IAM would refuse the trust"
        " (MalformedPolicyDocument). Correct the ARN, create it first, or take it out.",
        subject=_source(authority, item),
    )


def _unseen(authority: Authority, item: Desired, arn: str, account: str, noun: str) -> Diagnostic:
    return Diagnostic(
        "W-AWS-STAGE",
        f"{item.block}: its trust names a {noun} of account {account}, which was not read",
        f"IAM refuses a trust while {arn} does not exist. Make sure that it does before this plan is applied.",
        severity=Severity.WARNING,
        subject=_source(authority, item),
    )


def _source(authority: Authority, item: Desired) -> SourceRange | None:
    agent: Agent | None = authority.configuration.agents.get(item.resource.agent or "")
    if agent is not None and runtime_label(agent.runtime) == "adopted":
        return agent.runtime.range_of("trust")
    return item.source
