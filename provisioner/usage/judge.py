"""What the use of authority means for rules: PRV-5 (granted, never used) and OFF-2 (an agent that nobody uses).

A rule whose source does not tell is «not judged», with the reason: it never passes in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ..model.authority import GrantPart
from ..model.configuration import Configuration, Settings, Tool
from ..model.findings import Hazard
from ..model.resources import Address, Desired, LastUse
from ..model.usage import Fit, Observed, Usage, Window
from ..sdk.usage import Fitting
from .gather import Principals

NO_LOGS: Final = "PRV-5, what is granted and not used: no audit logs were given (-usage PATH)"
UNUSED_DAYS: Final = 90
"""Of OFF-2."""
LATE: Final = timedelta(days=2)
"""Logs may end so long before now: they are delivered late, and exported once a day."""
SHOWN: Final = 4
_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Holder:
    """A tool in one cloud, with the agents that hold it there."""

    tool: Tool
    provider: str
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolFit:
    """How one block of a tool fits. `block` is its place among the tool's blocks of this cloud."""

    tool: Tool
    provider: str
    block: int
    settings: Settings
    agents: tuple[str, ...]
    fit: Fit


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from the logs: facts for the rules, and what could not be judged."""

    hazards: tuple[Hazard, ...] = ()
    unjudged: tuple[str, ...] = ()


def holders(parts: Sequence[GrantPart]) -> tuple[Holder, ...]:
    """Every tool that a grant gives to somebody, by cloud, in the order of the grants."""
    found: dict[tuple[str, str], tuple[Tool, dict[str, None]]] = {}
    for part in parts:
        for tool in part.tools:
            for cloud in tool.clouds:
                if cloud in part.agent.identities and (part.grant.clouds is None or cloud in part.grant.clouds):
                    found.setdefault((tool.address, cloud), (tool, {}))[1][part.agent.name] = None
    return tuple(Holder(tool, cloud, tuple(agents)) for (_, cloud), (tool, agents) in found.items())


def targets_of(provider: str, agents: Collection[str], principals: Principals) -> tuple[str, ...]:
    """The accounts or projects in which agents have principals."""
    return tuple(sorted({target for name, target in principals.get(provider, {}).values() if name in agents}))


def blocks_of(all_: Sequence[Holder], provider: str, agents: Collection[str]) -> tuple[Settings, ...]:
    """Every tool block of a cloud that any of the agents holds."""
    held = (one for one in all_ if one.provider == provider and set(one.agents) & set(agents))
    return tuple(block for one in held for block in one.tool.clouds[provider])


def fits(
    holder: Holder,
    agents: Sequence[str],
    usage: Usage,
    principals: Principals,
    fitting: Fitting,
    blocks: tuple[Settings, ...],
) -> Iterator[ToolFit]:
    """How each block of a tool fits what these agents used together; `blocks` are all that they hold in this cloud."""
    uses: dict[str, frozenset[str]] = {}
    unmapped: dict[str, None] = {}
    for agent in agents:
        own = usage.of(holder.provider, agent)
        unmapped.update(dict.fromkeys(own.unmapped))
        for permission, where in own.uses.items():
            uses[permission] = uses.get(permission, frozenset()) | where
    observed = Observed(
        targets_of(holder.provider, agents, principals),
        uses,
        tuple(unmapped),
        usage.witnesses.get(holder.provider, frozenset()),
        blocks,
    )
    for at, settings in enumerate(holder.tool.clouds[holder.provider]):
        yield ToolFit(holder.tool, holder.provider, at, settings, tuple(agents), fitting.fit(settings, observed))


def uncovered(provider: str, agents: Collection[str], usage: Usage, principals: Principals) -> tuple[str, ...]:
    """The targets of agents of which the logs hold nothing."""
    return tuple(t for t in targets_of(provider, agents, principals) if (provider, t) not in usage.windows)


def unused_permissions(
    parts: Sequence[GrantPart],
    desired: Sequence[Desired],
    usage: Usage,
    principals: Principals,
    fitters: Mapping[str, Fitting],
    live: Collection[Address],
) -> Judgement:
    """PRV-5 for every agent and tool. What is not live yet cannot have been used: it is left out."""
    hazards: list[Hazard] = []
    doubts: dict[str, None] = {}
    everything = holders(parts)
    for holder in everything:
        fitting = fitters.get(holder.provider)
        for agent in holder.agents:
            if _address(holder, agent, desired) not in live:
                continue
            if fitting is None:
                doubts[f"PRV-5 in {holder.provider}: nobody reads this cloud's audit logs"] = None
                continue
            lacking = uncovered(holder.provider, (agent,), usage, principals)
            if lacking:
                doubts[f"PRV-5 of agent.{agent}: the logs hold nothing of {holder.provider} {', '.join(lacking)}"] = (
                    None
                )
                continue
            blocks = blocks_of(everything, holder.provider, (agent,))
            found = tuple(fits(holder, (agent,), usage, principals, fitting, blocks))
            doubts.update({f"PRV-5: {holder.tool.address}: {said}": None for one in found for said in one.fit.unjudged})
            hazard = _hazard(holder, agent, found, usage, principals, desired)
            if hazard is not None:
                hazards.append(hazard)
    return Judgement(tuple(hazards), _bounded(tuple(doubts)))


def _hazard(
    holder: Holder,
    agent: str,
    found: Sequence[ToolFit],
    usage: Usage,
    principals: Principals,
    desired: Sequence[Desired],
) -> Hazard | None:
    unused = [name for one in found for name in one.fit.unused]
    loose = [said for one in found for said in one.fit.loose]
    if not unused and not loose:
        return None
    said = []
    if unused:
        said.append(f"{_listed(unused)} not used")
    if loose:
        said.append(f"{_listed(loose)} used")
    windows = [usage.windows[holder.provider, t] for t in targets_of(holder.provider, (agent,), principals)]
    message = f"agent.{agent}: of {holder.tool.address} {', '.join(said)} in the logs given ({window_words(windows)})"
    fix = f"`provisioner rightsize {agent} -usage …` writes the narrower tool"
    return Hazard("PRV-5", _address(holder, agent, desired), agent, message, fix)


def _address(holder: Holder, agent: str, desired: Sequence[Desired]) -> Address:
    """The resource that carries the tool to the agent, else something of the agent's."""
    own = [i for i in desired if i.resource.agent == agent and i.resource.address.provider == holder.provider]
    carrying = [item for item in own if holder.tool.address in item.tools]
    for item in (*carrying, *own):
        return item.resource.address
    return Address(holder.provider, "", "tool", holder.tool.address)


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more


