"""`publish`, `sign`, `status`: plans and sign-offs into the ledger. Needs no cloud and no configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .. import canonical, planfile
from ..approval import dsse, review, signing, statement
from ..approval.dsse import EnvelopeError
from ..approval.root import RootData
from ..approval.standing import BREAK_GLASS_SECONDS
from ..approval.statement import Accepted, Decision, Role, Witness
from ..approval.verifier import Verdict
from ..ledger import views
from ..ledger.entries import Entry, Kind
from ..ledger.log import Ledger
from ..model.diagnostics import DiagnosticError
from ..model.plan import Requirement
from ..planfile import PlanFile, PlanFileError
from ..render.signoff import SignOffs
from ..runner import Runner
from . import capacity, reviewing
from .approving import sign_offs, stand_in_text, verdict
from .project import workspace_ledger
from .refusing import check_approval, check_key, check_texts
from .roots import root_in_force

MAX_FILE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Opened:
    """A plan together with its workspace's ledger."""

    file: PlanFile
    ledger: Ledger
    runner: Runner

    @property
    def published(self) -> bool:
        return views.publication(self.ledger.history, self.file.digest) is not None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a signer asked for. `owner` None where only one owner is possible; `accepted` maps findings to reasons.

    `role` is the capacity in which they sign; `standing` the owner in whose name they stand in for another.
    """

    key: Path
    owner: str | None = None
    surface: str | None = None
    decision: Decision = Decision.APPROVE
    reason: str = ""
    accepted: Mapping[str, str] = field(default_factory=dict)
    role: Role = Role.OWNER
    standing: str | None = None


@dataclass(frozen=True, slots=True)
class ToSign:
    """What is about to be signed: the texts shown, one for each requirement, before anything is signed.

    `lifetime_seconds` is how long the sign-off will live; `opens` says from when it counts, where that is not at once.
    """

    opened: Opened
    wish: Wish
    requirements: tuple[Requirement, ...]
    texts: tuple[str, ...]
    lifetime_seconds: int = 0
    opens: tuple[str, ...] = ()


def read_plan_file(path: Path) -> PlanFile:
    """A plan from a file. Raises DiagnosticError (E-PLAN-FILE) for anything but exact bytes."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_FILE_BYTES else b""
    except OSError as error:
        raise DiagnosticError.of(
            "E-PLAN-FILE", f"Cannot read {path}: {error.strerror}", "Name a plan file that `plan -out` wrote."
        ) from error
    try:
        if size > MAX_FILE_BYTES:
            raise PlanFileError("it is larger than any plan")
        return planfile.decode(data)
    except PlanFileError as error:
        raise DiagnosticError.of(
            "E-PLAN-FILE",
            f"{path} is no plan that can be trusted: {error}",
            "Nothing was done with it. Plan again with `provisioner plan -out FILE`.",
        ) from error


def open_plan(name: str, runner: Runner, root: Path) -> Opened:
    """A plan by its file, or by (the beginning of) its digest in the ledger. Raises DiagnosticError."""
    path = Path(name)
    if path.suffix or path.exists() or "/" in name:
        file = read_plan_file(path)
        return Opened(file, workspace_ledger(runner, file.plan.workspace, root), runner)
    ledger = workspace_ledger(runner, None, root)
    return Opened(views.find_plan(ledger.history, name).file(), ledger, runner)


def publish(opened: Opened) -> bool:
    """Put the plan into the ledger, which starts its time to live; False when it is there already."""
    root = root_in_force(opened.ledger, opened.runner, opened.file.digest)
    plan, file = opened.file.plan, opened.file
    if (plan.root.version, plan.root.digest) != (root.root.version, root.root.digest):
        raise DiagnosticError.of(
            "E-ROOT",
            f"Plan {file.short} was made under trust root v{plan.root.version}; v{root.root.version} is in force",
            "Nobody could sign it. Plan again.",
        )
    if opened.published:
        return False
    body = {"digest": file.digest, "file": json.loads(planfile.encode(plan, file.notes))}

    def check(seen: Ledger) -> None:
        if views.publication(seen.history, file.digest) is not None:
            raise _AlreadyThere
        if views.base(seen.history) != plan.base:
            raise DiagnosticError.of(
                "E-STALE",
                f"Plan {file.short} was made before another plan was applied",
                "It can never be applied. Plan again.",
            )

    try:
        opened.ledger.append(Kind.PLAN, body, check=check)
    except _AlreadyThere:
        return False
    return True


