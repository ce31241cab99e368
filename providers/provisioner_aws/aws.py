"""The provider: one method for each question of the core, each answered in its own module."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provisioner.model.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from provisioner.model.authority import Authority, Target
    from provisioner.model.changes import Assessment, Change, Operation
    from provisioner.model.configuration import Agent, BoundaryTest, ProviderConfig, Settings
    from provisioner.model.diagnostics import Diagnostic
    from provisioner.model.findings import Hazard
    from provisioner.model.graph import Reach
    from provisioner.model.questions import Holding
    from provisioner.model.requests import Decision, Request, World
    from provisioner.model.resources import Address, Attributes, Desired, Mark, Resource, Snapshot
    from provisioner.model.usage import Deed, Fit, LoggedCall, Observed, Use
    from provisioner.sdk.describing import Described, Foreign
    from provisioner.sdk.documents import DocumentComparison
    from provisioner.sdk.provider import Connection, Reader, RunnerPolicy, Writer
    from provisioner.sdk.schema import ProviderSchema
    from provisioner.sdk.simulation import Simulator
    from provisioner.sdk.usage import LookedUp

    from .sandbox import SandboxCloud

_ACCOUNT = re.compile(r"[0-9]{12}")


class AWS:
    """AWS behind `provisioner.sdk.Provider`. Has no state; modules load when a method first needs them."""

    def schema(self) -> ProviderSchema:
        from .schema import provider_schema

        return provider_schema()

    def target(self, config: ProviderConfig) -> Target:
        from provisioner.model.authority import Target

        account = str(config.settings.get("account_id", ""))
        if not _ACCOUNT.fullmatch(account):
            raise DiagnosticError.of(
                "E-AWS-ACCOUNT",
                f"{account!r} is no AWS account id",
                "account_id has 12 digits, written as a string so that leading zeros stay. `aws sts"
                " get-caller-identity` prints that of the credentials in use.",
                config.settings.range_of("account_id"),
            )
        return Target("aws", config.key, account, config.environment)

    def validate(self, authority: Authority) -> Iterable[Diagnostic]:
        from .validate import validate

        return validate(authority)

    def compile(self, authority: Authority) -> Iterable[Desired]:
        from .compile import compile_authority

        return compile_authority(authority)

    def normalize(self, resource: Resource) -> Resource:
        from .forms import normalize

        return normalize(resource)

    def check(self, authority: Authority, desired: Sequence[Desired], live: Snapshot) -> Iterable[Diagnostic]:
        from .check import check

        return check(authority, desired, live)

    def required(self, authority: Authority) -> frozenset[tuple[str, str]]:
        """Resources whose own policy a granted tool needs (`Requiring` of the sdk)."""
        if not any(tool.requires for tool in authority.configuration.tools.values()):
            return frozenset()
        from .resource_policies import named

        return named(authority)

    def expiries(self, live: Snapshot) -> Mapping[tuple[str, str], str]:
        from .check import expiries

        return expiries(live)

    def assess(self, change: Change, before: World, after: World) -> Assessment:
        from .policy.assess import assess

        return assess(change, before, after)

    def narrows(self, change: Change) -> bool:
        """Whether a change takes authority away in every world (`NarrowingJudge` of the core). Pure."""
        from .policy.narrowing import narrows

        return narrows(change)

    def operations(self, change: Change) -> tuple[Operation, ...]:
        from .operations import operations

        return operations(change)

    def full_name(self, change: Change) -> str:
        from .operations import full_name

        return full_name(change)

    def rank(self, operation: Operation, effect_widens: bool) -> int:
        from .operations import rank

        return rank(operation, effect_widens)

    def evaluate(self, world: World, request: Request) -> Decision:
        from .policy.world import evaluate_in_world

        return evaluate_in_world(world, request)

    def speaks(self, action: str) -> bool:
        from .listing import speaks

        return speaks(action)

    def holdings_of(self, world: World, agent: str) -> tuple[Collection[Holding], Collection[str]]:
        from .listing import holdings_of

        return holdings_of(world, agent)

    def candidates(self, world: World, agent: str, resource: str) -> tuple[str, ...]:
        from .listing import candidates

        return candidates(world, agent, resource)

    def becoming(self, world: World, source: str, target: str, context: Mapping[str, Sequence[str]]) -> Decision:
        from .listing import becoming

        return becoming(world, source, target, context)

    def sessions_of(self, world: World, agent: str) -> tuple[Mapping[str, Any], ...]:
        """How sessions of the agent's roles show themselves to other clouds (`Bridging` of the sdk)."""
        from .listing import sessions_of

        return sessions_of(world, agent)

    def evaluate_document(self, request: Mapping[str, Any]) -> Decision:
        from .policy.documents import evaluate_document

        return evaluate_document(request)

    def comparison_kinds(self) -> tuple[str, ...]:
        return ("identity", "boundary", "resource", "trust", "scp", "rcp")

    def check_document(self, document: Mapping[str, Any], kind: str) -> None:
        from .policy.comparisons import check_document

        check_document(document, kind)

    def compare_documents(self, old: Mapping[str, Any], new: Mapping[str, Any], kind: str) -> DocumentComparison:
        from .policy.comparisons import compare_documents

        return compare_documents(old, new, kind)

    def ends(self, kind: str, attributes: Attributes) -> str | None:
        from .check import ends

        return ends(kind, attributes)

    def belongs_to(self, address: Address, attributes: Attributes | None) -> str | None:
        """The role that a resource is, or hangs on (`Belonging` of the sdk)."""
        from .belonging import belongs_to

        return belongs_to(address, attributes)

    def principal(self, target: str, name: str) -> Address:
        from .describing import principal

        return principal(target, name)

    def describe(self, resources: Sequence[Resource], address: Address) -> Described | None:
        from .describing import describe

        return describe(resources, address)

    def keep(self, live: Resource) -> tuple[str, tuple[str, ...], Mapping[str, Any]] | str:
        from .keeping import keep

        return keep(live)

    def from_terraform(self, state: Sequence[Mapping[str, Any]], every: bool) -> Foreign:
        from .tfstate import from_terraform

        return from_terraform(state, every)

    def mark_in(self, kind: str, attributes: Attributes) -> Mark | None:
        from .marks import mark_in

        return mark_in(kind, attributes)

    def with_mark(self, kind: str, attributes: Attributes, wanted: Attributes | None) -> Attributes:
        from .marks import with_mark

        return with_mark(kind, attributes, wanted)

    def call_of(self, record: Mapping[str, Any]) -> LoggedCall | None:
        from .trail import call_of

        return call_of(record)

    def uses_of(self, record: Mapping[str, Any]) -> tuple[Use, ...]:
        from .trail import uses_of

        return uses_of(record)

    def principals_of(self, authority: Authority, desired: Sequence[Desired]) -> Mapping[str, tuple[str, str]]:
        from .trail import principals_of

        return principals_of(authority, desired)

    def deed_of(self, record: Mapping[str, Any], wanted: Collection[Address]) -> Deed | None:
        from .trail_deeds import deed_of

        return deed_of(record, wanted)

    def fit(self, block: Settings, observed: Observed) -> Fit:
        from .trail_fit import fit

        return fit(block, observed)

    def look_up(self, connections: Sequence[Connection], addresses: Collection[Address]) -> LookedUp:
        from .trail_deeds import look_up

        return look_up(connections, addresses)

    def permissions(self, authority: Authority, desired: Sequence[Desired], purpose: str) -> Iterable[RunnerPolicy]:
        from .permissions import permissions

        return permissions(authority, desired, purpose)

    def bootstrap(self, authority: Authority, desired: Sequence[Desired], form: str) -> Mapping[str, Any]:
        from .bootstrap import bootstrap

        return bootstrap(authority, desired, form)

    def stop(self, agent: str, live: Snapshot, at: str) -> Iterable[Resource]:
        from .stop import stop

        return stop(agent, live.resources, at)

    def stops(self, change: Change) -> bool:
        from .stop import stops

        return stops(change)

    def hazards(self, authority: Authority, world: World, agents: Collection[str]) -> Iterable[Hazard]:
        from .hazards import hazards

        return hazards(authority, world, agents)

    def reach(self, authority: Authority, world: World, agents: Collection[str]) -> Reach:
        from .reach import reach

        return reach(authority, world, agents)

    def negatives(self, agent: Agent, authority: Authority) -> Iterable[BoundaryTest]:
        from .policy.negatives import negatives

        return negatives(agent, authority)

    def reader(self, connections: Sequence[Connection]) -> Reader:
        from .reader import AWSReader

        return AWSReader(connections)

    def simulator(self, connections: Sequence[Connection]) -> Simulator:
        """IAM's own policy simulator (`Simulating` of the sdk)."""
        from .simulation import AWSSimulator

        return AWSSimulator(connections)

    def writer(self, connections: Sequence[Connection]) -> Writer:
        from .writer import AWSWriter

        return AWSWriter(connections)

    def sandbox(self) -> SandboxCloud:
        """The embedded cloud for tests and first steps."""
        from .sandbox import SandboxCloud

        return SandboxCloud()
