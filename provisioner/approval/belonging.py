"""Whether a plan changes what hangs on a principal as that principal's agent. Pure.

An inline policy that is new is in no plan before, so its own address says nothing of whose it is. What it hangs on
does: the role, or the member of a grant, is known from signed plans, or the plan itself makes it or takes it over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ..model.changes import Action, Change
from ..model.resources import Address
from ..sdk.provider import Belonging, Provider
from .case import REPLAN, Case
from .past import Past
from .verdict import Refusal

Owners = dict[tuple[str, str], frozenset[str | None]]
"""The agents of each principal, by provider and the principal's name."""

_ANEW: Final = (Action.CREATE, Action.CLAIM)


def agents_are_the_principals(case: Case) -> Iterator[Refusal]:
    """What an agent's principal gets or loses is that agent's, so that its owners are asked and its sponsor is out."""
    past, providers = case.evidence.past, case.evidence.providers
    if past is None or providers is None:
        return
    changes = case.planfile.plan.changes
    known = _known(past, providers)
    known |= {
        key: frozenset({change.agent})
        for change in changes
        if change.action in _ANEW and _is_principal(change.address, providers)
        for key in _keys(change, providers)
    }
    for change in changes:
        for key in _keys(change, providers):
            agents = known.get(key, frozenset())
            if agents and change.agent not in agents:
                called = f"agent.{change.agent}'s" if change.agent is not None else "nobody's"
                whose = ", ".join(sorted(f"agent.{agent}" for agent in agents if agent is not None)) or "nobody"
                reason = f"change {change.number} is called {called}, and what it is about hangs on {key[1]} of {whose}"
                yield Refusal("E-AGENT", reason, REPLAN)


def _known(past: Past, providers: Mapping[str, Provider]) -> Owners:
    """What signed plans say of principals; where they say it of the principal itself, that goes first."""
    around: dict[tuple[str, str], set[str | None]] = {}
    itself: Owners = {}
    for address, agent in past.agents.items():
        name = _name(address, None, providers)
        if name is None or agent is None:
            continue
        if _is_principal(address, providers):
            itself[address.provider, name] = frozenset({agent})
        around.setdefault((address.provider, name), set()).add(agent)
    return {key: frozenset(agents) for key, agents in around.items()} | itself


def _keys(change: Change, providers: Mapping[str, Provider]) -> Iterator[tuple[str, str]]:
    sides = [side for side in (change.before, change.after) if side is not None]
    names = {_name(change.address, side, providers) for side in sides}
    return ((change.address.provider, name) for name in sorted(name for name in names if name is not None))


def _name(address: Address, side: Mapping[str, object] | None, providers: Mapping[str, Provider]) -> str | None:
    provider = providers.get(address.provider)
    return provider.belongs_to(address, side) if isinstance(provider, Belonging) else None


def _is_principal(address: Address, providers: Mapping[str, Provider]) -> bool:
    provider = providers.get(address.provider)
    kind = provider.schema().kinds.get(address.kind) if provider is not None else None
    return kind is not None and kind.principal
