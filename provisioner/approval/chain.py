"""From the runner's pin to the root in force: root 1 by the pin, each next one by the quorum of the one before.

The whole history is judged anew each time, by today's code. So whoever changes what a part digest covers or what a
requirement demands must keep the old way for plans of the old format: a chain that no longer holds locks everybody out.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..planfile import PlanFile
from .case import CLOCK_SKEW
from .root import ROOT_SEAL, RootError, RootException, RootInForce, TrustRoot, parse_root, pin
from .root_checks import problems
from .verdict import Carried, Evidence, LedgerSignoff, PublishedPlan, Refusal
from .verifier import verify

_PIN = re.compile(r"[0-9a-f]{64}")


class TrustError(Exception):
    """No root can be trusted: the refusal says why, and the next step."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.reason)


@dataclass(frozen=True, slots=True)
class Authorization:
    """What made a later root: the plan, its sign-offs and publication as the ledger had them when it was recorded.

    `base` and `entries` are those of that moment, `time` is the store's for the root's entry, `revoked` are the
    fingerprints of keys that were revoked before it; `carried`, `store_time` and `announced` as in `Evidence`.
    """

    planfile: PlanFile
    signoffs: tuple[LedgerSignoff, ...]
    published: PublishedPlan | None
    base: int
    entries: Mapping[int, str]
    time: datetime
    revoked: frozenset[str] = frozenset()
    carried: tuple[Carried, ...] = ()
    store_time: datetime | None = None
    announced: datetime | None = None


@dataclass(frozen=True, slots=True)
class RootRecord:
    """One root entry's body, and what authorised it; None for version 1, which the pin authorises."""

    body: Mapping[str, Any]
    authorization: Authorization | None = None


def follow(records: Sequence[RootRecord], remembered: str | None, workspace: str, ledger: str) -> RootInForce:
    """The newest root, reached step by step from root 1. Raises TrustError for any step that does not hold.

    `remembered` is the runner's `root_pin`; None gives a root that shows plans but lets none be applied.
    `workspace` and `ledger` (its location) are where the caller believes to be: the root must say the same.
    """
    if not records:
        raise _error("E-NO-ROOT", "this ledger has no trust root", "provisioner init")
    first = _parse(records[0])
    if first.version != 1 or records[0].authorization is not None or records[0].body["plan"] is not None:
        raise _error("E-ROOT-CHAIN", "the ledger's first trust root is not version 1", _RESTORE)
    if (first.data.workspace, first.data.ledger) != (workspace, ledger):
        raise _error(
            "E-PIN-PLACE",
            f"the trust root is for workspace {first.data.workspace} and the ledger {first.data.ledger}, and this is"
            f" {workspace} at {ledger}",
            "Name the right ledger. One that was moved needs a new trust root: provisioner init",
        )
    known = pin(first)
    if remembered is not None and not _equal(remembered, known):
        raise _error(
            "E-PIN",
            f"root 1 of this ledger has the pin {known[:16]}…, and this runner remembers {remembered[:16]}…",
            "Somebody exchanged the ledger, or root_pin is of another workspace. Find out which before you go on.",
        )
    root = first
    earlier: tuple[RootException, ...] = ()
    for record in records[1:]:
        before = root
        root = _next(before, known, record, earlier)
        earlier = (*earlier, *(item for item in before.data.exceptions.values() if item not in earlier))
    return RootInForce(root, known, remembered is not None, seal=ROOT_SEAL, earlier=earlier)


_RESTORE = "Restore the ledger from its protected copy, and find out who wrote to it."


def _next(before: TrustRoot, known: str, record: RootRecord, earlier: tuple[RootException, ...]) -> TrustRoot:
    """One step: the plan that named this very root was signed by the quorum of the root before."""
    root, made = _parse(record), record.authorization
    if made is None:
        raise _error("E-ROOT-CHAIN", f"nothing authorises trust root v{root.version}", _RESTORE)
    wanted = made.planfile.plan.next_root
    same_plan = record.body["plan"] == made.planfile.digest
    if root.version != before.version + 1 or wanted is None or wanted.digest != root.digest or not same_plan:
        raise _error("E-ROOT-CHAIN", f"the plan of trust root v{root.version} made another root, or none", _RESTORE)
    evidence = Evidence(
        root=RootInForce(before, known, True, seal=ROOT_SEAL, earlier=earlier),
        signoffs=made.signoffs,
        published=made.published,
        base=made.base,
        entries=made.entries,
        now=made.time,
        providers=None,
        revoked=made.revoked,
        carried=made.carried,
        store_now=made.store_time,
        announced=made.announced,
        grace=CLOCK_SKEW,
    )
    verdict = verify(made.planfile, evidence)
    if verdict.verified is None:
        reasons = "; ".join(refusal.reason for refusal in verdict.refusals[:3])
        raise _error("E-ROOT-CHAIN", f"trust root v{root.version} was not signed as it must be: {reasons}", _RESTORE)
    return root


def _parse(record: RootRecord) -> TrustRoot:
    try:
        root = parse_root(record.body)
    except RootError as error:
        raise _error("E-ROOT-BROKEN", f"a trust root in the ledger cannot be taken: {error}", _RESTORE) from error
    for problem in problems(root.data):
        raise _error("E-ROOT-UNSOUND", f"trust root v{root.version} is unsound: {problem.summary}", problem.detail)
    return root


def _equal(remembered: str, known: str) -> bool:
    return _PIN.fullmatch(remembered) is not None and hmac.compare_digest(remembered, known)


def _error(code: str, reason: str, fix: str) -> TrustError:
    return TrustError(Refusal(code, reason, fix))
