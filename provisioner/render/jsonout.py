"""What `-json` prints: one document per command, described in docs/reference/json.md. `format_version` grows its
second number for additions and its first for anything a reader could stumble over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..applying.result import ApplyResult
from ..model.drift import DriftReport
from ..model.findings import TestCoverage, TestResult
from ..planfile import PlanFile, plan_value, to_builtins
from .signoff import SignOffs

FORMAT_VERSION = "1.0"


def envelope(
    command: str,
    body: Mapping[str, Any],
    conditions: Sequence[str],
    exit_code: int,
    diagnostics: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The outer object: `format_version`, `command`, `exit_code`, `conditions` (the deciding one first),
    `diagnostics` (as `validate -json` has them), and the command's own members beside them."""
    return {
        "format_version": FORMAT_VERSION,
        "command": command,
        "exit_code": exit_code,
        "conditions": list(conditions),
        "diagnostics": list(diagnostics),
        **body,
    }


def plan_document(file: PlanFile, signoffs: SignOffs) -> dict[str, Any]:
    """`digest`, `plan` (exactly what is signed), `notes` (what is not), `sign_offs`."""
    return {
        "digest": file.digest,
        "plan": plan_value(file.plan),
        "notes": to_builtins(file.notes),
        "sign_offs": sign_offs_document(signoffs),
    }


def sign_offs_document(signoffs: SignOffs) -> dict[str, Any]:
    """`rows` by surface and owner; `complete` is what `apply` would ask."""
    rows = []
    for row in signoffs.rows:
        value = to_builtins(row)
        value["may_not"] = [{"person": person, "reason": reason} for person, reason in row.may_not]
        rows.append({**value, "done": row.done})
    return {
        "complete": signoffs.complete,
        "verified": signoffs.verified,
        "published": signoffs.published,
        "expires": signoffs.expires,
        "refusals": [*signoffs.blocked, *signoffs.refusals],
        "obligations": list(signoffs.obligations),
        "rows": rows,
    }


def drift_document(report: DriftReport) -> dict[str, Any]:
    """`drift`: the whole report."""
    return {"drift": to_builtins(report)}


def apply_document(file: PlanFile, result: ApplyResult) -> dict[str, Any]:
    """`digest`, `complete`, `operations` with what became of each, `problems`, `stopped`, `notes`."""
    return {
        "digest": file.digest,
        "solo": file.plan.solo,
        "complete": result.complete,
        "operations": [
            {
                "id": one.operation.id,
                "change": one.operation.change,
                "verb": one.operation.verb,
                "status": str(one.status),
                "detail": one.detail,
                "earlier": one.earlier,
            }
            for one in result.operations
        ],
        "problems": [to_builtins(problem) for problem in result.problems],
        "stopped": None if result.stopped is None else to_builtins(result.stopped),
        "notes": list(result.notes),
        "calls": dict(result.calls),
        "milliseconds": result.milliseconds,
    }


def test_document(
    results: Sequence[TestResult],
    coverage: Sequence[TestCoverage] = (),
    world: str = "planned",
    simulated: Sequence[str] | None = None,
    gaps: Sequence[str] = (),
    calls: Mapping[str, int] | None = None,
    milliseconds: int = 0,
) -> dict[str, Any]:
    """`passed`, `failed` and every result; `coverage` by agent and surface; `world`, on which they were judged,
    `simulated`, the clouds whose simulators judged the attempts, null where nobody asked, `gaps`, reads that failed;
    `calls` that were made to read, by `provider:target`, and `milliseconds` in all."""
    passed = sum(result.passed for result in results)
    return {
        "passed": passed,
        "failed": len(results) - passed,
        "results": [to_builtins(result) for result in results],
        "coverage": [to_builtins(one) for one in coverage],
        "world": world,
        "simulated": None if simulated is None else list(simulated),
        "gaps": list(gaps),
        "calls": dict(calls or {}),
        "milliseconds": milliseconds,
    }


test_document.__test__ = False  # type: ignore[attr-defined]
