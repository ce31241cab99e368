"""What rules judge about agents' grants and trusts: basic roles, becoming another, tokens that admit too many.

Grants are read as they stand: a boundary that takes a permission back does not make a basic role a good grant. What a
role holds and was not read is told under PRV-1, since nothing shows that it is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from provisioner.model.authority import Authority
from provisioner.model.findings import Hazard
from provisioner.model.requests import World
from provisioner.model.resources import Resource

from . import federation, schema, table
from .compile import USER_ROLE
from .escalation import describe_path, escalations, impersonations
from .policy.evaluate import permissions_of
from .policy.holdings import holdings
from .policy.narrowing import tests_of
from .roles import BASIC_ROLES, BECOMING, SERVICE_WIDE, SETTING_POLICY

_EVERYBODY = ("allUsers", "allAuthenticatedUsers")
_PEOPLE = ("user:", "group:", "domain:", "principalSet://iam.googleapis.com/locations/global/workforcePools/")
_SECRETS = ("secretmanager.versions.access", "cloudkms.cryptoKeyVersions.useToDecrypt")
_NUMERIC = re.compile(r"(?:repository_id|repository_owner_id|project_id|namespace_id)")


def hazards(authority: Authority, world: World, agents: Collection[str]) -> Iterable[Hazard]:
    """The hazards of these agents in a world, in the order of agents and resources."""
    runs, becomes = _executing(authority), _workloads(world)
    for address in sorted(world.resources):
        resource = world.resources[address]
        if address.provider != "google":
            continue
        if resource.agent is None and address.kind in schema.GRANTS:
            yield from _pool_wide(resource, world, agents)
        if resource.agent not in agents or resource.agent is None:
            continue
        if address.kind in schema.GRANTS:
            yield from _grant(authority, world, resource, resource.agent in runs)
        elif address.kind == schema.POOL_PROVIDER:
            yield from _provider(resource)
        elif address.kind == schema.ACCOUNT_BINDING:
            yield from _admission(authority, world, resource)
            member = str(resource.attributes["member"])
            if others := sorted(becomes.get(member, set()) - {resource.agent}):
                what = f"may be used by {member}, which may become agent.{others[0]} too"
                yield _hazard(resource, "ID-1", what, "give each agent a workload of its own")
    for path in escalations(authority, world, agents):
        if path.technique in impersonations() and path.target_agent is not None:
            continue  # A2A-1 tells it
        what = f"agent.{path.agent} can become more than it is: {describe_path(path)}"
        yield Hazard("PRV-4", path.address, path.agent, what, "take one of these permissions away")


def _workloads(world: World) -> dict[str, set[str]]:
    """The agents that each single workload may become: members of their service accounts, but whole pools."""
    found: dict[str, set[str]] = {}
    for address, resource in world.resources.items():
        if address.kind != schema.ACCOUNT_BINDING or resource.agent is None:
            continue
        member = str(resource.attributes["member"])
        single = member.startswith("principal://") or (member.startswith("serviceAccount:") and "[" in member)
        if single and resource.attributes["role"] == USER_ROLE:
            found.setdefault(member, set()).add(resource.agent)
    return found


def _executing(authority: Authority) -> frozenset[str]:
    tools = authority.configuration.tools
    return frozenset(
        name
        for grant in authority.configuration.grants.values()
        if any(tools[address].effect == "execute" for address in grant.tools)
        for name in grant.agents
    )


def _hazard(resource: Resource, rule: str, what: str, fix: str) -> Hazard:
    return Hazard(rule, resource.address, resource.agent or "", f"agent.{resource.agent} {what}", fix)


def _grant(authority: Authority, world: World, grant: Resource, runs: bool) -> Iterator[Hazard]:
    role, resource = str(grant.attributes["role"]), str(grant.attributes["resource"])
    if role in BASIC_ROLES:
        yield _hazard(grant, "PRV-1", f"holds the basic role {role} on {resource}", "name a predefined role")
        return
    held = permissions_of(world, grant)
    if held is None:
        fix = "give the reader iam.roles.get, or use permissions = [...]"
        yield _hazard(grant, "PRV-1", f"holds {role}, and what that is was not read", fix)
        return
    if role in SERVICE_WIDE and "/projects/" in f"/{resource}" and table.row_of(resource) is not None:
        row = table.row_of(resource)
        if row is not None and row[0].kind in ("project", "folder", "organization"):
            fix = "grant it on the resource that the tool works on, or a smaller role"
            yield _hazard(grant, "PRV-3", f"holds {role} on the whole {row[0].kind}", fix)
    yield from _becoming(authority, world, grant, held)
    if runs and (secrets := sorted(held & set(_SECRETS))):
        fix = "give secrets to an agent that does not execute code, or accept it"
        yield _hazard(grant, "EXE-1", f"is allowed {secrets[0]}, and executes code", fix)


def _becoming(authority: Authority, world: World, grant: Resource, held: frozenset[str]) -> Iterator[Hazard]:
    resource = str(grant.attributes["resource"])
    setting = sorted(name for name in held if name in SETTING_POLICY)
    if setting:
        fix = "take it out of the role: permissions = [...] without it"
        yield _hazard(grant, "PRV-2", f"may change policies ({setting[0]}) on {resource}", fix)
    becoming = sorted(held & set(BECOMING))
    if not becoming:
        return
    other = holdings(world).account_agent(resource)
    if other is None:
        fix = "take it out, or declare a delegation to the agent that it is about"
        yield _hazard(grant, "PRV-2", f"may become service accounts ({becoming[0]}) of {resource}", fix)
    elif other != grant.agent and not delegated(authority, str(grant.agent), other):
        fix = f'declare delegation {{ to = agent.{other}  via = "impersonate" }}, or drop it'
        yield _hazard(grant, "A2A-1", f"may become agent.{other} ({becoming[0]}), which no delegation declares", fix)


def delegated(authority: Authority, source: str, target: str) -> bool:
    return any(
        one.target == target and source in one.sources and one.via == "impersonate"
        for one in authority.configuration.delegations.values()
    )


def _pool_wide(grant: Resource, world: World, agents: Collection[str]) -> Iterator[Hazard]:
    """A grant to a whole pool, or to a subject that no agent has: everybody whom a provider of it admits has it."""
    users = sorted(
        str(r.agent)
        for r in world.resources.values()
        if r.address.kind == schema.POOL_PROVIDER and r.parent == grant.parent and r.agent in agents
    )
    for agent in users:
        what = f"agent.{agent} has what is granted to {grant.attributes['member']}, a member that is no agent's"
        yield Hazard("FED-2", grant.address, agent, what, "grant to the exact subject")


def _provider(provider: Resource) -> Iterator[Hazard]:
    state, name = provider.attributes, provider.address.name
    subject, others = tests_of(str(state["condition"] or ""))
    issuer = str(state["issuer"])
    if subject is None:
        fix = "demand the exact subject: the plan writes it"
        yield _hazard(provider, "FED-1", f"comes through provider {name}, which demands no exact subject", fix)
        if "*" in str(state["condition"]) or "startsWith" in str(state["condition"]):
            yield _hazard(provider, "FED-2", f"comes through provider {name}, which admits many subjects", fix)
    if issuer in federation.SHARED_ISSUERS:
        claims = {test for test in others if _NUMERIC.search(test)}
        if not claims and subject is None:
            fix = "demand the claim that names your tenant"
            yield _hazard(provider, "FED-4", f"comes through {issuer}, which many share, without naming a tenant", fix)
        elif not claims and issuer in (federation.GITHUB_ISSUER, "https://gitlab.com"):
            yield _hazard(
                provider, "FED-3", f"is known to {issuer} by a name", "demand the repository's or project's id"
            )
    if "google.subject" not in state["mapping"]:
        fix = "map google.subject: the plan writes it"
        yield _hazard(provider, "FED-1", f"comes through provider {name}, which maps no subject", fix)


def _admission(authority: Authority, world: World, binding: Resource) -> Iterator[Hazard]:
    """Who may become a service account besides its workload."""
    member, role = str(binding.attributes["member"]), str(binding.attributes["role"])
    fix = "take it out: only the agent's own workload becomes it"
    if member in _EVERYBODY:
        yield _hazard(binding, "HUM-1", f"may be used by {member}", fix)
    elif member.startswith(_PEOPLE):
        yield _hazard(binding, "HUM-1", f"may be used by {member} ({role})", fix)
    elif member.startswith("serviceAccount:") and role != USER_ROLE:
        yield _hazard(binding, "A2A-1", f"may be used by {member} ({role}), which no delegation declares", fix)
    elif member.startswith("principalSet://"):
        yield _hazard(binding, "FED-2", f"may be used by every workload of {member}", fix)
