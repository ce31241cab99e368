"""Who may become an agent, and how an agent could become more than it is: judged on the evaluated world."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from provisioner.model.authority import Authority
from provisioner.model.graph import Reach, Relation
from provisioner.model.requests import World
from provisioner.model.resources import Resource

from .. import schema
from ..escalation import escalations
from ..roles import BECOMING
from .assess import admitted
from .evaluate import accounts_on, permissions_of
from .holdings import holdings


def reach(authority: Authority, world: World, agents: Collection[str]) -> Reach:
    """The relations and paths of these agents in a world."""
    relations: list[Relation] = []
    for address in sorted(world.resources):
        resource = world.resources[address]
        if address.provider != "google" or resource.agent is None:
            continue
        if resource.agent in agents:
            relations += _admits(resource)
        relations += _delegates(world, resource, agents)
    return Reach(tuple(dict.fromkeys(relations)), tuple(escalations(authority, world, agents)))


def _admits(resource: Resource) -> Iterator[Relation]:
    agent = str(resource.agent)
    if resource.address.kind == schema.POOL_PROVIDER:
        yield Relation(admitted(resource.attributes), None, agent, "google")
    elif resource.address.kind == schema.ACCOUNT_BINDING:
        yield Relation(str(resource.attributes["member"]), None, agent, "google", str(resource.attributes["role"]))
    elif resource.address.kind == schema.ACCOUNT:
        yield Relation(f"a workload that runs as {resource.attributes['email']}", None, agent, "google")


def _delegates(world: World, grant: Resource, agents: Collection[str]) -> Iterator[Relation]:
    """Other agents of whose service accounts this one may get a token: one account's, or all of a project.

    A role on a project that nobody read may hold that, like anything: it is no relation to everybody there.
    """
    if grant.address.kind not in schema.GRANTS:
        return
    resource = str(grant.attributes["resource"])
    held = permissions_of(world, grant)
    if held is not None and not held & set(BECOMING):
        return
    one = holdings(world).account_agent(resource)
    others = {one} if one is not None else accounts_on(world, resource) if held is not None else set()
    for other in sorted((others & set(agents)) - {grant.agent}):
        label, certain = str(grant.attributes["role"]), held is not None
        yield Relation(str(grant.attributes["member"]), grant.agent, other, "google", label, certain)
