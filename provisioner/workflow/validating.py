"""`validate`: everything that can be said of a configuration without a cloud, a ledger or the runner's own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ..approval.ownership import resolve_owner
from ..approval.root import RootData, root_data
from ..approval.root_checks import problems
from ..model.configuration import Agent, Configuration, Tool
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import Source
from ..registry import Registry
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
        found = (*found, *_meaning(loaded.configuration, registry))
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
