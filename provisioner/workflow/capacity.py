"""What somebody signs, by the capacity in which they do: as the owner, in an owner's place, or by breaking glass."""

from __future__ import annotations

from collections.abc import Sequence

from ..approval.ownership import resolve_owner
from ..approval.root import RootData
from ..approval.standing import BREAK_GLASS_SECONDS
from ..approval.statement import Decision, Role
from ..approval.verdict import RequirementState
from ..approval.verifier import Verdict
from ..model.changes import Surface
from ..model.diagnostics import DiagnosticError
from ..model.plan import Requirement
from ..planfile import PlanFile


def as_owner(
    file: PlanFile, root: RootData, person: str, owner: str | None, surface: str | None, decision: Decision
) -> tuple[Requirement, ...]:
    """What a person decides as a signer of the owners they belong to. A part that needs no signature is not signed,
    but may be refused. Raises DiagnosticError."""
    mine = {name for name, item in root.owners.items() if person in item.signers}
    needed = [item for item in file.plan.requirements if owner in (None, item.owner)]
    chosen = [item for item in needed if item.owner in mine and surface in (None, item.surface)]
    if decision is Decision.APPROVE:
        chosen = [item for item in chosen if item.threshold]
    if chosen:
        return tuple(chosen)
    owners = sorted({item.owner for item in file.plan.requirements if item.threshold})
    if owner is not None and owner not in mine:
        listed = ", ".join(sorted(mine)) or "none"
        detail = f"{person} signs for {listed}. Nothing was signed."
        if (way := _in_its_place(root, owner, person)) is not None:
            detail += f" In its place: -owner {owner} -as {way}."
        raise DiagnosticError.of("E-NOT-SIGNER", f"{person} is no signer of control_owner.{owner}", detail)
    asked = f" for {owner}" if owner else f" from {person}"
    on = f" on {surface}" if surface else ""
    raise DiagnosticError.of(
        "E-NOTHING-TO-SIGN",
        f"Plan {file.short} needs no sign-off{asked}{on}",
        f"It waits for {', '.join(owners) or 'nobody'}. `provisioner status {file.short}` says who has signed.",
    )


def in_its_place(
    judged: Verdict, root: RootData, person: str, owner: str | None, surface: str | None, standing: str
) -> tuple[Requirement, ...]:
    """What a signer of `standing` decides in the place of `owner`: as the one it escalates to, or as a second owner
    that opens this early. Raises DiagnosticError."""
    if owner is None:
        raise DiagnosticError.of(
            "E-USAGE", "-as says in whose name, -owner in whose place", f"Write -owner NAME -as {standing}."
        )
    acting = root.owners.get(standing)
    if acting is None or person not in acting.signers or standing == owner:
        known = ", ".join(name for name, item in root.owners.items() if person in item.signers and name != owner)
        raise DiagnosticError.of(
            "E-NOT-SIGNER",
            f"{person} does not sign for control_owner.{standing}" if standing != owner else f"{owner} is the owner",
            f"{person} may act as {known or 'nobody else'}. Nothing was signed.",
        )
    found = [state for state in judged.states if state.requirement.owner == owner]
    found = [state for state in found if surface in (None, state.requirement.surface) and state.requirement.threshold]
    opening = [state for state in found if state.stand_in is not None or state.yields]
    if not opening:
        way = root.owners[owner].escalation if owner in root.owners else None
        why = "this plan needs nothing of it" if not found and way else "its control_owner block has no escalation"
        raise DiagnosticError.of(
            "E-ESCALATION",
            f"Nobody may stand in for control_owner.{owner} here: {why}",
            "Nothing was signed. Let one of its own signers sign; in an emergency governance breaks the glass.",
        )
    return tuple(state.requirement for state in opening)


def by_breaking_glass(
    judged: Verdict, root: RootData, person: str, owner: str | None, surface: str | None, reason: str
) -> tuple[Requirement, ...]:
    """What governance signs in an emergency: the parts that wait for others. Raises DiagnosticError."""
    governs = resolve_owner(root, Surface.GOVERNANCE)
    if governs is None or person not in root.owners[governs].signers:
        listed = ", ".join(root.owners[governs].signers) if governs is not None else "nobody"
        raise DiagnosticError.of(
            "E-NOT-SIGNER", f"{person} is not governance", f"Two of {listed} break glass together. Nothing was signed."
        )
    if not reason.strip():
        raise DiagnosticError.of(
            "E-USAGE", "Breaking glass needs a reason", "It is reviewed later: -break-glass -reason 'TEXT'."
        )
    waiting = [state for state in judged.states if not state.settled and _open_to_glass(state)]
    chosen = [state.requirement for state in waiting if owner in (None, state.requirement.owner)]
    chosen = [item for item in chosen if surface in (None, item.surface)]
    if not chosen:
        raise DiagnosticError.of(
            "E-NOTHING-TO-SIGN",
            "There is no glass to break: no part waits for an owner's sign-off",
            "A change of the trust root is never made this way, and a part that somebody rejected stays rejected.",
        )
    return tuple(chosen)


def capacity(role: Role, standing: str | None) -> str:
    """The capacity as one line of what is signed; "" for an owner's own signers."""
    if role is Role.ESCALATION:
        return f"in the owner's place, as {standing}: counts once that is open"
    if role is Role.BREAK_GLASS:
        minutes = BREAK_GLASS_SECONDS // 60
        return f"BREAKING GLASS, for {minutes} minutes: two of governance sign, and the owner reviews it afterwards"
    if role is Role.REVIEW:
        return "REVIEW of what was applied by breaking glass: it opens nothing"
    return ""


def _open_to_glass(state: RequirementState) -> bool:
    return state.requirement.surface != Surface.GOVERNANCE and not state.rejected


def _in_its_place(root: RootData, owner: str, person: str) -> str | None:
    found = root.owners.get(owner)
    way = found.escalation if found is not None else None
    return way.to if way is not None and _signs(root, way.to, person) else None


def _signs(root: RootData, owner: str, person: str) -> bool:
    people: Sequence[str] = root.owners[owner].signers if owner in root.owners else ()
    return person in people
