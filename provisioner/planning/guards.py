"""What stops a plan before anybody is asked to sign it: limits, protection, incomplete reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set

from ..approval.limits import deletes_too_much, deletions, protecting
from ..model.changes import Action, Change
from ..model.configuration import Configuration, Grant, Limits
from ..model.diagnostics import Diagnostic, Severity
from ..model.resources import Address, Desired, Gap, Resource
from ..model.source import SourceRange
from ..sdk.schema import KindSchema
from .diff import Difference, Kinds

_INSTANCE_KEY = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')


def within_limits(changes: Sequence[Change], live_total: int, limits: Limits) -> Iterable[Diagnostic]:
    """The limits of the root in force. A percentage counts only from five deletions on: small workspaces breathe."""
    if len(changes) > limits.max_changes:
        yield Diagnostic(
            "E-LIMIT",
            f"The plan has {len(changes)} changes; the trust root allows {limits.max_changes}",
            "A plan this large is rarely meant. Plan a part of it with -target, or have governance sign a higher"
            " limits { max_changes }.",
        )
    count = deletions(changes)
    if deletes_too_much(count, live_total, limits):
        yield Diagnostic(
            "E-LIMIT",
            f"The plan deletes {count} of {live_total} resources; the trust root allows {limits.max_delete_percent} %",
            "Is a file missing, or a variable wrong? If it is meant, delete in parts with -target, or have governance"
            " sign a higher limits { max_delete_percent }.",
        )


def protected(changes: Iterable[Change], names: Mapping[int, str], patterns: Sequence[str]) -> Iterable[Diagnostic]:
    """Refuse any change of what `protect` names. `names` gives each change's full name in its cloud, by number."""
    for change in changes:
        name = names[change.number]
        if (pattern := protecting(name, patterns)) is not None:
            yield Diagnostic(
                "E-PROTECTED",
                f"Change {change.number} touches {name}, which the trust root protects",
                f"protect holds {pattern!r}: no plan may touch it, whatever it says. Rename what you declare, or"
                " have governance sign a narrower protect list.",
            )


def prevented(
    changes: Iterable[Change],
    configuration: Configuration,
    kinds: Mapping[str, KindSchema],
    desired: Iterable[Desired] = (),
) -> Iterable[Diagnostic]:
    """lifecycle { prevent_destroy } of a block that is still declared: what it is in the cloud may not be deleted.

    Protected are an agent's principal, a boundary's policy, and an agent's last policy from a grant.
    """
    agents = {agent.name: agent for agent in configuration.agents.values()}
    grants = [grant for grant in configuration.grants.values() if grant.prevent_destroy]
    kept = frozenset(configuration.kept)
    given = {_place(item.resource.agent, item.resource.address, item.block) for item in desired} if grants else set()
    for change in changes:
        if change.action is not Action.DELETE:
            continue
        kind = kinds[change.address.kind]
        agent = agents.get(change.agent or "")
        if kind.principal and agent is not None and agent.prevent_destroy:
            yield _kept(change, f"the {kind.noun} of {agent.address}", agent.range)
        elif change.block is not None:
            block = configuration.moved.get(change.block, change.block)
            if (kind.principal or kind.shared) and not kept.isdisjoint((block, _INSTANCE_KEY.sub("", block))):
                declared = configuration.boundaries.get(block)
                yield _kept(change, f"the {kind.noun} of {block}", declared.range if declared else None)
        else:
            for grant in grants:
                if _carries(change.address, grant) and _place(change.agent, change.address, grant.address) not in given:
                    what = f"what {grant.address} gives {change.agent or 'an agent'}"
                    yield _kept(change, what, grant.range)


def _place(agent: str | None, address: Address, block: str) -> tuple[str | None, str, str, str]:
    return agent, address.provider, address.target, block


def _carries(address: Address, grant: Grant) -> bool:
    """Whether a resource on a principal is named after a grant, or after a part of one (`grant--owner`)."""
    parent, slash, name = address.name.rpartition("/")
    return bool(slash and parent) and name.partition("--")[0] == grant.name


def _kept(change: Change, what: str, subject: SourceRange | None) -> Diagnostic:
    return Diagnostic(
        "E-PREVENT-DESTROY",
        f"Change {change.number} deletes {what}",
        "Its lifecycle says prevent_destroy = true. Take that out in a plan of its own, then delete.",
        subject=subject,
    )


def unclaimed(
    differences: Sequence[Difference], live: Mapping[Address, Resource], made: Set[Address], kinds: Kinds
) -> tuple[list[Difference], list[Diagnostic]]:
    """The differences without what would go for good though no record says that we made it, and a warning for each.

    Anybody who may tag can put our mark on a role. Apply refuses to delete it, and refuses the whole plan: one forged
    mark would hold up everybody. What hangs on such a thing is left alone with it.
    """
    strange = {
        difference.address: kinds[difference.address.provider][difference.address.kind].noun
        for difference in differences
        if difference.action is Action.DELETE
        and difference.address not in made
        and _whole(kinds[difference.address.provider][difference.address.kind])
    }
    kept = [difference for difference in differences if _top(difference.address, live) not in strange]
    return kept, [_not_ours(address, noun) for address, noun in strange.items()]


def _whole(kind: KindSchema) -> bool:
    return kind.principal or kind.shared


def _top(address: Address, live: Mapping[Address, Resource]) -> Address:
    """What a live resource hangs on in the end: itself when it stands alone."""
    resource = live.get(address)
    while resource is not None and resource.parent is not None:
        address, resource = resource.parent, live.get(resource.parent)
    return address


def _not_ours(address: Address, noun: str) -> Diagnostic:
    return Diagnostic(
        "W-NOT-OURS",
        f"The {noun} {address.name} carries this workspace's mark, and no record says that we made it",
        f"It is in {address.provider} {address.target}, and no plan touches it: anybody who may tag can put the mark"
        " on. If it is ours, delete it by hand; if not, have the mark taken off.",
        severity=Severity.WARNING,
    )


def unseen(changes: Iterable[Change], gaps: Sequence[Gap]) -> Iterable[Diagnostic]:
    """A change may not rest on what was not read: absent and unread look the same."""
    for gap in gaps:
        touched = sorted(
            {
                change.agent or change.label
                for change in changes
                if change.address.target == gap.target and (not gap.agents or change.agent in gap.agents)
            }
        )
        if touched:
            lacks = (
                f" The reader lacks {gap.permission}: `provisioner permissions` prints what it needs."
                if gap.permission
                else ""
            )
            yield Diagnostic(
                "E-INCOMPLETE",
                f"{gap.what} of {gap.provider} {gap.target} could not be read, and the plan changes it",
                f"{gap.reason}. Concerned: {', '.join(touched)}.{lacks} Nothing is planned on what was not seen: give"
                " the reader the permission or try again.",
            )
