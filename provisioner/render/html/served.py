"""What a review server shows besides a plan: the plans of a ledger, owners, drift history, the audit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..audit import AuditPlan, AuditReport
from ..owners import OwnerMatrix, OwnerRow
from ..text import count, listing, when
from .document import document, section
from .markup import Child, Html, items, join, table, tag

PLACES: Final = (("Plans", ""), ("Owners", "owners"), ("Drift", "drift"), ("Audit", "audit"))
"""The pages by their path; a link is relative, so that a proxy may put the server under any path."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A published plan. `state` is waiting, ready, rejected, refused, begun, applied, or outdated where another one was
    applied since. `waits_for` are the owners whose sign-off is missing. `published` is RFC 3339.
    """

    digest: str
    state: str
    published: str
    changes: int
    wider: int
    agents: int
    waits_for: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        return self.digest.removeprefix("sha256:")[:8]


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One recorded drift run: the entry's index, the store's time, how much it found, how much it could not read."""

    entry: int
    recorded: str
    found: int
    unread: int
    base: int
    report: str


def plans_page(workspace: str, plans: Sequence[PlanRow], more: int, obligations: Sequence[str]) -> str:
    """The first page. `more` counts older plans that are not listed."""
    rows = [_plan(plan) for plan in plans]
    parts: list[Child] = [tag("p", tag("strong", "Review owed: "), text, class_="alarm") for text in obligations]
    if rows:
        head = ("Plan", "State", "Published", "Changes", "Wider", "Agents", "Waits for")
        parts.append(table("Published plans, newest first", head, rows))
    else:
        parts.append(tag("p", "No plan has been published yet. ", tag("code", "provisioner publish PLAN"), " does it."))
    if more:
        parts.append(
            tag("p", f"and {count(more, 'older plan')}: ", tag("code", "provisioner audit show"), " lists all.")
        )
    return _page(workspace, "Plans", 0, [section("Published plans", "plans", *parts)])


def _plan(plan: PlanRow) -> Sequence[Child]:
    link = tag("a", plan.short, href=f"plans/{plan.digest.removeprefix('sha256:')}")
    level = {"waiting": "accept", "refused": "block", "rejected": "block", "begun": "accept"}.get(plan.state, "warn")
    state = tag("span", plan.state, class_=f"level {level}")
    numbers = (str(plan.changes), str(plan.wider), str(plan.agents))
    return tag("code", link), state, when(plan.published), *numbers, ", ".join(plan.waits_for)


def owners_page(matrix: OwnerMatrix) -> str:
    """Who answers for what, by the trust root in force."""
    parts: list[Child] = [tag("p", f"By {matrix.source}. What names no owner of its own has the surface's default.")]
    if matrix.solo:
        parts.append(tag("p", tag("strong", "Solo: "), "one person decides alone: authors may sign.", class_="alarm"))
    head = ("Subject", "Surface", "Owner (A)", "Signers (R)", "Quorum", "Stands in (C)", "Informed (I)", "Contact")
    parts.append(table("Responsibility matrix", head, [_owner(row) for row in matrix.rows]))
    return _page(matrix.workspace, "Owners", 1, [section("Owners", "owners", *parts)])


def _owner(row: OwnerRow) -> Sequence[Child]:
    owner: Child = row.owner or tag("strong", "NOBODY", class_="bad")
    if row.title:
        owner = join([row.owner, tag("span", f" {row.title}", class_="soft")])
    quorum = f"{row.threshold} of {len(row.signers)}" if row.owner else ""
    signers = ", ".join(row.signers) or "nobody"
    return row.subject, row.surface, owner, signers, quorum, row.stands_in, row.informed, row.contact


def drift_page(workspace: str, rows: Sequence[DriftRow], more: int) -> str:
    """The recorded drift runs, newest first."""
    if not rows:
        told: Child = tag("p", "No drift run is recorded in this ledger. ", tag("code", "provisioner drift"), " looks.")
        return _page(workspace, "Drift", 2, [section("Drift runs", "runs", told)])
    head = ("Recorded", "Found", "Not read", "Since entry", "Entry", "Report")
    cells = [
        (when(row.recorded), _found(row), str(row.unread), str(row.base), str(row.entry), tag("code", row.report))
        for row in rows
    ]
    note = tag("p", "Found: differences that no signed plan explains. Not read: places of which nothing can be said.")
    rest = tag("p", f"and {count(more, 'older run')}") if more else None
    told = table("Drift runs, newest first", head, cells)
    return _page(workspace, "Drift", 2, [section("Drift runs", "runs", note, told, rest)])


