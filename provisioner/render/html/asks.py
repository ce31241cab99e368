"""What each control owner is asked to accept, in sentences, and how they sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...approval.parts import finding_name
from ...model.changes import Change, Effect
from ...model.findings import Finding, Level
from ...planfile import PlanFile
from ..grouping import HERE, Group, Row, groups
from ..signoff import SignOffRow, SignOffs
from ..text import count, listing
from .markup import Child, Html, items, join, tag
from .words import DEEDS, SURFACES, badge, numbers, people, sign_command, tally

SENTENCES = 12
"""Changes that are told at once for one surface; the rest is a click away."""
MOST = 60
"""Changes told for one surface at all; the rest is counted, and stands in the list of changes."""
_ORDER = (Effect.WIDER, Effect.UNKNOWN, Effect.NARROWER, Effect.EQUAL)


def asks(file: PlanFile, signoffs: SignOffs) -> Html:
    """One part an owner, in the plan's order; those who are waited for first."""
    owners = list(dict.fromkeys(row.owner for row in signoffs.rows))
    by = {owner: [row for row in signoffs.rows if row.owner == owner] for owner in owners}
    waiting = sorted(owners, key=lambda owner: all(row.done for row in by[owner]))
    alike = groups(file.plan)
    return join(_owner(file, alike, owner, by[owner], at, signoffs) for at, owner in enumerate(waiting))


def _owner(
    file: PlanFile, alike: Sequence[Group], owner: str, rows: Sequence[SignOffRow], at: int, signoffs: SignOffs
) -> Html:
    surfaces = listing([row.surface for row in rows])
    state = "done" if all(row.done for row in rows) else "waiting"
    head = tag("h3", owner, " ", tag("span", f"for {surfaces}", class_="soft"), id=f"owner-{at}")
    parts: list[Child] = [head]
    parts += [_part(file, alike, row) for row in rows]
    parts.append(_how(file, owner, rows, signoffs))
    return tag("section", *parts, class_=f"ask {state}", aria_labelledby=f"owner-{at}")


def _part(file: PlanFile, alike: Sequence[Group], row: SignOffRow) -> Html:
    wanted = set(row.changes)
    mine = [change for change in file.plan.changes if change.number in wanted]
    what = SURFACES.get(row.surface, "")
    lead = f"{row.surface} ({what}): " if what else f"{row.surface}: "
    told = _told(alike, mine)
    parts: list[Child] = [tag("p", tag("strong", lead), _lead(mine, row))]
    parts.append(items(told[:SENTENCES], "told"))
    if len(told) > SENTENCES:
        rest = [*told[SENTENCES:MOST]]
        more = len(told) - MOST
        if more > 0:
            rest.append(tag("p", f"and {more} more, in the list of changes below"))
        parts.append(tag("details", tag("summary", f"{len(told) - SENTENCES} more"), items(rest, "told")))
    if file.plan.next_root is not None and row.surface == "governance":
        parts.append(
            tag(
                "p", "The rules by which later plans are judged change: see ", tag("a", "trust root", href="#root"), "."
            )
        )
    found = [finding for finding in file.plan.findings if finding_name(finding) in row.accept]
    if row.accept:
        parts.append(tag("p", "You also take on, with a reason of your own:"))
        parts.append(items([_finding(finding) for finding in found] or list(row.accept), "told"))
    return join(parts)


def _lead(mine: Sequence[Change], row: SignOffRow) -> str:
    if not mine:
        return "nothing in the clouds."
    return f"{count(len(mine), 'change')}: {tally(mine)}." + (" No signature is needed." if row.notified else "")


def _told(alike: Sequence[Group], mine: Sequence[Change]) -> list[Html]:
    """One sentence or few for each change; agents that get the very same are told once. What widens comes first."""
    wanted = {change.number for change in mine}
    found: list[tuple[int, int, Html]] = []
    for group in alike:
        for row in group.rows:
            inside = [change for change in row.changes if change.number in wanted]
            if inside:
                new = group.note is not None and group.note.new
                first = inside[0]
                found.append((_ORDER.index(first.effect), first.number, _sentence(row, inside, new)))
    return [html for _, _, html in sorted(found, key=lambda item: item[:2])]


