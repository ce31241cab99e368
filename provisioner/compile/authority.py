"""Splits grants into parts that one agent gets and one owner answers for, and gives each provider its authority."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ..model.authority import Authority, GrantPart, Target
from ..model.configuration import Agent, Configuration, Delegation, Expiry, Grant, Tool
from ..sdk.provider import Provider

OwnerOf = Callable[[Agent, Tool], str | None]
"""The control owner of a tool's access for one agent, or None when there is not exactly one."""

Expiries = Mapping[tuple[str, str], str]
"""Expiry times in force, by (agent name, grant name)."""


def grant_parts(
    configuration: Configuration, owner_of: OwnerOf, expiries: Expiries, now: datetime
) -> tuple[GrantPart, ...]:
    """Every grant part, ordered by agent, grant and owner. Of a grant whose own date has passed nothing is made, and
    what is left of it goes; a relative end (`"90d"`) is renewed by a signed plan, so it stays until it is swept."""
    parts: list[GrantPart] = []
    for grant in configuration.grants.values():
        if has_ended(grant, now):
            continue
        for name in grant.agents:
            parts += _parts_of(grant, configuration, configuration.agents[name], owner_of, expiries, now)
    return tuple(sorted(parts, key=lambda part: (part.agent.name, part.name)))


def authorities(
    configuration: Configuration, providers: Mapping[str, Provider], parts: tuple[GrantPart, ...]
) -> dict[str, Authority]:
    """One Authority for each provider that the configuration names."""
    out: dict[str, Authority] = {}
    for name, provider in providers.items():
        configs = {key: config for key, config in configuration.providers.items() if config.provider == name}
        targets: dict[str, Target] = {key: provider.target(config) for key, config in configs.items()}
        out[name] = Authority(configuration.workspace.name, configuration, targets, parts, configs)
    return out


def delegations_with_ends(configuration: Configuration, expiries: Expiries, now: datetime) -> dict[str, Delegation]:
    """The delegations by address, each with an absolute time where it ends. As a grant's, a relative end stays what it
    first was; of several sources the earliest counts. In force it is known as `delegation.NAME` of the source."""
    out: dict[str, Delegation] = {}
    for address, delegation in configuration.delegations.items():
        known = [expiries.get((source, f"delegation.{delegation.name}")) for source in delegation.sources]
        ends = [_expires(delegation.expires, in_force, now) for in_force in known]
        end = min((text for text in ends if text is not None), key=_moment, default=None)
        out[address] = delegation if end is None else replace(delegation, expires=Expiry(at=end))
    return out


def has_relative_expiry(configuration: Configuration) -> bool:
    """Whether something says `expires = "90d"`, so that live expiries matter to compilation."""
    ends = [grant.expires for grant in configuration.grants.values()]
    ends += [delegation.expires for delegation in configuration.delegations.values()]
    return any(end is not None and end.after_seconds is not None for end in ends)


def has_ended(grant: Grant, now: datetime) -> bool:
    """Whether the date that a grant names has passed."""
    at = grant.expires.at if grant.expires is not None else None
    return at is not None and _moment(at) <= now


def _parts_of(
    grant: Grant, configuration: Configuration, agent: Agent, owner_of: OwnerOf, expiries: Expiries, now: datetime
) -> Iterator[GrantPart]:
    tools: dict[str | None, list[Tool]] = {}
    for address in dict.fromkeys(grant.tools):
        tool = configuration.tools[address]
        tools.setdefault(owner_of(agent, tool), []).append(tool)
    expires = _expires(grant.expires, expiries.get((agent.name, grant.name)), now)
    for owner in sorted(tools, key=lambda owner: owner or ""):
        name = grant.name if len(tools) == 1 else f"{grant.name}--{owner or 'unowned'}"
        ordered = tuple(sorted(tools[owner], key=lambda tool: tool.address))
        yield GrantPart(name, grant, agent, owner, ordered, expires)


def _expires(expiry: Expiry | None, in_force: str | None, now: datetime) -> str | None:
    """A relative expiry keeps the time it first got; a new one ends at a midnight (UTC), so that every plan of a day
    is the same plan. What it first got is never later than what it would get today: a later end in the cloud was put
    there by somebody else, or the configuration has become shorter."""
    if expiry is None:
        return None
    if expiry.at is not None:
        return expiry.at
    end = now.astimezone(UTC) + timedelta(seconds=expiry.after_seconds or 0)
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    if end != midnight:
        midnight += timedelta(days=1)
    new = midnight.strftime(_SECONDS)
    return new if in_force is None else min(in_force, new, key=_moment)


_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


def _moment(time: str) -> datetime:
    """A time in force comes from a live policy, where anything may stand: what is no time is later than any."""
    try:
        return datetime.strptime(time, _SECONDS).replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
