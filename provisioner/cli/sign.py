"""`provisioner sign`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, command, session_of
from .plans import Plan, confirmed, not_confirmed, opened_plan

if TYPE_CHECKING:
    from ..approval.statement import Role
    from ..workflow.signing import ToSign

app = typer.Typer(add_completion=False, rich_markup_mode=None)

KEY_ENVIRONMENT = "PROVISIONER_KEY"
_USUAL = ("id_ed25519_sk", "id_ed25519", "id_ecdsa_sk", "id_ecdsa", "id_rsa")

Owner: Any = typer.Option("--owner", metavar="NAME", help="Sign as this control owner only.", show_default=False)
OnSurface: Any = typer.Option("--surface", metavar="NAME", help="Sign for this surface only.", show_default=False)
Key: Any = typer.Option(
    "--key",
    metavar="FILE",
    help="An OpenSSH key, or the .pub of one that ssh-agent holds. Default: $PROVISIONER_KEY, then ~/.ssh.",
    show_default=False,
)
Accept: Any = typer.Option(
    "--accept", metavar="'FINDING=REASON'", help="Accept a finding, with a reason; may be repeated.", show_default=False
)
Reject: Any = typer.Option("--reject", help="Sign a no. It blocks these changes.", show_default=False)
Reason: Any = typer.Option("--reason", metavar="TEXT", help="Why; needed with -reject.", show_default=False)
StandingIn: Any = typer.Option(
    "--as",
    metavar="NAME",
    help="Sign in the place of -owner, as a signer of this owner: the one it escalates to, or one that opens it early.",
    show_default=False,
)
Glass: Any = typer.Option(
    "--break-glass",
    help="In an emergency, as governance: two people, a reason, an hour; its owners review it afterwards.",
    show_default=False,
)
Review: Any = typer.Option(
    "--review",
    help="As an owner: what was applied by breaking glass was looked at; with -reject, it should not have been.",
    show_default=False,
)
Out: Any = typer.Option(
    "--out", metavar="FILE", help="Write the sign-off to a file instead of the ledger, for publish.", show_default=False
)
Yes: Any = typer.Option("--yes", help="Do not ask; needs -digest.", show_default=False)
Digest: Any = typer.Option(
    "--digest", metavar="DIGEST", help="The digest that was reviewed: no other plan is signed.", show_default=False
)


@command(app, "provisioner sign first.plan.json -owner iam -key ~/.ssh/id_ed25519")
def sign(
    ctx: typer.Context,
    plan: Annotated[str, Plan],
    owner: Annotated[str | None, Owner] = None,
    surface: Annotated[str | None, OnSurface] = None,
    key: Annotated[str | None, Key] = None,
    accept: Annotated[list[str] | None, Accept] = None,
    reject: Annotated[bool, Reject] = False,
    reason: Annotated[str, Reason] = "",
    standing: Annotated[str | None, StandingIn] = None,
    break_glass: Annotated[bool, Glass] = False,
    review: Annotated[bool, Review] = False,
    out: Annotated[str | None, Out] = None,
    digest: Annotated[str | None, Digest] = None,
    yes: Annotated[bool, Yes] = False,
    json: Annotated[bool, Json] = False,
) -> int:
    """Sign a plan as a control owner. Shows, from the plan's bytes, what you are asked to accept. Needs no cloud."""
    from ..approval.statement import Decision
    from ..render.conditions import Condition
    from ..render.escape import escape_block
    from ..workflow.signing import Wish, prepare, record, write_envelopes
    from ..workflow.signing import sign as make

    session = session_of(ctx)
    _check_reason(reject, reason)
    opened = opened_plan(session, plan)
    _check_digest(opened.file.digest, digest, yes)
    wish = Wish(
        key=signing_key(key, session.environ),
        owner=owner,
        surface=surface,
        decision=Decision.REJECT if reject else Decision.APPROVE,
        reason=reason,
        accepted=_accepted(accept or (), [name for need in opened.file.plan.requirements for name in need.accept]),
        role=_role(standing, break_glass, review, reject, reason),
        standing=standing,
    )
    to_sign = prepare(opened, wish)
    if not json:
        session.print("\n\n".join(escape_block(text).rstrip() for text in to_sign.texts) + "\n")
    question = _question(to_sign)
    if not yes and not confirmed(session, question):
        refusal = not_confirmed("signed", "Read what is above, then run it again and type yes, or add -yes.")
        if json:
            session.document("sign", {"digest": opened.file.digest}, (Condition.ERROR,), (refusal,))
        else:
            session.diagnostics((refusal,))
        return Condition.ERROR.code
    envelopes = make(to_sign, session.environ)
    if out is not None:
        write_envelopes(Path(out), envelopes)
    indexes = [] if out is not None else [entry.index for entry in record(opened, envelopes)]
    if json:
        signed = [{"surface": need.surface, "owner": need.owner} for need in to_sign.requirements]
        body = {
            "digest": opened.file.digest,
            "decision": str(wish.decision),
            "role": str(wish.role),
            "solo": opened.file.plan.solo,
            "signed": signed,
            "opens": list(to_sign.opens),
            "entries": indexes,
        }
        session.document("sign", body)
    else:
        session.print(_said(to_sign, out))
    return 0


