"""How an agent could become more than it is: known techniques, tried on the evaluated world.

A technique is a list of permissions (`techniques.json`, with sources). Each permission is asked of the evaluator, with
boundary and denies, on targets that exist in the world or that the agent's own statements name; a role that is passed
to a service must also be one that the service may assume, as far as its trust is known.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from provisioner.model.authority import Authority
from provisioner.model.graph import EscalationPath, Step
from provisioner.model.requests import Answer, Assume, Attempt, Decision, World
from provisioner.model.resources import Resource
from provisioner.sdk.digests import state_digest

from .policy.document import Pattern, Policy, Statement, parse_policy
from .policy.errors import PolicyError
from .policy.globs import overlap, parse_glob
from .policy.holdings import Holdings, holdings, role_arn
from .policy.world import evaluate_in_world

MOST_TARGETS: Final = 3
"""Targets of one technique that are told of one agent."""

_SHAPES: Final = {
    "role": "arn:aws:iam::{account}:role/any-role",
    "user": "arn:aws:iam::{account}:user/any-user",
    "function": "arn:aws:lambda:{region}:{account}:function:any-function",
    "instance": "arn:aws:ec2:{region}:{account}:instance/i-0123456789abcdef0",
    "task": "arn:aws:ecs:{region}:{account}:task/any-cluster/any-task",
    "project": "arn:aws:codebuild:{region}:{account}:project/any-project",
}
"""One resource of each kind, that a wildcard stands for."""


@dataclass(frozen=True, slots=True)
class Need:
    """`on` is the kind of target; `same`: the target of the step before. `service` is whom a role is passed to."""

    action: str
    on: str
    service: str = ""


@dataclass(frozen=True, slots=True)
class Technique:
    id: str
    title: str
    needs: tuple[Need, ...]
    becomes: str
    source: str


@cache
def techniques() -> tuple[Technique, ...]:
    """The known techniques, as shipped."""
    data = json.loads(resources.files(__package__).joinpath("techniques.json").read_text(encoding="utf-8"))
    return tuple(
        Technique(
            item["id"],
            item["title"],
            tuple(Need(need["action"], need["on"], need.get("service", "")) for need in item["needs"]),
            item["becomes"],
            item["source"],
        )
        for item in data["techniques"]
    )


def escalations(authority: Authority, world: World, agents: Collection[str]) -> Iterator[EscalationPath]:
    """The paths of these agents, agent by agent in the order of the techniques.

    An agent is searched again only where something that its paths depend on is another: a plan asks of the live and of
    the planned world, for its rules and for the graph.
    """
    held = holdings(world)
    for agent in sorted(agents):
        for role in held.roles(agent):
            search = _Search(authority, world, held, agent, role)
            key = search.key
            if key not in _FOUND:
                while len(_FOUND) >= _MOST_FOUND:
                    del _FOUND[next(iter(_FOUND))]
                _FOUND[key] = tuple(search.paths())
            yield from _FOUND[key]


_FOUND: dict[str, tuple[EscalationPath, ...]] = {}
"""Paths by everything that they follow from."""
_MOST_FOUND: Final = 20_000


class _Search:
    def __init__(self, authority: Authority, world: World, held: Holdings, agent: str, role: Resource) -> None:
        self._world = world
        self._held = held
        self._agent = agent
        self._role = role
        self._arn = role_arn(role)
        self._policies = list(_readable(held, role))
        self._delegated = {one.target for one in authority.configuration.delegations.values() if agent in one.sources}
        region = next((r for c in authority.configs.values() for r in c.settings.get("regions", ())), "us-east-1")
        self._place = {"account": role.address.target, "region": str(region)}
        self._answers: dict[tuple[str, str, str], Decision] = {}
        self._bests: dict[Need, tuple[Step, Answer] | None] = {}

    @property
    def key(self) -> str:
        """A digest of everything that the search looks at: the role with its policies and boundary, all roles with
        their trust and tags, the delegations, the time and the place."""
        boundary = self._role.attributes.get("permissions_boundary")
        limit = self._held.managed(boundary) if isinstance(boundary, str) else None
        own = [[name, dict(item.attributes)] for name, item in self._held.held(self._role.address)]
        parts = {
            "agent": self._agent,
            "arn": self._arn,
            "own": own,
            "boundary": dict(limit.attributes) if limit is not None else None,
            "roles": self._held.roles_digest,
            "delegated": sorted(self._delegated),
            "place": self._place,
            "now": self._world.now,
        }
        return state_digest(parts)

    def paths(self) -> Iterator[EscalationPath]:
        for technique in techniques():
            if all(self._speaks_of(need.action) for need in technique.needs):
                yield from self._of(technique)

    def _of(self, technique: Technique) -> Iterator[EscalationPath]:
        """The ways of one technique: its first step picks the target, the others must be possible too."""
        first, *rest = technique.needs
        found = 0
        if any(_impossible(self._best(need, "")) for need in rest if need.on != "same"):
            return
        for target in self._targets(first):
            answers = [self._ask(first, target)]
            if _impossible(answers[0]):
                continue
            answers += [self._best(need, target) for need in rest]
            if any(map(_impossible, answers)):
                continue
            steps = [answer for answer in answers if answer is not None]
            yield self._path(technique, target, steps)
            found += 1
            if found == MOST_TARGETS:
                return

    def _path(self, technique: Technique, target: str, steps: Sequence[tuple[Step, Answer]]) -> EscalationPath:
        role = self._held.role(target)
        return EscalationPath(
            self._agent,
            technique.id,
            technique.title,
            technique.becomes,
            target,
            role.agent if role is not None else None,
            tuple(step for step, _ in steps),
            all(answer is Answer.ALLOWED for _, answer in steps),
            technique.source,
            self._role.address,
        )

    def _best(self, need: Need, before: str) -> tuple[Step, Answer] | None:
        """The best answer on any target of a later step; the same for every first step, unless it is on its target."""
        if need.on == "same":
            return self._best_of(need, [before])
        if need not in self._bests:
            self._bests[need] = self._best_of(need, self._targets(need))
        return self._bests[need]

    def _best_of(self, need: Need, targets: Iterable[str]) -> tuple[Step, Answer] | None:
        best: tuple[Step, Answer] | None = None
        for target in targets:
            found = self._ask(need, target)
            if found is not None and found[1] is Answer.ALLOWED:
                return found
            if found is not None and found[1] is Answer.DEPENDS:
                best = found
        return best

    def _ask(self, need: Need, target: str) -> tuple[Step, Answer] | None:
        context = {"iam:PassedToService": need.service} if need.service else {}
        key = (need.action, target, need.service)
        if key not in self._answers:
            settings = {"action": need.action, "resource": target, "context": context}
            self._answers[key] = evaluate_in_world(self._world, Attempt(self._agent, settings))
        decision = self._answers[key]
        answer = decision.answer
        if answer is not Answer.DENIED and need.service and not self._serves(target, need.service):
            return None
        if answer is not Answer.DENIED and need.on in ("assumable_role", "read_role") and not self._admits(target):
            return None
        said = next((text for text in decision.because if " allows " in text), "its policies allows ")
        origin = said.partition(" allows ")[0]
        return Step(need.action, target, origin), answer

    def _serves(self, arn: str, service: str) -> bool:
        """Whether a role's trust names a service at all; of a role that nobody read, it may.

        Conditions of the trust are left out: where the agent may start the service's workload, it may often meet them.
        """
        role = self._held.role(arn)
        if role is None:
            return True
        try:
            trust = parse_policy(role.attributes.get("trust") or {"Statement": []})
        except PolicyError:
            return True
        named = [item.principals for item in trust.allows if item.principals is not None]
        return any(p.everyone or p.negated or service in p.of("Service") for p in named)

    def _admits(self, arn: str) -> bool:
        role = self._held.role(arn)
        if role is None or role.agent is None:
            return True
        return evaluate_in_world(self._world, Assume(role.agent, {"principal": self._arn})).answer is not Answer.DENIED

    def _targets(self, need: Need) -> Iterator[str]:
        """Targets to try: what exists here, then what the agent's own statements name or stand for."""
        seen: set[str] = set()
        for target in (*self._known(need.on), *self._written(need)):
            if target not in seen:
                seen.add(target)
                yield target

    def _known(self, on: str) -> Iterator[str]:
        if on == "own_role":
            yield self._arn
        elif on == "held_policy":
            for _, item in self._held.held(self._role.address):
                arn = item.attributes.get("policy_arn") or item.attributes.get("arn")
                if isinstance(arn, str) and ":aws:policy/" not in arn:
                    yield arn
            boundary = self._role.attributes.get("permissions_boundary")
            if isinstance(boundary, str) and ":aws:policy/" not in boundary:
                yield boundary
        elif on.endswith("role"):
            for name in self._held.agents():
                if name != self._agent and not (on == "read_role" and name in self._delegated):
                    yield from (role_arn(role) for role in self._held.roles(name))

    def _written(self, need: Need) -> Iterator[str]:
        if need.on in ("own_role", "held_policy", "read_role", "same"):
            return
        if need.on == "any":
            yield "*"
        kind = "role" if need.on.endswith("role") else need.on
        shape = _SHAPES.get(kind, "").format(**self._place)
        for pattern in self._resources(need.action):
            if not shape:
                if pattern.text != "*":
                    yield pattern.widened.example()
                continue
            if overlap(pattern.widened, parse_glob(shape)) is not None:
                yield shape
            elif _same_kind(pattern.text, shape):
                yield pattern.widened.example("any")

    def _resources(self, action: str) -> Iterator[Pattern]:
        for statement in self._speaking(action):
            if statement.resources is not None and not statement.resources.negated:
                yield from statement.resources.patterns

    def _speaking(self, action: str) -> Iterator[Statement]:
        for policy in self._policies:
            for statement in policy.allows:
                hit = any(parse_glob(p.text.lower()).matches(action.lower()) for p in statement.actions.patterns)
                if hit != statement.actions.negated:
                    yield statement

    def _speaks_of(self, action: str) -> bool:
        """Whether some Allow speaks of an action at all: few do, and only then the evaluator is asked."""
        return next(self._speaking(action), None) is not None


