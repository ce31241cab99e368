"""Whether what the ledger says was done had been signed for when it was done: each plan judged as of its own moments.

The journal is not signed. Whoever writes to the ledger could add a plan, intents and outcomes; without sign-offs that
the root of that moment accepts, they count for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from weakref import WeakKeyDictionary

from ..approval.case import CLOCK_SKEW
from ..approval.root import RootInForce
from ..approval.sweeping import is_sweep
from ..approval.verdict import Evidence, Sweepable
from ..approval.verifier import Verdict, verify
from ..ledger import replay, views
from ..ledger.entries import Entry, History, Kind
from ..ledger.log import Ledger
from ..model.plan import Plan
from ..model.resources import Address
from ..runner import Runner
from . import circumstances
from .providing import providers
from .revoking import revocations
from .roots import published, root_in_force, signoffs_of

_OF_THIS_VERSION = frozenset({"E-OPERATIONS", "E-SWEEPS"})
"""Refusals that an old plan may get from a newer program: its calls were right when it was made."""


_OF_THIS_RUNNER = frozenset({"E-PIN-MISSING"})


@dataclass(frozen=True, slots=True)
class Moment:
    """A plan as the ledger stood just before `entry`, which acted on it: who judged it, and the verdict."""

    entry: Entry
    root: RootInForce
    verdict: Verdict

    @property
    def holds(self) -> bool:
        """Whether it was signed for. A runner without a pin may plan and look; what it may not do is asked elsewhere
        (`demand_pin`), so that alone does not make an old plan unsigned."""
        return {refusal.code for refusal in self.verdict.refusals} <= _OF_THIS_RUNNER

    @property
    def attested(self) -> bool:
        """Whether somebody signed this very plan: not one with an equal part, and not nobody (nothing asked, or only
        told). What such a plan says of its files and tests, no person has said."""
        return any(not signed.made_for for state in self.verdict.states for signed in state.relies)


def acted(ledger: Ledger, plan: str) -> tuple[Entry, ...]:
    """The first and last entry by which a plan was carried out, until it was consumed; () for one that never was.

    Each intent was written just after the sign-offs were checked; an outcome without one is nobody's. A plan without
    calls in a cloud is judged at the root that it made, or at its end. Where a key was revoked between the last call
    and the end, the end counts too: no plan ends on a key that was revoked before.
    """
    history = ledger.history
    end = views.consumed(history, plan)
    limit = end.index if end is not None else len(history) + 1
    intents = [entry for entry in history.about(plan, Kind.INTENT) if entry.index < limit]
    if intents:
        last = (end,) if end is not None and _revoked_between(ledger, intents[-1], end) else ()
        return (*intents[:1], *intents[1:][-1:], *last)
    roots = [entry for entry in history.about(plan, Kind.ROOT) if entry.index < limit]
    return tuple(roots[:1]) or ((end,) if end is not None else ())


def _revoked_between(ledger: Ledger, one: Entry, other: Entry) -> bool:
    return revocations(ledger).before(one.index) != revocations(ledger).before(other.index)


def _grace(history: History, plan: str, entry: Entry) -> timedelta:
    """How much earlier expiry is judged: at a plan's end, as of its last call."""
    called = [intent for intent in history.about(plan, Kind.INTENT) if intent.index < entry.index]
    if entry.kind is not Kind.CONSUMED or not called:
        return CLOCK_SKEW
    return CLOCK_SKEW + max(timedelta(0), entry.stored_at - called[-1].stored_at)


