"""What a signer is shown: one part of a plan as plain text, made from the plan's bytes alone.

The text's digest goes into the statement, so the record says what was on the screen. Whatever a cloud or a pull
request could choose is written so that it cannot pretend to be something else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from .. import canonical
from ..model.changes import Action, Change, Operation
from ..model.findings import Finding, Level
from ..model.plan import Plan, Requirement
from ..planfile import PlanFile
from .parts import finding_name
from .requirements import bars_of
from .statement import hidden_character

REVIEW_DOMAIN: Final = "review/1"
_SIGN: Final = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    Action.CLAIM: "= CLAIM",
    Action.RELEASE: "= RELEASE",
}


def review_digest(text: str) -> str:
    """The digest of a review text."""
    return canonical.digest_bytes(REVIEW_DOMAIN, text.encode("utf-8"))


def review_text(planfile: PlanFile, surface: str, owner: str, capacity: str = "") -> str:
    """Everything that `owner` decides for `surface`. Raises KeyError where the plan asks them nothing.

    `capacity` says, on a line of its own, in which one somebody else signs in the owner's place.
    """
    plan = planfile.plan
    for requirement in plan.requirements:
        if (requirement.surface, requirement.owner) == (surface, owner):
            return "\n".join(_lines(planfile, requirement, capacity)) + "\n"
    raise KeyError(f"the plan asks nothing of {owner} for {surface}")


def escape(text: str) -> str:
    """Control, format and bidirectional characters, written out as `\\u202e`; a line break as `\\n`."""
    if hidden_character(text) is None:
        return text
    return "".join(
        c if hidden_character(c) is None else json.dumps(c)[1:-1] if ord(c) < 128 else _unicode(c) for c in text
    )


def _unicode(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _lines(planfile: PlanFile, requirement: Requirement, capacity: str) -> Iterator[str]:
    plan = planfile.plan
    yield f"provisioner sign-off   {escape(requirement.surface)} for {escape(requirement.owner)}"
    if capacity:
        yield f"  capacity     {escape(capacity)}"
    yield f"  plan         {planfile.digest}"
    yield f"  part         {requirement.part}"
    yield f"  workspace    {escape(plan.workspace)}, trust root v{plan.root.version}, builds on entry {plan.base}"
    for target in plan.targets:
        place = f" ({escape(target.environment)})" if target.environment else ""
        yield f"  in           {escape(target.provider)} {escape(target.id)}{place}"
    if plan.scope:
        yield f"  only         {', '.join(escape(item) for item in plan.scope)}"
    if requirement.threshold:
        yield f"  quorum       {requirement.threshold} {'people' if requirement.threshold > 1 else 'person'}"
    else:
        yield "  quorum       none: it only takes authority away"
    if plan.solo:
        yield "  solo         one person decides alone: authors may sign"
    else:
        for bar in bars_of(requirement, plan):
            yield f"  may not sign {escape(bar.person)}: {escape(bar.reason)}"
    for doubt in plan.unknown_authors:
        yield f"  unknown      {escape(doubt)}"
    yield from _changes(plan, requirement)
    yield from _next_root(plan, requirement)
    yield from _findings(plan, requirement)
    yield from _paths(plan)
    yield from _coverage(plan)


def _changes(plan: Plan, requirement: Requirement) -> Iterator[str]:
    numbers = set(requirement.changes)
    if not numbers:
        return
    yield ""
    yield "CHANGES"
    operations: dict[int, list[Operation]] = {}
    for operation in plan.operations:
        operations.setdefault(operation.change, []).append(operation)
    for change in plan.changes:
        if change.number in numbers:
            yield from _change(change, operations.get(change.number, ()))
            for sweep in plan.sweeps:
                if sweep.change == change.number:
                    verbs = ", ".join(escape(operation.verb) for operation in sweep.operations)
                    yield f"      from {escape(sweep.ends)} on, without another sign-off: {verbs}"


def _change(change: Change, operations: Iterable[Operation]) -> Iterator[str]:
    who = f"agent.{escape(change.agent)}" if change.agent is not None else "shared"
    yield f"  {change.number} {_SIGN[change.action]} {change.effect.upper()}  {who}  {escape(change.label)}"
    yield f"      {escape(str(change.address))}"
    yield from (f"      can: {escape(line)}" for line in change.can)
    yield from (f"      can no longer: {escape(line)}" for line in change.cannot)
    if change.reason:
        yield f"      because: {escape(change.reason)}"
    if change.counterparts:
        yield f"      lets it reach: {', '.join(f'agent.{escape(name)}' for name in change.counterparts)}"
    if change.left:
        yield f"      serves no more: {', '.join(map(escape, change.left))}"
    yield from _differences(change)
    for operation in operations:
        yield f"      runs {escape(operation.verb)} {_value(operation.params)}"


def _differences(change: Change) -> Iterator[str]:
    before, after = change.before or {}, change.after or {}
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            if change.action.marks_only:
                yield f"      = {escape(name)}: {_value(old)}"
            continue
        if change.before is not None and old is not None:
            yield f"      - {escape(name)}: {_value(old)}"
        if change.after is not None and new is not None:
            yield f"      + {escape(name)}: {_value(new)}"


def _next_root(plan: Plan, requirement: Requirement) -> Iterator[str]:
    """The whole of the next root: who signs it, signs every word of it."""
    if plan.next_root is None or requirement.surface != "governance":
        return
    yield ""
    yield f"TRUST ROOT v{plan.next_root.version}   {plan.next_root.digest}"
    yield from (f"  {escape(line)}" for line in plan.next_root.lines)
    yield "  and so it reads in full:"
    for name, value in sorted(plan.next_root.data.items()):
        if isinstance(value, Mapping):
            yield from (f"  {escape(name)}.{escape(key)}: {_value(item)}" for key, item in sorted(value.items()))
        else:
            yield f"  {escape(name)}: {_value(value)}"


def _findings(plan: Plan, requirement: Requirement) -> Iterator[str]:
    accept = [item for item in plan.findings if item.level is Level.ACCEPT and finding_name(item) in requirement.accept]
    others = [item for item in plan.findings if item not in accept and _concerns(item, requirement)]
    if accept:
        yield ""
        yield "YOU ACCEPT"
        yield from (line for item in accept for line in _finding(item))
    if others:
        yield ""
        yield "FINDINGS"
        yield from (line for item in others for line in _finding(item))


def _paths(plan: Plan) -> Iterator[str]:
    """Ways to become more that the plan opens: every signer is told, whoever's change opens them."""
    if plan.new_paths:
        yield ""
        yield "NEW PATHS"
    for path in plan.new_paths:
        doubt = "" if path.certain else ", if the context allows it"
        yield f"  agent.{escape(path.agent)}, {escape(path.technique)}: {escape(path.text)}{doubt}"


