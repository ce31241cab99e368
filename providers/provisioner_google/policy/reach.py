"""Who may become an agent, and how an agent could become more than it is: judged on the evaluated world."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from provisioner.model.authority import Authority
from provisioner.model.graph import EscalationPath, Reach, Relation, Step
from provisioner.model.requests import Answer, Attempt, World
from provisioner.model.resources import Resource

from .. import schema, table
from ..roles import BECOMING, SETTING_POLICY, STARTS
from .assess import admitted
from .evaluate import evaluate_in_world, permissions_of
from .holdings import holdings

_SOURCE = "Google Cloud, «Privilege escalation» and «Roles for service account authentication»"
_SAMPLES = {"iam": "//iam.googleapis.com/projects/{0}/serviceAccounts/any@{0}.iam.gserviceaccount.com"}


def reach(authority: Authority, world: World, agents: Collection[str]) -> Reach:
    """The relations and paths of these agents in a world."""
    relations: list[Relation] = []
    paths: list[EscalationPath] = []
    for address in sorted(world.resources):
        resource = world.resources[address]
        if address.provider != "google" or resource.agent is None:
            continue
        if resource.agent in agents:
            relations += _admits(resource)
            if address.kind in schema.GRANTS:
                paths += _paths(world, resource)
        relations += _delegates(world, resource, agents)
    return Reach(tuple(dict.fromkeys(relations)), tuple(dict.fromkeys(paths)))


def _admits(resource: Resource) -> Iterator[Relation]:
    agent = str(resource.agent)
    if resource.address.kind == schema.POOL_PROVIDER:
        yield Relation(admitted(resource.attributes), None, agent, "google")
    elif resource.address.kind == schema.ACCOUNT_BINDING:
        yield Relation(str(resource.attributes["member"]), None, agent, "google", str(resource.attributes["role"]))
    elif resource.address.kind == schema.ACCOUNT:
        yield Relation(f"a workload that runs as {resource.attributes['email']}", None, agent, "google")


def _delegates(world: World, grant: Resource, agents: Collection[str]) -> Iterator[Relation]:
    """Another agent that may get a token of this one's service account."""
    if grant.address.kind not in schema.GRANTS:
        return
    other = holdings(world).account_agent(str(grant.attributes["resource"]))
    held = permissions_of(world, grant)
    if other in agents and other != grant.agent and (held is None or held & set(BECOMING)):
        label, certain = str(grant.attributes["role"]), held is not None
        yield Relation(str(grant.attributes["member"]), grant.agent, str(other), "google", label, certain)


def _paths(world: World, grant: Resource) -> Iterator[EscalationPath]:
    held = permissions_of(world, grant) or frozenset()
    resource = str(grant.attributes["resource"])
    for permission in sorted(held & set(SETTING_POLICY)):
        yield from _path(world, grant, (permission,), "change a policy or role", f"whatever it wants on {resource}")
    target = holdings(world).account_agent(resource)
    for permission in sorted((held & set(BECOMING)) - {"iam.serviceAccounts.actAs"}):
        if target != grant.agent:
            yield from _path(world, grant, (permission,), "get a token or key of a service account", resource, target)
    if "iam.serviceAccounts.actAs" in held:
        for start, what in STARTS:
            if _held_anywhere(world, str(grant.agent), start):
                yield from _path(world, grant, ("iam.serviceAccounts.actAs", start), f"start {what}", resource, target)


def _held_anywhere(world: World, agent: str, permission: str) -> bool:
    return any(permission in (permissions_of(world, other) or ()) for other in holdings(world).grants(agent))


def _path(
    world: World,
    grant: Resource,
    permissions: tuple[str, ...],
    title: str,
    becomes: str,
    target: str | None = None,
) -> Iterator[EscalationPath]:
    """The path where the first step is possible: a deny policy or a condition may stand in its way."""
    agent, resource = str(grant.agent), str(grant.attributes["resource"])
    tried = _concrete(permissions[0], resource)
    context = {"project": grant.address.target}
    decision = evaluate_in_world(
        world, Attempt(agent, {"permission": permissions[0], "resource": tried, "context": context})
    )
    if decision.answer is Answer.DENIED:
        return
    role = str(grant.attributes["role"])
    yield EscalationPath(
        agent=agent,
        technique=f"google:{'+'.join(permissions)}",
        title=title,
        becomes=becomes,
        target=resource,
        target_agent=target,
        steps=tuple(Step(name, resource, role) for name in permissions),
        certain=decision.answer is Answer.ALLOWED,
        source=_SOURCE,
        address=grant.address,
    )


def _concrete(permission: str, resource: str) -> str:
    """A thing that the permission works on: below a project, one of its service accounts."""
    project = table.project_of(resource)
    if permission.startswith("iam.serviceAccount") and project is not None and "/serviceAccounts/" not in resource:
        return _SAMPLES["iam"].format(project)
    return resource
