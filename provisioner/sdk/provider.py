"""The contract between the core and a cloud. Providers describe, the core decides.

A `Provider` is pure: no network, no clock, no environment. What touches the cloud is a `Reader` or a `Writer`, made
from connections that come from the runner's own file, never from HCL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ..model.authority import Authority, Target
from ..model.changes import Assessment, Change, Operation, Outcome
from ..model.configuration import Agent, BoundaryTest, ProviderConfig
from ..model.diagnostics import Diagnostic
from ..model.findings import Hazard
from ..model.graph import Reach
from ..model.requests import Decision, Request, World
from ..model.resources import Address, Attributes, Desired, Mark, Resource, Snapshot
from .schema import ProviderSchema


@dataclass(frozen=True, slots=True)
class Connection:
    """How this runner reaches one target: credentials by name, never by value.

    `settings` are the runner file's keys for the provider key: `profile`, `plan_role`, `apply_role`, `endpoint`.
    `regions` are the target's own. `config` is what the target's provider block says, where a run has read one: apply
    has not, and then it is empty.
    """

    target: Target
    settings: Mapping[str, Any] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """What to read. `addresses` are the desired ones, found even when they carry no mark.

    `agents` None reads the whole workspace; otherwise only what makes up these agents and the shared resources
    that they use (apply re-reads one agent at a time). `made` is what the record says we made and did not delete: a
    hint of where to look as well, never of what is there. `policies` are resources whose own policy is asked for, each
    with the target to ask (see `Requiring`).
    """

    workspace: str
    addresses: frozenset[Address]
    agents: frozenset[str] | None = None
    made: frozenset[Address] = frozenset()
    policies: frozenset[tuple[str, str]] = frozenset()


class Reader(Protocol):
    """Read-only access to the targets of one provider.

    A reader with an attribute `calls` (requests so far, by `provider:target`) has it shown while it reads.
    """

    def identify(self) -> None:
        """Check that the caller is in the declared account or project. Raises CloudError before anything is read."""

    def read(self, scope: Scope) -> Snapshot:
        """Live state in bulk, normalized. A read that fails is a Gap, never an absence."""


class Writer(Reader, Protocol):
    """What apply has: a reader that can execute.

    A writer with an attribute `parallel` (an int) has `execute` called from so many threads at once, each on another
    agent; one without is called in a row.
    """

    def execute(self, operation: Operation, proceed: Callable[[], None]) -> Outcome:
        """Read the live object, compare with the operation's digests, call, read back.

        `proceed` is called immediately before every write and raises to stop it (lease lost, sign-off revoked).
        Never raises for what the cloud answers: the Outcome says it.
        """


@runtime_checkable
class Joining(Protocol):
    """What a provider may say besides: which operations one call carries out. Its writer says the same. Pure."""

    def joint(self, operation: Operation) -> str:
        """What operations must have in common for one call to hold them (a policy that is replaced whole); empty for
        an operation that is a call of its own."""


@runtime_checkable
class JoiningWriter(Joining, Protocol):
    """What a writer does besides, whose provider is `Joining`."""

    def execute_together(self, operations: Sequence[Operation], proceed: Callable[[], None]) -> tuple[Outcome, ...]:
        """As `execute`, for operations of one `joint` in the signed order: one outcome each. Each is held against its
        own digests, and one that depends on another which is not done is SKIPPED."""


class Batch(Protocol):
    """Operations of one `Batching` writer that are carried out together, with reads that serve many of them."""

    def execute(self, operation: Operation, proceed: Callable[[], None]) -> Outcome | None:
        """As `Writer.execute`, from several threads at once. None: the cloud took the call, and `read_back` tells what
        became of it. What was read for several may stand for the look right before the call only while it is young,
        and only to say that live is as signed: every doubt is settled by a read of the operation's own."""

    def read_back(self) -> Iterable[Outcome]:
        """What became of every operation whose `execute` gave None. Called once, when nothing is under way any more;
        writes nothing."""


@runtime_checkable
class Batching(Protocol):
    """What a writer may do besides: carry out many operations together. No two of them touch the same agent."""

    parallel: int
    """Operations under way at once."""

    batch_most: int
    """Operations of one batch."""

    def batch(self, operations: Sequence[Operation]) -> Batch:
        """Reads nothing yet, and never raises for what the cloud answers."""


