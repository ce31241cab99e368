"""What rules judge about agents' policies: wildcards, passing and assuming roles, undeclared ways between agents.

Statements are read as they stand: a boundary or a Deny that takes a permission back does not make a wildcard a good
grant. What cannot be read is told under PRV-1, since nothing shows that it is harmless.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from provisioner.model.authority import Authority
from provisioner.model.findings import Hazard
from provisioner.model.requests import World
from provisioner.model.resources import Resource

from .adopted import RULE, kept
from .escalation import describe_path, escalations
from .policy.document import Names, Pattern, Policy, Statement, compile_pattern
from .policy.errors import PolicyError
from .policy.globs import overlap, parse_glob
from .policy.holdings import Holdings, holdings, role_arn
from .policy.spelling import action_resource_types, known_actions
from .trust_hazards import trust_hazards

_SECRETS = ("secretsmanager:getsecretvalue", "ssm:getparameter", "ssm:getparameters", "kms:decrypt")
_ANY_ROLE = parse_glob("arn:*:iam::*:role/*")
_SHOWN = 3
"""Actions that a message names."""


def hazards(authority: Authority, world: World, agents: Collection[str]) -> Iterable[Hazard]:
    """The hazards of these agents in a world, in the order of agents, roles and policies."""
    held = holdings(world)
    runs = _executing(authority)
    for agent in sorted(agents):
        for role in held.roles(agent):
            yield from _access(authority, held, agent, role, agent in runs)
            yield from trust_hazards(authority, held, agent, role)
    for path in escalations(authority, world, agents):
        if path.technique == "assume-role":
            continue  # A2A-1 tells it
        what = f"agent.{path.agent} can become more than it is: {describe_path(path)}"
        yield Hazard("PRV-4", path.address, path.agent, what, "take one of these permissions away")


def _executing(authority: Authority) -> frozenset[str]:
    tools = authority.configuration.tools
    return frozenset(
        name
        for grant in authority.configuration.grants.values()
        if any(tools[address].effect == "execute" for address in grant.tools)
        for name in grant.agents
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """One policy of one role. `name` is what a reader calls it."""

    agent: str
    name: str
    resource: Resource

    def hazard(self, rule: str, what: str, fix: str) -> Hazard:
        return Hazard(rule, self.resource.address, self.agent, f"{self.name} of agent.{self.agent} {what}", fix)


def _access(authority: Authority, held: Holdings, agent: str, role: Resource, runs: bool) -> Iterator[Hazard]:
    for name, item in held.held(role.address):
        place = _Place(agent, name, item)
        yield from _adopted(authority, place)
        if item.attributes.get("document") is None:
            continue  # not read: coverage says so, and the plan is incomplete
        try:
            policy = held.policy(name, item)
        except PolicyError as error:
            yield place.hazard("PRV-1", f"cannot be judged: {error}", "replace it with a policy that IAM documents")
            continue
        yield from _of_policy(authority, held, place, policy, runs)


def _adopted(authority: Authority, place: _Place) -> Iterator[Hazard]:
    declared = authority.configuration.agents.get(place.agent)
    if declared is None or "aws" not in declared.identities:
        return
    address = place.resource.address
    what = kept(declared, address.kind, address.name.partition("/")[2])
    if what:
        fix = "say what the agent needs as a tool, grant it, and take the old policy out"
        yield Hazard(RULE, address, place.agent, f"agent.{place.agent} keeps {what}", fix)


def _of_policy(authority: Authority, held: Holdings, place: _Place, policy: Policy, runs: bool) -> Iterator[Hazard]:
    for statement in policy.allows:
        yield from _wildcards(place, statement)
        yield from _passing(place, statement)
        yield from _assuming(authority, held, place, statement)
        if runs and (found := _named(statement.actions, _SECRETS)):
            what = f"allows {found[0]}, and the agent executes code"
            yield place.hazard("EXE-1", what, "give secrets to an agent that does not execute code, or accept it")


def _wildcards(place: _Place, statement: Statement) -> Iterator[Hazard]:
    if statement.actions.negated:
        yield place.hazard("PRV-1", "allows everything but some actions (NotAction)", "name the actions it needs")
        return
    if statement.resources is not None and statement.resources.negated:
        what = "allows actions on everything but some resources (NotResource)"
        yield place.hazard("PRV-3", what, "name the resources it needs")
    anywhere = _anywhere(statement)
    broad: list[str] = []
    for pattern in statement.actions.patterns:
        service, colon, action = pattern.text.partition(":")
        if not colon or "*" in service or "?" in service:
            yield place.hazard("PRV-1", f"allows the action {pattern.text}", "name the actions it needs")
        elif not action.strip("*"):
            yield place.hazard(
                "PRV-3", f"allows every action of a service ({pattern.text})", "name the actions it needs"
            )
        elif anywhere:
            broad += _resourceful(pattern, service.lower())
    if broad:
        shown = ", ".join(broad[:_SHOWN]) + (f" and {len(broad) - _SHOWN} more" if len(broad) > _SHOWN else "")
        what = f"allows {shown} on any resource, and {'they work' if len(broad) > 1 else 'it works'} on named ones"
        yield place.hazard("PRV-3", what, "name the resources it needs")


def _anywhere(statement: Statement) -> bool:
    """Whether some resource pattern names no resource at all."""
    names = statement.resources
    return names is not None and not names.negated and any(not p.text.strip("*") for p in names.patterns)


def _resourceful(pattern: Pattern, service: str) -> list[str]:
    """The actions behind a pattern that support resources."""
    if "*" not in pattern.text and "?" not in pattern.text:
        return [pattern.text] if action_resource_types(pattern.text) else []
    glob = parse_glob(pattern.text.lower())
    every = known_actions(service)
    return [action for action in every if glob.matches(action.lower()) and action_resource_types(action)][: _SHOWN + 1]


def _passing(place: _Place, statement: Statement) -> Iterator[Hazard]:
    if not _named(statement.actions, ("iam:passrole",)) or not _roles(statement.resources):
        return
    names = statement.resources
    exact = names is not None and not names.negated and all(_exact(pattern) for pattern in _roles(names))
    to = any(
        c.key.lower() == "iam:passedtoservice" and c.operator == "StringEquals" and not c.if_exists and not c.quantifier
        for c in statement.conditions
    )
    if not exact or not to:
        lacks = " and ".join([*([] if exact else ["the exact role"]), *([] if to else ["iam:PassedToService"])])
        what = f"allows iam:PassRole without {lacks}"
        yield place.hazard("PRV-2", what, "name the one role, and demand the one service with iam:PassedToService")


def _assuming(authority: Authority, held: Holdings, place: _Place, statement: Statement) -> Iterator[Hazard]:
    if not _named(statement.actions, ("sts:assumerole",)) or not _roles(statement.resources):
        return
    names = statement.resources
    if names is None or names.negated or any(not _exact(pattern) for pattern in _roles(names)):
        fix = "name the role, and declare a delegation where it is an agent's"
        yield place.hazard("PRV-2", "allows sts:AssumeRole on roles that it does not name", fix)
    delegated = {
        one.target
        for one in authority.configuration.delegations.values()
        if place.agent in one.sources and one.via == "assume_role"
    }
    for other, role in _other_roles(held, place.agent):
        if other not in delegated and _covers(names, role_arn(role)):
            what = f"allows sts:AssumeRole on the role of agent.{other}, which no delegation declares"
            yield place.hazard(
                "A2A-1", what, f'declare delegation {{ to = agent.{other}  via = "assume_role" }}, or drop it'
            )


def _other_roles(held: Holdings, agent: str) -> Iterator[tuple[str, Resource]]:
    for name in held.agents():
        if name != agent:
            yield from ((name, role) for role in held.roles(name))


def _named(actions: Names, wanted: Sequence[str]) -> list[str]:
    """Which of the actions (lower case) an Allow statement gives."""
    hit = [action for action in wanted if any(parse_glob(p.text.lower()).matches(action) for p in actions.patterns)]
    return [action for action in wanted if action not in hit] if actions.negated else hit


def _roles(names: Names | None) -> tuple[Pattern, ...]:
    """The patterns that some role could match; all of them where the element is negated or absent."""
    if names is None:
        return (compile_pattern("*"),)
    if names.negated:
        return names.patterns
    return tuple(pattern for pattern in names.patterns if overlap(pattern.widened, _ANY_ROLE) is not None)


def _exact(pattern: Pattern) -> bool:
    return not pattern.variables and "*" not in pattern.text and "?" not in pattern.text


def _covers(names: Names | None, arn: str) -> bool:
    if names is None:
        return True
    hit = any(overlap(pattern.widened, parse_glob(arn)) is not None for pattern in names.patterns)
    return not hit if names.negated else hit
