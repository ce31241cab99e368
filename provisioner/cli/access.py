"""`provisioner access can|who|why|list|evaluate|compare`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

if TYPE_CHECKING:
    from typing import BinaryIO

    from ..model.questions import Circumstance
    from ..model.source import Source
    from ..render.conditions import Condition
    from ..workflow.accessing import Answered
    from ..workflow.questions import Asked
    from .session import Session

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="What agents may do, planned or live; what policies allow, and what a change of one allows more.",
    epilog="Example: provisioner access can invoice_triage s3:GetObject arn:aws:s3:::invoices/inbox/1.pdf",
)

File: Any = typer.Argument(metavar="FILE", help="Requests, one a line; standard input without it.", show_default=False)
Old: Any = typer.Argument(metavar="OLD", help="The policy as it is, a JSON file.", show_default=False)
New: Any = typer.Argument(metavar="NEW", help="The policy as it would be.", show_default=False)
Kind: Any = typer.Option(
    "--kind",
    metavar="KIND",
    help="AWS: identity (usual), boundary, resource, trust, scp, rcp; Google: allow (usual), role, deny.",
    show_default=False,
)
Cloud: Any = typer.Option("--cloud", metavar="CLOUD", help="Whose policies these are.")
Lines: Any = typer.Option("--json", help="One decision a line, as JSON.", show_default=False)
Agent: Any = typer.Argument(metavar="AGENT", help="An agent of the configuration.", show_default=False)
Action: Any = typer.Argument(metavar="ACTION", help="One action or permission of a cloud.", show_default=False)
Resource: Any = typer.Argument(metavar="RESOURCE", help="One resource by its full name.", show_default=False)
Only: Any = typer.Option("--action", metavar="ACTION", help="Only this action.", show_default=False)
Given: Any = typer.Option(
    "--context",
    metavar="KEY=VALUE",
    help="A condition key of the request; may be repeated, also for one key.",
    show_default=False,
)
Live: Any = typer.Option("--live", help="Ask the live clouds, not the configuration.", show_default=False)


@command(app, "provisioner access can invoice_triage s3:GetObject arn:aws:s3:::invoices/inbox/1.pdf")
def can(
    ctx: typer.Context,
    agent: Annotated[str, Agent],
    action: Annotated[str, Action],
    resource: Annotated[str, Resource],
    context: Annotated[list[str] | None, Given] = None,
    live: Annotated[bool, Live] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Say whether an agent may do something, by itself or as another agent that it may become or call.

    Exit 0 where it is allowed, 4 where it is denied or depends on what nobody said; 6 where it is allowed by what
    was read of the live clouds and a read failed.
    """
    from ..render.conditions import Condition, exit_code
    from ..render.questions import verdict_document, verdict_text
    from ..workflow import questions

    session = session_of(ctx)
    asked = _asked(session, var, var_file, context, live)
    found = questions.can(asked, agent, action, resource)
    held = (*_incomplete(asked.circumstance), *((Condition.BLOCKED,) if found.answer.value != "allowed" else ()))
    if json:
        session.document("access can", verdict_document(found, asked.circumstance), held)
    else:
        session.print(verdict_text(found, asked.circumstance, session.width))
    return exit_code(held)


