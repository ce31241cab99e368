"""`provisioner revoke`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, command, session_of
from .plans import confirmed, not_confirmed
from .sign import Key, signing_key

if TYPE_CHECKING:
    from ..ledger.entries import Entry

app = typer.Typer(add_completion=False, rich_markup_mode=None)

What: Any = typer.Argument(
    metavar="PERSON|KEY", help="A person, a fingerprint (SHA256:…) or a .pub file.", show_default=False
)
Reason: Any = typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.", show_default=False)
Out: Any = typer.Option(
    "--out", metavar="FILE", help="Write it to a file instead of the ledger, for publish.", show_default=False
)
Workspace: Any = typer.Option("--workspace", metavar="NAME", help="A workspace of the runner's own file.")
Yes: Any = typer.Option("--yes", help="Do not ask.", show_default=False)


@command(app, "provisioner revoke alice -reason 'laptop stolen' -key ~/.ssh/id_ed25519_sk")
def revoke(
    ctx: typer.Context,
    what: Annotated[str, What],
    reason: Annotated[str, Reason] = "",
    key: Annotated[str | None, Key] = None,
    out: Annotated[str | None, Out] = None,
    workspace: Annotated[str | None, Workspace] = None,
    yes: Annotated[bool, Yes] = False,
    json: Annotated[bool, Json] = False,
) -> int:
    """Let a key, or all keys of a person, count no longer. Your own at once; others' by the quorum of governance.

    A plan that is applied already stays valid; for any other, no signature of these keys counts, whenever it was made.
    It cannot be taken back.
    """
    from ..render.conditions import Condition
    from ..render.escape import escape, escape_block
    from ..runner import load_runner
    from ..workflow import revoking
    from ..workflow.roots import root_in_force
    from ..workflow.signing import write_envelopes

    session = session_of(ctx)
    runner = load_runner(session.environ)
    ledger = revoking.open_ledger(runner, Path.cwd(), workspace)
    trusted = root_in_force(ledger, runner)
    to_sign = revoking.prepare(ledger, trusted.root, trusted.pin, what, reason, signing_key(key, session.environ))
    if not json:
        session.print(escape_block(to_sign.text))
    if not yes and not confirmed(session, "Sign this revocation?"):
        refusal = not_confirmed("revoked", "Read what is above, then run it again and type yes, or add -yes.")
        if json:
            session.document("revoke", {}, (Condition.ERROR,), (refusal,))
        else:
            session.diagnostics((refusal,))
        return Condition.ERROR.code
    envelope = revoking.sign(to_sign, session.environ)
    entries: tuple[Entry, ...] = ()
    told: tuple[str, ...] = ()
    if out is not None:
        write_envelopes(Path(out), (envelope,))
    else:
        entries = revoking.record(ledger, (envelope,))
        told = revoking.outcome(ledger, entries)
    if json:
        body = {"entries": [entry.index for entry in entries], "outcome": list(told)}
        session.document("revoke", body)
    elif out is not None:
        session.print(f"Written to {escape(out)}.\n\nNext   provisioner publish {escape(out)}   where the ledger is")
    else:
        session.print("\n".join(escape(line) for line in told) + "\n\nNext   provisioner audit verify")
    return 0
