"""What has ended by its own expiry, and the operations that remove it: signed with what made it, run by `sweep`.

Whoever signs a grant that ends signs its removal too, so `sweep` asks nobody again. A sweep plan claims nothing: the
verifier looks whether each of its changes and calls is one that an applied plan carries, and whether its time has come
(docs/adr/0020). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .. import canonical
from ..model.changes import Action, Change, Effect, Operation
from ..model.findings import TestSummary
from ..model.plan import Plan, Sweep
from ..planfile import to_builtins
from ..sdk.provider import Ending, Provider, Sweeping
from .ownership import change_owner
from .requirements import Demands
from .root import RootData
from .verdict import Evidence, Sweepable

SWEEP_SCOPE = ("sweep",)
"""The scope of a sweep plan: with one, it never stands for what the whole configuration was made from."""


def sweeps_of(changes: Sequence[Change], providers: Mapping[str, Provider]) -> tuple[Sweep, ...]:
    """For each change whose whole effect ends by itself: when, and the calls that remove what is left then."""
    found: list[Sweep] = []
    for change in changes:
        provider = providers.get(change.address.provider)
        if change.after is None or change.action.marks_only or not isinstance(provider, Ending):
            continue
        if not change.tools and "delegation." not in (change.block or ""):
            continue  # what an adopted role keeps is no grant: nothing says that it is to go
        ends = provider.ends(change.address.kind, change.after)
        if ends is None and isinstance(provider, Sweeping) and provider.swept(change.address.kind, change.after):
            ends = change.ends
        if ends is not None:
            found.append(Sweep(change.number, ends, provider.operations(removal(change))))
    return tuple(found)


def removal(change: Change) -> Change:
    """The change that takes away what a signed change made."""
    return replace(
        change,
        action=Action.DELETE,
        before=change.after,
        after=None,
        fields=(),
        effect=Effect.NARROWER,
        can=(),
        cannot=("what is left of it, which the cloud denies already" if change.ends is None else "what it allowed",),
        reason="",
        ends=None,
    )


def is_sweep(plan: Plan) -> bool:
    """Whether a plan says that it only removes what has ended."""
    return plan.scope == SWEEP_SCOPE


def of_sweep(root: RootData, plan: Plan, evidence: Evidence) -> Demands | None:
    """What a sweep plan demands: nothing. None for a plan that does anything else, or before its time."""
    besides = (plan.next_root, plan.declared, *plan.findings, *plan.requirements, *plan.exclusions, *plan.sweeps)
    if not is_sweep(plan) or not plan.changes or plan.unknown_authors or plan.tests != TestSummary():
        return None
    if any(item is not None for item in besides):
        return None
    clock = evidence.now if evidence.store_now is None else min(evidence.now, evidence.store_now)
    now = clock.strftime("%Y-%m-%dT%H:%M:%SZ")
    by_change: dict[int, list[Operation]] = {}
    for operation in plan.operations:
        by_change.setdefault(operation.change, []).append(operation)
    for change in plan.changes:
        signed = evidence.sweepable.get(change.address)
        if signed is None or signed.sweep.ends > now or not _is_removal(change, signed):
            return None
        if _calls(by_change.get(change.number, ())) != _calls(signed.sweep.operations):
            return None
    unowned = [
        (change.number, surface.value)
        for change in plan.changes
        for surface in change.surfaces
        if change_owner(root, change, surface) is None
    ]
    return Demands((), (), tuple(unowned))


def _is_removal(change: Change, signed: Sweepable) -> bool:
    made = signed.change
    whole = change.action is Action.DELETE and change.effect is Effect.NARROWER and not change.can
    same = (change.agent, change.block) == (made.agent, made.block)
    return whole and same and change.after is None and dict(change.before or {}) == dict(made.after or {})


def _calls(operations: Sequence[Operation]) -> list[bytes]:
    """Calls without what depends on the plan that they stand in."""
    plain = [to_builtins(replace(item, id="", change=0, depends=(), agent=None)) for item in operations]
    return sorted(canonical.dumps(item) for item in plain)