def window_words(windows: Sequence[Window]) -> str:
    """`2026-08-25 to 2026-11-23, 90 days`: what all of the windows cover."""
    first, last = max(window.first for window in windows), min(window.last for window in windows)
    return f"{first[:10]} to {last[:10]}, {days(first, last)} days"


def days(first: str, last: str) -> int:
    """Whole days between two times; 0 where the second is before the first."""
    return max(0, (datetime.fromisoformat(last) - datetime.fromisoformat(first)).days)


def _bounded(items: tuple[str, ...]) -> tuple[str, ...]:
    """A plan signs these, so they are few."""
    if len(items) <= _TOLD:
        return items
    return (*items[:_TOLD], f"PRV-5 and OFF-2: {len(items) - _TOLD} more (provisioner rightsize tells all of an agent)")


def unused_agents(
    configuration: Configuration,
    desired: Sequence[Desired],
    usage: Usage,
    principals: Principals,
    now: datetime,
    born: Mapping[str, datetime],
    uses: Mapping[Address, LastUse] | None = None,
) -> Judgement:
    """OFF-2. `born` is when an agent was first applied; one that is not there yet cannot be unused. `uses` is what the
    clouds themselves say: where they do, no logs are needed."""
    hazards, doubts = [], []
    since = now - timedelta(days=UNUSED_DAYS)
    by_agent: dict[str | None, list[Address]] = {}
    for item in desired:
        by_agent.setdefault(item.resource.agent, []).append(item.resource.address)
    for agent in configuration.agents.values():
        made = born.get(agent.name)
        own = by_agent.get(agent.name, [])
        told = {cloud: _told(cloud, own, uses or {}) for cloud in agent.identities}
        known = [use for use in told.values() if use is not None]
        last = max((*(usage.of(cloud, agent.name).last for cloud in told), *(use.last for use in known)), default="")
        young = any(use.made > _stamp(since) for use in known)
        if made is None or made > since or last >= _stamp(since) or young:
            continue
        silent = tuple(cloud for cloud, use in told.items() if use is None)
        doubt = _short(agent.name, silent, usage, principals, since, now)
        if doubt:
            doubts.append(doubt)
            continue
        if own:
            before = f"; the last one was on {last[:10]}" if last else ""
            source = _sources([cloud for cloud, use in told.items() if use is not None], bool(silent or usage.records))
            message = f"{agent.address} made no call for {UNUSED_DAYS} days, by {source}{before}"
            hazards.append(Hazard("OFF-2", own[0], agent.name, message, "remove the agent, or accept that it stays"))
    return Judgement(tuple(hazards), _bounded(tuple(doubts)))


def _told(cloud: str, own: Collection[Address], uses: Mapping[Address, LastUse]) -> LastUse | None:
    """What a cloud says of an agent's use; None unless it says it of every account or project that the agent is in.
    The latest of each, so that a principal made anew does not look unused."""
    here = [address for address in own if address.provider == cloud]
    found = {address.target: use for address in here if (use := uses.get(address)) is not None}
    if not here or set(found) != {address.target for address in here}:
        return None
    return LastUse(max(use.last for use in found.values()), max(use.made for use in found.values()))


def _sources(clouds: Sequence[str], logs: bool) -> str:
    said = [f"what {cloud} says of its last use" for cloud in clouds]
    return " and ".join([*(["the logs given"] if logs else []), *said])


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _short(
    agent: str, clouds: Sequence[str], usage: Usage, principals: Principals, since: datetime, now: datetime
) -> str:
    """Why the logs do not tell whether an agent was used; empty where they do."""
    for cloud in clouds:
        places = targets_of(cloud, (agent,), principals)
        if not places:
            return f"OFF-2 of agent.{agent}: nobody knows its principal in the logs of {cloud}"
        for target in places:
            window = usage.windows.get((cloud, target))
            if window is None and not usage.files:
                return f"OFF-2 of agent.{agent}: no audit logs were given (-usage PATH), and {cloud} does not say it"
            if window is None:
                return f"OFF-2 of agent.{agent}: the logs hold nothing of {cloud} {target}"
            if window.first > _stamp(since) or window.last < _stamp(now - LATE):
                reach = f"from {window.first[:10]} to {window.last[:10]}"
                return (
                    f"OFF-2 of agent.{agent}: the logs of {cloud} {target} reach {reach}, not over {UNUSED_DAYS} days"
                )
    return ""
