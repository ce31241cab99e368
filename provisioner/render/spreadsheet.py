"""A plan's changes as CSV for reviews: one line a change, no cell that a spreadsheet would compute.

Source: RFC 4180; OWASP, «CSV Injection».
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from ..planfile import PlanFile
from .escape import escape

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")
HEAD = (
    "change",
    "action",
    "effect",
    "agent",
    "surfaces",
    "owners",
    "cloud",
    "account",
    "resource",
    "what",
    "can",
    "can no longer",
    "reason",
)


def plan_csv(file: PlanFile) -> str:
    """The changes, a header first; lines end with CR LF as RFC 4180 has them."""
    rows = []
    for change in file.plan.changes:
        owners = [f"{surface}: {owner}" for surface, owner in sorted(change.owners.items())]
        rows.append(
            (
                str(change.number),
                change.action.value,
                change.effect.value,
                change.agent or "shared",
                " ".join(change.surfaces),
                "; ".join(owners),
                change.address.provider,
                change.address.target,
                f"{change.address.kind}:{change.address.name}",
                change.label,
                "; ".join(change.can),
                "; ".join(change.cannot),
                change.reason,
            )
        )
    return written([HEAD, *rows])


def written(rows: Iterable[Iterable[str]]) -> str:
    """Rows as CSV, each cell escaped and kept from being a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([cell(text) for text in row])
    return out.getvalue()


def cell(text: str) -> str:
    """A cell's text: what a spreadsheet would take for a formula gets an apostrophe in front."""
    safe = escape(text)
    return f"'{safe}" if safe.lstrip().startswith(_FORMULA) else safe
