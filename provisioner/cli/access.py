"""`provisioner access evaluate|compare`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, command, session_of

if TYPE_CHECKING:
    from typing import BinaryIO

    from ..model.source import Source
    from ..workflow.accessing import Answered
    from .session import Session

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="What policies allow, and what a change of one allows more; needs no configuration and no cloud.",
    epilog="Example: provisioner access compare old.json new.json",
)

File: Any = typer.Argument(metavar="FILE", help="Requests, one a line; standard input without it.", show_default=False)
Old: Any = typer.Argument(metavar="OLD", help="The policy as it is, a JSON file.", show_default=False)
New: Any = typer.Argument(metavar="NEW", help="The policy as it would be.", show_default=False)
Kind: Any = typer.Option(
    "--kind",
    metavar="KIND",
    help="identity (the usual one), boundary, resource, trust, scp or rcp.",
    show_default=False,
)
Cloud: Any = typer.Option("--cloud", metavar="CLOUD", help="Whose policies these are.")
Lines: Any = typer.Option("--json", help="One decision a line, as JSON.", show_default=False)


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

    body: dict[str, Any] = {} if answered.id is None else {"id": answered.id}
    found = answered.decision
    if found is None:
        from .diagnose import diagnostics_json

        body["diagnostics"] = diagnostics_json(answered.diagnostics)
    else:
        body["answer"] = found.answer.value
        body["because"] = list(found.because)
        body["deciding"] = [
            {"policy": item.policy, "statement": item.statement, "effect": item.effect} for item in found.deciding
        ]
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
