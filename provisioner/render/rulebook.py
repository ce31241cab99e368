"""Rules as a table, and one rule as a page. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .escape import escape
from .text import Paint, section, table, title

_LETTER = {"block": "B", "accept": "S", "warn": "W"}
_MEANS = {
    "block": "blocks the plan; an exception that governance and its owner signed lifts it",
    "accept": "needs the surface owner's acceptance, with a reason, in the sign-off",
    "warn": "warns",
}


@dataclass(frozen=True, slots=True)
class RulePage:
    """One rule. `level` is what it is in this workspace, `shipped` what it was shipped as.

    `references` are (reference, framework) pairs.
    """

    id: str
    level: str
    shipped: str
    surface: str
    summary: str
    why: str
    fix: str
    breaks: str
    holds: str
    absolute: bool
    references: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """`source` says whose severities these are; `catalogue` is the version of the framework references."""

    source: str
    catalogue: str
    rules: tuple[RulePage, ...]


def rules_text(book: RuleBook, width: int = 100, color: bool = False) -> str:
    """Every rule on a line."""
    paint = Paint(color)
    lines = [
        *title(["provisioner rules", f"severities {book.source}", f"catalogue {book.catalogue}"], width, paint),
        "",
    ]
    rows = [("", "rule", "surface", "what it holds", "references")]
    for rule in book.rules:
        letter = _LETTER[rule.level] + ("!" if rule.absolute else "")
        references = ", ".join(reference for reference, _ in rule.references)
        rows.append((letter, escape(rule.id), rule.surface, escape(rule.summary), escape(references)))
    lines += table(rows, width, flexible=(3, 4))
    lines += ["", "B blocks, S needs the owner's acceptance, W warns; ! is lifted by no exception and no severity."]
    lines.append("provisioner explain RULE says why, with examples.")
    return "\n".join(lines) + "\n"


def rule_text(rule: RulePage, width: int = 100, color: bool = False) -> str:
    """One rule with why, examples and references."""
    paint = Paint(color)
    lines = [*title([escape(rule.id), escape(rule.summary)], width, paint), ""]
    means = "blocks the plan, whatever an exception or severity says" if rule.absolute else _MEANS[rule.level]
    changed = "" if rule.level == rule.shipped else f" (shipped as {rule.shipped}; the trust root says otherwise)"
    lines += section("SEVERITY", f"{means}{changed}", width)
    lines += section("SURFACE", rule.surface, width)
    lines += section("WHY", escape(rule.why), width)
    lines += section("WAY OUT", escape(rule.fix), width)
    if rule.breaks:
        lines += section("BREAKS IT", rule.breaks, width)
        lines += section("HOLDS", rule.holds, width)
    for reference, framework in rule.references:
        lines += section("REFERENCE", f"{escape(reference)}{f' ({framework})' if framework else ''}", width)
    return "\n".join(lines) + "\n"