class _AlreadyThere(Exception):
    """Somebody else was faster with the same plan."""


def prepare(opened: Opened, wish: Wish) -> ToSign:
    """Find what this signer signs and render it from the plan's bytes. Raises DiagnosticError."""
    root = root_in_force(opened.ledger, opened.runner, opened.file.digest).root
    key = signing.public_key(wish.key)
    person = next((name for name, who in root.data.people.items() if key.line in who.keys), None)
    if person is None:
        raise DiagnosticError.of(
            "E-KEY-UNKNOWN",
            f"{wish.key} belongs to nobody in trust root v{root.version}",
            f"Its fingerprint is {key.fingerprint}. Sign with the key of a person in the root, or have governance add"
            " this one.",
        )
    check_key(opened.ledger, key.fingerprint, person)
    check_texts((wish.reason, *wish.accepted.values()))
    if wish.role is Role.REVIEW:
        owed = reviewing.prepare(opened.ledger, opened.runner, opened.file, person, wish.owner)
        texts = reviewing.review_texts(opened.file, owed)
        return ToSign(opened, wish, owed, texts, root.data.approval.plan_ttl_seconds)
    judged = verdict(opened.file, opened.ledger, opened.runner)
    chosen = _chosen(opened.file, root.data, judged, wish, person)
    check_approval(opened.file, root, judged, chosen, person, wish.decision)
    _check_accepted(chosen, wish)
    said = capacity.capacity(wish.role, wish.standing)
    texts = tuple(review.review_text(opened.file, item.surface, item.owner, said) for item in chosen)
    return ToSign(opened, wish, chosen, texts, _lifetime(root.data, judged, wish.role), _opens(judged, chosen, wish))


def _chosen(file: PlanFile, root: RootData, judged: Verdict, wish: Wish, person: str) -> tuple[Requirement, ...]:
    if wish.role is Role.ESCALATION:
        return capacity.in_its_place(judged, root, person, wish.owner, wish.surface, wish.standing or "")
    if wish.role is Role.BREAK_GLASS:
        return capacity.by_breaking_glass(judged, root, person, wish.owner, wish.surface, wish.reason)
    return capacity.as_owner(file, root, person, wish.owner, wish.surface, wish.decision)


def _lifetime(root: RootData, judged: Verdict, role: Role) -> int:
    """Seconds that a sign-off lives: as long as the plan may, an hour by breaking glass."""
    if role is Role.BREAK_GLASS:
        return BREAK_GLASS_SECONDS
    waits = any(state.yields for state in judged.states)
    return root.approval.plan_ttl_seconds + (root.approval.notice_seconds if waits else 0)


def _opens(judged: Verdict, chosen: Sequence[Requirement], wish: Wish) -> tuple[str, ...]:
    """Where somebody stands in for an owner before that is open: when, and what opens it at once."""
    if wish.role is not Role.ESCALATION:
        return ()
    waiting = [state for state in judged.states if state.requirement in chosen and state.stand_in is not None]
    return tuple(stand_in_text(state) for state in waiting if state.stand_in and not state.stand_in.open)


def sign(to_sign: ToSign, environ: Mapping[str, str]) -> tuple[dict[str, object], ...]:
    """One envelope for each requirement, signed with the wish's key. Nothing is recorded yet."""
    opened, wish = to_sign.opened, to_sign.wish
    head = opened.ledger.head
    envelopes = []
    for requirement, text in zip(to_sign.requirements, to_sign.texts, strict=True):
        made = statement.make(
            opened.file,
            requirement,
            review=review.review_digest(text),
            now=datetime.now(UTC),
            lifetime_seconds=to_sign.lifetime_seconds,
            witness=Witness(head.index, head.digest),
            decision=wish.decision,
            accepted=[Accepted(name, wish.accepted[name]) for name in requirement.accept if name in wish.accepted],
            reason=wish.reason,
            role=wish.role,
        )
        armored = signing.sign(dsse.message(made), wish.key, environ=environ)
        envelopes.append(dsse.envelope(made, armored))
    return tuple(envelopes)


