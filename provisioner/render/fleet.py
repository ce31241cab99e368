"""Many workspaces' drift as one table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .conditions import Condition, exit_line, ordered
from .escape import clip, escape
from .text import Paint, count, ending, table, title

_KINDS = ("pending", "expired", "unclaimed")
_HEAD = ("folder", "workspace", "drift", "wider", *_KINDS, "unread", "differ", "time", "exit")
_WIDE = 96


@dataclass(frozen=True, slots=True)
class FleetRow:
    """One workspace's run. `document` is what its `-json` holds, empty where it could not run; then `error` says why.

    `text` is its own report.
    """

    folder: str
    exit_code: int
    document: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    error: str = ""

    @property
    def report(self) -> Mapping[str, Any]:
        found = self.document.get("drift")
        return found if isinstance(found, Mapping) else {}

    @property
    def conditions(self) -> tuple[Condition, ...]:
        if not self.report:
            return (Condition.ERROR,)
        return ordered(Condition(name) for name in self.document.get("conditions", ()))


def fleet_conditions(rows: Sequence[FleetRow]) -> tuple[Condition, ...]:
    """What holds in any of them."""
    return ordered(condition for row in rows for condition in row.conditions)


def fleet_text(rows: Sequence[FleetRow], milliseconds: int, width: int = 100, color: bool = False) -> str:
    """The table, then the whole report of each workspace that is not as signed."""
    paint = Paint(color)
    held = fleet_conditions(rows)
    lines = [*title(["provisioner drift", count(len(rows), "workspace")], width, paint), ""]
    shown = [_HEAD, *map(_cells, rows)]
    if width < _WIDE:  # the time stands in each report and below
        shown = [tuple(cell for name, cell in zip(_HEAD, row, strict=True) if name != "time") for row in shown]
    lines += table(shown, width, flexible=(0, 1))
    bad = [row for row in rows if row.conditions]
    for row in bad:
        lines += ["", paint.style("strong", f"─── {clip(row.folder, width - 4)}")]
        lines += (row.text.rstrip("\n") or f"Error: {escape(row.error)}").split("\n")
    clean = len(rows) - len(bad)
    calls = sum(sum(row.report["coverage"]["calls"].values()) for row in rows if row.report)
    whole = f"{clean} as signed, {len(bad)} not; {count(calls, 'call')}, {milliseconds / 1000:.1f} s in all"
    lines += ["", f"{count(len(rows), 'workspace')}: {whole}"]
    return "\n".join([*lines, "", *ending(exit_line(held, "no drift"), width, paint)]) + "\n"


def _cells(row: FleetRow) -> tuple[str, ...]:
    report = row.report
    if not report:
        return (escape(row.folder), "", *("?" for _ in _HEAD[3:]), str(row.exit_code))
    tally = Counter(one["kind"] for one in report["differences"])
    wider = sum(one["kind"] == "out_of_band" and one["effect"] in ("wider", "unknown") for one in report["differences"])
    counts = [tally["out_of_band"], wider, *(tally[kind] for kind in _KINDS), len(report["coverage"]["gaps"])]
    return (
        escape(row.folder),
        escape(report["workspace"]),
        *(str(number or "·") for number in counts),
        f"{report['differ']}/{report['agents']}",
        f"{report['milliseconds'] / 1000:.1f} s",
        str(row.exit_code),
    )
