"""The sign-off table: what the renderers need to know, whoever worked it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..model.plan import Exclusion, Plan
from .escape import escape
from .text import Paint, ranges, section, table


@dataclass(frozen=True, slots=True)
class SignOffRow:
    """One sign-off that a plan needs. `have` and `need` count distinct people; `have` None: nobody has looked.

    `may_not` are (person, reason). `refused` says why sign-offs that are there do not count, `rejected` who said no
    and why: that stands whatever others sign.

    `kept_by` are signers whose sign-off was made for an earlier plan with the same part; `standing` those who stand in
    for the owner; `broken`: governance signed in its place, by breaking glass. `notified`: the part only takes
    authority away and needs no signature. `waived` says why the owner's consent is not needed, `instead` how the
    requirement may be met without its owner. `pending` have signed in another role, which does not suffice yet.
    """

    surface: str
    owner: str
    changes: tuple[int, ...]
    need: int
    have: int | None = None
    signed_by: tuple[str, ...] = ()
    may_sign: tuple[str, ...] = ()
    may_not: tuple[tuple[str, str], ...] = ()
    accept: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    kept_by: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    broken: bool = False
    notified: bool = False
    waived: str = ""
    instead: str = ""
    pending: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        if self.waived:
            return True
        return self.have is not None and self.have >= self.need and not self.rejected

    @property
    def unreachable(self) -> bool:
        """True when not even everybody who may still sign would do."""
        return (
            not self.instead
            and self.have is not None
            and len(set(self.may_sign) - set(self.signed_by)) < self.need - self.have
        )

    @property
    def state(self) -> str:
        """The last column: who has signed, or what is waited for."""
        parts = []
        if self.notified and not self.rejected:
            parts.append("notified: it only takes authority away")
        if self.waived:
            parts.append(escape(self.waived))
        if self.signed_by:
            parts.append(self._signed())
        parts += [f"rejected by {escape(no)}" for no in self.rejected]
        if not self.done and not self.rejected:
            parts.append("waiting")
            if self.unreachable:
                parts.append("cannot be reached: too few may sign")
            if self.accept:
                parts.append("must accept " + ", ".join(map(escape, self.accept)))
        if self.pending:
            parts.append(f"signed, not enough yet: {', '.join(map(escape, self.pending))}")
        if not self.done and self.instead:
            parts.append(escape(self.instead))
        parts += map(escape, self.refused)
        return "; ".join(parts)

    def _signed(self) -> str:
        """Who signed, in which capacity, and whose sign-off was kept from an earlier plan."""
        if self.broken:
            return f"GLASS BROKEN by {' and '.join(map(escape, self.signed_by))}"
        named = [
            f"{escape(person)} in its place" if person in self.standing else escape(person) for person in self.signed_by
        ]
        said = "signed by " + ", ".join(named)
        if not self.kept_by:
            return said
        what = f"change{'s' if len(self.changes) != 1 else ''} {ranges(self.changes)}" if self.changes else "the root"
        same = "are the same" if len(self.changes) > 1 else "is the same"
        whose = "" if len(self.kept_by) == len(self.signed_by) else f" ({', '.join(map(escape, self.kept_by))})"
        return f"{said}, kept{whose}: {what} {same}"


@dataclass(frozen=True, slots=True)
class SignOffs:
    """Every sign-off of a plan. `published` and `expires` are RFC 3339 UTC times, None before publication.

    `refusals` are reasons that void the plan as a whole (expired, applied already, another root in force), `blocked`
    those that stand in the plan itself (findings, tests). `verified`: the verifier would let it be applied.
    `obligations` are reviews that the workspace owes, since something was applied by breaking glass; one sentence each.
    """

    rows: tuple[SignOffRow, ...]
    published: str | None = None
    expires: str | None = None
    refusals: tuple[str, ...] = ()
    verified: bool = False
    blocked: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()

    @property
    def looked(self) -> bool:
        """True when somebody has looked into a ledger for sign-offs."""
        return self.verified or any(row.have is not None for row in self.rows)

    @property
    def missing(self) -> tuple[SignOffRow, ...]:
        return tuple(row for row in self.rows if not row.done)

    @property
    def signed(self) -> bool:
        """True when nothing is missing and nothing voids the plan; what stands in the plan itself may still block."""
        return not self.missing and not self.refusals

    @property
    def complete(self) -> bool:
        """True when the plan may be applied."""
        return self.signed and not self.blocked


def obligation_lines(obligations: Sequence[str], width: int, paint: Paint) -> list[str]:
    """What is owed, each as a section of its own; empty where nothing is."""
    lines: list[str] = []
    for text in obligations:
        found = section("REVIEW OWED", escape(text), width)
        lines += [paint.style("bad", line) for line in found]
    return lines


def sign_step(signoffs: SignOffs, short: str) -> tuple[str, str]:
    """What leads on while sign-offs are missing: a command or a deed, and what it needs. `short` names the plan."""
    if any(row.rejected for row in signoffs.missing):
        return "provisioner plan", "again, once it is changed; or who said no signs after all"
    reachable = [row for row in signoffs.missing if not row.unreachable]
    if reachable:
        command = f"provisioner sign {short} -owner {escape(reachable[0].owner)}"
        return command, "on the signer's machine; needs no cloud access"
    owner = escape(signoffs.missing[0].owner)
    return f"more signers for {owner}", "by a governance change; or let somebody else write this one, then plan again"


def unverified(plan: Plan) -> SignOffs:
    """What the plan itself says is needed, before anybody has looked into a ledger."""
    rows = []
    for need in plan.requirements:
        agents = {change.agent for change in plan.changes if change.number in need.changes and change.effect.widens}
        out = tuple((e.person, e.reason) for e in plan.exclusions if _applies(e, agents))
        row = SignOffRow(need.surface, need.owner, need.changes, need.threshold, may_not=out, accept=need.accept)
        rows.append(row if need.threshold else replace(row, have=0, notified=True))
    return SignOffs(tuple(rows))


def _applies(exclusion: Exclusion, agents: set[str | None]) -> bool:
    return exclusion.agent is None or exclusion.agent in agents


def signoff_table(signoffs: SignOffs, width: int, paint: Paint) -> list[str]:
    """The table, its header line first; empty when nothing has to be signed."""
    if not signoffs.rows:
        return []
    named = any(row.may_sign for row in signoffs.rows)
    head = ["SIGN-OFF", "owner", "signs", "quorum", *(["may sign"] if named else []), "may not", "state"]
    rows: list[Sequence[str]] = [head]
    for row in signoffs.rows:
        quorum = f"needs {row.need}" if row.have is None else f"{row.have} of {row.need}"
        quorum = "none" if row.notified or row.waived else quorum
        out = [f"{escape(person)}: {escape(reason)}" for person, reason in row.may_not]
        rows.append(
            [
                row.surface,
                escape(row.owner),
                ranges(row.changes) or "root",
                quorum,
                *([", ".join(map(escape, row.may_sign))] if named else []),
                ", ".join(out),
                row.state,
            ]
        )
    last = len(head) - 1
    lines = table(rows, width, flexible=(1, 2, *((4, 5) if named else (4,)), last))
    lines[0] = paint.style("strong", lines[0])
    return lines