def record(opened: Opened, envelopes: Sequence[Mapping[str, object]]) -> tuple[Entry, ...]:
    """Publish the plan if need be, then put sign-offs into the ledger. They are judged when the plan is.

    A review is of a plan that was carried out, which is there already, and may be older than the root in force.
    """
    roles = {dsse.open_envelope(envelope).statement.role for envelope in envelopes}
    if not opened.published or roles != {Role.REVIEW}:
        publish(opened)
    return tuple(
        opened.ledger.append(Kind.SIGNOFF, {"envelope": dict(envelope), "plan": opened.file.digest})
        for envelope in envelopes
    )


def write_envelopes(path: Path, envelopes: Sequence[Mapping[str, object]]) -> None:
    """`sign -out`: the envelopes in a new file, one canonical line each."""
    data = b"".join(canonical.dumps(envelope) + b"\n" for envelope in envelopes)
    try:
        with path.open("xb") as stream:
            stream.write(data)
    except OSError as error:
        raise DiagnosticError.of(
            "E-OUT", f"Cannot write {path}: {error.strerror}", "Name a file that does not exist yet."
        ) from error


def take_in(path: Path, runner: Runner, root: Path) -> tuple[Opened, tuple[Entry, ...]]:
    """`publish FILE` of sign-offs made elsewhere: check form and signature, put them into the ledger."""
    try:
        lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
        envelopes = [dsse.parse_file(line) for line in lines]
        opened = [dsse.open_envelope(envelope) for envelope in envelopes]
    except OSError as error:
        raise DiagnosticError.of("E-FILE", f"Cannot read {path}: {error.strerror}", "Name a file.") from error
    except EnvelopeError as error:
        raise DiagnosticError.of(
            error.code, f"{path} holds no sign-off that can be taken: {error}", "Nothing was recorded. Sign again."
        ) from error
    plans = {item.statement.plan for item in opened}
    workspaces = {item.statement.workspace for item in opened}
    if len(plans) != 1 or len(workspaces) != 1:
        raise DiagnosticError.of(
            "E-FILE", f"{path} holds sign-offs of {len(plans)} plans", "Publish those of one plan at a time."
        )
    ledger = workspace_ledger(runner, workspaces.pop(), root)
    plan = Opened(views.find_plan(ledger.history, plans.pop()).file(), ledger, runner)
    return plan, record(plan, envelopes)


def envelopes_in(path: Path) -> tuple[dict[str, object], ...]:
    """The envelopes of a file that `sign -out` or `revoke -out` wrote. Raises DiagnosticError."""
    try:
        return tuple(dsse.parse_file(line) for line in path.read_bytes().split(b"\n") if line.strip())
    except OSError as error:
        raise DiagnosticError.of("E-FILE", f"Cannot read {path}: {error.strerror}", "Name a file.") from error
    except EnvelopeError as error:
        raise DiagnosticError.of(
            error.code, f"{path} holds no signed statement that can be taken: {error}", "Nothing was recorded."
        ) from error


def is_signoff_file(path: Path) -> bool:
    """Whether a file looks like sign-offs rather than a plan."""
    try:
        with path.open("rb") as stream:
            return stream.read(64).startswith(b'{"payload":')
    except OSError:
        return False


def status(opened: Opened) -> SignOffs:
    """Who has signed and who is missing; and what the workspace owes besides."""
    found = sign_offs(opened.file, opened.ledger, opened.runner)
    return reviewing.with_obligations(found, opened.ledger, opened.runner)


def _check_accepted(chosen: Sequence[Requirement], wish: Wish) -> None:
    if wish.decision is not Decision.APPROVE:
        return
    wanted = {name for item in chosen for name in item.accept}
    missing, foreign = sorted(wanted - set(wish.accepted)), sorted(set(wish.accepted) - wanted)
    if missing:
        raise DiagnosticError.of(
            "E-ACCEPT",
            f"This part holds findings that its owner must accept: {', '.join(missing)}",
            "Read them with `provisioner show`. If you take them on, say why: "
            + " ".join(f"-accept '{name}=REASON'" for name in missing),
        )
    if foreign:
        raise DiagnosticError.of(
            "E-ACCEPT",
            f"This part holds no finding {', '.join(foreign)}",
            f"It asks for {', '.join(sorted(wanted)) or 'none'}. Leave the rest out.",
        )
