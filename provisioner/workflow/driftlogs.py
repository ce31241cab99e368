"""What audit logs add to a drift run: who made each difference, and what is granted or there and not used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..model.diagnostics import Diagnostic
from ..model.drift import DriftReport
from ..model.findings import Finding
from ..usage.judge import Judgement
from .attributing import attributed, to_attribute, watch
from .authorized import counted
from .planning import Seen
from .project import Project
from .ruling import Judged, ruled
from .signedstate import live_of
from .using import judged_use, read_usage, uses_of

BY_USE = ("OFF-2", "PRV-5")
"""Rules that a drift run judges beside the differences, where logs were given."""


def by_logs(
    report: DriftReport, project: Project, seen: Seen, paths: Sequence[Path]
) -> tuple[DriftReport, tuple[Diagnostic, ...]]:
    """The report with `who` and `findings`; warnings about the logs. Raises DiagnosticError for a path that is not
    there."""
    looking = watch(seen.compiled, to_attribute(report))
    used = read_usage(paths, seen.compiled, looking) if paths else None
    judged = judged_use(
        used,
        project.configuration,
        seen.compiled,
        seen.ledger.history,
        counted(seen.ledger, project.runner),
        seen.now,
        live_of(seen.snapshots),
        uses_of(seen.snapshots),
    )
    told = attributed(report, seen.compiled, project.runner.connection_settings, looking.found)
    coverage = replace(told.coverage, not_looked_at=(*told.coverage.not_looked_at, *judged.unjudged))
    whole = replace(told, coverage=coverage, findings=_findings(project, seen, judged))
    return whole, used.warnings if used is not None else ()


def _findings(project: Project, seen: Seen, judged: Judgement) -> tuple[Finding, ...]:
    """The rules about use, as hard as the root in force has them."""
    if not judged.hazards:
        return ()
    configuration = project.configuration
    agents = frozenset(agent.name for agent in configuration.agents.values())
    world = Judged((), live_of(seen.snapshots), (), agents, frozenset(), by_use=judged.hazards)
    found = ruled(configuration, seen.compiled, world, seen.root.data, (), seen.now)
    return tuple(finding for finding in found if finding.rule in BY_USE)
