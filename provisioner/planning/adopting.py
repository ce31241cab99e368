"""Taking over what exists (`import`) and letting go of it (`removed`): changes that move a mark and nothing else.

A claim shows what the principal and all that hangs on it may do, and writes only our mark on it. What else the
configuration would change there is no part of that plan: where it touches authority the plan is refused, so that the
first plan after an import changes none. A release is the same the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from ..model.changes import Action, Effect
from ..model.configuration import Configuration, Import, Removed
from ..model.diagnostics import Diagnostic, Severity
from ..model.resources import Address, Desired, Mark, Resource
from ..sdk.provider import Adopting, Provider
from .changes import build_changes, with_effects
from .diff import Difference, Kinds, changed_fields
from .worlds import planned

Resources = Mapping[Address, Resource]

SHOWN = 5
"""Differences that one message names."""

_INSTANCE_KEY = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')


@dataclass(frozen=True, slots=True)
class Takeover:
    """What imports are about. `roots` are the principals to claim, by address.

    `before` is the live side with the agents' names on what is to be theirs, `after` the same once it is claimed: what
    the configuration is compared with.
    """

    before: Resources
    after: Resources
    roots: Mapping[Address, Import]
    problems: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Adopted:
    """Differences with claims or releases among them, and what stands in the way."""

    found: tuple[Difference, ...]
    problems: tuple[Diagnostic, ...] = ()


def takeover(
    configuration: Configuration,
    desired: Sequence[Desired],
    live: Resources,
    providers: Mapping[str, Provider],
    made: Set[Address],
) -> Takeover:
    """Find the principal that each import names. One that was carried out before, by the record, says nothing."""
    if not configuration.imports:
        return Takeover(live, live, {})
    roots: dict[Address, Import] = {}
    problems: list[Diagnostic] = []
    before, after = dict(live), dict(live)
    kinds = {name: provider.schema().kinds for name, provider in providers.items()}
    for one in configuration.imports:
        item = next((item for item in desired if _is_principal(item, one, kinds)), None)
        provider = providers.get(one.cloud)
        if item is None or provider is None:
            continue  # its provider has said why it makes nothing of it
        address = item.resource.address
        found = live.get(address)
        if found is not None and _is_mine(found, configuration.workspace.name, one.agent):
            continue
        if not isinstance(provider, Adopting):
            problems.append(_unsupported(one))
        elif found is None:
            problems += [] if address in made else [_not_there(one, address)]
        elif found.mark is not None:
            problems.append(_taken(one, found, configuration.workspace.name))
        else:
            roots[address] = one
            for place in (address, *_children(address, live)):
                resource = replace(live[place], agent=one.agent)
                before[place] = resource
                after[place] = _claimed(provider, resource, item, desired, configuration.workspace.name)
    return Takeover(before, after, roots, tuple(problems))


def claims(
    differences: Sequence[Difference],
    taken: Takeover,
    desired: Sequence[Desired],
    providers: Mapping[str, Provider],
    chosen: frozenset[str] | None,
) -> Adopted:
    """The claims, in place of what else the configuration would change there; that is refused or left to later."""
    if not taken.roots:
        return Adopted(tuple(differences))
    roots = {address: one for address, one in taken.roots.items() if chosen is None or one.agent in chosen}
    found = [one for one in differences if _root_of(one.address, taken) is None]
    later = [one for one in differences if _root_of(one.address, taken) in roots]
    known = {item.resource.address: item for item in desired}
    for root in roots:
        for address in (root, *_children(root, taken.before)):
            found.append(_claim(address, known[root], known.get(address), taken, providers))
    return Adopted(tuple(found), tuple(_later(later, taken, desired, providers)))


def releases(
    differences: Sequence[Difference],
    configuration: Configuration,
    live: Resources,
    providers: Mapping[str, Provider],
) -> Adopted:
    """Deletions that `removed` blocks turn into releases. A block that says destroy = true leaves them as they are."""
    wanted = [one for one in configuration.removed if not one.destroy]
    if not wanted:
        return Adopted(tuple(differences))
    problems: list[Diagnostic] = []
    found: list[Difference] = []
    named: set[str] = set()
    for one in differences:
        if one.action is not Action.DELETE or one.live is None:
            found.append(one)
            continue
        top = live.get(_top(one.live, live))
        block = top.mark.block if top is not None and top.mark is not None else None
        block = configuration.moved.get(block, block) if block is not None else None
        hit = next((item for item in wanted if block is not None and _covers(item.address, block)), None)
        provider = providers[one.address.provider]
        if hit is None or top is None:
            found.append(one)
            continue
        named.add(hit.address)
        if not isinstance(provider, Adopting):
            problems.append(_unreleased(hit, one.address))
            continue
        found.append(_release(one, one.live, top, provider))
    for item in wanted:
        if item.address not in named:
            problems.append(_nothing_to_release(item))
    return Adopted(tuple(_with_what_they_rest_on(found, live, providers)), tuple(problems))


def let_go(after: Resources, found: Iterable[Difference]) -> dict[Address, Resource]:
    """The world after releases: what was let go of is no agent's any more."""
    gone = {one.address for one in found if one.action is Action.RELEASE}
    return {
        address: replace(resource, agent=None, mark=None) if address in gone else resource
        for address, resource in after.items()
    }


