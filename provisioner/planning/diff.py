"""What differs between the desired and the live side. Knows no cloud: schemas say which attributes count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.changes import Action
from ..model.diagnostics import Diagnostic
from ..model.resources import Address, Desired, Resource
from ..sdk.schema import KindSchema

Kinds = Mapping[str, Mapping[str, KindSchema]]
"""Kind schemas by provider and kind."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One resource that is not as desired. `fields` are the attributes that differ; all of them for CREATE, DELETE."""

    action: Action
    address: Address
    desired: Desired | None
    live: Resource | None
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences in a stable order, and what stands in the way of them."""

    found: tuple[Difference, ...]
    diagnostics: tuple[Diagnostic, ...]


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    """The named attributes whose values differ; a missing one counts as null."""
    return tuple(name for name in names if before.get(name) != after.get(name))


def compare(workspace: str, desired: Iterable[Desired], live: Iterable[Resource], kinds: Kinds) -> Differences:
    """Match by address. What is live, ours and not desired goes; what is not ours is never touched.

    Ours is what carries the workspace's mark, and whatever hangs on something ours. A desired resource that exists
    without the mark is an error, not an adoption: somebody else may rely on it.
    """
    wanted = {item.resource.address: item for item in desired}
    found = {resource.address: resource for resource in live}
    out: list[Difference] = []
    problems: list[Diagnostic] = []
    for address, item in wanted.items():
        kind = kinds[address.provider][address.kind]
        resource = found.get(address)
        if resource is None:
            out.append(Difference(Action.CREATE, address, item, None, tuple(kind.fields)))
            continue
        if not is_ours(resource, found, workspace):
            if resource.parent not in wanted:  # what hangs on something desired is as foreign as that, said once
                problems.append(_foreign(item, resource, kind, workspace))
            continue
        unread = {*resource.unread, *item.resource.unread}
        seen = (name for name in kind.fields if name not in unread)
        fields = changed_fields(resource.attributes, item.resource.attributes, seen)
        if fields:
            out.append(Difference(Action.UPDATE, address, item, resource, fields))
    for address, resource in found.items():
        kind = kinds[address.provider][address.kind]
        if address in wanted or kind.observed or not is_ours(resource, found, workspace):
            continue
        out.append(Difference(Action.DELETE, address, None, resource, tuple(kind.fields)))
    out.sort(key=lambda difference: difference.address)
    return Differences(tuple(out), tuple(problems))


def is_ours(resource: Resource, found: Mapping[Address, Resource], workspace: str) -> bool:
    """Whether the resource, or what it hangs on, carries the workspace's mark."""
    if resource.parent is not None:
        parent = found.get(resource.parent)
        return parent is not None and is_ours(parent, found, workspace)
    return resource.mark is not None and resource.mark.workspace == workspace


def _foreign(item: Desired, resource: Resource, kind: KindSchema, workspace: str) -> Diagnostic:
    if resource.mark is None:
        cause = "it does not carry this workspace's mark, so it belongs to somebody else"
        way_out = (
            f"choose another name for {item.block}, or have its owner delete or hand over the existing one. If it was"
            " ours and somebody took the mark off, `provisioner drift` says so: put the mark back"
        )
    else:
        cause = f"its mark says that workspace {resource.mark.workspace!r} owns it ({resource.mark.block})"
        way_out = f"choose another name for {item.block}, or release it in that workspace first"
    return Diagnostic(
        "E-FOREIGN",
        f"The {kind.noun} {item.resource.address.name} exists already and is not ours",
        f"{item.block} needs it in {item.resource.address.target}, but {cause}. Nothing is taken over silently:"
        f" {way_out}.",
        subject=item.source,
    )
