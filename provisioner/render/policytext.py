"""One change in full: every attribute that differs, before and after, as a diff that a person can read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..model.changes import Action, Change
from ..planfile import PlanFile
from .escape import escape
from .grouping import Row
from .human import change_lines, users
from .text import Paint, ranges, section, title

CONTEXT = 10
_STYLE = {"+": "bad", "-": "good"}
# What is added may be done from then on, so it has the colour of a warning; what is taken away has the other.


class NoSuchChange(LookupError):
    """The plan has no change of that number; the message says which it has."""


def change_text(file: PlanFile, number: int, *, width: int = 100, color: bool = False) -> str:
    """The report of `show -change N`, ending with a newline. Raises NoSuchChange."""
    change = find_change(file, number)
    paint = Paint(color)
    operations = [operation for operation in file.plan.operations if operation.change == number]
    workspace = f"workspace {escape(file.plan.workspace)}"
    head = [f"change {number} of {len(file.plan.changes)}", f"plan {file.short}", workspace]
    lines = [*title(head, width, paint), ""]
    lines += change_lines(Row((change,), change.label), width, paint, users(file.plan, change))
    lines.append("")
    lines += section("WHERE", escape(str(change.address)), width)
    lines += section(
        "DECLARED", escape(change.block) if change.block else "nowhere: the configuration does not ask for it", width
    )
    if change.tools:
        lines += section("TOOLS", ", ".join(map(escape, change.tools)), width)
    owners = [f"{surface}: {escape(change.owners.get(surface, 'nobody'))}" for surface in change.surfaces]
    lines += section("OWNERS", ", ".join(owners), width)
    for operation in operations:
        after = f", after {', '.join(map(escape, operation.depends))}" if operation.depends else ""
        lines += section("CALL", f"{escape(operation.id)}  {escape(operation.verb)}{after}", width)
    for name in differing(change):
        lines += ["", paint.style("strong", f"{escape(name)}:")]
        lines += [_painted(line, paint) for line in _difference(name, change)]
    return "\n".join(lines) + "\n"


def find_change(file: PlanFile, number: int) -> Change:
    """The change of that number. Raises NoSuchChange."""
    for change in file.plan.changes:
        if change.number == number:
            return change
    known = ranges(change.number for change in file.plan.changes)
    raise NoSuchChange(f"plan {file.short} has no change {number}; it has {known or 'none'}")


def attribute_diffs(change: Change) -> Iterator[tuple[str, list[str]]]:
    """Each attribute that differs, with its lines as a unified diff has them: `+`, `-` or a space first."""
    for name in differing(change):
        yield name, [line[2:] for line in _difference(name, change)]


def differing(change: Change) -> tuple[str, ...]:
    """The attributes that differ; of a creation or deletion, all of them."""
    if change.action is Action.UPDATE and change.fields:
        return change.fields
    return tuple(sorted({*(change.before or {}), *(change.after or {})}))


def _difference(name: str, change: Change) -> Iterator[str]:
    before = attribute_lines(change.before, name)
    after = attribute_lines(change.after, name)
    if change.action.marks_only and before == after:  # what is taken over, or let go of, is shown whole
        yield from (f"    {line}" for line in after)
        return
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for at, group in enumerate(matcher.get_grouped_opcodes(CONTEXT)):
        if at:
            yield "    …"
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (f"    {line}" for line in before[i1:i2])
                continue
            yield from (f"  - {line}" for line in before[i1:i2])
            yield from (f"  + {line}" for line in after[j1:j2])


def attribute_lines(attributes: Mapping[str, Any] | None, name: str) -> list[str]:
    """An attribute as indented JSON, line by line, escaped. Strings are JSON's own, so no value can forge a line."""
    if attributes is None or name not in attributes:
        return []
    text = json.dumps(attributes[name], indent=2, sort_keys=True, ensure_ascii=False)
    return [escape(line) for line in text.split("\n")]


def _painted(line: str, paint: Paint) -> str:
    return paint.style(_STYLE.get(line[2:3], ""), line)
