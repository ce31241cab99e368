"""Who may become an agent, as its trust says, and how an agent could become more than it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from provisioner.model.authority import Authority
from provisioner.model.graph import Reach, Relation
from provisioner.model.requests import Answer, Assume, World
from provisioner.model.resources import Resource

from .escalation import escalations
from .policy.admission import statement
from .policy.document import Statement, parse_policy
from .policy.errors import PolicyError
from .policy.holdings import Holdings, holdings, role_arn
from .policy.world import evaluate_in_world


def reach(authority: Authority, world: World, agents: Collection[str]) -> Reach:
    """The relations and paths of these agents in a world."""
    held = holdings(world)
    relations: list[Relation] = []
    for agent in sorted(agents):
        for role in held.roles(agent):
            relations += _of_role(world, held, agent, role)
    return Reach(tuple(dict.fromkeys(relations)), tuple(escalations(authority, world, agents)))


def _of_role(world: World, held: Holdings, agent: str, role: Resource) -> Iterator[Relation]:
    document = role.attributes.get("trust")
    if document is None:
        return
    try:
        trust = parse_policy(document)
    except PolicyError:
        yield Relation("whoever a trust that cannot be read admits", None, agent, "aws", certain=False)
        return
    for item in trust.allows:
        arns = item.principals.of("AWS") if item.principals is not None else ()
        known = {arn: found for arn in arns if (found := held.role(arn)) is not None and found.agent is not None}
        for arn, source in known.items():
            decision = evaluate_in_world(world, Assume(agent, {"principal": arn}))
            if source.agent != agent and decision.answer is not Answer.DENIED:
                certain = decision.answer is Answer.ALLOWED
                yield Relation(role_arn(source), source.agent, agent, "aws", "assume_role", certain)
        for phrase, arn in zip(statement(item, role.address.target), _principals(item), strict=False):
            if arn not in known:
                yield Relation(phrase, None, agent, "aws")


def _principals(item: Statement) -> tuple[str, ...]:
    """The principals of a statement in the order in which `admission.statement` speaks of them."""
    principals = item.principals
    if principals is None or principals.negated:
        return ("",)
    everyone = ("*",) if principals.everyone else ()
    return (*everyone, *(value for _, values in principals.kinds for value in values))
