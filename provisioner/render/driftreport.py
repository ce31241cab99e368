"""A drift report as text: what no signed plan explains, whose it is, and the way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from ..model.changes import Effect
from ..model.drift import Difference, DriftKind, DriftReport, Ignored
from .attribution import who_text
from .conditions import Condition, drift_conditions, exit_line
from .escape import escape
from .human import EFFECT_STYLE, SENTENCES, coverage_lines, finding_lines, names
from .signoff import obligation_lines
from .text import LABEL, Paint, columns, count, ending, pad, section, title, wrap

_EXPLAINED = {
    DriftKind.OUT_OF_BAND: "no signed plan explains it",
    DriftKind.UNCLAIMED: "looks like an agent, and nobody declared it",
    DriftKind.EXPIRED: "ended by itself; the removal was signed with the grant",
    DriftKind.PENDING: "configuration changed, not applied",
    DriftKind.INCOMPLETE: "not seen, so not judged",
}
_INDENT = 11
_BESIDE = 36


def drift_text(
    report: DriftReport,
    *,
    conditions: Iterable[Condition] | None = None,
    recorded: int | None = None,
    told: str = "",
    width: int = 100,
    color: bool = False,
) -> str:
    """The report of `provisioner drift`, ending with a newline. `recorded` is this run's entry in the ledger, `told`
    says who was told of what."""
    paint = Paint(color)
    held = drift_conditions(report) if conditions is None else tuple(conditions)
    lines = [*title(_title(report), width, paint), "", *_verdict(report, width, paint)]
    for kind, explained in _EXPLAINED.items():
        found = report.of(kind)
        if not found:
            continue
        lines += ["", f"{paint.style('strong', _name(kind))}: {explained}"]
        for difference in found:
            lines += _difference(difference, report.time, width, paint)
    lines += _since_then(report, width, paint)
    ignored = [line for item in report.ignored for line in _ignored(item, width)]
    lines += ["", *ignored] if ignored else []
    if report.findings:
        lines += ["", *section("NOT USED", "by the audit logs given", width)]
        lines += [line for one in report.findings for line in finding_lines(one, None, width, paint)]
    owed = obligation_lines(report.obligations, width, paint)
    lines += ["", *owed] if owed else []
    coverage = report.coverage
    lines += ["", *coverage_lines(coverage.gaps, coverage.not_looked_at, coverage.calls, report.milliseconds, width)]
    lines += section("RECORDED", f"entry {recorded} of the ledger", width) if recorded else []
    lines += section("TOLD", escape(told), width) if told else []
    fine = "no drift but what is ignored" if report.set_aside else "no drift"
    return "\n".join([*lines, "", *ending(exit_line(held, fine), width, paint)]) + "\n"


def _title(report: DriftReport) -> list[str]:
    parts = ["provisioner drift", f"workspace {escape(report.workspace)}", f"trust root v{report.root_version}"]
    if report.last_applied is None:
        parts.append("nothing applied yet")
    else:
        short = report.last_applied.digest.removeprefix("sha256:")[:8]
        parts.append(f"last applied {escape(short)}, {escape(report.last_applied.time[:10])}")
    if report.solo:
        parts.append("solo: one person holds every sign-off")
    return parts


def _name(kind: DriftKind) -> str:
    return kind.replace("_", " ").upper()


def _verdict(report: DriftReport, width: int, paint: Paint) -> list[str]:
    bad = bool(report.differences or report.coverage.gaps or report.not_fully_seen)
    tally = Counter((d.kind, d.effect) for d in report.differences)
    parts = []
    for kind in _EXPLAINED:
        effects = (Effect.WIDER, Effect.UNKNOWN, Effect.NARROWER, Effect.EQUAL, None)
        for effect in effects:
            if number := tally[kind, effect]:
                suffix = f", {effect}" if effect and kind is DriftKind.OUT_OF_BAND else ""
                parts.append((f"{number} {_name(kind)}{suffix}", EFFECT_STYLE[effect] if effect else "warn"))
    lines: list[str] = []
    if not bad and report.set_aside:
        text = f"No drift but {count(report.set_aside, 'difference')} that the team ignores."
        lines.append("  " + paint.style("warn", text))
    elif not bad:
        lines.append("  " + paint.style("good", "No drift. Everything live is as signed."))
    elif not parts:
        lines.append("  " + paint.style("warn", "Not everything could be read, so this is not a clean bill."))
    else:
        lines += _flow(parts, width, paint)
        if report.coverage.gaps:
            lines += wrap("Not everything could be read, so this is no clean bill for the rest.", width, "  ")
    states = [f"{report.as_signed} as signed", f"{report.differ} differ" + ("s" if report.differ == 1 else "")]
    if report.not_fully_seen:
        states.append(f"{report.not_fully_seen} not fully seen")
    return [*lines, f"  {count(report.agents, 'agent')}: {', '.join(states)}"]


def _ignored(item: Ignored, width: int) -> list[str]:
    """What one `ignore` block does in this run: nothing once it has ended, and the differences that it sets aside."""
    place = escape(item.place)
    if item.expired:
        return section(
            "IGNORED", f"nothing by {place}: it ended on {escape(item.expires)}; renew it or take it out", width
        )
    if not item.differences:
        return section("IGNORED", f"nothing by {place} (until {escape(item.expires)}): no difference fits", width)
    text = f"{len(item.differences)} by {place} (until {escape(item.expires)}): {escape(item.reason)}"
    lines = section("IGNORED", text, width)
    for one in item.differences:
        effect = f", {one.effect}" if one.effect else ""
        agent = f" agent.{escape(one.agent)}" if one.agent else ""
        head = f"{escape(one.id)} {_name(one.kind).lower()}{effect}:{agent} {escape(' '.join(one.what[:1]))}"
        lines += wrap(head, width, " " * LABEL, " " * (LABEL + 2))
    return lines


def _flow(parts: list[tuple[str, str]], width: int, paint: Paint) -> list[str]:
    """Painted counts, as many on a line as fit."""
    lines: list[str] = []
    used = 0
    for text, style in parts:
        if not lines or used + 5 + len(text) > width:
            lines.append("  " + paint.style(style, text))
            used = 2 + len(text)
        else:
            lines[-1] += "     " + paint.style(style, text)
            used += 5 + len(text)
    return lines


def _since_then(report: DriftReport, width: int, paint: Paint) -> list[str]:
    """What the last recorded run saw and this one does not: gone, or not looked at again."""
    when = escape(report.compared.replace("T", " "))
    lines: list[str] = []
    for label, found, said in (
        (f"GONE SINCE THE LAST RUN, {when}", report.gone, "was open"),
        ("NOT SEEN AGAIN: a read failed, so nobody knows whether it is still there", report.unseen, "open"),
    ):
        if found:
            lines += ["", *(paint.style("strong", line) for line in wrap(label, width))]
        for known in found:
            effect = f", {known.effect}" if known.effect else ""
            agent = f" agent.{escape(known.agent)}" if known.agent else ""
            text = f"{_name(known.kind).lower()}{escape(effect)}:{agent} {escape(known.what)}"
            lines += wrap(f"{text}; {said} {_age(known.since, report.time)}", width, "  ", "    ")
    return lines


def _age(since: str, now: str) -> str:
    """`NEW`, or how long ago in whole days, hours or minutes: `4d`."""
    if since == now:
        return "NEW"
    try:
        seconds = int((datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds())
    except (ValueError, TypeError):  # what a ledger says is shown as it is where it is no time
        return escape(since)
    for unit, size in (("d", 86_400), ("h", 3_600)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(0, seconds) // 60}m"


def _difference(difference: Difference, now: str, width: int, paint: Paint) -> list[str]:
    effect = difference.effect.upper() if difference.effect else ""
    age = f"{pad(_age(difference.since, now), 4)} " if difference.since else ""
    head = f"  {pad(escape(difference.id), 5)}{age}"
    about = [f"agent.{escape(difference.agent)}"] if difference.agent else []
    if difference.surfaces:
        about.append(",".join(difference.surfaces))
    place = " ".join(map(escape, filter(None, (difference.address.provider if difference.address else "",))))
    target = f"{place} {escape(difference.target)}".strip()
    if target:
        about.append(target)
    prefix = f"{head}{effect:<9} " if effect else head
    lines = wrap("   ".join(about) or escape(difference.kind), width, prefix, " " * _INDENT)
    if effect and difference.effect is not None:
        style = EFFECT_STYLE[difference.effect]
        lines[0] = f"{head}{paint.style(style, f'{effect:<9}')}{lines[0][len(head) + 9 :]}"
    if difference.users:
        lines += wrap(f"concerns {names(difference.users)}", width, " " * _INDENT)
    for what in difference.what:
        text = what.lstrip(" ")
        indent = _INDENT + len(what) - len(text)
        lines += wrap(escape(text), width, " " * indent, " " * (indent + 2))
    for word, said in (("can", difference.can), ("can no longer", difference.cannot)):
        for text in said[:SENTENCES]:
            lines += wrap(f"{word}: {escape(text)}", width, " " * _INDENT)
        if len(said) > SENTENCES:
            lines.append(f"{' ' * _INDENT}and {len(said) - SENTENCES} more (-json has them all)")
    if difference.reason:
        lines += wrap(escape(difference.reason), width, " " * _INDENT)
    if difference.breaks:
        lines += wrap(f"breaks: {', '.join(map(escape, difference.breaks))}", width, " " * _INDENT)
    if difference.who is not None:
        lines += wrap(f"who: {escape(who_text(difference.who))}", width, " " * _INDENT)
    if difference.tell:
        lines += wrap(f"tell: {', '.join(map(escape, difference.tell))}", width, " " * _INDENT)
    return [*lines, *_ways_out(difference, width)]


def _ways_out(difference: Difference, width: int) -> list[str]:
    """Each command, and beside it what it does; below it, where there is no room."""
    lines: list[str] = []
    commands = [escape(hint.command) for hint in difference.do]
    beside = _INDENT + 4 + max(map(columns, commands), default=0) + 2
    for at, (hint, command) in enumerate(zip(difference.do, commands, strict=True)):
        first = " " * _INDENT + ("do: " if at == 0 else "    ")
        if beside + _BESIDE <= width:
            lines += wrap(escape(hint.explains), width, pad(first + command, beside), " " * beside)
        else:
            lines += [*wrap(command, width, first), *wrap(escape(hint.explains), width, " " * (_INDENT + 6))]
    return lines