def _impossible(answer: tuple[Step, Answer] | None) -> bool:
    return answer is None or answer[1] is Answer.DENIED


def _readable(held: Holdings, role: Resource) -> Iterator[Policy]:
    for name, item in held.held(role.address):
        if item.attributes.get("document") is None:
            continue
        try:
            yield held.policy(name, item)
        except PolicyError:
            continue  # told as a hazard of PRV-1: such a policy blocks the plan by itself


def _same_kind(pattern: str, shape: str) -> bool:
    """Whether a written ARN is of the shape's service and resource type: `arn:aws:iam::1:role/x` of a role."""
    ours, theirs = shape.split(":", 5), pattern.split(":", 5)
    if len(theirs) != 6 or theirs[2] != ours[2]:
        return False
    kind = ours[5].replace(":", "/").partition("/")[0]
    return theirs[5].replace(":", "/").partition("/")[0] in (kind, "*")


def describe_path(path: EscalationPath) -> str:
    """`iam:PassRole on role r (inline policy p) and lambda:CreateFunction: …`."""
    steps = " and ".join(f"{step.permission} on {_short(step.resource)} ({step.origin})" for step in path.steps)
    who = f"agent.{path.target_agent}" if path.target_agent else path.becomes
    return f"it {path.title}: {steps}; it then is {who}{'' if path.certain else ', if the context allows it'}"


def _short(resource: str) -> str:
    return resource.split(":", 5)[-1] if resource.startswith("arn:") else resource


def as_json(path: EscalationPath) -> dict[str, Any]:
    """A path as JSON data."""
    return {
        "agent": path.agent,
        "technique": path.technique,
        "target": path.target,
        "target_agent": path.target_agent,
        "certain": path.certain,
        "steps": [{"permission": s.permission, "resource": s.resource, "origin": s.origin} for s in path.steps],
        "source": path.source,
    }