def judged_at(ledger: Ledger, runner: Runner, plan: str, entry: Entry) -> Moment | None:
    """A plan judged by what the ledger held before an entry; None where it was not published by then.

    Raises DiagnosticError for a broken chain of roots or a plan that cannot be read.
    """
    history, before = ledger.history, entry.index
    publication = views.publication(history, plan, before)
    if publication is None:
        return None
    root, file = root_in_force(ledger, runner, plan, before), publication.file()
    evidence = Evidence(
        root=root,
        signoffs=signoffs_of(history, plan, before),
        published=published(history, plan, before),
        base=views.base(history, before),
        entries=history.digests(before),
        now=entry.stored_at,
        providers=providers(),
        revoked=revocations(ledger).before(before),
        grace=_grace(history, plan, entry),
        carried=circumstances.carried(ledger, root.root.data.approval.carry, plan, before),
        store_now=circumstances.store_now(ledger, entry),
        announced=circumstances.announced(ledger, file.plan, before),
        sweepable=sweepable(ledger, runner, file.plan, before),
    )
    verdict = verify(file, evidence)
    if verdict.verified is None and {refusal.code for refusal in verdict.refusals} <= _OF_THIS_VERSION:
        verdict = verify(file, replace(evidence, providers=None))
    return Moment(entry, root, verdict)


def moments(ledger: Ledger, runner: Runner, plan: str) -> tuple[Moment | None, ...]:
    """Every moment at which a plan was acted on, judged."""
    return tuple(judged_at(ledger, runner, plan, entry) for entry in acted(ledger, plan))


_COUNTED: WeakKeyDictionary[History, tuple[int, dict[str, tuple[bool, bool]]]] = WeakKeyDictionary()
"""What was found of each plan (counts, and is attested), as long as the history has not grown."""


def counted(ledger: Ledger, runner: Runner) -> Callable[[str], bool]:
    """Whether a plan's outcomes count: it was signed for at each moment that it was acted on. Each plan once."""
    return lambda plan: _found(ledger, runner, plan)[0]


def attested(ledger: Ledger, runner: Runner) -> Callable[[str], bool]:
    """Whether later plans are measured with what a plan says of itself (files, agents, tests): its outcomes count, and
    somebody signed it. Whoever may publish could else have authors and tests forgotten by a plan that asks nobody.
    """
    return lambda plan: all(_found(ledger, runner, plan))


def sweepable(ledger: Ledger, runner: Runner, plan: Plan, before: int | None = None) -> Mapping[Address, Sweepable]:
    """`sweepables` for a plan that says that it only sweeps; nothing for any other."""
    return sweepables(ledger, runner, before) if is_sweep(plan) else {}


def sweepables(ledger: Ledger, runner: Runner, before: int | None = None) -> dict[Address, Sweepable]:
    """What plans that were signed for made, and how they remove it once it has ended, as of an entry.

    Of each resource only the last plan that changed it counts. Sweeps themselves are nobody's source.
    """
    history, counts = ledger.history, counted(ledger, runner)
    sources: dict[str, Plan] = {}

    def source(digest: str) -> bool:
        publication = views.publication(history, digest)
        if publication is None:
            return False
        sources.setdefault(digest, publication.file().plan)
        return not is_sweep(sources[digest]) and counts(digest)

    state = replay.signed_state(history, source, before)
    ways = {digest: _ways(plan, digest) for digest, plan in sources.items() if plan.sweeps}
    found: dict[Address, Sweepable] = {}
    for address, item in state.items():
        way = ways.get(item.plan, {}).get(address)
        if way is not None and item.attributes is not None:
            found[address] = way
    return found


def _ways(plan: Plan, digest: str) -> dict[Address, Sweepable]:
    """How a plan removes what it makes, by address."""
    changes = {change.number: change for change in plan.changes}
    return {
        changes[sweep.change].address: Sweepable(changes[sweep.change], sweep, digest)
        for sweep in plan.sweeps
        if sweep.change in changes
    }


def _found(ledger: Ledger, runner: Runner, plan: str) -> tuple[bool, bool]:
    size, known = _COUNTED.get(ledger.history, (0, {}))
    if size != len(ledger.history):
        known = {}
        _COUNTED[ledger.history] = (len(ledger.history), known)
    if plan not in known:
        found = [moment for moment in moments(ledger, runner, plan) if moment is not None]
        whole = bool(found) and len(found) == len(acted(ledger, plan))
        known[plan] = (
            whole and all(moment.holds for moment in found),
            any(moment.attested for moment in found),
        )
    return known[plan]
