"""`drift`: what is live against what was signed and what is configured. Holds no way to write."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..approval.ownership import resolve_owner
from ..canonical import digest
from ..config.ignores import IGNORE_FILE, Ignore, load_ignores
from ..ledger import views
from ..ledger.entries import Entry, Kind
from ..ledger.log import Ledger
from ..model.diagnostics import Diagnostic
from ..model.drift import DriftKind, DriftReport, Known, Transition
from ..model.requests import World
from ..model.resources import Address, Resource
from ..planfile import PlanFileError, from_builtins, to_builtins
from ..planning.drift import report
from ..planning.ignoring import set_aside
from ..planning.transitions import Remembered, compared, remembered, transitions, unsent
from ..policy.boundary_tests import generated, judge
from .authorized import counted, sweepables
from .driftlogs import by_logs
from .planning import assemble, look, stamp
from .project import ConfigurationError, Project
from .reviewing import owed
from .signedstate import drift_evidence, live_of


@dataclass(frozen=True, slots=True)
class DriftRun:
    """A report, what the last recorded run left, and the ledger that both were judged by."""

    report: DriftReport
    last: Remembered | None
    ledger: Ledger
    warnings: tuple[Diagnostic, ...] = ()
    """About the audit logs given."""
    live: Mapping[Address, Resource] = field(default_factory=dict)

    @property
    def due(self) -> tuple[Transition, ...]:
        """What earlier runs could not deliver. It stays due while nobody is told."""
        return self.last.due if self.last else ()

    def for_channel(self, identity: str) -> tuple[Transition, ...]:
        """What one channel was not told yet: what came and went in this run, then what it did not take before."""
        waiting = (replace(one, to="") for one in self.due if one.to in ("", identity))
        return unsent(tuple(waiting), transitions(self.report, self.last))

    @property
    def to_tell(self) -> tuple[Transition, ...]:
        """The transitions that nobody was told yet: those of this run, then those that could not be delivered."""
        return unsent(self.due, transitions(self.report, self.last))


def drift(project: Project, ignore_file: Path | None = None, usage: Sequence[Path] = ()) -> DriftRun:
    """One run. `ignore_file` says what is set aside; None takes the root module's `.provisioner.ignore.hcl`, if any.

    `usage` are audit logs: they say who did it, and what is not used.

    Writes nothing. Raises DiagnosticError (no pin, no root, bad configuration, bad file) and CloudError.
    """
    started = time.monotonic()
    ignores = _ignores(project, ignore_file)
    seen = look(project, pin_demanded=True)
    configuration, providers, root = project.configuration, seen.compiled.providers, seen.root.data
    made = assemble(project, seen, guarded=False)
    world = World(live_of(seen.snapshots), stamp(seen.now))
    negatives = generated(configuration.agents.values(), seen.compiled.authorities, providers)
    tests = judge([*configuration.tests.values(), *negatives], configuration, providers, world)
    evidence = drift_evidence(
        configuration,
        providers,
        seen.snapshots,
        seen.ledger.history,
        counted(seen.ledger, project.runner),
        root,
        seen.root.version,
        made.changes,
        tests,
        seen.now,
    )
    ended = {a: i for a, i in sweepables(seen.ledger, project.runner).items() if i.sweep.ends <= stamp(seen.now)}
    late = {address: item.sweep.ends for address, item in ended.items() if item.change.ends is not None}
    sightings = tuple(one for snapshot in seen.snapshots.values() for one in snapshot.sightings)
    evidence = replace(evidence, sweepable=frozenset(ended), sightings=sightings, late=late)
    elapsed = int((time.monotonic() - started) * 1000)
    found = report(evidence, providers, lambda surface, agent: resolve_owner(root, surface, agent), elapsed)
    owing = tuple(item.text for item in owed(seen.ledger, project.runner))
    whole = replace(found, solo=root.approval.solo, obligations=owing)
    last = last_run(seen.ledger)
    left = set_aside(whole, ignores, seen.now.date())
    told, warnings = by_logs(left, project, seen, usage)
    return DriftRun(compared(told, last, stamp(seen.now)), last, seen.ledger, warnings, live_of(seen.snapshots))


def last_run(ledger: Ledger) -> Remembered | None:
    """What the newest recorded run left; None where none was. Raises LedgerError for a record that says nonsense."""
    entries = ledger.history.of(Kind.DRIFT)
    if not entries:
        return None
    entry = entries[-1]
    try:
        known = tuple(from_builtins(item, Known) for item in entry.body.get("open", ()))
        due = tuple(from_builtins(item, Transition) for item in entry.body.get("due", ()))
    except PlanFileError as error:
        raise views.odd(entry, f"it holds no drift: {error}") from error
    return Remembered(stamp(entry.stored_at), known, due)


def record(run: DriftRun, due: Sequence[Transition]) -> Entry:
    """Write what this run saw into the ledger. `due` are the transitions that the next run is to tell.

    It authorizes nothing and hides nothing: what is recorded only tells the next run what is new. Raises LedgerError.
    """
    report = run.report
    content = to_builtins(replace(report, milliseconds=0, coverage=replace(report.coverage, calls={})))
    return run.ledger.append(
        Kind.DRIFT,
        {
            "report": digest("drift-report/1", content),
            "base": views.base(run.ledger.history),
            "found": sum(one.kind is not DriftKind.INCOMPLETE for one in report.differences),
            "unread": len(report.coverage.gaps),
            "open": list(to_builtins(remembered(report))),
            "due": list(to_builtins(tuple(due))),
        },
    )


def _ignores(project: Project, path: Path | None) -> tuple[Ignore, ...]:
    root = project.inputs.root
    usual = root / IGNORE_FILE
    if path is None and not (usual.exists() or usual.is_symlink()):
        return ()
    found = load_ignores(root, path or usual)
    if found.diagnostics:
        raise ConfigurationError(found.diagnostics, found.sources or {})
    return found.blocks