class Provider(Protocol):
    """One cloud."""

    def schema(self) -> ProviderSchema: ...

    def target(self, config: ProviderConfig) -> Target:
        """The account or project of a `provider` block. Raises DiagnosticError for an impossible one."""

    def validate(self, authority: Authority) -> Iterable[Diagnostic]:
        """What the cloud would refuse or what cannot be enforced, found without reading anything."""

    def compile(self, authority: Authority) -> Iterable[Desired]:
        """The resources that the authority asks for, normalized. Pure and deterministic."""

    def normalize(self, resource: Resource) -> Resource:
        """The canonical form: equal meaning gives equal attributes. Idempotent; for both sides."""

    def check(self, authority: Authority, desired: Sequence[Desired], live: Snapshot) -> Iterable[Diagnostic]:
        """What only a look at the live state can tell (an OIDC provider that must exist)."""

    def expiries(self, live: Snapshot) -> Mapping[tuple[str, str], str]:
        """Expiry times in force, by (agent name, grant name): a relative expiry keeps the time it first got."""

    def assess(self, change: Change, before: World, after: World) -> Assessment:
        """Whether authority gets wider or narrower. Sound: what cannot be decided is UNKNOWN."""

    def operations(self, change: Change) -> tuple[Operation, ...]:
        """The calls that carry a change out, in order. Their `depends` name only one another; the core adds order
        between changes. Ids are `<change number>.<n>`."""

    def full_name(self, change: Change) -> str:
        """The cloud's full name of what a change touches (an ARN): what `protect` patterns are matched with."""

    def rank(self, operation: Operation, effect_widens: bool) -> int:
        """Where an operation stands in the order of a plan: smaller first (boundary, role, narrow, widen, trust)."""

    def evaluate(self, world: World, request: Request) -> Decision:
        """Pure policy semantics. What it cannot judge is DEPENDS, with what is missing; never a guess."""

    def hazards(self, authority: Authority, world: World, agents: Collection[str]) -> Iterable[Hazard]:
        """What rules are to judge about these agents in a world, whoever put it there: wildcards, escalation by one
        permission, trusts that admit too many (rules PRV-1 to PRV-3, TP-1, FED-1 to FED-4, HUM-1, ID-1, ATT-1, EXE-1,
        KIL-1, A2A-1 of 6-analysis-and-rules.md). Sound: what cannot be read as harmless is told."""

    def reach(self, authority: Authority, world: World, agents: Collection[str]) -> Reach:
        """Who may become these agents, by their trust, and how each could become more than it is."""

    def negatives(self, agent: Agent, authority: Authority) -> Iterable[BoundaryTest]:
        """Denied-tests that every agent of this runtime must pass, whoever wrote the configuration."""

    def reader(self, connections: Sequence[Connection]) -> Reader: ...

    def writer(self, connections: Sequence[Connection]) -> Writer: ...


@runtime_checkable
class Stopper(Protocol):
    """What a provider may do besides: take all authority from an agent at once (`provisioner stop`). Pure.

    One owner's signature suffices for it, so nothing that `stops` says yes to may ever leave more possible than was.
    """

    def stop(self, agent: str, live: Snapshot, at: str) -> Iterable[Resource]:
        """The resources as they must be, normalized, so that no principal of the agent can do anything: on AWS an
        inline policy that denies all, elsewhere a principal that is disabled. Nothing for an agent that is not there.

        Sessions that were issued before `at` (RFC 3339 UTC, whole seconds) must be covered too.
        """

    def stops(self, change: Change) -> bool:
        """Whether a change, by its `after` alone and whatever else there is, is one of those: the verifier's question.
        It must hold for exactly what `stop` makes, for any `at`."""


@runtime_checkable
class Belonging(Protocol):
    """What a provider may do besides: say on which principal a resource hangs. Pure."""

    def belongs_to(self, address: Address, attributes: Attributes | None) -> str | None:
        """The principal whose authority it is, itself included, by a name that no other has; None for what is shared
        and where it cannot be told. `attributes` None: by its address alone."""


@runtime_checkable
class Requiring(Protocol):
    """What a provider may say besides: which resources have policies of their own that a configuration needs. Pure."""

    def required(self, authority: Authority) -> frozenset[tuple[str, str]]:
        """Target id and name of each resource: what `Scope.policies` asks for and `Snapshot.policies` answers."""


@runtime_checkable
class Ending(Protocol):
    """What a provider may do besides: say when a resource ends by conditions of its own (a grant with an end). Pure."""

    def ends(self, kind: str, attributes: Attributes) -> str | None:
        """The time (RFC 3339 UTC, whole seconds) from which nothing that it allows is allowed, so that to delete it
        then takes nothing away; None where something stays, or where deleting it would let something through."""


@runtime_checkable
class Sweeping(Ending, Protocol):
    """An `Ending` with resources that cannot end by themselves, and that may be taken away by `sweep` instead. Pure."""

    def swept(self, kind: str, attributes: Attributes) -> bool:
        """Whether a resource is one that allows something and whose cloud cannot end it, so that its removal is how it
        ends. `Desired.ends` stands at these alone."""


@runtime_checkable
class Clearing(Stopper, Protocol):
    """A `Stopper` that also takes things off: where a principal is somebody's own name, and nothing can be disabled."""

    def cleared(self, agent: str, live: Snapshot) -> Iterable[Address]:
        """What goes when the agent is stopped, of what is there. `stops` says yes to each of these deletions."""


@runtime_checkable
class Adopting(Protocol):
    """What a provider may do besides: take over what exists (`import`), and let go of it (`removed`, `release`). Pure.

    `operations` then takes changes with the actions CLAIM and RELEASE: calls that put the mark on or take it off, and
    none for what bears no mark of its own.
    """

    def mark_in(self, kind: str, attributes: Attributes) -> Mark | None:
        """The ownership mark that attributes of this kind carry."""

    def with_mark(self, kind: str, attributes: Attributes, wanted: Attributes | None) -> Attributes:
        """The attributes with the mark that `wanted` carries in place of their own; with none where it is None. All
        else stays, normalized as it was."""


@dataclass(frozen=True, slots=True)
class RunnerPolicy:
    """What a runner may do in one target. `purpose` is `plan`, `drift` or `apply`; `document` is in the cloud's own
    language of policies."""

    target: str
    key: str
    purpose: str
    document: Mapping[str, Any]


@runtime_checkable
class Permitting(Protocol):
    """What a provider may do besides: say which permissions its reads and operations take. Pure."""

    def permissions(self, authority: Authority, desired: Sequence[Desired], purpose: str) -> Iterable[RunnerPolicy]:
        """The least that a plan, a drift run or an apply of this configuration takes, for each target."""

    def bootstrap(self, authority: Authority, desired: Sequence[Desired], form: str) -> Mapping[str, Any]:
        """Everything that sets a runner's roles up, by `form`: `cloudformation`, a template of roles to be assumed
        from one place each; `scp`, the guard that denies others' writes to what we own; `terraform`, a document of
        roles and of the pool through which they are used. Empty for a form that is another cloud's."""
