"""Who answers for what: a responsibility matrix as a table, as Markdown, as CSV. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .escape import escape
from .text import Paint, section, table, title

FORMATS = ("text", "markdown", "csv")

_HEAD = ("subject", "surface", "owner", "signers", "quorum", "stands in", "informed")
_RACI = ("subject", "surface", "owner (A)", "signers (R)", "quorum", "stands in (C)", "informed (I)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|")
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>|#~"})


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """Who signs for one surface of one subject: a surface itself (`kind` surface), an agent, a tool.

    `owner` None: nobody does, or several would (OWN-1). `stands_in` says who may after which time; `informed` holds
    the agent's sponsor, who answers for it and signs none of its widening.
    """

    kind: str
    subject: str
    surface: str
    owner: str | None
    title: str
    contact: str
    signers: tuple[str, ...]
    threshold: int
    stands_in: str
    informed: str


@dataclass(frozen=True, slots=True)
class OwnerMatrix:
    """`source` says whose word it is (`trust root v2`). `differences` are what the configuration would change."""

    workspace: str
    source: str
    solo: bool
    rows: tuple[OwnerRow, ...]
    differences: tuple[str, ...] = ()


def owners_text(matrix: OwnerMatrix, width: int = 100, color: bool = False) -> str:
    """The matrix for a terminal."""
    paint = Paint(color)
    head = ["provisioner owners", f"workspace {escape(matrix.workspace)}", matrix.source]
    lines = [*title(head, width, paint), ""]
    if matrix.solo:
        lines += section("SOLO", "one person holds every sign-off: authors may sign", width)
    rows = [_HEAD, *(_cells(row, escape) for row in matrix.rows)]
    lines += table(rows, width, flexible=range(len(_HEAD)))
    unowned = [row for row in matrix.rows if row.owner is None]
    if unowned:
        lines.append("")
        lines.append(paint.style("bad", f"{len(unowned)} without exactly one owner: no change of them can be signed"))
    for line in matrix.differences:
        lines += section("NOT IN FORCE", escape(line), width) if line == matrix.differences[0] else [f"{'':13}{line}"]
    return "\n".join(lines) + "\n"


def owners_markdown(matrix: OwnerMatrix) -> str:
    """A table for a wiki or a pull request: whatever the configuration says shows as text."""
    lines = [f"### Owners of `{_cell(matrix.workspace)}` ({matrix.source})", ""]
    lines += ["| " + " | ".join(_RACI) + " |", "|" + "---|" * len(_HEAD)]
    lines += ["| " + " | ".join(_cell(text) for text in _cells(row, escape)) + " |" for row in matrix.rows]
    return "\n".join(lines) + "\n"


def owners_csv(matrix: OwnerMatrix) -> str:
    """For a spreadsheet. A cell that one would take for a formula gets an apostrophe in front."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    head = ("kind", "subject", "surface", "owner", "title", "contact", "signers", "threshold", "stands_in", "informed")
    writer.writerow(head)
    for row in matrix.rows:
        values: Iterable[str] = (
            row.kind,
            row.subject,
            row.surface,
            row.owner or "",
            row.title,
            row.contact,
            " ".join(row.signers),
            str(row.threshold),
            row.stands_in,
            row.informed,
        )
        writer.writerow([plain_cell(value) for value in values])
    return stream.getvalue()


def plain_cell(text: str) -> str:
    """A cell that no spreadsheet evaluates. Source: OWASP, «CSV Injection»."""
    text = escape(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _cells(row: OwnerRow, safe: Callable[[str], str]) -> Sequence[str]:
    return tuple(
        safe(text)
        for text in (
            row.subject,
            row.surface,
            row.owner or "NOBODY",
            ", ".join(row.signers) or "nobody",
            f"{row.threshold} of {len(row.signers)}" if row.owner else "",
            row.stands_in,
            row.informed,
        )
    )


def _cell(text: str) -> str:
    return escape(text).translate(_MARKDOWN)
