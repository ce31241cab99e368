"""Reads one attack file and says what the verifier makes of it.

Imports late, so that a test can mutate the verifier.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

VERIFIED = "verified"


def outcome(case: dict[str, Any], cloud: Any) -> set[str]:
    """{"verified"}, or the codes of everything that was refused. `cloud` is the provider of the corpus."""
    from provisioner import planfile
    from provisioner.approval.authorship import Authorship
    from provisioner.approval.chain import TrustError, follow
    from provisioner.approval.verdict import Evidence
    from provisioner.approval.verifier import VerifiedPlan, verify
    from provisioner.model.plan import Exclusion

    try:
        plan = planfile.decode(case["plan_file"].encode())
    except planfile.PlanFileError:
        return {"E-PLAN-FILE"}
    if "forged_digest" in case:
        plan = replace(plan, digest=case["forged_digest"])
    try:
        records = [_root(record) for record in case["roots"]]
        root = follow(records, case["pin"], case["workspace"], case["ledger"])
    except TrustError as error:
        return {error.refusal.code}
    known = case["authorship"]
    authorship = known and Authorship(
        tuple(Exclusion(person, "author") for person in known["people"]), tuple(known["unknown"])
    )
    evidence = Evidence(
        root=root,
        signoffs=_signoffs(case["signoffs"]),
        published=_published(case["published"]),
        base=case["base"],
        entries={int(index): digest for index, digest in case["entries"].items()},
        now=datetime.fromisoformat(case["now"]),
        providers={"cloud": cloud},
        revoked=frozenset(case["revoked"]) | _revoked(case),
        authorship=authorship,
        past=_past(case),
        sweepable=_sweepable(case),
        **_circumstances(case),
    )
    verdict = verify(plan, evidence)
    if verdict.verified is not None:
        assert isinstance(verdict.verified, VerifiedPlan)
        return {VERIFIED}
    codes = {refusal.code for refusal in verdict.refusals} | {item.refusal.code for item in verdict.refused}
    assert codes
    return codes


def _revoked(case: dict[str, Any]) -> frozenset[str]:
    """What the ledger's revocations come to."""
    from provisioner.approval import revocation
    from provisioner.approval.root import parse_root, pin

    recorded = [revocation.Recorded(**item) for item in case.get("revocations", ())]
    if not recorded:
        return frozenset()
    roots = [(1, parse_root(case["roots"][0]["body"]))]
    return revocation.judge(recorded, roots, pin(roots[0][1])).before()


def _past(case: dict[str, Any]) -> Any:
    """What the signed plans before have left behind."""
    from provisioner.approval.past import Past
    from provisioner.model.plan import Declared
    from provisioner.model.resources import Address
    from provisioner.planfile import from_builtins

    known = case.get("past")
    if known is None:
        return None
    tools = {Address(*address.split(":", 3)): tuple(named) for address, named in known["tools"].items()}
    violations = {name: frozenset(map(tuple, found)) for name, found in known["violations"].items()}
    agents = {Address(*address.split(":", 3)): agent for address, agent in known["agents"].items()}
    return Past(known["last"] and from_builtins(known["last"], Declared), tools, agents, violations)


def _sweepable(case: dict[str, Any]) -> Any:
    """What an applied plan made and how it removes it."""
    from provisioner import planfile
    from provisioner.approval.verdict import Sweepable

    if "swept" not in case:
        return {}
    file = planfile.decode(case["swept"].encode())
    changes = {change.number: change for change in file.plan.changes}
    return {
        changes[sweep.change].address: Sweepable(changes[sweep.change], sweep, file.digest)
        for sweep in file.plan.sweeps
    }


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


def _signoffs(items: list[dict[str, Any]]) -> Any:
    from provisioner.approval.verdict import LedgerSignoff

    return tuple(LedgerSignoff(item["index"], item["envelope"]) for item in items)


def _published(item: dict[str, Any] | None) -> Any:
    from provisioner.approval.verdict import PublishedPlan

    stored = datetime.fromisoformat(item["stored"]) if item and "stored" in item else None
    return item and PublishedPlan(item["digest"], item["index"], datetime.fromisoformat(item["since"]), stored)


def _circumstances(case: dict[str, Any], clock: str = "store_now") -> dict[str, Any]:
    """Other plans' sign-offs, the store's clock (under the name that it has there), announcements."""
    from provisioner import planfile
    from provisioner.approval.verdict import Carried

    found = case.get("circumstances")
    if found is None:
        return {}
    carried = tuple(
        Carried(_signoffs([item])[0], planfile.decode(item["plan_file"].encode()), _published(item["published"]))
        for item in found["carried"]
    )
    times = {clock: found["store_now"], "announced": found["announced"]}
    return {"carried": carried} | {name: text and datetime.fromisoformat(text) for name, text in times.items()}


def _root(record: dict[str, Any]) -> Any:
    from provisioner import planfile
    from provisioner.approval.chain import Authorization, RootRecord

    made = record["authorization"]
    if made is None:
        return RootRecord(record["body"])
    return RootRecord(
        record["body"],
        Authorization(
            planfile.decode(made["plan_file"].encode()),
            _signoffs(made["signoffs"]),
            _published(made["published"]),
            made["base"],
            {int(index): digest for index, digest in made["entries"].items()},
            datetime.fromisoformat(made["time"]),
            **_circumstances(made, "store_time"),
        ),
    )
