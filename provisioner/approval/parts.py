"""The parts of a plan: what one control owner is asked to sign for one surface, and its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .. import canonical
from ..model.changes import Change, Operation, Surface
from ..model.findings import Finding, Level
from ..model.plan import RootChange
from ..planfile import PlanFileError, from_builtins, to_builtins
from .exceptions import acceptors
from .ownership import asked_owners, change_owner, resolve_owner
from .root import RootData, RootException
from .takeover import takeovers

PART_DOMAIN: Final = "part/1"

PartKey = tuple[str, str]
"""(surface, owner)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One (surface, owner) pair's changes and findings. `root` is set where the part decides over the next root.

    `yields` says, where others would come to sign in this owner's place, how: its consent is asked. `people` is how
    many must sign at least for an exception that this owner accepts; 0 where it accepts none.
    """

    surface: str
    owner: str
    changes: tuple[Change, ...]
    accept: tuple[str, ...]
    root: RootChange | None
    yields: tuple[str, ...] = ()
    people: int = 0

    @property
    def widens(self) -> bool:
        """Whether authority may grow by it. Accepted risks and a new trust root count as that."""
        return bool(self.accept) or self.root is not None or any(change.effect.widens for change in self.changes)


def finding_name(finding: Finding) -> str:
    """How a sign-off names a finding that it accepts."""
    return f"{finding.rule} {finding.subject}"


def split(
    root: RootData,
    changes: Sequence[Change],
    findings: Sequence[Finding],
    next_root: RootChange | None,
    earlier: Iterable[RootException] = (),
) -> tuple[Part, ...]:
    """The parts in order of surface and owner. What has no owner is in none: OWN-1 says so.

    A new trust root is governance's part. Besides, each owner in whose place others would come to sign has a part of
    its own in it, and each that accepts an exception. `earlier` are the exceptions of roots before the one in force.
    """
    of: dict[PartKey, list[Change]] = {}
    accept: dict[PartKey, set[str]] = {}
    for change in changes:
        for surface in change.surfaces:
            for owner in asked_owners(root, change, surface) - {None}:
                of.setdefault((surface.value, str(owner)), []).append(change)
    by_number = {change.number: change for change in changes}
    for finding in findings:
        if finding.level is Level.ACCEPT:
            for owner in _acceptors(root, finding, by_number):
                accept.setdefault((finding.surface, owner), set()).add(finding_name(finding))
    governs = _governor(root) if next_root is not None else None
    yields, accepts = _asked(root, next_root, earlier)
    asked = {(Surface.GOVERNANCE.value, owner) for owner in (*yields, *accepts)} | ({governs} if governs else set())
    keys = {*of, *accept, *asked}
    order = {surface.value: at for at, surface in enumerate(Surface)}
    return tuple(
        Part(
            surface=key[0],
            owner=key[1],
            changes=tuple(of.get(key, ())),
            accept=tuple(sorted(accept.get(key, ()))),
            root=next_root if key in asked else None,
            yields=yields.get(key[1], ()) if key in asked and key != governs else (),
            people=accepts.get(key[1], 0) if key in asked else 0,
        )
        for key in sorted(keys, key=lambda key: (order.get(key[0], len(order)), key[1]))
    )


def _asked(
    root: RootData, next_root: RootChange | None, earlier: Iterable[RootException]
) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, int]]:
    """Who is asked about a next root beside governance: owners that yield, and owners that accept exceptions."""
    if next_root is None:
        return {}, {}
    try:
        wanted = from_builtins(next_root.data, RootData)
        return takeovers(root, wanted), acceptors(root, wanted, earlier)
    except (PlanFileError, ValueError):
        return {}, {}  # next_root_is_sound refuses what cannot be read


def part_digest(part: Part, operations: Sequence[Operation]) -> str:
    """The digest that a sign-off covers besides the plan's.

    Numbers of changes and ids of operations are left out, so that an equal part of another plan has an equal digest.
    """
    numbers = {change.number for change in part.changes}
    value = {
        "surface": part.surface,
        "owner": part.owner,
        "changes": [_without(change, "number") for change in part.changes],
        "operations": [_without(item, "id", "change", "depends") for item in operations if item.change in numbers],
        "accept": part.accept,
        "root": part.root.digest if part.root else None,
    }
    return canonical.digest(PART_DOMAIN, value)


def _acceptors(root: RootData, finding: Finding, changes: Mapping[int, Change]) -> list[str]:
    """Who accepts a finding: the owners of its changes for its surface, else its agent's owner of that surface."""
    touched = [changes[number] for number in finding.changes if number in changes]
    owners = {
        change_owner(root, change, finding.surface)
        for change in touched
        if any(surface == finding.surface for surface in change.surfaces)
    }
    found = {owner for owner in owners if owner is not None}
    if not found:
        found = {owner for owner in [resolve_owner(root, finding.surface, finding.agent)] if owner is not None}
    return sorted(found)


def _governor(root: RootData) -> PartKey | None:
    owner = resolve_owner(root, Surface.GOVERNANCE)
    return (Surface.GOVERNANCE.value, owner) if owner is not None else None


def _without(value: Change | Operation, *names: str) -> dict[str, Any]:
    """What came to changes later is left out where it says nothing, so that an older part keeps its digest."""
    plain: dict[str, Any] = to_builtins(value)
    empty = [name for name in ("counterparts", "left", "ends") if not plain.get(name, True)]
    return {name: item for name, item in plain.items() if name not in (*names, *empty)}
