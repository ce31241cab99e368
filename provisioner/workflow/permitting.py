"""`permissions`: what a runner needs, from the configuration alone. Reads no cloud and no ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..approval.ownership import resolve_owner
from ..approval.root import root_data
from ..ledger.needs import ledger_needs
from ..model.configuration import Agent, Tool
from ..model.diagnostics import DiagnosticError
from ..registry import Registry
from ..sdk.provider import Permitting, RunnerPolicy
from .compiling import Compiled, compile_all, providers_of
from .project import Inputs, load_configuration

PURPOSES = ("plan", "drift", "apply")


@dataclass(frozen=True, slots=True)
class Permissions:
    """`silent` are providers of the configuration that cannot say what they need."""

    workspace: str
    policies: tuple[RunnerPolicy, ...]
    silent: tuple[str, ...]


def permissions(inputs: Inputs, purpose: str | None) -> Permissions:
    """The policies for one purpose, or for each. Raises DiagnosticError for a configuration that does not compile."""
    if purpose is not None and purpose not in PURPOSES:
        raise DiagnosticError.of(
            "E-USAGE", f"-for={purpose} is none of {', '.join(PURPOSES)}", "Leave it out to get all three."
        )
    compiled, workspace = _compiled(inputs)
    found: list[RunnerPolicy] = []
    silent = []
    for name, provider in compiled.providers.items():
        if not isinstance(provider, Permitting):
            silent.append(name)
            continue
        own = tuple(item for item in compiled.desired if item.resource.address.provider == name)
        for one in PURPOSES if purpose is None else (purpose,):
            found += provider.permissions(compiled.authorities[name], own, one)
    for one in PURPOSES if purpose is None else (purpose,):
        found += _of_ledger(compiled, one)
    return Permissions(workspace, tuple(found), tuple(silent))


def _of_ledger(compiled: Compiled, purpose: str) -> list[RunnerPolicy]:
    """What the ledger takes, whatever cloud it is in."""
    authority = next(iter(compiled.authorities.values()), None)
    needs = ledger_needs(authority.configuration.workspace.ledger, purpose) if authority is not None else None
    return [RunnerPolicy(f"ledger {needs[0]}", "ledger", purpose, needs[1])] if needs is not None else []


def bootstrap(inputs: Inputs, form: str) -> Mapping[str, Mapping[str, Any]]:
    """The documents of every provider that has this form, by provider. Raises DiagnosticError where none has."""
    compiled, _ = _compiled(inputs)
    out: dict[str, Mapping[str, Any]] = {}
    for name, provider in compiled.providers.items():
        if isinstance(provider, Permitting):
            own = tuple(item for item in compiled.desired if item.resource.address.provider == name)
            found = provider.bootstrap(compiled.authorities[name], own, form)
            out |= {name: found} if found else {}
    if not out:
        raise DiagnosticError.of(
            "E-FORMAT",
            f"No provider of this configuration has the form {form}",
            "cloudformation and scp are AWS's, terraform is Google Cloud's.",
        )
    return out


def _compiled(inputs: Inputs) -> tuple[Compiled, str]:
    registry = Registry()
    loaded = load_configuration(inputs, registry)
    configuration = loaded.configuration
    if configuration is None or any(diagnostic.is_error for diagnostic in loaded.diagnostics):
        raise DiagnosticError(loaded.diagnostics)
    root = root_data(configuration, "")

    def owner_of(agent: Agent, tool: Tool) -> str | None:
        return resolve_owner(root, "tool_access", agent.name, tool.address)

    now = datetime.now(UTC).replace(microsecond=0)
    compiled = compile_all(configuration, providers_of(configuration, registry), owner_of, {}, now)
    return compiled, configuration.workspace.name
