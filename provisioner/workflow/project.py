"""What a run stands on: the configuration in a folder, the runner's own file, the workspace's ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Loaded, load
from ..ledger import places
from ..model.configuration import Configuration
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import Source
from ..registry import Registry
from ..runner import Runner, WorkspaceRunner, is_loopback, load_runner

if TYPE_CHECKING:  # `validate` needs no ledger most of the time, and every tenth of a second is felt
    from ..ledger.log import Ledger
    from ..ledger.store import Store
    from .reading import Onlooker

LOCAL = "local:"
SINGLE_HOST = "?single_host"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the command line hands in. `environ` is the process's environment, `onlooker` watches reads go on."""

    root: Path
    environ: Mapping[str, str]
    var_files: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    onlooker: Onlooker | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A valid configuration and what surrounds it."""

    inputs: Inputs
    configuration: Configuration
    warnings: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]
    registry: Registry
    runner: Runner


class ConfigurationError(DiagnosticError):
    """A configuration with errors; `sources` holds the text of its files, for showing them."""

    def __init__(self, diagnostics: Sequence[Diagnostic], sources: Mapping[str, Source]) -> None:
        super().__init__(diagnostics)
        self.sources = sources


def load_configuration(inputs: Inputs, registry: Registry) -> Loaded:
    """Read the root module; never raises for bad input."""
    return load(
        inputs.root,
        var_files=inputs.var_files,
        variables=inputs.variables,
        environ=inputs.environ,
        providers=registry.schema,
    )


def open_project(inputs: Inputs) -> Project:
    """A project with a valid configuration. Raises ConfigurationError, or DiagnosticError for the runner's file."""
    registry = Registry()
    loaded = load_configuration(inputs, registry)
    if loaded.configuration is None:
        raise ConfigurationError(loaded.diagnostics, loaded.sources)
    runner = load_runner(inputs.environ)
    return Project(inputs, loaded.configuration, loaded.diagnostics, loaded.sources, registry, runner)


def ledger_location(project: Project) -> str:
    """The ledger's name as the trust root and the pin bind it.

    A local one by its absolute folder, and whether one host may do; others by their URL (`ledger.places`).
    """
    config = project.configuration.workspace.ledger
    if config.kind != "local":
        return places.location(config.kind, config.settings)
    folder = (project.inputs.root / str(config.settings["path"])).absolute()
    return LOCAL + str(folder) + (SINGLE_HOST if config.settings.get("single_host") else "")


def open_store(location: str, known: WorkspaceRunner) -> Store:
    """The store at a location as `ledger_location` writes it. Raises LedgerError when it does not exist."""
    if places.is_remote(location):
        sandbox = known.ledger_credentials is not None
        return places.open_remote(location, known.ledger_endpoint, sandbox)
    from ..ledger.local import LocalStore

    return LocalStore(folder_of(location))


def open_ledger(location: str, known: WorkspaceRunner) -> Ledger:
    """Read and verify the ledger at a location, as this runner reaches it. Raises LedgerError."""
    from ..ledger.cache import Cache
    from ..ledger.log import Ledger

    store = open_store(location, known)
    cache = None
    if known.cache is not None and places.is_remote(location):
        name = hashlib.sha256(f"{known.name}\n{location}\n{known.ledger_endpoint or ''}".encode()).hexdigest()
        cache = Cache(known.cache / "ledgers" / f"{name[:32]}.log")
    return Ledger.open(store, known.name, cache)


def folder_of(location: str) -> Path:
    """The folder of a local ledger's location."""
    return Path(location.removeprefix(LOCAL).removesuffix(SINGLE_HOST))


def require_reachable_by_one(
    location: str, endpoints: Mapping[str, str | None], ledger_endpoint: str | None = None
) -> None:
    """A ledger on one machine's disk does for clouds on that machine, or where root 1 says single_host.

    `endpoints` maps provider keys to their endpoint, None for the cloud's own. A ledger in a store that answers on
    loopback (`ledger_endpoint`) is one machine's too. Raises DiagnosticError.
    """
    loopback = ledger_endpoint is not None and is_loopback(ledger_endpoint)
    if (places.is_remote(location) and not loopback) or location.endswith(SINGLE_HOST):
        return
    for key, endpoint in endpoints.items():
        if endpoint is None or not is_loopback(endpoint):
            raise DiagnosticError.of(
                "E-LEDGER-LOCAL",
                f"A local ledger does not do for provider.{key}, which is a real cloud",
                "Other people and jobs that apply to it would not see this ledger. If everything runs on this one"
                " machine, say so: single_host = true in the ledger block, before `provisioner init`.",
            )


def workspace_ledger(runner: Runner, workspace: str | None, root: Path) -> Ledger:
    """The ledger of a workspace by the runner's own file, without any configuration.

    Without a workspace the one whose ledger lies in this folder is meant, else the only one. Raises DiagnosticError.
    """
    known = named_workspace(runner, workspace, root)
    ledger = open_ledger(str(known.ledger), known)
    watch(ledger, known)
    return ledger


def named_workspace(runner: Runner, workspace: str | None, root: Path) -> WorkspaceRunner:
    """What the runner's own file says of a workspace, the place of its ledger included. Raises DiagnosticError."""
    if workspace is None:
        workspace = _workspace_here(runner, root)
    known = runner.workspace(workspace)
    if known.ledger is None:
        raise DiagnosticError.of(
            "E-NO-LEDGER",
            f"The runner's own file does not say where the ledger of workspace {workspace!r} is",
            f'`provisioner init` writes it; or add ledger = "…" under [workspace."{workspace}"] in {runner.path}.',
        )
    return known


def watch_identity(ledger: Ledger, known: WorkspaceRunner) -> str:
    """What the runner's memory of a ledger is kept under: its place and its pin."""
    return f"{ledger.store.location}\n{known.root_pin or ''}"


def watch(ledger: Ledger, known: WorkspaceRunner) -> None:
    """Refuse a ledger that lost what this runner has seen of it, then remember its newest entry.

    Raises LedgerError. A runner whose folder cannot be written remembers nothing.
    """
    from ..ledger import recollection
    from ..ledger.log import rolled_back

    identity = watch_identity(ledger, known)
    seen = recollection.recall(known.memory, identity)
    if seen is not None and not ledger.contains(seen):
        raise rolled_back(ledger, seen, "this runner has seen")
    if ledger.head.index > (seen.index if seen else 0):
        recollection.remember(known.memory, identity, ledger.head)


def _workspace_here(runner: Runner, root: Path) -> str:
    here = root.absolute()
    names = [name for name in runner.workspaces if runner.workspace(name).ledger is not None]
    inside = [name for name in names if _is_inside(runner.workspace(name).ledger, here)]
    chosen = inside or names
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(sorted(chosen)) or "none"
    raise DiagnosticError.of(
        "E-WORKSPACE",
        "Which workspace is meant?",
        f"{runner.path} knows {listed}. Run the command in the folder that was initialised, or name a plan file.",
    )


def _is_inside(ledger: str | None, here: Path) -> bool:
    return ledger is not None and here in Path(ledger).parents
