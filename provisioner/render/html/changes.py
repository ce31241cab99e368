"""Every change of a plan, each opening and closing, grouped by agent; the page's script searches and filters them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ...model.changes import Change, Effect
from ...model.plan import AgentNote
from ...planfile import PlanFile
from ..human import users
from ..text import count, listing
from .markup import Child, Html, items, join, tag
from .sidebyside import side_by_side
from .words import DEEDS, SIGNS, badge

OPEN = 12
"""Up to so many changes are open from the start."""
ROOM = 1_200_000
"""Bytes for before and after; what does not fit is named with the command that shows it."""
SHARED = "What agents share"


def changes(file: PlanFile, room: int = ROOM) -> Html:
    """The tools to find a change (only where the script runs), then all of them."""
    plan = file.plan
    owners = sorted({owner for change in plan.changes for owner in change.owners.values()})
    numbers = {owner: str(at) for at, owner in enumerate(owners)}
    texts, left = _texts(file, room)
    verbs: dict[int, list[str]] = defaultdict(list)
    for operation in plan.operations:
        verbs[operation.change].append(operation.verb)
    notes = {note.agent: note for note in plan.agents}
    together: dict[str | None, list[Change]] = defaultdict(list)
    for change in plan.changes:
        together[change.agent].append(change)
    parts: list[Child] = [_tools(owners, numbers, plan.changes)]
    if left:
        parts.append(
            tag(
                "p",
                f"Before and after of {count(left, 'change')} are left out because of the size of the page;"
                " each says which command shows them.",
                class_="note",
            )
        )
    shown = len(plan.changes) <= OPEN
    for at, (agent, mine) in enumerate(together.items()):
        cards = [
            _card(
                file,
                change,
                verbs[change.number],
                texts[change.number],
                " ".join(numbers[o] for o in dict.fromkeys(change.owners.values())),
                shown,
            )
            for change in mine
        ]
        parts.append(_group(agent, notes.get(agent or ""), cards, at))
    return join(parts)


def _texts(file: PlanFile, room: int) -> tuple[Mapping[int, Html], int]:
    """Before and after by a change's number, the widening ones first as long as there is room; how many are
    left out."""
    texts: dict[int, Html] = {}
    left = 0
    for change in sorted(file.plan.changes, key=lambda change: (not change.effect.widens, change.number)):
        command = f"provisioner show {file.short} -change {change.number}"
        found = side_by_side(change, command)
        room -= len(found.encode("utf-8"))
        if room < 0:
            left += 1
            found = tag("p", "Before and after: ", tag("code", command))
        texts[change.number] = found
    return texts, left


def _tools(owners: Sequence[str], numbers: Mapping[str, str], found: Sequence[Change]) -> Html:
    effects = [effect for effect in Effect if any(change.effect is effect for change in found)]
    by_owner = [
        tag("option", "all owners", value=""),
        *(tag("option", owner, value=numbers[owner]) for owner in owners),
    ]
    by_effect = [tag("option", "all effects", value=""), *(tag("option", str(e), value=str(e)) for e in effects)]
    return tag(
        "div",
        tag(
            "div",
            tag("label", "Search", for_="find"),
            tag("input", type="search", id="find", autocomplete="off", spellcheck="false"),
        ),
        tag("div", tag("label", "Owner", for_="by-owner"), tag("select", *by_owner, id="by-owner")),
        tag("div", tag("label", "Effect", for_="by-effect"), tag("select", *by_effect, id="by-effect")),
        tag(
            "div",
            tag("button", "Open all", type="button", id="open-all"),
            tag("button", "Close all", type="button", id="close-all"),
        ),
        tag("p", f"{count(len(found), 'change')}", id="shown", role="status"),
        class_="tools",
        role="search",
        aria_label="Find changes",
        id="tools",
        hidden=True,
    )


def _group(agent: str | None, note: AgentNote | None, cards: Sequence[Html], at: int) -> Html:
    name: list[Child] = [tag("code", agent)] if agent is not None else [SHARED]
    if note is not None and note.new:
        name.append(tag("span", " new agent", class_="soft"))
    about: list[str] = []
    if note is not None:
        about += [f"sponsor {note.sponsor}"] if note.sponsor else []
        about += [note.environment] if note.environment else []
        about += [f"{note.inputs} input"] if note.inputs else []
        about += [note.boundary] if note.boundary else []
    return join(
        [
            Html("\n"),
            tag(
                "section",
                tag("h3", *name, id=f"agent-{at}"),
                tag("p", ", ".join(about), class_="soft") if about else None,
                *cards,
                class_="agent",
                aria_labelledby=f"agent-{at}",
            ),
        ]
    )


def _card(file: PlanFile, change: Change, verbs: Sequence[str], text: Html, owners: str, shown: bool) -> Html:
    summary = tag(
        "summary",
        tag("span", f"{change.number}", class_="number"),
        " ",
        badge(change.effect),
        " ",
        tag("span", SIGNS[change.action], " ", DEEDS[change.action], class_="deed"),
        " ",
        tag("span", change.label, class_="label"),
    )
    used = users(file.plan, change)
    said: list[Child] = []
    for heading, sentences in (("Becomes possible", change.can), ("No longer possible", change.cannot)):
        if sentences:
            said += [tag("p", tag("strong", heading)), items(sentences)]
    if change.reason:
        said.append(tag("p", change.reason))
    if used:
        said.append(
            tag("p", f"Concerns {listing(list(used[:6]))}{f' and {len(used) - 6} more' if len(used) > 6 else ''}.")
        )
    body = tag("div", *said, _facts(change, verbs), text, class_="body")
    return join(
        [
            Html("\n"),
            tag(
                "details",
                summary,
                body,
                class_="change",
                id=f"change-{change.number}",
                open=shown,
                data_owners=owners,
                data_effect=change.effect.value,
            ),
        ]
    )


def _facts(change: Change, verbs: Sequence[str]) -> Html:
    signed = [f"{change.owners.get(surface, 'nobody')} ({surface})" for surface in change.surfaces]
    declared: Child = tag("code", change.block) if change.block else "nowhere: the configuration does not ask for it"
    rows: list[tuple[str, Child]] = [
        ("Signed by", ", ".join(signed)),
        ("Where", tag("code", str(change.address))),
        ("Declared", declared),
    ]
    if change.tools:
        rows.append(("Tools", ", ".join(change.tools)))
    if verbs:
        rows.append(("Calls", tag("code", ", ".join(dict.fromkeys(verbs)))))
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows))
