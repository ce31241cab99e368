"""`drift`: what is live against what was signed and what is configured. Holds no way to write."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from ..approval.ownership import resolve_owner
from ..config.ignores import IGNORE_FILE, Ignore, load_ignores
from ..model.drift import DriftReport
from ..model.requests import World
from ..planning.drift import report
from ..planning.ignoring import set_aside
from ..policy.boundary_tests import generated, judge
from .authorized import counted
from .planning import assemble, look, stamp
from .project import ConfigurationError, Project
from .reviewing import owed
from .signedstate import drift_evidence, live_of


def drift(project: Project, ignore_file: Path | None = None) -> DriftReport:
    """The report. `ignore_file` says what is set aside; None takes `.provisioner.ignore.hcl` of the root module, if any.

    Raises DiagnosticError (no pin, no root, bad configuration, bad file) and CloudError.
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
    elapsed = int((time.monotonic() - started) * 1000)
    found = report(evidence, providers, lambda surface, agent: resolve_owner(root, surface, agent), elapsed)
    owing = tuple(item.text for item in owed(seen.ledger, project.runner))
    whole = replace(found, solo=root.approval.solo, obligations=owing)
    return set_aside(whole, ignores, seen.now.date())


def _ignores(project: Project, path: Path | None) -> tuple[Ignore, ...]:
    root = project.inputs.root
    usual = root / IGNORE_FILE
    if path is None and not (usual.exists() or usual.is_symlink()):
        return ()
    found = load_ignores(root, path or usual)
    if found.diagnostics:
        raise ConfigurationError(found.diagnostics, found.sources or {})
    return found.blocks
