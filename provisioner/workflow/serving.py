"""`review serve`: the pages of one workspace's ledger, which is read anew for each; nothing is kept or written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..ledger import views
from ..ledger.entries import History, Kind, format_time
from ..ledger.log import Ledger
from ..model.changes import Effect
from ..planfile import PlanFile
from ..render.html import served
from ..render.html.plan import Extra, plan_page
from ..render.html.served import DriftRow, PlanRow
from ..runner import Runner
from .approving import shown, verdict
from .auditing import open_audit, show_newest, verify
from .owning import matrix_in_force
from .project import named_workspace, workspace_ledger
from .reviewing import owed
from .signing import Opened, status

LISTED = 100
"""Plans and drift runs on a page; older ones are counted."""
_JUDGED = 20
_DIGEST = re.compile(r"plans/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Site:
    """A workspace that is served: `root` is the folder that the command runs in."""

    runner: Runner
    root: Path
    workspace: str

    def page(self, path: str) -> str | None:
        """The page at a path without its first slash; None where there is none. Raises DiagnosticError."""
        if path == "":
            return self._plans()
        if path == "owners":
            return served.owners_page(matrix_in_force(self._ledger(), self.runner))
        if path == "drift":
            return self._drift()
        if path == "audit":
            return self._audit()
        match = _DIGEST.fullmatch(path)
        return self._plan(f"sha256:{match[1]}") if match else None

    def _ledger(self) -> Ledger:
        return workspace_ledger(self.runner, self.workspace, self.root)

    def _plans(self) -> str:
        ledger = self._ledger()
        digests = views.published(ledger.history)[::-1]
        rows = tuple(row for digest in digests[:LISTED] if (row := _row(ledger, self.runner, digest)) is not None)
        obligations = [item.text for item in owed(ledger, self.runner)]
        return served.plans_page(ledger.workspace, rows, len(digests) - len(rows), obligations)

    def _plan(self, digest: str) -> str | None:
        ledger = self._ledger()
        found = views.publication(ledger.history, digest)
        if found is None:
            return None
        file = found.file()
        signoffs = status(Opened(file, ledger, self.runner))
        return plan_page(file, signoffs, Extra(home="..", home_name="All plans"))

    def _drift(self) -> str:
        ledger = self._ledger()
        entries = ledger.history.of(Kind.DRIFT)[::-1]
        rows = [
            DriftRow(
                entry.index,
                format_time(entry.stored_at),
                entry.body["found"],
                entry.body["unread"],
                entry.body["base"],
                entry.body["report"],
            )
            for entry in entries[:LISTED]
        ]
        return served.drift_page(ledger.workspace, rows, len(entries) - len(rows))

    def _audit(self) -> str:
        audited = open_audit(self.runner, self.root, None, self.workspace)
        plans, more = show_newest(audited, _JUDGED)
        return served.audit_page(verify(audited), plans, more)


def open_site(runner: Runner, root: Path, workspace: str | None) -> Site:
    """The site of a workspace; its ledger is read once, so that what is wrong with it is said at the start."""
    known = named_workspace(runner, workspace, root)
    site = Site(runner, root, known.name)
    site.page("")
    return site


def _row(ledger: Ledger, runner: Runner, digest: str) -> PlanRow | None:
    history: History = ledger.history
    found = views.publication(history, digest)
    if found is None:
        return None
    glance = _glance(found) or _looked(found.file())
    waits: Sequence[str] = ()
    if views.consumed(history, digest) is not None:
        state = "applied"
    elif glance.base != views.base(history):
        state = "outdated"
    else:
        state, waits = _state(ledger, runner, found.file())
    return PlanRow(digest, state, format_time(found.since), glance.changes, glance.wider, glance.agents, tuple(waits))


@dataclass(frozen=True, slots=True)
class _Glance:
    base: int
    changes: int
    wider: int
    agents: int


def _glance(found: views.Publication) -> _Glance | None:
    """The counts of a plan that is not judged any more, without checking its bytes, which takes long for large ones.
    None for what does not look like a plan: checking says then what is wrong with it."""
    plan = found.entry.body["file"].get("plan")
    base, changes = (plan.get("base"), plan.get("changes")) if isinstance(plan, Mapping) else (None, None)
    if type(base) is not int or not isinstance(changes, Sequence):
        return None
    if not all(isinstance(change, Mapping) for change in changes):
        return None
    agents = {str(change["agent"]) for change in changes if change.get("agent") is not None}
    wider = sum(change.get("effect") in (Effect.WIDER, Effect.UNKNOWN) for change in changes)
    return _Glance(base, len(changes), wider, len(agents))


def _looked(file: PlanFile) -> _Glance:
    changes = file.plan.changes
    agents = {change.agent for change in changes if change.agent is not None}
    return _Glance(file.plan.base, len(changes), sum(change.effect.widens for change in changes), len(agents))


def _state(ledger: Ledger, runner: Runner, file: PlanFile) -> tuple[str, Sequence[str]]:
    """In one word where a plan is that may still be applied, and the owners that it waits for."""
    signoffs = shown(file, ledger, verdict(file, ledger, runner))
    if signoffs.refusals or signoffs.blocked:
        return "refused", ()
    if views.journal(ledger.history, file.digest):
        return "begun", ()
    if any(row.rejected for row in signoffs.missing):
        return "rejected", [row.owner for row in signoffs.missing]
    if signoffs.missing:
        return "waiting", list(dict.fromkeys(row.owner for row in signoffs.missing))
    return "ready", ()
