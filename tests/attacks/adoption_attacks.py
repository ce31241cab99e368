"""Attacks on taking over what exists and on letting go of it: a mark that moves without governance's word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import scenario as s
from make import Made, attack, operations_of
from scenario import GRANT, Situation, root_with

from provisioner.approval.requirements import of_plan
from provisioner.model.changes import Action, Change, Effect, Surface

OURS = {"workspace": s.WORKSPACE}
ADOPTION = (Surface.IDENTITY, Surface.GOVERNANCE)

CLAIM = Change(
    number=1,
    action=Action.CLAIM,
    address=s.address("service", "legacy"),
    label="service legacy",
    agent="triage",
    block="agent.triage",
    surfaces=ADOPTION,
    owners={"identity": "iam", "governance": "security"},
    effect=Effect.EQUAL,
    can=(),
    cannot=(),
    reason="as before: whoever runs legacy becomes this agent",
    before={"who": "anyone", "tags": {}},
    after={"who": "anyone", "tags": OURS},
    fields=("tags",),
)
PART = replace(
    CLAIM,
    number=2,
    address=s.address("role_policy", "legacy/reads"),
    label="inline policy reads",
    before={"document": {"allow": ["inbox"]}},
    after={"document": {"allow": ["inbox"]}},
    fields=(),
)
IDENTITY_ALONE = {"surfaces": (Surface.IDENTITY,), "owners": {"identity": "iam"}}


def planned(*changes: Change) -> Situation:
    """A plan written by hand, signed by everybody it asks. One person decides for governance."""
    root = root_with(security={"threshold": 1})
    plan = s.draft(root, changes=changes, operations=operations_of(*changes), findings=())
    wanted = of_plan(root.data, plan)
    file = s.file_of(replace(plan, requirements=wanted.requirements, exclusions=wanted.exclusions))
    return Situation(root=root, planfile=file, envelopes=s.signed_by_all(file))


def taken(**over: Any) -> Situation:
    return planned(replace(CLAIM, **over))


@attack("verified")
def control_claim() -> Made:
    """Governance and identity take over a principal with all that hangs on it."""
    return planned(CLAIM, PART)


@attack("verified")
def control_release() -> Made:
    """They let go of it again."""
    sides = {"action": Action.RELEASE, "before": CLAIM.after, "after": CLAIM.before}
    return planned(replace(CLAIM, **sides), replace(PART, action=Action.RELEASE))


@attack("E-SURFACES")
def claim_called_an_update() -> Made:
    """A principal of others is taken over as if a tag of ours were mended, without governance."""
    return taken(action=Action.UPDATE, **IDENTITY_ALONE)


@attack("E-SURFACES")
def release_called_an_update() -> Made:
    """An agent leaves everybody's sight by a change of tags, without governance."""
    return taken(action=Action.UPDATE, before=CLAIM.after, after=CLAIM.before, **IDENTITY_ALONE)


@attack("E-SURFACES")
def claim_without_governance() -> Made:
    """The plan asks identity alone about a claim."""
    return taken(**IDENTITY_ALONE)


@attack("E-SURFACES")
def claim_that_changes_more() -> Made:
    """Beside the mark the claim changes who may become the agent."""
    return taken(after={"who": "triage", "tags": OURS}, fields=("who", "tags"))


@attack("E-SURFACES")
def claim_that_takes_a_tag_along() -> Made:
    """Beside the mark the claim puts on a tag that opens what others guard by tags."""
    return taken(after={"who": "anyone", "tags": {**OURS, "clearance": "high"}})


@attack("E-SURFACES")
def claim_of_another_workspace_s() -> Made:
    """What another workspace owns is taken from it."""
    return taken(before={"who": "anyone", "tags": {"workspace": "acme-payments"}})


@attack("E-SURFACES")
def claim_of_nothing() -> Made:
    """A creation calls itself a claim, whose effect is equal."""
    return taken(before=None, fields=())


@attack("E-SURFACES")
def claim_of_a_part_alone() -> Made:
    """A policy is recorded as taken over though its principal is not: drift would hold it for signed."""
    return planned(GRANT, replace(PART, number=3))