@command(app, "provisioner access why invoice_triage s3:PutObject arn:aws:s3:::payments/run.csv")
def why(
    ctx: typer.Context,
    agent: Annotated[str, Agent],
    action: Annotated[str, Action],
    resource: Annotated[str, Resource],
    context: Annotated[list[str] | None, Given] = None,
    live: Annotated[bool, Live] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Explain the answer of `can`: every way there, with the statements that decide and what is missing."""
    from ..render.conditions import exit_code
    from ..render.questions import verdict_document, why_text
    from ..workflow import questions

    session = session_of(ctx)
    asked = _asked(session, var, var_file, context, live)
    found = questions.can(asked, agent, action, resource)
    held = _incomplete(asked.circumstance)
    if json:
        session.document("access why", verdict_document(found, asked.circumstance), held)
    else:
        session.print(why_text(found, asked.circumstance, session.width))
    return exit_code(held)


@command(app, "provisioner access who arn:aws:s3:::invoices/inbox/1.pdf -action s3:GetObject")
def who(
    ctx: typer.Context,
    resource: Annotated[str, Resource],
    action: Annotated[str | None, Only] = None,
    context: Annotated[list[str] | None, Given] = None,
    live: Annotated[bool, Live] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Say which agents may do what to a resource, by themselves or as others.

    Without -action, every action that an agent's own statements name is asked about.
    """
    from ..render.conditions import exit_code
    from ..render.questions import who_document, who_text
    from ..workflow import questions

    session = session_of(ctx)
    asked = _asked(session, var, var_file, context, live)
    found = questions.who(asked, resource, action)
    held = _incomplete(asked.circumstance)
    if json:
        session.document("access who", who_document(found, asked.circumstance), held)
    else:
        session.print(who_text(found, asked.circumstance, session.width))
    return exit_code(held)


@command(app, "provisioner access list invoice_triage", name="list")
def list_(
    ctx: typer.Context,
    agent: Annotated[str, Agent],
    live: Annotated[bool, Live] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """List what an agent holds, cloud by cloud: what its policies allow, what its boundary leaves of that."""
    from ..render.conditions import exit_code
    from ..render.questions import holdings_document, holdings_text
    from ..workflow import questions

    session = session_of(ctx)
    asked = _asked(session, var, var_file, None, live)
    found = questions.held(asked, agent)
    held = _incomplete(asked.circumstance)
    if json:
        session.document("access list", holdings_document(found, asked.circumstance), held)
    else:
        session.print(holdings_text(found, asked.circumstance, session.width))
    return exit_code(held)


def _asked(
    session: Session, var: list[str] | None, var_file: list[str] | None, context: list[str] | None, live: bool
) -> Asked:
    from ..workflow.questions import ask

    return ask(project_of(session, var, var_file), _context(context or ()), live=live)


def _context(given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """`KEY=VALUE` pairs; the values of one key are joined. `KEY=` is an empty value."""
    from ..model.diagnostics import DiagnosticError

    out: dict[str, tuple[str, ...]] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise DiagnosticError.of(
                "E-USAGE", f"-context {pair!r} names no value", "Write -context 'aws:RequestedRegion=eu-west-1'."
            )
        out[key.strip()] = (*out.get(key.strip(), ()), value)
    return out


def _incomplete(circumstance: Circumstance) -> tuple[Condition, ...]:
    from ..render.conditions import Condition

    return (Condition.INCOMPLETE,) if circumstance.gaps else ()


@command(app, "provisioner access evaluate -json < requests.jsonl")
def evaluate(
    ctx: typer.Context,
    file: Annotated[str | None, File] = None,
    json: Annotated[bool, Lines] = False,
) -> int:
    """Judge requests that bring their policies along: one JSON object a line in, one decision a line out.

    The form is in docs/reference/access-json.md. A line that is no request is answered with what is wrong with it;
    the others are answered all the same, and the run ends with exit 1.
    """
    from ..registry import Registry
    from ..workflow.accessing import evaluate_lines

    session = session_of(ctx)
    failed = False
    with _opened(file) as stream:
        for answered in evaluate_lines(_lines(stream), Registry()):
            failed = failed or bool(answered.diagnostics)
            session.out.write(_as_json(answered) if json else _as_text(answered))
    session.out.flush()
    return 1 if failed else 0


def _opened(file: str | None) -> AbstractContextManager[BinaryIO]:
    from ..model.diagnostics import DiagnosticError

    if file is None or file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise DiagnosticError.of("E-IO", f"{file} cannot be read: {error.strerror}", "Name a file.") from error


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines of bounded length: what is longer comes cut, is refused by its length, and its rest is skipped."""
    from ..workflow.accessing import MAX_LINE

    while line := stream.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE + 1)


def _as_json(answered: Answered) -> str:
    import json

    from ..render.questions import deciding_value

    body: dict[str, Any] = {} if answered.id is None else {"id": answered.id}
    found = answered.decision
    if found is None:
        from .diagnose import diagnostics_json

        body["diagnostics"] = diagnostics_json(answered.diagnostics)
    else:
        body["answer"] = found.answer.value
        body["because"] = list(found.because)
        body["deciding"] = [deciding_value(item) for item in found.deciding]
        body["missing"] = list(found.missing)
    return json.dumps(body) + "\n"


def _as_text(answered: Answered) -> str:
    from ..render.escape import escape

    name = "" if answered.id is None else f"{answered.id}: "
    if answered.decision is None:
        said: Iterable[str] = (f"{item.summary} ({item.detail})" for item in answered.diagnostics)
        return escape(f"{name}error: {'; '.join(said)}") + "\n"
    found = answered.decision
    parts = [*found.because, *(f"missing: {text}" for text in found.missing)]
    return escape(f"{name}{found.answer.value}" + (f": {'; '.join(parts)}" if parts else "")) + "\n"


@command(app, "provisioner access compare old.json new.json")
def compare(
    ctx: typer.Context,
    old: Annotated[str, Old],
    new: Annotated[str, New],
    kind: Annotated[str | None, Kind] = None,
    cloud: Annotated[str, Cloud] = "aws",
    json: Annotated[bool, Json] = False,
) -> int:
    """Say whether NEW allows a request that OLD does not, with an example, and the other way round.

    Exit 0 where NEW is equal or narrower, 4 where it is wider or where that cannot be decided, 1 for an error.
    """
    from ..registry import Registry
    from ..render.access import comparison_document, comparison_text
    from ..render.conditions import Condition, exit_code
    from ..workflow.accessing import compare as judge

    session = session_of(ctx)
    found = judge(_source(session, old), _source(session, new), kind, cloud, Registry())
    held = (Condition.BLOCKED,) if found.effect.widens else ()
    if json:
        session.document("access compare", comparison_document(found), held)
    else:
        session.print(comparison_text(found, old, new, session.width))
    return exit_code(held)


def _source(session: Session, name: str) -> Source:
    from ..model.diagnostics import DiagnosticError
    from ..model.source import Source
    from ..workflow.accessing import MAX_LINE

    try:
        with Path(name).open("rb") as stream:
            data = stream.read(MAX_LINE + 1)
    except OSError as error:
        raise DiagnosticError.of("E-IO", f"{name} cannot be read: {error.strerror}", "Name a policy file.") from error
    if len(data) > MAX_LINE:
        raise DiagnosticError.of("E-IO", f"{name} is longer than {MAX_LINE:,} bytes", "Name a policy file.")
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DiagnosticError.of(
            "E-ACCESS-POLICY", f"{name} is not UTF-8 at byte {error.start}", "Save it as UTF-8."
        ) from error
