"""The review page: one plan for a control owner who knows no HCL, from the plan's bytes and the sign-offs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...model.changes import Effect
from ...model.findings import TestResult
from ...model.plan import Plan
from ...planfile import PlanFile
from ..graphs import graph_svg
from ..plangraph import edge_sentences, plan_graph
from ..signoff import SignOffs, unverified
from ..text import count, when
from .asks import asks
from .changes import changes
from .document import document, section
from .evidence import coverage, findings, tests
from .markup import Child, Html, items, join, scrolled, table, tag
from .words import EFFECTS, agents_of, badge, readiness, tally

SIZE = 1_900_000
"""Bytes that a page should stay below: 2 MB, and some air."""
_FRAME = 30_000  # bytes of style, script, headings


@dataclass(frozen=True, slots=True)
class Extra:
    """What a page may know besides the plan. `tests` are all results where they are known; `home` is the address of
    the page that this one was reached from, and `home_name` what to call it. `size` in bytes is kept by leaving out
    before and after.
    """

    tests: tuple[TestResult, ...] | None = None
    home: str = ""
    home_name: str = ""
    size: int = SIZE


def plan_page(file: PlanFile, signoffs: SignOffs | None = None, extra: Extra | None = None) -> str:
    """The page, one self-contained HTML file."""
    signoffs, extra, plan = signoffs or unverified(file.plan), extra or Extra(), file.plan
    parts: list[tuple[str, str, Html]] = [("Verdict", "verdict", _verdict(file, signoffs))]
    if signoffs.rows:
        parts.append(("What you are asked to accept", "asks", asks(file, signoffs)))
    if picture := _picture(plan):
        parts.append(("Who can become or use what", "picture", picture))
    if plan.next_root is not None:
        parts.append(("Trust root", "root", _root(plan)))
    parts.append(("Findings", "findings", findings(plan, file.notes)))
    parts.append(("Boundary tests", "tests", tests(plan, extra.tests)))
    parts.append(("What was looked at", "coverage", coverage(plan, file.notes)))
    if plan.changes:
        room = extra.size - sum(len(body.encode("utf-8")) for _, _, body in parts) - _FRAME
        at = next(at for at, (_, anchor, _) in enumerate(parts) if anchor not in ("verdict", "asks"))
        parts.insert(at, ("Changes", "changes", changes(file, room)))
    _, word = readiness(plan, signoffs)
    return document(
        f"Plan {file.short} {plan.workspace}: {word}",
        _header(file, signoffs, extra),
        [section(heading, anchor, body) for heading, anchor, body in parts],
        _contents([(heading, anchor) for heading, anchor, _ in parts]),
    )


def _header(file: PlanFile, signoffs: SignOffs, extra: Extra) -> Sequence[Child]:
    ready, word = readiness(file.plan, signoffs)
    home = tag("p", tag("a", extra.home_name, href=extra.home)) if extra.home else None
    name = tag("p", "provisioner review page, workspace ", tag("strong", file.plan.workspace), class_="soft")
    heading = tag("h1", f"Plan {file.short} is ", tag("span", word, class_="good" if ready else "bad"))
    return (home, name, heading)


def _contents(parts: Sequence[tuple[str, str]]) -> Html:
    links = items([tag("a", heading, href=f"#{anchor}") for heading, anchor in parts])
    return tag("nav", links, aria_label="On this page")


def _verdict(file: PlanFile, signoffs: SignOffs) -> Html:
    plan = file.plan
    parts: list[Child] = [tag("p", _sentence(plan), class_="lead")]
    parts += [
        tag("p", tag("strong", "Refused: "), text, class_="alarm") for text in (*signoffs.blocked, *signoffs.refusals)
    ]
    parts += [tag("p", tag("strong", "Review owed: "), text, class_="alarm") for text in signoffs.obligations]
    if plan.solo:
        parts.append(tag("p", tag("strong", "Solo: "), "one person holds every sign-off.", class_="alarm"))
    if plan.scope:
        parts.append(tag("p", f"Only {', '.join(plan.scope)} was planned (-target)."))
    if plan.changes:
        parts.append(_effects(plan))
    parts.append(_facts(file, signoffs))
    return join(parts)


def _sentence(plan: Plan) -> str:
    where = ", ".join(dict.fromkeys(f"{target.provider} {target.id}" for target in plan.targets)) or "no cloud"
    if not plan.changes:
        said = "No changes in what was read" if plan.gaps else "No changes"
        if plan.next_root is not None:
            said += " in the clouds; the trust root changes"
        return f"{said}. {count(plan.agent_total, 'agent')} in {where}."
    agents = agents_of(plan)
    new = sum(note.new for note in plan.agents)
    to = f" to {count(len(agents), 'agent')}" if agents else ""
    return (
        f"{count(len(plan.changes), 'change')}{to}{f' ({new} new)' if new else ''} in {where}: {tally(plan.changes)}."
    )


def _effects(plan: Plan) -> Html:
    """What the four words mean, of those that this plan uses."""
    used = [effect for effect in Effect if any(change.effect is effect for change in plan.changes)]
    rows = [tag("div", tag("dt", badge(effect)), tag("dd", EFFECTS[effect])) for effect in used]
    return tag("dl", *rows, class_="legend")


def _facts(file: PlanFile, signoffs: SignOffs) -> Html:
    plan = file.plan
    root = f"version {plan.root.version}"
    if plan.next_root is not None:
        root += f", becomes version {plan.next_root.version}"
    rows: list[tuple[str, Child]] = [("Digest", tag("code", file.digest)), ("Trust root", root)]
    if signoffs.published:
        until = f", can be applied until {when(signoffs.expires)}" if signoffs.expires else ""
        rows.append(("Published", f"{when(signoffs.published)}{until}"))
    elif plan.changes or plan.next_root is not None:
        rows.append(("Published", "not known" if not signoffs.looked else "not yet; signing publishes it"))
    if file.notes.commit:
        rows.append(("Commit", tag("code", file.notes.commit)))
    rows += [("Planned", when(file.notes.created))] if file.notes.created else []
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), class_="facts")


def _picture(plan: Plan) -> Html:
    found = plan_graph(plan)
    if not found.graph.edges:
        return Html("")
    caption = "Only what this plan changes. Bold lines are new or wider, dotted ones end, dashed ones nobody declared."
    if found.left_out:
        caption += f" {count(found.left_out, 'line')} more did not fit; what widens was drawn first."
    rows = [tuple(row) for row in edge_sentences(found)]
    words = table("The picture in words", ("Who", "", "What", "With this plan"), [(a, b, c, d) for a, b, c, d in rows])
    return join(
        [
            tag("p", caption),
            scrolled("The picture; its words follow", Html(graph_svg(found.graph, styled=False))),
            tag("details", tag("summary", "The picture in words"), words),
        ]
    )


def _root(plan: Plan) -> Html:
    root = plan.next_root
    assert root is not None
    lead = f"Version {plan.root.version} becomes version {root.version} once this is applied:"
    lead += " it says who may decide what from then on."
    return join([tag("p", lead), items(root.lines), tag("p", "Digest ", tag("code", root.digest))])
