"""What somebody asks about agents' authority, and what the answers are made of (`access can|who|why|list`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .requests import Answer, Decision


@dataclass(frozen=True, slots=True)
class Hop:
    """One step from an agent to another one. `source` and `target` are agent names.

    `cloud` is where the target is reached, `origin` where the source takes the step (empty: there, too); `via` is
    `assume_role`, `impersonate`, `invoke`, `federation`, a role's name or `escalation <technique>`. `open` says
    what the step depends on; empty where it is certain. A step from an agent to itself changes the cloud only.
    """

    source: str
    target: str
    cloud: str
    via: str
    declared: bool = True
    open: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One way to the action: `agent` does it in `cloud`, reached over `hops` (none: the agent that was asked about).

    `decision` is about the whole way: what a hop depends on is in its `missing`.
    """

    agent: str
    cloud: str
    hops: tuple[Hop, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class Verdict:
    """May `agent` do `action` on `resource`? `answer` is that of the best route; `routes` has the agent's own first."""

    agent: str
    action: str
    resource: str
    answer: Answer
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Circumstance:
    """On which world a question was judged: `world` is `planned` or `live`, `now` the time (RFC 3339 UTC).

    `context` is what the question gives beside; `gaps` are the reads that failed, `unseen` what nobody looks at.
    """

    world: str
    now: str
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()
    gaps: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


class Within(StrEnum):
    """How much of a permission the principal's outer limit lets through."""

    ALL = "all"
    PART = "part"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Holding:
    """Permissions that one statement of an agent's policies gives or takes, in the cloud's own patterns.

    `effect` is `Allow` or `Deny`. `actions` and `resources` are patterns; with `but_actions` and `but_resources` they
    are what the statement leaves out. `conditions` are words. `within`: what the boundary lets through of them,
    `limits` its statements in words where that is not all.
    """

    cloud: str
    principal: str
    policy: str
    statement: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    but_actions: bool = False
    but_resources: bool = False
    within: Within = Within.ALL
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an agent holds by cloud. `unlisted` are clouds whose provider cannot list; `hops` whom it may become."""

    agent: str
    holdings: tuple[Holding, ...]
    reached: tuple[tuple[Hop, ...], ...]
    unread: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Who:
    """Who may do what to a resource: the verdicts that are not `denied`, by agent and action.

    `asked` are the agents that were asked about, `unlisted` the clouds in which nobody could say what to ask,
    `unread` policies whose text nobody has: what they name was not asked about.
    """

    resource: str
    verdicts: tuple[Verdict, ...]
    asked: tuple[str, ...]
    unlisted: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