def with_kept(desired: Iterable[Desired], found: Iterable[Difference]) -> tuple[Desired, ...]:
    """The desired side with what is claimed or released as it stays: a plan with a claim changes nothing else of it."""
    kept = {one.address: one.desired for one in found if one.action.marks_only and one.desired is not None}
    rest = [kept.pop(item.resource.address, item) for item in desired]
    return (*rest, *kept.values())


def _is_principal(item: Desired, one: Import, kinds: Kinds) -> bool:
    address = item.resource.address
    return (
        address.provider == one.cloud
        and item.resource.agent == one.agent
        and item.resource.parent is None
        and kinds[address.provider][address.kind].principal
    )


def _is_mine(resource: Resource, workspace: str, agent: str) -> bool:
    mark = resource.mark
    return mark is not None and (mark.workspace, mark.agent) == (workspace, agent)


def _children(root: Address, live: Resources) -> list[Address]:
    return sorted(address for address, resource in live.items() if resource.parent == root)


def _top(resource: Resource, live: Resources) -> Address:
    """What a live resource hangs on in the end; itself when it stands alone."""
    while resource.parent is not None and resource.parent in live:
        resource = live[resource.parent]
    return resource.address


def _root_of(address: Address, taken: Takeover) -> Address | None:
    """The principal to be claimed that an address is, or hangs on; the name of what hangs on one begins with its."""
    live = taken.after.get(address)
    if live is not None:
        top = _top(live, taken.after)
        return top if top in taken.roots else None
    name, slash, _ = address.name.partition("/")
    return next(
        (one for one in taken.roots if slash and (one.provider, one.target, one.name) == (*_place(address), name)), None
    )


def _place(address: Address) -> tuple[str, str]:
    return address.provider, address.target


def _claimed(
    provider: Adopting, live: Resource, principal: Desired, desired: Sequence[Desired], workspace: str
) -> Resource:
    """A live resource as it will be: with the mark that the desired one carries, and nothing else of that."""
    own = next((item.resource for item in desired if item.resource.address == live.address), None)
    if own is None:
        return live
    attributes = provider.with_mark(live.address.kind, live.attributes, own.attributes)
    mark = Mark(workspace, live.agent, principal.block) if live.parent is None else live.mark
    return replace(live, attributes=attributes, mark=mark)


def _claim(
    address: Address, root: Desired, own: Desired | None, taken: Takeover, providers: Mapping[str, Provider]
) -> Difference:
    kind = providers[address.provider].schema().kinds[address.kind]
    before, after = taken.before[address], taken.after[address]
    fields = changed_fields(before.attributes, after.attributes, kind.fields)
    label = own.label if own is not None else f"{kind.noun} {address.name.partition('/')[2]}"
    item = Desired(after, root.block, label, source=root.source)
    return Difference(Action.CLAIM, address, item, before, fields)


def _release(one: Difference, live: Resource, top: Resource, provider: Provider) -> Difference:
    kind = provider.schema().kinds[one.address.kind]
    assert isinstance(provider, Adopting)
    attributes = provider.with_mark(one.address.kind, live.attributes, None)
    block = top.mark.block if top.mark is not None else ""
    child = one.address.name.partition("/")[2]
    label = f"{kind.noun} {child or one.address.name}"
    item = Desired(replace(live, attributes=attributes), block, label)
    fields = changed_fields(live.attributes, attributes, kind.fields)
    return Difference(Action.RELEASE, one.address, item, live, fields)


