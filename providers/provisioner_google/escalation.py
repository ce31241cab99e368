"""How an agent could become more than it is: known techniques, tried on the evaluated world.

A technique is a list of permissions (`techniques.json`, with sources). Each permission is asked of the evaluator, with
deny policies, conditions and access boundaries, on targets that exist in the world or that its own grants reach. The
agent is asked as itself: what it may do as another is that other's path, one step further. What a role holds and
was not read gives no path; rule PRV-1 tells it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from provisioner.model.authority import Authority
from provisioner.model.graph import EscalationPath, Step
from provisioner.model.requests import Answer, Attempt, World
from provisioner.model.resources import Address, Resource

from . import names, schema, table
from .policy import cel
from .policy.evaluate import evaluate_in_world, permissions_of
from .policy.holdings import Holdings, holdings
from .roles import BECOMING

MOST_TARGETS: Final = 3
"""Targets of one technique that are told of one agent."""

_ABOVE: Final = "//cloudresourcemanager.googleapis.com/"
_STRANGER: Final = "any-account"
_TAGS: Final = re.compile(r"resource\.(?:matchTag|matchTagId|hasTagKey|hasTagKeyId)\(")


@dataclass(frozen=True, slots=True)
class Need:
    """`on` is the kind of target: `place` (where a grant holds the permission to some effect), of these only a
    `container` (a project or above), a `folder` (or above), an `organization`; `account`, `held_role`, `deny_policy`,
    `access_boundary`, `pool`, `tagged`; or `same`: the target of the step before."""

    permission: str
    on: str


@dataclass(frozen=True, slots=True)
class Technique:
    id: str
    title: str
    needs: tuple[Need, ...]
    becomes: str
    source: str

    @property
    def impersonates(self) -> bool:
        """Whether it is nothing but becoming a service account: what a delegation declares."""
        return len(self.needs) == 1 and self.needs[0].permission in BECOMING


@cache
def techniques() -> tuple[Technique, ...]:
    """The known techniques, as shipped."""
    data = json.loads(resources.files(__package__).joinpath("techniques.json").read_text(encoding="utf-8"))
    return tuple(
        Technique(
            item["id"],
            item["title"],
            tuple(Need(need["permission"], need["on"]) for need in item["needs"]),
            item["becomes"],
            item["source"],
        )
        for item in data["techniques"]
    )


@cache
def impersonations() -> frozenset[str]:
    """The ids of the techniques that only become a service account."""
    return frozenset(item.id for item in techniques() if item.impersonates)


def escalations(authority: Authority, world: World, agents: Collection[str]) -> Iterator[EscalationPath]:
    """The paths of these agents, agent by agent in the order of the techniques."""
    held = holdings(world)
    for agent in sorted(agents):
        grants = held.grants(agent)
        if grants:
            yield from _Search(authority, world, held, agent, grants).paths()


class _Search:
    def __init__(
        self, authority: Authority, world: World, held: Holdings, agent: str, grants: Sequence[Resource]
    ) -> None:
        self._world = world
        self._held = held
        self._agent = agent
        self._grants = [(grant, permissions_of(world, grant) or frozenset()) for grant in grants]
        self._all = frozenset().union(*(found for _, found in self._grants))
        self._declared = {one.target for one in authority.configuration.delegations.values() if agent in one.sources}
        self._answers: dict[tuple[str, str], tuple[Step, Answer]] = {}

    def paths(self) -> Iterator[EscalationPath]:
        for technique in techniques():
            if all(need.permission in self._all for need in technique.needs):
                yield from self._of(technique)

    def _of(self, technique: Technique) -> Iterator[EscalationPath]:
        """The ways of one technique: its first step picks the target, the others must be possible too."""
        first, *rest = technique.needs
        found = 0
        for target in self._targets(first):
            agent = self._held.account_agent(target)
            if technique.impersonates and agent in self._declared:
                continue  # a delegation declares it
            steps = [self._ask(first, target), *(self._best(need, target) for need in rest)]
            certain = [step for step in steps if step is not None and step[1] is not Answer.DENIED]
            if len(certain) < len(steps):
                continue
            yield self._path(technique, target, agent, certain)
            found += 1
            if found == MOST_TARGETS:
                return

    def _path(
        self, technique: Technique, target: str, agent: str | None, steps: Sequence[tuple[Step, Answer]]
    ) -> EscalationPath:
        return EscalationPath(
            self._agent,
            technique.id,
            technique.title,
            technique.becomes,
            target,
            agent if agent is not None else self._pool_agent(target),
            tuple(step for step, _ in steps),
            all(answer is Answer.ALLOWED for _, answer in steps),
            technique.source,
            self._address(technique.needs[0].permission),
        )

    def _address(self, permission: str) -> Address:
        """The grant that the path starts from."""
        return next(grant.address for grant, found in self._grants if permission in found)

    def _pool_agent(self, target: str) -> str | None:
        """The one other agent that comes through a pool; None where there are several."""
        users = self._held.agents_of_pool(target.rpartition("/workloadIdentityPools/")[2], target) - {self._agent}
        return next(iter(users)) if len(users) == 1 else None

    def _best(self, need: Need, before: str) -> tuple[Step, Answer] | None:
        """The best answer on any target of a later step."""
        best: tuple[Step, Answer] | None = None
        for target in [before] if need.on == "same" else self._targets(need):
            found = self._ask(need, target)
            if found[1] is Answer.ALLOWED:
                return found
            if found[1] is Answer.DEPENDS:
                best = best or found
        return best

    def _ask(self, need: Need, target: str) -> tuple[Step, Answer]:
        key = (need.permission, target)
        if key not in self._answers:
            grant = self._grant_for(need.permission, target)
            project = grant.address.target if grant is not None else ""
            known = table.project_of(target) or project
            context = {"project": known} if known else {}
            settings = {"permission": need.permission, "resource": target, "context": context, "alone": True}
            decision = evaluate_in_world(self._world, Attempt(self._agent, settings))
            said = str(grant.attributes["role"]) if grant is not None else "its grants"
            self._answers[key] = Step(need.permission, target, said), decision.answer
        return self._answers[key]

    def _grant_for(self, permission: str, target: str) -> Resource | None:
        """A grant that holds a permission: one on the target itself before one above it."""
        holding = [grant for grant, found in self._grants if permission in found]
        near = [grant for grant in holding if str(grant.attributes["resource"]) == target]
        return next(iter((*near, *holding)), None)

    def _targets(self, need: Need) -> Iterator[str]:
        yield from dict.fromkeys(_KINDS[need.on](self, need.permission))

    def _places(self, permission: str) -> Iterator[str]:
        """Where the agent's grants hold the permission: on something of its own service, or above all services."""
        service = names.deny_permission(permission, table.SERVICES).partition("/")[0]
        for grant, found in self._grants:
            place = str(grant.attributes["resource"])
            if permission in found and place.startswith((f"//{service}/", _ABOVE)):
                yield place

    def _containers(self, permission: str) -> Iterator[str]:
        return (place for place in self._places(permission) if place.startswith(_ABOVE))

    def _folders(self, permission: str) -> Iterator[str]:
        return (place for place in self._containers(permission) if not place.startswith(f"{_ABOVE}projects/"))

    def _organizations(self, permission: str) -> Iterator[str]:
        return (place for place in self._containers(permission) if place.startswith(f"{_ABOVE}organizations/"))

    def _accounts(self, permission: str) -> Iterator[str]:
        """Service accounts: of other agents, those that a grant names, and one that stands for a project's others."""
        places = list(self._places(permission))
        wide = [place for place in places if "/serviceAccounts/" not in place]
        if wide:
            yield from self._held.accounts_but(self._agent)
        own = self._held.accounts_of(self._agent)
        yield from (place for place in places if "/serviceAccounts/" in place and place not in own)
        for place in wide:
            project = table.project_of(place)
            if project is not None:
                yield names.account_resource(names.email(_STRANGER, project), project)

    def _held_roles(self, permission: str) -> Iterator[str]:
        """Custom roles that the agent's grants name."""
        for grant, _ in self._grants:
            role = str(grant.attributes["role"])
            if role.startswith(("projects/", "organizations/")):
                yield f"//iam.googleapis.com/{role}"

    def _deny_policies(self, permission: str) -> Iterator[str]:
        """Where the deny policies stand that name the agent, or everybody."""
        members = {names.deny_member(str(grant.attributes["member"])) for grant, _ in self._grants}
        for policy in self._held.deny_policies:
            named = {who for rule in policy.attributes["rules"] for who in rule.get("deniedPrincipals", ())}
            if named & {*members, "principalSet://goog/public:all"}:
                yield table.full_name(policy.address.name.partition("@")[2])

    def _access_boundaries(self, permission: str) -> Iterator[str]:
        """The organization of a boundary that the agent is bound to, and where a binding of it stands."""
        for bound in self._held.of(self._agent, schema.ACCESS_BOUNDARY_BINDING):
            if permission.startswith("iam.policybindings."):
                yield table.full_name(f"projects/{bound.address.target}")
                continue
            for used in bound.uses:
                yield table.full_name(used.name.partition("@")[2])

    def _pools(self, permission: str) -> Iterator[str]:
        for pool in self._held.pools:
            yield (f"//iam.googleapis.com/projects/{pool.target}/locations/global/workloadIdentityPools/{pool.name}")

    def _tagged(self, permission: str) -> Iterator[str]:
        """Where a condition of the agent's own grants, or of a deny policy over it, reads tags."""
        for grant, _ in self._grants:
            condition = grant.attributes.get("condition")
            if condition and _reads_tags(str(condition["expression"])):
                yield str(grant.attributes["resource"])
        for policy in self._held.deny_policies:
            rules = policy.attributes["rules"]
            if any(_reads_tags(str((rule.get("denialCondition") or {}).get("expression", ""))) for rule in rules):
                yield table.full_name(policy.address.name.partition("@")[2])


def _reads_tags(expression: str) -> bool:
    return _TAGS.search(expression) is not None or cel.syntax_error(expression) != ""


_KINDS: Final = {
    "place": _Search._places,
    "container": _Search._containers,
    "folder": _Search._folders,
    "organization": _Search._organizations,
    "account": _Search._accounts,
    "held_role": _Search._held_roles,
    "deny_policy": _Search._deny_policies,
    "access_boundary": _Search._access_boundaries,
    "pool": _Search._pools,
    "tagged": _Search._tagged,
}


def describe_path(path: EscalationPath) -> str:
    """`it acts: permission on place (role) and …; it then is …`."""
    steps = " and ".join(f"{step.permission} on {_short(step.resource)} ({step.origin})" for step in path.steps)
    who = f"agent.{path.target_agent}" if path.target_agent else path.becomes
    return f"it {path.title}: {steps}; it then is {who}{'' if path.certain else ', if the context allows it'}"


def _short(resource: str) -> str:
    return resource.removeprefix("//cloudresourcemanager.googleapis.com/").removeprefix("//")
