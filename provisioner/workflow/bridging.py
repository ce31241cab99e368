"""Steps between clouds: whose session of one cloud is somebody in another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..model.questions import Hop
from ..model.requests import Answer, Decision, World
from ..policy.chains import Crossing
from ..sdk.listing import Bridging, Receiving
from ..sdk.provider import Provider

VIA = "federation"


def federated(world: World, providers: Mapping[str, Provider], agents: Sequence[str]) -> Iterator[Hop]:
    """Every step of an agent's session of one cloud into an agent of another one, itself included, that a trust there
    does not refuse. Only agents whose trusts speak of the other cloud are asked about."""
    for origin, sender in providers.items():
        for cloud, receiver in providers.items():
            if cloud == origin or not isinstance(sender, Bridging) or not isinstance(receiver, Receiving):
                continue
            targets = receiver.foreigners(world, origin)
            for source in agents if targets else ():
                for target in targets:
                    found = admitted(world, sender, receiver, source, target)
                    if found.answer is not Answer.DENIED:
                        yield _hop(source, target, origin, cloud, found)


def admitted(world: World, sender: Bridging, receiver: Receiving, source: str, target: str) -> Decision:
    """May some session of `source` become `target` in the receiver's cloud?"""
    best = Decision(Answer.DENIED, (f"agent.{source} has no session there",))
    for claims in sender.sessions_of(world, source):
        found = receiver.admits_session(world, target, claims)
        if found.answer is Answer.ALLOWED:
            return found
        if found.answer is Answer.DEPENDS:
            best = found
    return best


def _hop(source: str, target: str, origin: str, cloud: str, found: Decision) -> Hop:
    doubt = ""
    if found.answer is Answer.DEPENDS:
        doubt = f"whether agent.{source} in {origin} may become agent.{target} in {cloud}"
        doubt += f" ({', '.join(found.missing)})" if found.missing else ""
    return Hop(source, target, cloud, VIA, source == target, doubt, origin)


def crossing(providers: Mapping[str, Provider]) -> Crossing:
    """Between clouds that can say who is who, a step is a hop of its own (`federated`); between others it is open."""

    def doubt(agent: str, origin: str, cloud: str) -> str | None:
        known = isinstance(providers.get(origin), Bridging) and isinstance(providers.get(cloud), Receiving)
        return None if known else f"whether agent.{agent} in {origin} is also who it is in {cloud}"

    return doubt
