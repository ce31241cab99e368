"""`-usage`: audit logs beside a configuration, for rules, for drift and for `rightsize`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ..ledger import views
from ..ledger.entries import History, Kind
from ..model.authority import GrantPart
from ..model.configuration import Configuration
from ..model.diagnostics import Diagnostic, Severity
from ..model.resources import Address, LastUse, Snapshot
from ..model.usage import Usage
from ..sdk.usage import Fitting, LogReading
from ..usage.gather import Principals, Watcher, gather
from ..usage.judge import NO_LOGS, Judgement, unused_agents, unused_permissions
from .compiling import Compiled

CODE = "W-USAGE-LOGS"


@dataclass(frozen=True, slots=True)
class Used:
    """What the logs say, whose principals were looked for, and who can hold tools against it."""

    usage: Usage
    principals: Principals
    fitters: Mapping[str, Fitting]
    warnings: tuple[Diagnostic, ...]


def read_usage(paths: Sequence[Path], compiled: Compiled, watcher: Watcher | None = None) -> Used:
    """Read every log once; a `watcher` sees each record. Raises DiagnosticError for a path that is not there."""
    readers = {name: one for name, one in compiled.providers.items() if isinstance(one, LogReading)}
    fitters = {name: one for name, one in compiled.providers.items() if isinstance(one, Fitting)}
    principals = _principals(compiled, readers)
    usage = gather(paths, readers, principals, watcher)
    return Used(usage, principals, fitters, told(usage))


def _principals(compiled: Compiled, readers: Mapping[str, LogReading]) -> Principals:
    return {
        name: reader.principals_of(
            compiled.authorities[name], [i for i in compiled.desired if i.resource.address.provider == name]
        )
        for name, reader in readers.items()
    }


def uses_of(snapshots: Mapping[str, Snapshot]) -> dict[Address, LastUse]:
    """What the clouds themselves say of the use of principals."""
    return {address: use for snapshot in snapshots.values() for address, use in snapshot.last_uses.items()}


def told(usage: Usage) -> tuple[Diagnostic, ...]:
    """What of the logs was not read, or is of something else; nothing is dropped in silence."""
    out = []
    if usage.broken:
        first = "; ".join(usage.damages[:5])
        out.append(
            Diagnostic(
                CODE,
                f"{usage.broken} places in the logs could not be read",
                f"{first}{'; …' if usage.broken > 5 else ''}. All else was read. Export these files again: what they"
                " hold is missing from what was used.",
                Severity.WARNING,
            )
        )
    if usage.foreign or not usage.records:
        out.append(
            Diagnostic(
                CODE,
                f"{usage.foreign} of {usage.records} records in the logs are of no audit log that is known",
                "Digests, insights and other logs count as nothing. Give CloudTrail logs, or audit logs of Google Cloud"
                " (logName …/cloudaudit.googleapis.com%2F…).",
                Severity.WARNING,
            )
        )
    return tuple(out)


def judged_use(
    used: Used | None,
    configuration: Configuration,
    compiled: Compiled,
    history: History,
    counts: Callable[[str], bool],
    now: datetime,
    live: Collection[Address],
    uses: Mapping[Address, LastUse],
) -> Judgement:
    """Facts for PRV-5 and OFF-2, and what of them cannot be judged. Without logs there is what the clouds say."""
    since = born(history, counts)
    if used is None:
        readers = {name: one for name, one in compiled.providers.items() if isinstance(one, LogReading)}
        principals = _principals(compiled, readers)
        unused = unused_agents(configuration, compiled.desired, Usage(), principals, now, since, uses)
        return replace(unused, unjudged=(NO_LOGS, *unused.unjudged))
    permissions = unused_permissions(
        parts_of(compiled), compiled.desired, used.usage, used.principals, used.fitters, live
    )
    agents = unused_agents(configuration, compiled.desired, used.usage, used.principals, now, since, uses)
    return Judgement((*permissions.hazards, *agents.hazards), (*permissions.unjudged, *agents.unjudged))


def parts_of(compiled: Compiled) -> tuple[GrantPart, ...]:
    """Every grant part of a configuration: each provider is given all of them."""
    return next((authority.parts for authority in compiled.authorities.values()), ())


def born(history: History, counts: Callable[[str], bool]) -> dict[str, datetime]:
    """When a signed plan that names an agent was first applied, by the ledger's clock."""
    found: dict[str, datetime] = {}
    for entry in history.of(Kind.CONSUMED):
        if not counts(entry.body["plan"]):
            continue
        publication = views.publication(history, entry.body["plan"])
        if publication is None:
            continue
        for note in publication.file().plan.agents:
            found.setdefault(note.agent, entry.stored_at)
    return found