def _later(
    later: Sequence[Difference], taken: Takeover, desired: Sequence[Desired], providers: Mapping[str, Provider]
) -> Iterable[Diagnostic]:
    """What the plan after the import would do: refused where it touches authority, else only told."""
    changes = build_changes(later, providers, lambda surface, agent: None, {})
    after = planned(taken.after, desired, changes, ())
    by_agent: dict[str, list[str]] = {}
    touching: set[str] = set()
    for change in with_effects(changes, providers, taken.after, after):
        agent = change.agent or ""
        fields = f" ({', '.join(change.fields)})" if change.fields else ""
        by_agent.setdefault(agent, []).append(f"{change.action} {change.label}{fields}: {change.effect}")
        if change.effect is not Effect.EQUAL:
            touching.add(agent)
    for one in taken.roots.values():
        said = by_agent.get(one.agent)
        if said:
            yield _would_change(one, said) if one.agent in touching else _comes_next(one, said)


def _covers(wanted: str, block: str) -> bool:
    return wanted == block or wanted == _INSTANCE_KEY.sub("", block)


def _with_what_they_rest_on(
    found: Sequence[Difference], live: Resources, providers: Mapping[str, Provider]
) -> list[Difference]:
    """What a released principal stands in, and nobody else, is let go of with it: without it, it would be wider."""
    resting = {used for one in found if one.action is Action.RELEASE for used in live[one.address].uses}
    out = []
    for one in found:
        provider = providers[one.address.provider]
        if one.action is Action.DELETE and one.address in resting and isinstance(provider, Adopting):
            assert one.live is not None
            one = _release(one, one.live, one.live, provider)
        out.append(one)
    return out


def _listed(said: Sequence[str]) -> str:
    more = f", and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    return f"{'; '.join(said[:SHOWN])}{more}"


def _would_change(one: Import, said: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "E-IMPORT-CHANGES",
        f"The configuration of agent.{one.agent} is not what {one.id} has: an import changes no authority",
        f"Besides the claim there would be: {_listed(said)}. Describe what is there, import it, and change it in a plan"
        f" of its own. `provisioner discover -role {one.id.rpartition('/')[2]}` writes the blocks.",
        subject=one.range,
    )


def _comes_next(one: Import, said: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "W-IMPORT-NEXT",
        f"The plan after the import of {one.id} will have {len(said)} more change{'s' if len(said) > 1 else ''}",
        f"A claim only marks. No authority is touched by: {_listed(said)}.",
        severity=Severity.WARNING,
        subject=one.range,
    )


def _not_there(one: Import, address: Address) -> Diagnostic:
    return Diagnostic(
        "E-IMPORT-ABSENT",
        f"There is no {one.id} to import as agent.{one.agent}",
        f"{address.provider} {address.target} does not have it, or the reader cannot see it. Correct id, or take the"
        " import block out: the plan then makes a new one.",
        subject=one.range,
    )


def _taken(one: Import, found: Resource, workspace: str) -> Diagnostic:
    mark = found.mark
    assert mark is not None
    if mark.workspace == workspace:
        cause = f"it is agent.{mark.agent}'s already, of this workspace"
        way_out = f"Rename with moved {{ from = {mark.block}, to = … }}, or let go of it first: removed or `release`"
    else:
        cause = f"it carries the mark of workspace {mark.workspace!r} ({mark.block})"
        way_out = "Nobody's mark is taken off: have that workspace release it first"
    return Diagnostic(
        "E-IMPORT-TAKEN", f"{one.id} cannot be imported as agent.{one.agent}: {cause}", f"{way_out}.", subject=one.range
    )


def _unsupported(one: Import) -> Diagnostic:
    return Diagnostic(
        "E-UNSUPPORTED",
        f"Taking over {one.id} as agent.{one.agent} is not carried out by the provider {one.cloud!r}",
        "It puts no mark on what exists already. Take the import block out, and let the agent have a principal of its"
        " own.",
        subject=one.range,
    )


def _unreleased(one: Removed, address: Address) -> Diagnostic:
    return Diagnostic(
        "E-UNSUPPORTED",
        f"Letting go of {one.address} is not carried out by the provider {address.provider!r}",
        f"A plan would delete {address.name}. Keep declaring it, or have it deleted: destroy = true.",
        subject=one.range,
    )


def _nothing_to_release(one: Removed) -> Diagnostic:
    if one.address.split(".")[-2] == "grant":
        return Diagnostic(
            "E-RELEASE",
            f"{one.address} cannot be let go of by itself",
            "What hangs on an agent of ours is exclusive: the next plan would take the policy off. Keep it as it is"
            ' with policy "NAME" { document } in the identity, or let go of the agent.',
            subject=one.range,
        )
    return Diagnostic(
        "W-REMOVED-NOTHING",
        f"Nothing live belongs to {one.address}: there is nothing to let go of",
        "It was let go of before, or the address is not what the mark says. Once it has gone, take the block out.",
        severity=Severity.WARNING,
        subject=one.range,
    )
