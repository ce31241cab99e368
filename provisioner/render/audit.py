"""What an audit found, and who accepted what: shapes, and their text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .escape import escape
from .signoff import obligation_lines
from .text import Paint, section, table, title


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """What does not hold. `entry` is the ledger index that it is about; None for the whole."""

    code: str
    entry: int | None
    what: str


@dataclass(frozen=True, slots=True)
class AuditRevocation:
    """A key that counts no longer since a ledger entry. `by` signed for it; `person` holds it, "" for nobody."""

    fingerprint: str
    person: str
    reason: str
    by: tuple[str, ...]
    entry: int
    recorded: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """A ledger, verified. `head` and `tree` are digests of its newest entry and of the Merkle tree over all.

    `covered` is how many entries the newest good checkpoint covers (0 without one); `remembered` the newest entry
    that this runner had seen before (0: none). `notes` count for nothing and are worth knowing.
    """

    workspace: str
    ledger: str
    source: str
    entries: int
    head: str
    tree: str
    roots: int
    solo: bool
    plans_applied: int
    signoffs: int
    checkpoints: int
    covered: int
    remembered: int
    problems: tuple[AuditProblem, ...]
    notes: tuple[str, ...]
    revoked: tuple[AuditRevocation, ...] = ()
    obligations: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class AuditDecision:
    """One sign-off. Times are RFC 3339; `recorded` is the store's. `counts` as of when the plan was carried out.

    `made_for` is the digest of the earlier plan that it was made for and kept from; "" where it is this one's.
    """

    entry: int
    owner: str
    surface: str
    person: str
    fingerprint: str
    decision: str
    role: str
    reason: str
    accepted: tuple[tuple[str, str], ...]
    issued: str
    recorded: str
    part: str
    review: str
    saw: int
    counts: bool
    why_not: str = ""
    made_for: str = ""


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """A published plan, what it changed, who decided on it. `state` is applied, begun or published."""

    digest: str
    state: str
    root_version: int
    published: str
    published_entry: int
    applied: str | None
    applied_entry: int | None
    agents: tuple[str, ...]
    changes: tuple[str, ...]
    owners: tuple[str, ...]
    decisions: tuple[AuditDecision, ...]
    authorized: bool
    refusals: tuple[str, ...]


def verify_text(report: AuditReport, width: int, color: bool = False) -> str:
    """The result of `audit verify`."""
    paint = Paint(color)
    solo = ["one person holds every sign-off (solo)"] if report.solo else []
    head = ["provisioner audit verify", f"workspace {escape(report.workspace)}", *solo]
    lines = [*title(head, width, paint), ""]
    for label, text in (
        ("LEDGER", escape(report.source)),
        ("CHAIN", f"{report.entries} entries, head {report.head[:23]}…"),
        ("TREE", report.tree),
        ("ROOTS", f"{report.roots}, each signed by the quorum of the one before, the first pinned"),
        ("PLANS", f"{report.plans_applied} applied; {report.signoffs} sign-offs recorded"),
        ("CHECKPOINTS", _checkpoints(report)),
        ("MEMORY", _memory(report)),
    ):
        lines += section(label, text, width)
    if report.revoked:
        count = len(report.revoked)
        lines += section("REVOKED", f"{count} key{'s' if count > 1 else ''} revoked", width)
        lines += _revoked(report.revoked, width)
    for problem in report.problems:
        place = f"entry {problem.entry}: " if problem.entry is not None else ""
        lines += ["", *section("PROBLEM", f"{place}{escape(problem.what)} ({problem.code})", width)]
    for note in report.notes:
        lines += section("NOTE", escape(note), width)
    lines += obligation_lines(report.obligations, width, paint)
    end = "verified" if report.good else f"not verified: {len(report.problems)} problems"
    return "\n".join([*lines, "", paint.style("good" if report.good else "bad", end)]) + "\n"


def show_text(
    plans: Sequence[AuditPlan], width: int, color: bool = False, revoked: Sequence[AuditRevocation] = ()
) -> str:
    """The result of `audit show`: keys that count no longer, then plans, newest first."""
    lines: list[str] = [*_revoked(revoked, width), ""] if revoked else []
    for plan in plans:
        lines += [*_plan(plan, width, Paint(color)), ""]
    return "\n".join(lines)


def _revoked(revoked: Iterable[AuditRevocation], width: int) -> Iterable[str]:
    for item in revoked:
        who = escape(item.person or "nobody")
        text = (
            f"{item.fingerprint} of {who} since {item.recorded}, entry {item.entry}, by"
            f" {escape(' and '.join(item.by))}: {escape(item.reason)}"
        )
        yield from section("REVOKED", text, width)


def _plan(plan: AuditPlan, width: int, paint: Paint) -> Iterable[str]:
    short = plan.digest.removeprefix("sha256:")[:8]
    yield from title([f"plan {short}", plan.state, f"trust root v{plan.root_version}"], width, paint)
    yield from section("DIGEST", plan.digest, width)
    yield from section("PUBLISHED", f"{plan.published}, entry {plan.published_entry}", width)
    if plan.applied is not None:
        yield from section("APPLIED", f"{plan.applied}, entry {plan.applied_entry}", width)
    if plan.agents:
        yield from section("AGENTS", ", ".join(map(escape, plan.agents)), width)
    for change in plan.changes:
        yield from section("CHANGE", escape(change), width)
    if plan.decisions:
        rows = [["OWNER", "surface", "person", "decision", "when", "entry", "key"]]
        for item in plan.decisions:
            said = item.decision + ("" if item.role == "owner" else f" as {item.role}")
            said += "" if item.counts else " (does not count)"
            rows.append(
                [
                    escape(item.owner),
                    escape(item.surface),
                    escape(item.person),
                    said,
                    item.recorded,
                    str(item.entry),
                    item.fingerprint[:19],
                ]
            )
        yield from table(rows, width, (0, 2, 3))
    for item in plan.decisions:
        for finding, reason in item.accepted:
            yield from section("ACCEPTED", f"{escape(finding)} by {escape(item.person)}: {escape(reason)}", width)
        if item.reason:
            yield from section("REASON", f"{escape(item.person)}: {escape(item.reason)}", width)
        if item.made_for:
            short = item.made_for.removeprefix("sha256:")[:8]
            yield from section(
                "KEPT", f"{escape(item.person)}: from plan {escape(short)}, whose part was the same", width
            )
        if item.why_not:
            yield from section("REFUSED", f"{escape(item.person)}: {escape(item.why_not)}", width)
    for refusal in plan.refusals:
        yield from section("OPEN" if plan.state == "published" else "PROBLEM", escape(refusal), width)


def _checkpoints(report: AuditReport) -> str:
    if not report.checkpoints:
        return "none; name a checkpoint_key in the runner's own file, and its public half in approval"
    return f"{report.checkpoints}, the newest over {report.covered} of {report.entries} entries"


def _memory(report: AuditReport) -> str:
    if not report.remembered:
        return "this runner had seen nothing of this ledger before"
    return f"holds what this runner had seen: entry {report.remembered}"