def _said(to_sign: ToSign, out: str | None) -> str:
    from ..approval.statement import Decision
    from ..render.escape import escape

    short = to_sign.opened.file.short
    word = "Rejected" if to_sign.wish.decision is Decision.REJECT else "Signed"
    line = f"{word}: plan {short} for {_parts(to_sign)}."
    line += "".join(f"\n{escape(text)[:1].upper()}{escape(text)[1:]}." for text in to_sign.opens)
    if out is not None:
        return f"{line} Written to {escape(out)}.\n\nNext   provisioner publish {escape(out)}   where the ledger is"
    return f"{line}\n\nNext   provisioner status {short}"


def _question(to_sign: ToSign) -> str:
    from ..approval.statement import Decision, Role

    wish, short = to_sign.wish, to_sign.opened.file.short
    what = {
        Role.OWNER: "Sign",
        Role.ESCALATION: f"As {wish.standing}, sign",
        Role.BREAK_GLASS: "BREAK GLASS and sign",
        Role.REVIEW: "Sign the review of",
    }[wish.role]
    no = " a NO to" if wish.decision is Decision.REJECT else ""
    return f"{what}{no} plan {short} for {_parts(to_sign)}?"


def _role(standing: str | None, break_glass: bool, review: bool, reject: bool, reason: str) -> Role:
    """The capacity that was asked for: one of them, and only a review says no in another than one's own."""
    from ..approval.statement import Role
    from ..model.diagnostics import DiagnosticError

    asked = (("-as", bool(standing)), ("-break-glass", break_glass), ("-review", review))
    given = [name for name, is_there in asked if is_there]
    if len(given) > 1:
        raise DiagnosticError.of("E-USAGE", f"{' and '.join(given)} are different capacities", "Give one of them.")
    if reject and (standing or break_glass):
        raise DiagnosticError.of(
            "E-USAGE", f"Nobody rejects with {given[0]}", "A no is the owner's own: leave it out, or do not sign."
        )
    if review and not reason.strip():
        raise DiagnosticError.of("E-USAGE", "A review needs a reason", "Say what was found: -review -reason 'TEXT'.")
    if standing:
        return Role.ESCALATION
    return Role.BREAK_GLASS if break_glass else Role.REVIEW if review else Role.OWNER


def _parts(to_sign: ToSign) -> str:
    from ..render.escape import escape
    from ..render.text import listing

    return listing([f"{escape(need.owner)} ({need.surface})" for need in to_sign.requirements])


def _check_reason(reject: bool, reason: str) -> None:
    from ..model.diagnostics import DiagnosticError

    if reject and not reason.strip():
        raise DiagnosticError.of(
            "E-USAGE", "A rejection needs a reason", "Others must know what to mend: -reject -reason 'TEXT'."
        )


def _check_digest(actual: str, given: str | None, yes: bool) -> None:
    """Nobody signs unseen: without a question, the signer names the whole digest of what was reviewed elsewhere."""
    from ..model.diagnostics import DiagnosticError

    if given is not None and given.removeprefix("sha256:").lower() != actual.removeprefix("sha256:"):
        raise DiagnosticError.of(
            "E-DIGEST", "This is not the plan that you reviewed", f"Its digest is {actual}. Nothing was signed."
        )
    if yes and given is None:
        raise DiagnosticError.of(
            "E-DIGEST",
            "-yes signs without showing you anything to confirm, so it needs the digest that you reviewed",
            f"Add -digest {actual} if that is the one, or leave -yes out and confirm at the terminal.",
        )


def _accepted(given: Sequence[str], asked: Sequence[str]) -> dict[str, str]:
    """`FINDING=REASON` pairs. A finding that the plan asks about is known by its whole name, which may hold a `=`."""
    from ..model.diagnostics import DiagnosticError

    out = {}
    for pair in given:
        known = max((name for name in asked if pair.startswith(f"{name}=")), key=len, default=pair.partition("=")[0])
        name, reason = known, pair[len(known) + 1 :]
        if not name.strip() or not reason.strip():
            raise DiagnosticError.of(
                "E-USAGE", f"-accept {pair!r} gives no reason", "Write -accept 'RULE subject=why you take it on'."
            )
        out[name.strip()] = reason.strip()
    return out


def signing_key(given: str | None, environ: Mapping[str, str]) -> Path:
    """The key to sign with: the one named, the environment's, else the first usual one in ~/.ssh."""
    from ..model.diagnostics import DiagnosticError

    if named := given or environ.get(KEY_ENVIRONMENT):
        return Path(named).expanduser()
    folder = Path(environ.get("HOME") or "~").expanduser() / ".ssh"
    for name in _USUAL:
        for candidate in (folder / name, folder / f"{name}.pub"):
            if candidate.exists():
                return candidate
    raise DiagnosticError.of(
        "E-KEY",
        "No key to sign with",
        f"Name an OpenSSH key with -key FILE or {KEY_ENVIRONMENT}; {folder} holds none of the usual ones.",
    )
