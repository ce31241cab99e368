"""`provisioner publish`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, command, session_of
from .plans import opened_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

What: Any = typer.Argument(
    metavar="FILE", help="A plan file, or a file that sign -out or revoke -out wrote.", show_default=False
)


@command(app, "provisioner publish first.plan.json")
def publish(ctx: typer.Context, file: Annotated[str, What], json: Annotated[bool, Json] = False) -> int:
    """Put a plan into the ledger, which starts its time to live, or take in what was signed elsewhere."""
    from ..runner import load_runner
    from ..workflow.signing import envelopes_in, is_signoff_file, take_in
    from ..workflow.signing import publish as put

    session = session_of(ctx)
    path = Path(file)
    if is_signoff_file(path) and (envelopes := envelopes_in(path)) and _is_revocation(envelopes):
        return _revoke(session, envelopes, json)
    if is_signoff_file(path):
        opened, entries = take_in(path, load_runner(session.environ), Path.cwd())
        said = f"{len(entries)} sign-off{'s' if len(entries) != 1 else ''} of plan {opened.file.short} recorded"
        body = {"digest": opened.file.digest, "published": False, "sign_offs": [entry.index for entry in entries]}
    else:
        opened = opened_plan(session, file)
        fresh = put(opened)
        said = f"plan {opened.file.short} {'published' if fresh else 'was published before; nothing changed'}"
        body = {"digest": opened.file.digest, "published": fresh, "sign_offs": []}
    if json:
        session.document("publish", body)
    else:
        session.print(f"{said}\n\nNext   provisioner status {opened.file.short}")
    return 0


def _is_revocation(envelopes: Sequence[Mapping[str, object]]) -> bool:
    from ..approval.dsse import EnvelopeError
    from ..workflow.revoking import is_revocation

    try:
        return all(is_revocation(envelope) for envelope in envelopes)
    except EnvelopeError:
        return False  # what it is then, is said by who takes in sign-offs


def _revoke(session: Session, envelopes: Sequence[Mapping[str, object]], json: bool) -> int:
    """Revocations that `revoke -out` wrote."""
    from ..render.escape import escape
    from ..runner import load_runner
    from ..workflow.revoking import outcome, take_in

    ledger, entries = take_in(envelopes, load_runner(session.environ), Path.cwd())
    told = outcome(ledger, entries)
    if json:
        session.document("publish", {"revocations": [entry.index for entry in entries], "outcome": list(told)})
    else:
        session.print("\n".join(escape(line) for line in told))
    return 0
