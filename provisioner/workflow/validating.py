"""`validate`: everything that can be said of a configuration without a cloud.

The runner's own file and a ledger on this machine's disk are looked at for one thing only: whether anybody could sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..approval.authorship import Applied
from ..approval.ownership import resolve_owner
from ..approval.root import RootData, root_data
from ..approval.root_checks import problems
from ..ledger.places import is_remote
from ..model.configuration import Agent, Configuration, Tool
from ..model.diagnostics import Diagnostic, DiagnosticError, Severity
from ..model.plan import Exclusion
from ..model.source import Source
from ..registry import Registry
from ..runner import Runner, WorkspaceRunner, load_runner
from .compiling import compile_all, preflight, providers_of
from .project import Inputs, load_configuration


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found. `sources` holds the text of the files, for showing it."""

    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]

    @property
    def valid(self) -> bool:
        return not any(diagnostic.is_error for diagnostic in self.diagnostics)


def validate(inputs: Inputs) -> Validation:
    """Read, decode, compile and check the configuration of a folder. Bad input is in the result, never raised."""
    registry = Registry()
    loaded = load_configuration(inputs, registry)
    found = loaded.diagnostics
    if loaded.configuration is not None:
        meaning = _meaning(loaded.configuration, registry)
        found = (*found, *meaning)
        if not any(diagnostic.is_error for diagnostic in meaning):
            found = (*found, *_deadlocks(loaded.configuration, inputs))
    return Validation(tuple(dict.fromkeys(found)), loaded.sources)


def _meaning(configuration: Configuration, registry: Registry) -> tuple[Diagnostic, ...]:
    """What a trust root, and each cloud, would refuse."""
    # Where the ledger is plays no part in who owns what, so any place will do here.
    root = root_data(configuration, "")
    try:
        clouds = _clouds(configuration, root, registry)
    except DiagnosticError as error:
        clouds = error.diagnostics
    return (*problems(root, configuration), *clouds)


def _clouds(configuration: Configuration, root: RootData, registry: Registry) -> tuple[Diagnostic, ...]:
    def owner_of(agent: Agent, tool: Tool) -> str | None:
        return resolve_owner(root, "tool_access", agent.name, tool.address)

    providers = providers_of(configuration, registry)
    now = datetime.now(UTC).replace(microsecond=0)
    return preflight(compile_all(configuration, providers, owner_of, {}, now))


def _deadlocks(configuration: Configuration, inputs: Inputs) -> tuple[Diagnostic, ...]:
    """Warnings of surfaces that nobody could sign, because who would have to wrote the configuration.

    Only people who are known to have written it count: a file that is not committed yet is no news while editing.
    """
    root, since, person = root_data(configuration, ""), None, None
    try:
        runner = load_runner(inputs.environ)
        known = runner.workspace(configuration.workspace.name)
        person = known.person
        if known.ledger is not None:
            if is_remote(known.ledger):
                return ()  # looking there would need a network, and credentials
            root, since = _in_force(known, runner)
        if root.approval.solo:
            return ()
        from ..approval.authors import authors
        from .acting import actors

        written = authors(
            inputs.root,
            configuration.files,
            root,
            environ=inputs.environ,
            since=since,
            person=person,
            actors=actors(inputs.environ, ask=False),
        )
    except DiagnosticError as error:
        return tuple(_not_looked_at(diagnostic) for diagnostic in error.diagnostics)
    return _nobody_left(configuration, root, written.people)


def _in_force(known: WorkspaceRunner, runner: Runner) -> tuple[RootData, Applied | None]:
    """The root that would judge, and what was applied last."""
    from .authorized import attested
    from .project import open_ledger
    from .roots import last_applied, root_in_force

    ledger = open_ledger(str(known.ledger), known)
    return root_in_force(ledger, runner).root.data, last_applied(ledger, attested(ledger, runner))


def _nobody_left(configuration: Configuration, root: RootData, people: Sequence[Exclusion]) -> tuple[Diagnostic, ...]:
    from ..approval.requirements import early_deadlocks

    found = []
    for name, owner in root.owners.items():
        declared = configuration.owners.get(name)
        for diagnostic in early_deadlocks(replace(root, owners={name: owner}), people, ()):
            subject = declared.range if declared else None
            found.append(replace(diagnostic, code="W-DEADLOCK", severity=Severity.WARNING, subject=subject))
    return tuple(found)


def _not_looked_at(diagnostic: Diagnostic) -> Diagnostic:
    detail = f"{diagnostic.summary}. {diagnostic.detail} The configuration itself is not concerned."
    return Diagnostic("W-DEADLOCK", "Whether anybody could sign is not known", detail, Severity.WARNING)
