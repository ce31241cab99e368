"""Questions to a policy evaluator, and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .resources import Address, Resource


class Answer(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    DEPENDS = "depends"


@dataclass(frozen=True, slots=True)
class World:
    """The resources that a question is judged on: planned (desired, after) or live.

    `now` is the time of the request (RFC 3339 UTC), for what expires; without it, time is missing context.
    """

    resources: Mapping[Address, Resource]
    now: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """May `agent` do this? `settings` are the provider's own: action, resource, context."""

    agent: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Assume:
    """May the workload or token with these claims become `agent`? Claim names are those of the agent's runtime."""

    agent: str
    claims: Mapping[str, Any]


Request = Attempt | Assume


@dataclass(frozen=True, slots=True)
class Deciding:
    """A statement that decides: the policy it is in, its Sid or its number from 1 on, and what it does.

    `resource` is what the policy stands on, or the policy itself, in the cloud's own full name; empty where nobody
    said (a document by itself).
    """

    policy: str
    statement: str
    effect: str
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer, the statements that decide it in words and by name, and for DEPENDS the context that is missing."""

    answer: Answer
    because: tuple[str, ...] = ()
    missing: tuple[str, ...] = field(default=())
    deciding: tuple[Deciding, ...] = ()