def _sentence(row: Row, changes: Sequence[Change], new: bool) -> Html:
    first = changes[0]
    agents = [change.agent for change in changes if change.agent is not None]
    if not agents:
        who: Child = "Shared by agents"
    elif len(agents) == 1:
        who = join([tag("strong", agents[0]), " (new)" if new else None])
    else:
        who = join(
            [tag("strong", f"{len(agents)} agents"), f" ({', '.join(agents[:4])}{' …' if len(agents) > 4 else ''})"]
        )
    label = row.label.replace(HERE, "…")
    said = [*_said("becomes possible", first.can), *_said("no longer possible", first.cannot)]
    if not said:
        said = [f"{label}: {first.reason}" if first.reason else f"{label} is {DEEDS[first.action]}"]
    parts: list[Child] = [
        badge(first.effect),
        " ",
        who,
        ": ",
        "; ".join(said),
        ". ",
        tag("span", "Change ", numbers([c.number for c in changes], 6), class_="soft"),
    ]
    return join(parts)


def _said(lead: str, sentences: Sequence[str]) -> list[str]:
    """At most three sentences under one lead, and how many more there are."""
    if not sentences:
        return []
    more = f"; and {len(sentences) - 3} more" if len(sentences) > 3 else ""
    return [f"{lead}: {'; '.join(sentences[:3])}{more}"]


def _finding(finding: Finding) -> Html:
    return join([tag("strong", finding.rule), f" {finding.subject}: {finding.message}. Way out: {finding.fix}."])


def _how(file: PlanFile, owner: str, rows: Sequence[SignOffRow], signoffs: SignOffs) -> Html:
    """Who has signed, who may, and the command."""
    lines: list[Child] = [_state(row, len(rows) > 1) for row in rows]
    open_rows = [row for row in rows if not row.done and not row.rejected and not row.unreachable]
    if open_rows and signoffs.refusals:
        lines.append(tag("p", "The plan is refused, as the verdict says: to sign it helps nobody. Plan again."))
    elif open_rows:
        lines += _command(file, owner, open_rows, signoffs.published is not None)
    return tag("div", *lines, class_="how")


def _command(file: PlanFile, owner: str, rows: Sequence[SignOffRow], published: bool) -> Iterator[Html]:
    plan = file.plan
    if plan.tests.failed or any(finding.level is Level.BLOCK for finding in plan.findings):
        yield tag(
            "p",
            "Something else blocks this plan: signed, it could still not be applied. See ",
            tag("a", "findings", href="#findings"),
            " and ",
            tag("a", "tests", href="#tests"),
            ".",
        )
    command = sign_command(file, owner, list(dict.fromkeys(name for row in rows for name in row.accept)))
    yield tag("p", "To sign, on your own machine; it needs no access to any cloud:")
    yield tag("pre", tag("code", command), class_="command", tabindex="0")
    yield tag(
        "p",
        "It shows what you sign and this digest, asks, and signs no plan that has another.",
        " To say no, add ",
        tag("code", "-reject -reason 'WHY'"),
        ".",
    )
    if not published:
        told = f"While the plan is not in the ledger, write its file's name instead of {file.short}."
        yield tag("p", told, class_="soft")


def _state(row: SignOffRow, several: bool) -> Html:
    word = "Done" if row.done else "Rejected" if row.rejected else "Waiting"
    if row.notified or row.waived:
        have = "no signature needed"
    elif row.have is None:
        have = f"{count(row.need, 'person', 'people')} must sign"
    else:
        have = f"{row.have} of {row.need} signed"
    # The first word says already that it waits.
    more = [part for part in row.state.split("; ") if part != "waiting"]
    said = "".join(f" {part[:1].upper()}{part[1:]}." for part in more)
    if row.unreachable and not row.done:
        said += " Have governance name more signers, or let somebody else write the change, then plan again."
    where = f"{row.surface}: " if several else ""
    return tag("p", tag("strong", f"{where}{word}"), f", {have}.{said} ", None if row.done else people(row))