def _found(row: DriftRow) -> Child:
    return tag("span", str(row.found), class_="level block") if row.found else "nothing"


def audit_page(report: AuditReport, plans: Sequence[AuditPlan], more: int) -> str:
    """What `audit verify` proves, and who accepted what."""
    parts = [section("What the ledger proves", "proof", *_proof(report))]
    told = [_decided(plan) for plan in plans] or [tag("p", "No plan has been published yet.")]
    rest = tag("p", f"and {count(more, 'older plan')}: ", tag("code", "provisioner audit show")) if more else None
    parts.append(section("Who accepted what", "decisions", *told, rest))
    return _page(report.workspace, "Audit", 3, parts)


def _proof(report: AuditReport) -> Iterable[Child]:
    if report.good:
        yield tag(
            "p", tag("strong", "It holds: ", class_="good"), "chain, roots, signatures and checkpoints.", class_="lead"
        )
    else:
        yield tag(
            "p",
            tag(
                "strong",
                f"{count(len(report.problems), 'thing')} does not hold."
                if len(report.problems) == 1
                else f"{len(report.problems)} things do not hold.",
                class_="bad",
            ),
            class_="lead",
        )
        rows = [(problem.code, str(problem.entry or ""), problem.what) for problem in report.problems]
        yield table("What does not hold", ("Code", "Entry", "What"), rows)
    if report.solo:
        yield tag("p", tag("strong", "Solo: "), "one person holds every sign-off.", class_="alarm")
    for text in report.obligations:
        yield tag("p", tag("strong", "Review owed: "), text, class_="alarm")
    facts = (
        ("Ledger", report.ledger),
        ("Entries", str(report.entries)),
        ("Head", report.head),
        ("Tree", report.tree),
        ("Trust roots", str(report.roots)),
        ("Applied", count(report.plans_applied, "plan")),
        ("Sign-offs", str(report.signoffs)),
        (
            "Checkpoints",
            f"{report.checkpoints}; the newest good one covers {count(report.covered, 'entry', 'entries')}",
        ),
    )
    yield tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts))
    if report.revoked:
        cells = [
            (item.fingerprint, item.person or "nobody", ", ".join(item.by), when(item.recorded), item.reason)
            for item in report.revoked
        ]
        yield table("Keys that count no longer", ("Key", "Of", "Revoked by", "Since", "Why"), cells)
    if report.notes:
        yield tag("p", "Worth knowing:")
        yield items(report.notes)


def _decided(plan: AuditPlan) -> Html:
    digits = plan.digest.removeprefix("sha256:")
    heading = tag("h3", "Plan ", tag("a", digits[:8], href=f"plans/{digits}"), f", {plan.state}", id=f"p-{digits}")
    times = f"Published {when(plan.published)}" + (f", applied {when(plan.applied)}" if plan.applied else "")
    parts: list[Child] = [heading, tag("p", f"{times}. Agents: {listing(list(plan.agents)) or 'none'}.")]
    if not plan.authorized:
        parts += [tag("p", "Not authorized: ", reason, class_="note") for reason in plan.refusals]
    rows = [
        (
            item.person,
            f"{item.owner} ({item.surface})",
            item.decision,
            item.role,
            when(item.recorded),
            "; ".join([*(f"{name}: {why}" for name, why in item.accepted), *([item.reason] if item.reason else [])]),
            "counts" if item.counts else f"does not count: {item.why_not}",
            tag("code", item.fingerprint),
        )
        for item in plan.decisions
    ]
    if rows:
        head = ("Person", "For", "Decision", "Role", "Recorded", "Accepted, and why", "Counts", "Key")
        parts.append(table(f"Sign-offs of plan {digits[:8]}", head, rows))
    else:
        parts.append(tag("p", "Nobody has signed."))
    return tag("section", *parts, aria_labelledby=f"p-{digits}")


def problem_page(summary: str, detail: str, home: str) -> str:
    """What cannot be shown, why, and the way out. `home` is the address of the first page."""
    text = [tag("p", line) for line in detail.split("\n")]
    back = tag("p", tag("a", "All plans", href=home))
    return document(summary, (tag("h1", summary),), (*text, back))


def _page(workspace: str, name: str, at: int, main: Sequence[Child]) -> str:
    links = [
        tag("a", label, href=path or ".", aria_current="page" if here == at else None)
        for here, (label, path) in enumerate(PLACES)
    ]
    soft = tag("p", "provisioner review, workspace ", tag("strong", workspace), class_="soft")
    nav = tag("nav", items(links), aria_label="Pages")
    return document(f"{name} {workspace}", (soft, tag("h1", name)), main, nav)
