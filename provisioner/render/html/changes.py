"""Every change of a plan, each opening and closing, grouped by agent; the page's script searches and filters them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ...model.changes import Change, Effect
from ...model.plan import AgentNote
from ...planfile import PlanFile
from ..human import users
from ..text import count
from .markup import Child, Html, items, join, tag
from .sidebyside import side_by_side
from .words import DEEDS, SIGNS, badge

OPEN = 12
"""Up to so many changes are open from the start."""
_CARD = 230  # bytes around a change, its share of its agent's heading included
SHARED = "What agents share"


def changes(file: PlanFile, room: int) -> Html:
    """The tools to find a change (only where the script runs), then all of them.

    `room` is how many bytes they may take; before and after that do not fit are named with the command that shows them.
    """
    plan = file.plan
    owners = sorted({owner for change in plan.changes for owner in change.owners.values()})
    numbers = {owner: str(at) for at, owner in enumerate(owners)}
    verbs: dict[int, list[str]] = defaultdict(list)
    for operation in plan.operations:
        verbs[operation.change].append(operation.verb)
    told = {change.number: _told(file, change, verbs[change.number]) for change in plan.changes}
    texts, left = _texts(file, room - sum(len(html.encode("utf-8")) + _CARD for html in told.values()))
    parts: list[Child] = [_tools(owners, numbers, plan.changes), _left(left)]
    together: dict[str | None, list[Change]] = defaultdict(list)
    for change in plan.changes:
        together[change.agent].append(change)
    notes = {note.agent: note for note in plan.agents}
    shown = len(plan.changes) <= OPEN
    for at, (agent, mine) in enumerate(together.items()):
        cards = []
        for change in mine:
            whose = " ".join(numbers[owner] for owner in dict.fromkeys(change.owners.values()))
            cards.append(_card(change, told[change.number], texts[change.number], whose, shown))
        parts.append(_group(agent, notes.get(agent or ""), cards, at))
    return join(parts)


def _texts(file: PlanFile, room: int) -> tuple[Mapping[int, Html], int]:
    """Before and after by a change's number, the widening ones first as long as there is room; how many are left."""
    texts: dict[int, Html] = {}
    left = 0
    for change in sorted(file.plan.changes, key=lambda change: (not change.effect.widens, change.number)):
        command = f"provisioner show {file.short} -change {change.number}"
        found = side_by_side(change, command)
        if (size := len(found.encode("utf-8"))) > room:
            left += 1
            found = tag("p", "Before and after: ", tag("code", command))
            size = len(found)
        room -= size
        texts[change.number] = found
    return texts, left


def _left(left: int) -> Html | None:
    if not left:
        return None
    said = f"Before and after of {count(left, 'change')} are left out because of the size of the page; each says which"
    return tag("p", f"{said} command shows them.", class_="note")


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


def _told(file: PlanFile, change: Change, verbs: Sequence[str]) -> Html:
    """Everything of a change but before and after."""
    summary = tag(
        "summary",
        tag("span", f"{change.number}", class_="number"),
        " ",
        badge(change.effect),
        " ",
        tag("span", f"{SIGNS[change.action]} {DEEDS[change.action]}", class_="deed"),
        f" {change.label}",
    )
    said: list[Child] = []
    for heading, sentences in (("Becomes possible", change.can), ("No longer possible", change.cannot)):
        if sentences:
            said += [tag("p", tag("strong", heading)), items(sentences)]
    if change.reason:
        said.append(tag("p", change.reason))
    if used := users(file.plan, change):
        more = f" and {len(used) - 6} more" if len(used) > 6 else ""
        said.append(tag("p", f"Concerns {', '.join(used[:6])}{more}."))
    return join([summary, tag("div", *said, _facts(change, verbs), class_="body")])


def _card(change: Change, told: Html, text: Html, owners: str, shown: bool) -> Html:
    """The whole of a change. `owners` are numbers of owners, since names would not do as an attribute's words."""
    card = tag(
        "details",
        told,
        tag("div", text, class_="body"),
        class_="change",
        id=f"change-{change.number}",
        open=shown,
        data_owners=owners,
        data_effect=change.effect.value,
    )
    return join([Html("\n"), card])


def _facts(change: Change, verbs: Sequence[str]) -> Html:
    signed = [f"{change.owners.get(surface, 'nobody')} ({surface})" for surface in change.surfaces]
    declared: Child = tag("code", change.block) if change.block else "nowhere: the configuration does not ask for it"
    rows: list[tuple[str, Child]] = [
        ("Owner" if len(signed) == 1 else "Owners", ", ".join(signed)),
        ("Where", tag("code", str(change.address))),
        ("Declared", declared),
    ]
    if change.tools:
        rows.append(("Tools", ", ".join(change.tools)))
    if verbs:
        rows.append(("Calls", tag("code", ", ".join(dict.fromkeys(verbs)))))
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows))
