"""The plan: everything that is signed, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .changes import Change, Operation
from .findings import Finding, Located, TestSummary
from .resources import Gap

FORMAT = "provisioner.plan/1"


@dataclass(frozen=True, slots=True)
class PlanTarget:
    """An account or project that the plan may touch. `watch` is what was read with it: an apply, which has no
    configuration, reads it again, so that nothing of an agent's authority there goes unseen."""

    provider: str
    id: str
    key: str
    environment: str | None
    watch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceState:
    """Digests of one resource before and after the plan (`state_digest` over all attributes), ABSENT for none."""

    address: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class AgentWorld:
    """Every resource that makes up an agent's authority, before and after: apply checks both ends.

    `before` and `after` are digests over the two maps from address to digest.
    """

    agent: str
    before: str
    after: str
    resources: tuple[ResourceState, ...]


@dataclass(frozen=True, slots=True)
class AgentNote:
    """What a reader should know of an agent that the plan changes: the line under which its changes are grouped."""

    agent: str
    new: bool
    sponsor: str | None
    environment: str | None
    inputs: str | None
    boundary: str | None


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sign-off that the plan needs: `owner` for `surface`, over `changes`, by `threshold` distinct people.

    `threshold` already holds the rule for unknown authors. `accept` names the findings (`RULE subject`) that the
    signer must accept. `part` is the part digest that a sign-off covers.
    """

    surface: str
    owner: str
    threshold: int
    changes: tuple[int, ...]
    accept: tuple[str, ...]
    part: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A person who may not sign, and why. `agent` None: for the whole plan; else only for that agent's widening."""

    person: str
    reason: str
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class RootReference:
    """The trust root in force that judges this plan."""

    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class RootChange:
    """The root data that becomes the next trust root when the plan is applied; None where the root stays.

    `lines` say what differs from the root in force, each with `+`, `-` or `~` first.
    """

    version: int
    data: Mapping[str, Any]
    digest: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredTest:
    """A boundary test as declared: the digest of what it asserts, and the agents that it is about."""

    digest: str
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """What a plan was made from. It is signed, so that the plans after this one are measured with it.

    `sources` maps each file that was read (its path from the root module's folder) to the SHA-256 of its bytes in
    hex. `agents` are the names of all declared agents, `tests` all declared boundary tests by address. `sponsors` maps
    agents whose authority changes only through something shared to their sponsors. `live_total` counts the live
    resources that a percentage of deletions is measured with; 0 where the plan deletes too little for that.
    `addresses` maps each agent's name to the address of its block, by which exceptions name it; plans of before it was
    there leave it out.
    """

    sources: Mapping[str, str]
    agents: tuple[str, ...]
    tests: Mapping[str, DeclaredTest]
    sponsors: Mapping[str, str]
    live_total: int = 0
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sweep:
    """How what one change makes is removed once it has ended by itself: signed with it, run by `sweep`.

    `change` is its number, `ends` an RFC 3339 UTC time with whole seconds, `operations` the calls, whose ids and
    change numbers are those of the removal as if it were this change.
    """

    change: int
    ends: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class NewPath:
    """A way for `agent` to become more than it is that the plan opens: it is not there now.

    `technique` is the id of a known one, or `trust` where a trust or grant itself lets it become another agent. `text`
    says the steps, each with its permission and where that comes from. `certain`: every step is allowed; otherwise some
    depend on context that nobody gave. `target` is the agent that it then is, where it is one.
    """

    agent: str
    technique: str
    text: str
    certain: bool
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The semantic plan. Two runs that would do the same to the same live state give the same plan.

    `base` is the ledger index of the workspace's last consumed plan (0 for none): a plan is never applied twice.
    `unknown_authors` says what could not be attributed to anybody; then widening parts need two distinct people.
    `declared` is None only in plans of the first version, whose bytes do not hold it. `sweeps` hold, for each change
    whose effect ends by itself, the calls that remove it then.
    """

    workspace: str
    base: int
    root: RootReference
    targets: tuple[PlanTarget, ...]
    scope: tuple[str, ...]
    changes: tuple[Change, ...]
    operations: tuple[Operation, ...]
    worlds: tuple[AgentWorld, ...]
    agents: tuple[AgentNote, ...]
    findings: tuple[Finding, ...]
    tests: TestSummary
    requirements: tuple[Requirement, ...]
    exclusions: tuple[Exclusion, ...]
    unknown_authors: tuple[str, ...]
    gaps: tuple[Gap, ...]
    not_looked_at: tuple[str, ...] = ()
    next_root: RootChange | None = None
    solo: bool = False
    agent_total: int = 0
    format: str = FORMAT
    declared: Declared | None = None
    sweeps: tuple[Sweep, ...] = ()
    new_paths: tuple[NewPath, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanNotes:
    """What is useful beside a plan but changes from run to run, so nobody signs it."""

    created: str = ""
    tool: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    milliseconds: int = 0
    commit: str | None = None
    sources: tuple[Located, ...] = ()
