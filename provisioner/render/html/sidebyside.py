"""Before and after next to each other: of each attribute the changed lines only, with where they stand."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...model.changes import Action, Change
from ..escape import escape
from ..policytext import attribute_lines, differing
from .markup import Html, block, join, tag

LINES = 120
"""Lines of one hunk that are shown; a longer one is cut, and that is said."""
_COMPARED = 4_000_000  # pairs of lines; beyond, the attribute is shown as one change, since comparing is quadratic


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that differ, one side possibly empty. `inside` are the keys around them, outermost first."""

    inside: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


def hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[Hunk]:
    """Where two texts of indented JSON differ; a comma at a line's end depends on its neighbour, and is none."""
    if len(before) * len(after) > _COMPARED:
        yield Hunk((), tuple(before), tuple(after))
        return
    old, new = ([line.rstrip(",") for line in lines] for lines in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for what, i1, i2, j1, j2 in matcher.get_opcodes():
        if what != "equal":
            inside = _inside(after, j1) if j2 > j1 else _inside(before, i1)
            yield Hunk(inside, tuple(before[i1:i2]), tuple(after[j1:j2]))


def side_by_side(change: Change, command: str) -> Html:
    """One table a change, an attribute after the other. A creation or deletion has one side only. `command` shows
    what is cut."""
    parts = []
    for name in differing(change):
        before, after = attribute_lines(change.before, name), attribute_lines(change.after, name)
        rows = [_row(hunk, change.action, command) for hunk in hunks(before, after)]
        if rows:
            span = str(len(_SIDES[change.action]))
            parts.append(tag("tbody", tag("tr", tag("th", name, scope="rowgroup", colspan=span)), *rows))
    if not parts:
        return Html("")
    head = tag("thead", tag("tr", *(tag("th", side, scope="col") for side in _SIDES[change.action])))
    return tag("table", tag("caption", f"Change {change.number}", class_="hidden"), head, *parts, class_="sides")


_SIDES = {
    Action.CREATE: ("After",),
    Action.DELETE: ("Before",),
    Action.UPDATE: ("Before", "After"),
    Action.CLAIM: ("Before", "After"),
    Action.RELEASE: ("Before", "After"),
}


def _row(hunk: Hunk, action: Action, command: str) -> Html:
    place = tag("span", "in ", " › ".join(hunk.inside), class_="in") if hunk.inside else None
    cells = []
    if action is not Action.CREATE:
        cells.append(tag("td", place, _lines(hunk.before, "-", "del", command)))
        place = None
    if action is not Action.DELETE:
        cells.append(tag("td", place, _lines(hunk.after, "+", "ins", command)))
    return tag("tr", *cells)


def _lines(lines: Sequence[str], sign: str, element: str, command: str) -> Html:
    """A sign stands before each line, so that nothing depends on colour. Lines are escaped by who made them, and once
    more for HTML."""
    if not lines:
        return tag("span", "nothing", class_="none")
    margin = min(len(line) - len(line.lstrip(" ")) for line in lines)
    shown = "\n".join(f"{sign} {line[margin:]}" for line in lines[:LINES])
    more = len(lines) - LINES
    rest = tag("p", f"and {more} more lines: ", tag("code", command)) if more > 0 else None
    return join([tag("pre", tag(element, block(shown))), rest])


def _inside(lines: Sequence[str], at: int) -> tuple[str, ...]:
    """The keys of the objects around a line of indented JSON."""
    indent = _indent(lines[at])
    keys: list[str] = []
    for line in reversed(lines[:at]):
        depth = _indent(line)
        if depth < indent:
            indent = depth
            key = line.strip().rstrip("{[ ").rstrip(":").strip('"')
            if key:
                keys.append(escape(key))
        if not depth:
            break
    return tuple(reversed(keys))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
