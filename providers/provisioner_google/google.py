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
    from provisioner.model.resources import Address, Attributes, Desired, Resource, Snapshot
    from provisioner.model.usage import Deed, Fit, LoggedCall, Observed, Use
    from provisioner.sdk.documents import DocumentComparison
    from provisioner.sdk.provider import Connection, Reader, RunnerPolicy, Writer
    from provisioner.sdk.schema import ProviderSchema
    from provisioner.sdk.usage import LookedUp

    from .sandbox.cloud import SandboxCloud

_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")


class Google:
    """Google Cloud behind `provisioner.sdk.Provider`. Has no state; modules load when a method first needs them."""

    def schema(self) -> ProviderSchema:
        from .schema import provider_schema

        return provider_schema()

    def target(self, config: ProviderConfig) -> Target:
        from provisioner.model.authority import Target

        project = str(config.settings.get("project", ""))
        if not _PROJECT.fullmatch(project):
            raise DiagnosticError.of(
                "E-GOOGLE-PROJECT",
                f"{project!r} is no Google Cloud project id",
                "A project id has 6 to 30 lower-case letters, digits and hyphens, a letter first; it is neither"
                " the project's number nor its display name. `gcloud projects list` prints those you can see.",
                config.settings.range_of("project"),
            )
        watch = tuple(str(name) for name in config.settings.get("watch") or ())
        return Target("google", config.key, project, config.environment, watch)

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

    def ends(self, kind: str, attributes: Attributes) -> str | None:
        from .check import ends

        return ends(kind, attributes)

    def belongs_to(self, address: Address, attributes: Attributes | None) -> str | None:
        """The member whose grants these are, or the account that a binding is on (`Belonging` of the sdk)."""
        from .belonging import belongs_to

        return belongs_to(address, attributes)

    def swept(self, kind: str, attributes: Attributes) -> bool:
        from .check import swept

        return swept(kind, attributes)

    def expiries(self, live: Snapshot) -> Mapping[tuple[str, str], str]:
        from .check import expiries

        return expiries(live)

    def assess(self, change: Change, before: World, after: World) -> Assessment:
        from .policy.assess import assess

        return assess(change, before, after)

    def operations(self, change: Change) -> tuple[Operation, ...]:
        from .operations import operations

        return operations(change)

    def full_name(self, change: Change) -> str:
        from .operations import full_name

        return full_name(change)

    def rank(self, operation: Operation, effect_widens: bool) -> int:
        from .operations import rank

        return rank(operation, effect_widens)

    def joint(self, operation: Operation) -> str:
        """Which operations one call carries out: those on one allow policy (`Joining` of the sdk)."""
        from .policy_edit import joint

        return joint(operation)

    def evaluate(self, world: World, request: Request) -> Decision:
        from .policy.evaluate import evaluate_in_world

        return evaluate_in_world(world, request)

    def evaluate_document(self, request: Mapping[str, Any]) -> Decision:
        """Judge a request that brings its policies along (`DocumentEvaluator` of the sdk)."""
        from .policy.documents import evaluate_document

        return evaluate_document(request)

    def comparison_kinds(self) -> tuple[str, ...]:
        return ("allow", "role", "deny")

    def check_document(self, document: Mapping[str, Any], kind: str) -> None:
        from .policy.comparisons import check_document

        check_document(document, kind)

    def compare_documents(self, old: Mapping[str, Any], new: Mapping[str, Any], kind: str) -> DocumentComparison:
        """Compare two policies of one kind (`DocumentComparer` of the sdk)."""
        from .policy.comparisons import compare_documents

        return compare_documents(old, new, kind)

    def speaks(self, action: str) -> bool:
        """Whether this is written as one permission, `bigquery.tables.getData` (`Speaking` of the sdk)."""
        from .listing import speaks

        return speaks(action)

    def holdings_of(self, world: World, agent: str) -> tuple[Collection[Holding], Collection[str]]:
        """What an agent holds, grant by grant (`Listing` of the sdk, with the two that follow)."""
        from .listing import holdings_of

        return holdings_of(world, agent)

    def candidates(self, world: World, agent: str, resource: str) -> tuple[str, ...]:
        from .listing import candidates

        return candidates(world, agent, resource)

    def becoming(self, world: World, source: str, target: str, context: Mapping[str, Sequence[str]]) -> Decision:
        from .listing import becoming

        return becoming(world, source, target, context)

    def foreigners(self, world: World, cloud: str) -> tuple[str, ...]:
        """Agents into which principals of another cloud may come (`Receiving` of the sdk)."""
        from .listing import foreigners

        return foreigners(world, cloud)

    def admits_session(self, world: World, target: str, claims: Mapping[str, Any]) -> Decision:
        from .listing import admits_session

        return admits_session(world, target, claims)

    def narrows(self, change: Change) -> bool:
        """Whether a change takes authority away in every world (`NarrowingJudge` of the core). Pure."""
        from .policy.narrowing import narrows

        return narrows(change)

    def hazards(self, authority: Authority, world: World, agents: Collection[str]) -> Iterable[Hazard]:
        from .hazards import hazards

        return hazards(authority, world, agents)

    def reach(self, authority: Authority, world: World, agents: Collection[str]) -> Reach:
        from .policy.reach import reach

        return reach(authority, world, agents)

    def stop(self, agent: str, live: Snapshot, at: str) -> Iterable[Resource]:
        """The agent's principals, disabled (`Stopper`). `at` changes nothing."""
        from .stop import stop

        return stop(agent, live.resources)

    def cleared(self, agent: str, live: Snapshot) -> Iterable[Address]:
        """The grants of the agent's federated principals (`Clearing` of the sdk)."""
        from .stop import cleared

        return cleared(agent, live.resources)

    def stops(self, change: Change) -> bool:
        from .stop import stops

        return stops(change)

    def call_of(self, record: Mapping[str, Any]) -> LoggedCall | None:
        from .audit import call_of

        return call_of(record)

    def uses_of(self, record: Mapping[str, Any]) -> tuple[Use, ...]:
        from .audit import uses_of

        return uses_of(record)

    def principals_of(self, authority: Authority, desired: Sequence[Desired]) -> Mapping[str, tuple[str, str]]:
        from .audit import principals_of

        return principals_of(authority, desired)

    def deed_of(self, record: Mapping[str, Any], wanted: Collection[Address]) -> Deed | None:
        from .audit import deed_of

        return deed_of(record, wanted)

    def fit(self, block: Settings, observed: Observed) -> Fit:
        from .audit import fit

        return fit(block, observed)

    def look_up(self, connections: Sequence[Connection], addresses: Collection[Address]) -> LookedUp:
        from .audit_lookup import look_up

        return look_up(connections, addresses)

    def permissions(self, authority: Authority, desired: Sequence[Desired], purpose: str) -> Iterable[RunnerPolicy]:
        from .permissions import permissions

        return permissions(authority, desired, purpose)

    def bootstrap(self, authority: Authority, desired: Sequence[Desired], form: str) -> Mapping[str, Any]:
        from .bootstrap import bootstrap

        return bootstrap(authority, desired, form)

    def negatives(self, agent: Agent, authority: Authority) -> Iterable[BoundaryTest]:
        from .policy.negatives import negatives

        return negatives(agent, authority)

    def reader(self, connections: Sequence[Connection]) -> Reader:
        from .reader import GoogleReader

        return GoogleReader(connections)

    def writer(self, connections: Sequence[Connection]) -> Writer:
        from .writer import GoogleWriter

        return GoogleWriter(connections)

    def sandbox(self) -> SandboxCloud:
        """The embedded cloud for tests and first steps."""
        from .sandbox.cloud import SandboxCloud

        return SandboxCloud()
