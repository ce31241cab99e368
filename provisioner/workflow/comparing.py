"""`diff PLAN PLAN`: what the second plan does that the first did not, and which sign-offs still count."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.changes import Change
from ..model.diagnostics import DiagnosticError
from ..model.plan import Requirement
from ..planfile import to_builtins
from ..render.plandiff import ChangePair, Kept, PlanDiff, Verdict
from .approving import sign_offs
from .signing import Opened


def compare(first: Opened, second: Opened) -> PlanDiff:
    """Match changes by address and sign-offs by surface and owner. Raises DiagnosticError for two workspaces."""
    old, new = first.file.plan, second.file.plan
    if old.workspace != new.workspace:
        raise DiagnosticError.of(
            "E-WORKSPACE",
            f"The plans are for two workspaces, {old.workspace} and {new.workspace}",
            "Compare two plans of one workspace.",
        )
    before = {str(change.address): change for change in old.changes}
    after = {str(change.address): change for change in new.changes}
    pairs = [_pair(before.get(address), after.get(address), address) for address in dict.fromkeys([*after, *before])]
    root = (old.next_root.digest if old.next_root else None, new.next_root.digest if new.next_root else None)
    return PlanDiff(
        workspace=new.workspace,
        first=first.file.short,
        second=second.file.short,
        identical=first.file.digest == second.file.digest,
        changes=tuple(sorted(pairs, key=lambda pair: (pair.verdict, pair.second or 0, pair.first or 0))),
        root_differs=root[0] != root[1],
        signoffs=tuple(_signoffs(first, second)),
    )


def _pair(old: Change | None, new: Change | None, address: str) -> ChangePair:
    shown = new or old
    assert shown is not None
    fields: tuple[str, ...] = ()
    if old is None:
        verdict = Verdict.NEW
    elif new is None:
        verdict = Verdict.GONE
    else:
        left, right = to_builtins(old), to_builtins(new)
        fields = tuple(sorted(name for name in left if name != "number" and left[name] != right[name]))
        verdict = Verdict.CHANGED if fields else Verdict.SAME
    return ChangePair(
        verdict,
        old.number if old else None,
        new.number if new else None,
        address,
        shown.agent,
        shown.label,
        shown.effect.value,
        fields,
    )


def _signoffs(first: Opened, second: Opened) -> Iterator[Kept]:
    """Every person who signed the first plan: whether that counts for the second, as the verifier sees it."""
    counted = {(row.surface, row.owner): row for row in sign_offs(second.file, second.ledger, second.runner).rows}
    wanted: dict[tuple[str, str], Requirement] = {
        (item.surface, item.owner): item for item in second.file.plan.requirements
    }
    parts = {(item.surface, item.owner): item.part for item in first.file.plan.requirements}
    for row in sign_offs(first.file, first.ledger, first.runner).rows:
        key = (row.surface, row.owner)
        for person in row.signed_by:
            counts = key in counted and person in counted[key].signed_by
            if first.file.digest == second.file.digest:
                why = "it is the same plan"
            elif counts:
                why = "its part is the same" if person in counted[key].kept_by else "signed for the second, too"
            elif key not in wanted:
                why = "the second plan asks nothing of this owner here"
            elif wanted[key].part != parts.get(key):
                why = "its part differs"
            else:
                why = "its part is the same, but a sign-off is for one plan (approval.carry)"
            yield Kept(row.surface, row.owner, person, counts, why)
