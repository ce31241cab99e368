"""`init`: record trust root 1 and pin it, or pin the root of a ledger that exists already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..approval import keys
from ..approval.root import RootError, TrustRoot, first_root, parse_root
from ..approval.root_checks import problems
from ..ledger.entries import Kind
from ..ledger.errors import LedgerError
from ..ledger.local import LocalStore
from ..ledger.log import Ledger
from ..ledger.places import is_remote
from ..ledger.protection import lacks, require_create_once
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..runner import WorkspaceRunner, write_workspace
from .project import Project, folder_of, ledger_location, open_store, require_reachable_by_one
from .roots import pin_text


@dataclass(frozen=True, slots=True)
class KeyShown:
    """A key that a person must compare before the root is believed."""

    person: str
    emails: tuple[str, ...]
    kind: str
    fingerprint: str
    hardware: bool


@dataclass(frozen=True, slots=True)
class Initialisation:
    """What `init` is about to do. `recorded`: the root is in the ledger already and is only pinned here.

    `pinned`: the runner's own file holds this very pin already, so nothing is left to do. `ledger` is a folder or a
    URL; `lacks` are warnings about what does not protect it.
    """

    workspace: str
    root: TrustRoot
    pin: str
    ledger: str
    keys: tuple[KeyShown, ...]
    recorded: bool
    pinned: bool
    runner_file: Path
    known: WorkspaceRunner
    lacks: tuple[Diagnostic, ...] = ()


def prepare(project: Project) -> Initialisation:
    """Read and check everything; write nothing. Raises DiagnosticError for a root that cannot be taken."""
    configuration = project.configuration
    name = configuration.workspace.name
    location = ledger_location(project)
    endpoints = {key: project.runner.connection_settings(key).get("endpoint") for key in configuration.providers}
    known = project.runner.workspace(name)
    require_reachable_by_one(location, endpoints, known.ledger_endpoint)
    place = location if is_remote(location) else str(folder_of(location))
    root = first_root(configuration, location)
    recorded = _recorded(location, known)
    if recorded is None:
        found = problems(root.data, configuration)
        if any(problem.is_error for problem in found):
            raise DiagnosticError(found)
    else:
        root = recorded
    pin = pin_text(root)
    if recorded is None and known.root_pin is not None:
        raise DiagnosticError.of(
            "E-LEDGER-GONE",
            f"This runner pins the trust root of workspace {name!r}, and there is no ledger at {place}",
            f"It knows the ledger at {known.ledger or place}. A new one would have forgotten who signed what: put it"
            f" back from a copy. If it is gone for good, take root_pin out of {project.runner.path} by hand, then run"
            " init again. Nothing was written.",
        )
    if known.root_pin is not None and known.root_pin != pin:
        raise DiagnosticError.of(
            "E-PIN",
            f"The runner's own file pins another trust root for workspace {name!r}",
            f"{project.runner.path} pins {known.root_pin}; this would be {pin}. If the old workspace is gone for good,"
            " take its root_pin out by hand, then run init again. Nothing was written.",
        )
    return Initialisation(
        workspace=name,
        root=root,
        pin=pin,
        ledger=place,
        keys=_keys(root),
        recorded=recorded is not None,
        pinned=recorded is not None and known.root_pin == pin and known.ledger == place,
        runner_file=project.runner.path,
        known=known,
        lacks=lacks(open_store(location, known)) if is_remote(location) else (),
    )


def carry_out(initialisation: Initialisation) -> None:
    """Record the root unless it is recorded, then write pin and ledger into the runner's own file.

    A root that was just recorded is the probe too: the store must refuse to take it a second time.
    """
    if not initialisation.recorded:
        place = initialisation.ledger
        if not is_remote(place):
            LocalStore.create(Path(place))
        store = open_store(place, initialisation.known)
        entry = Ledger.open(store, initialisation.workspace).append(Kind.ROOT, initialisation.root.body(), check=_first)
        require_create_once(store, entry.index)
    write_workspace(
        initialisation.runner_file,
        initialisation.workspace,
        {"root_pin": initialisation.pin, "ledger": initialisation.ledger},
    )


def _first(ledger: Ledger) -> None:
    if ledger.history:
        raise DiagnosticError.of(
            "E-INIT", "Somebody else has just initialised this ledger", "Run init again: it will show their root."
        )


def _recorded(location: str, known: WorkspaceRunner) -> TrustRoot | None:
    """Root 1 of a ledger that exists; None where there is none, or an empty one."""
    if not is_remote(location) and not folder_of(location).exists():
        return None
    ledger = Ledger.open(open_store(location, known), known.name)
    roots = ledger.history.of(Kind.ROOT)
    if not ledger.history:
        return None
    try:
        return parse_root(roots[0].body)
    except (IndexError, RootError) as error:
        raise LedgerError.because(
            "E-LEDGER-BROKEN",
            f"The ledger at {ledger.store.location} does not begin with a trust root that can be taken",
            f"{error}. Nothing was written. Put the true entries back from a copy, or name another place.",
        ) from error


def _keys(root: TrustRoot) -> tuple[KeyShown, ...]:
    shown = []
    for name, person in root.data.people.items():
        for line in person.keys:
            key = keys.parse(line)
            shown.append(KeyShown(name, person.emails, key.type, key.fingerprint, key.hardware))
    return tuple(shown)
