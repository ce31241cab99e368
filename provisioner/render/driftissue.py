"""A drift report as an issue that is kept in place: title, body, and what a comment says of a change. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..model.changes import Effect
from ..model.drift import Difference, DriftKind, DriftReport, Transition
from .attribution import who_text
from .escape import escape
from .markup import code, md
from .text import count

LIMIT = 60_000
"""Characters of a body; GitHub takes 65,536."""
_ROWS = 200
_ORDER = tuple(DriftKind)


def issue_marker(workspace: str) -> str:
    """The first line of the issue of one workspace: it is found again by it."""
    safe = escape(workspace).replace("--", "- -").replace(">", "&gt;")
    return f"<!-- provisioner:drift workspace={safe} -->"


def issue_title(report: DriftReport) -> str:
    """`Drift in acme-agents-prod: 2 out of band, 1 incomplete`; of none, that there is none."""
    tally = Counter(one.kind for one in report.differences)
    counted = [f"{tally[kind]} {kind.replace('_', ' ')}" for kind in _ORDER if tally[kind]]
    return f"Drift in {escape(report.workspace)}: {', '.join(counted) or 'none'}"[:250]


def issue_body(report: DriftReport) -> str:
    """What differs now, at most `LIMIT` characters. The same differences give the same text, whenever they are seen."""
    lines = [issue_marker(report.workspace), *_head(report)]
    if report.differences:
        lines += ["", "| | | Agent | Where | What | For | Since |", "|---|---|---|---|---|---|---|"]
    size = sum(len(line) + 1 for line in lines)
    shown = 0
    for one in report.differences[:_ROWS]:
        row = _row(one)
        if size + len(row) + 500 > LIMIT:
            break
        lines.append(row)
        size += len(row) + 1
        shown += 1
    if shown < len(report.differences):
        lines += ["", f"{count(len(report.differences) - shown, 'difference')} more: `provisioner drift` shows all."]
    if report.differences:
        lines += [
            "",
            "`provisioner drift` shows each whole, with the ways out. This issue is rewritten by every run that",
        ]
        lines += ["records; it is closed once nothing differs."]
    return "\n".join(lines) + "\n"


def change_comment(transitions: Sequence[Transition]) -> str:
    """What came and went, as a comment: an edited issue alone tells nobody."""
    lines = [f"{count(len(transitions), 'transition')} since this issue was last told:", ""]
    for one in transitions[:_ROWS]:
        known = one.known
        what = f"{one.turn}: {known.kind.replace('_', ' ')}{f', {known.effect}' if known.effect else ''}"
        where = " ".join(code(text) for text in (known.agent, known.place) if text)
        lines.append(f"- **{md(what)}** {where} {md(known.what)}"[:2_000])
    if len(transitions) > _ROWS:
        lines.append(f"- and {len(transitions) - _ROWS} more")
    text = "\n".join(lines)
    return (text if len(text) <= LIMIT else text[:LIMIT] + "\n- cut here") + "\n"


def _head(report: DriftReport) -> list[str]:
    if not report.differences:
        return ["", "Nothing differs from what was signed."]
    tally = Counter(one.effect for one in report.differences if one.kind is DriftKind.OUT_OF_BAND)
    effects = [f"**{tally[effect]} {effect}**" for effect in Effect if tally[effect]]
    out = f"Out of band: {', '.join(effects)}. " if effects else ""
    unread = count(len(report.coverage.gaps), "place")
    whole = f"{unread} could not be read, so this is no clean bill for the rest." if report.coverage.gaps else ""
    differ = f"{report.differ} of {count(report.agents, 'agent')} differ{'s' if report.differ == 1 else ''}"
    return ["", f"{out}{differ}. {whole}".rstrip()]


def _row(one: Difference) -> str:
    kind = one.kind.replace("_", " ")
    effect = str(one.effect or "")
    where = _cell(str(one.address) if one.address is not None else one.target or "")
    what = " ".join(one.what[:2])
    if one.who is not None and one.who.actor:
        what = f"{what[:240]}; who: {who_text(one.who)}"
    cells: Iterable[str] = (
        md(kind),
        f"**{effect}**" if one.effect is not None and one.effect.widens else effect,
        code(one.agent, True) if one.agent else "",
        where,
        md(what if len(what) <= 300 else what[:299] + "…"),
        md(", ".join(one.tell)),
        md(one.since[:10]),
    )
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return code(text, True) if text else ""