def _concerns(finding: Finding, requirement: Requirement) -> bool:
    return finding.surface == requirement.surface or bool(set(finding.changes) & set(requirement.changes))


def _finding(finding: Finding) -> Iterator[str]:
    yield f"  {finding.level.upper()} {escape(finding_name(finding))}: {escape(finding.message)}"
    yield f"      {escape(finding.fix)}"
    if finding.exception:
        what = f"{escape(finding.exception)} as {escape(finding.covered_as)}"
        yield f"      lifted by {what} until {escape(finding.until)}"


def _coverage(plan: Plan) -> Iterator[str]:
    yield ""
    tests = plan.tests
    yield f"TESTS        {tests.passed} pass, {tests.failed} fail"
    for result in tests.failures:
        outcome = f"expected {result.expect}, got {result.got}"
        yield f"  {escape(result.test)} {escape(result.case)}: {escape(outcome)}"
    for gap in plan.gaps:
        yield f"NOT READ     {escape(gap.what)} of {escape(gap.provider)} {escape(gap.target)}: {escape(gap.reason)}"
    for item in plan.not_looked_at:
        yield f"NOT JUDGED   {escape(item)}"


def _value(value: Any) -> str:
    """Canonical JSON on one line, with nothing hidden in it."""
    return escape(canonical.dumps(value).decode("utf-8"))
