"""Ways to become more that a plan opens: in the planned world, and not in the live one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..model.configuration import Configuration
from ..model.graph import EscalationPath, Reach, Relation
from ..model.plan import NewPath
from .graph import path_key

TRUST = "trust"
"""Stands for a technique where a trust or grant itself lets one agent become another."""


def new_paths(configuration: Configuration, after: Sequence[Reach], before: Sequence[Reach]) -> tuple[NewPath, ...]:
    """The escalation paths and undeclared steps between agents of `after` that `before` has not, by agent."""
    known = {path_key(path) for reach in before for path in reach.paths}
    admitted = {_step(relation) for reach in before for relation in reach.relations}
    declared = {(source, one.target) for one in configuration.delegations.values() for source in one.sources}
    found = [_escalation(path) for reach in after for path in reach.paths if path_key(path) not in known]
    for reach in after:
        found += _undeclared(reach.relations, declared, admitted)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.agent, one.technique, one.text)))


def _step(relation: Relation) -> tuple[str | None, str, str]:
    return relation.source_agent, relation.agent, relation.cloud


def _undeclared(
    relations: Sequence[Relation],
    declared: Collection[tuple[str, str]],
    admitted: Collection[tuple[str | None, str, str]],
) -> Iterator[NewPath]:
    for one in relations:
        if one.source_agent is None or (one.source_agent, one.agent) in declared or _step(one) in admitted:
            continue
        how = f" by {one.label}" if one.label else ""
        text = f"it may become agent.{one.agent} in {one.cloud}{how}, which no delegation declares"
        yield NewPath(one.source_agent, TRUST, text, one.certain, one.agent)


def _escalation(path: EscalationPath) -> NewPath:
    steps = " and ".join(f"{step.permission} on {step.resource} ({step.origin})" for step in path.steps)
    who = f"agent.{path.target_agent}" if path.target_agent else path.becomes
    text = f"it {path.title}: {steps}; it then is {who}"
    return NewPath(path.agent, path.technique, text, path.certain, path.target_agent)
