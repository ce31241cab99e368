"""`provisioner drift`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, Usage, Var, VarFile, command, session_of
from .inputs import project_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..model.diagnostics import Diagnostic
    from ..workflow.channels import Channel
    from ..workflow.drifting import DriftRun
    from ..workflow.notifying import Told

app = typer.Typer(add_completion=False, rich_markup_mode=None)

IgnoreFile: Any = typer.Option(
    "--ignore", metavar="FILE", help="What to set aside; .provisioner.ignore.hcl where there is one."
)


Folders: Any = typer.Argument(
    metavar="DIR", help="Root modules: each workspace in a run of its own, and a table of all; default: this one."
)
Record: Any = typer.Option("--record", help="Write what was seen into the ledger.", show_default=False)
Notify: Any = typer.Option(
    "--notify",
    metavar="TARGET",
    help="Tell what came and went: https://… (webhook), github:OWNER/REPO (an issue kept in place), any URL of apprise,"
    " or env:NAME, which holds one. Goes with -record; may be repeated.",
)
Metrics: Any = typer.Option(
    "--metrics", help="Push OpenTelemetry metrics to OTEL_EXPORTER_OTLP_ENDPOINT.", show_default=False
)
Out: Any = typer.Option("--out", metavar="FILE", help="Write the report as JSON to a file, too.")


@command(app, "provisioner drift -json")
def drift(
    ctx: typer.Context,
    folder: Annotated[list[str] | None, Folders] = None,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    ignore: Annotated[str | None, IgnoreFile] = None,
    usage: Annotated[list[str] | None, Usage] = None,
    record: Annotated[bool, Record] = False,
    notify: Annotated[list[str] | None, Notify] = None,
    metrics: Annotated[bool, Metrics] = False,
    out: Annotated[str | None, Out] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Find authority that no signed plan explains, and say whose it is. Changes no cloud, and cannot.

    Exit 5 for out-of-band drift, 6 when something could not be read, 2 for changes that wait to be applied.
    """
    from ..render.conditions import Condition, drift_conditions, exit_code, ordered
    from ..render.driftreport import drift_text
    from ..render.jsonout import drift_document
    from ..workflow.drifting import drift as look
    from .files import write_file

    session = session_of(ctx)
    if folder:
        from .drift_many import drift_many

        given = [*_options(var, var_file, ignore, usage), *_telling(record, notify, metrics)]
        return drift_many(session, folder, given, out, json)
    told = _channels(notify or (), record, session.environ)
    if metrics:
        from ..workflow import metering

        metering.demand(session.environ)
    project = project_of(session, var, var_file)
    run = look(project, None if ignore is None else Path(ignore), tuple(map(Path, usage or ())))
    outcome = _after(run, record, told)
    problems = metering.push(run.report) if metrics else ()
    held = drift_conditions(run.report)
    if any(diagnostic.is_error for diagnostic in outcome.diagnostics):
        held = ordered((*held, Condition.ERROR))
    said = (*project.warnings, *run.warnings, *outcome.diagnostics, *problems)
    body = {**drift_document(run.report), "recorded": outcome.entry, "told": outcome.told_document()}
    if out is not None:
        write_file(Path(out), session.rendered("drift", body, held, said, project.sources).encode())
    if json:
        session.document("drift", body, held, said, project.sources)
    else:
        text = drift_text(
            run.report,
            conditions=held,
            recorded=outcome.entry,
            told="; ".join(one.summary for one in outcome.told),
            width=session.width,
            color=session.color(),
        )
        session.diagnostics(said, project.sources)
        session.print(text)
    return exit_code(held)


def _options(
    var: Sequence[str] | None, var_file: Sequence[str] | None, ignore: str | None, usage: Sequence[str] | None
) -> list[str]:
    """What is read, as options for a run in another folder: paths by where they are, not by where they were named."""
    found = [f"-var={pair}" for pair in var or ()]
    found += [f"-var-file={Path(name).absolute()}" for name in var_file or ()]
    found += [f"-usage={Path(name).absolute()}" for name in usage or ()]
    return [*found, *([f"-ignore={Path(ignore).absolute()}"] if ignore is not None else [])]


def _telling(record: bool, notify: Sequence[str] | None, metrics: bool) -> list[str]:
    return [*["-record"] * record, *(f"-notify={target}" for target in notify or ()), *["-metrics"] * metrics]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of telling and recording; a failure is told beside the report, which is never lost for it."""

    entry: int | None = None
    told: tuple[Told, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    def told_document(self) -> list[dict[str, Any]]:
        """For each channel its `host`, and how many transitions were `delivered` and are `due` (left to the next
        run)."""
        return [{"host": one.host, "delivered": len(one.delivered), "due": len(one.due)} for one in self.told]


def _channels(targets: Sequence[str], record: bool, environ: Mapping[str, str]) -> tuple[Channel, ...]:
    if not targets:
        return ()
    from ..model.diagnostics import DiagnosticError
    from ..workflow.channels import channels

    if not record:
        raise DiagnosticError.of(
            "E-USAGE",
            "-notify goes with -record",
            "Without a record every run would tell the same again. Add -record.",
        )
    return channels(targets, environ)


def _after(run: DriftRun, record: bool, told: Sequence[Channel] = ()) -> _Outcome:
    """Tell, then record what is left to tell: whoever dies between the two tells twice, and never not at all."""
    from ..ledger.errors import LedgerError
    from ..workflow.channels import News, still_due
    from ..workflow.drifting import record as write

    if not record:
        return _Outcome()
    results = {one.identity: one.tell(News(run.report, run.for_channel(one.identity))) for one in told}
    said = tuple(results.values())
    warnings = tuple(diagnostic for one in said for diagnostic in one.diagnostics)
    try:
        return _Outcome(write(run, still_due(run.due, results)).index, said, warnings)
    except LedgerError as error:
        return _Outcome(None, said, (*warnings, *error.diagnostics))
