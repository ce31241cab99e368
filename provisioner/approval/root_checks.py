"""What is wrong with a trust root before anybody is asked to believe in it."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.changes import Surface
from ..model.configuration import Configuration
from ..model.diagnostics import Diagnostic
from ..model.source import SourceRange
from . import keys
from .exceptions import end_of
from .keys import KeyRefused
from .root import RootData

SHORTEST_NOTICE_SECONDS = 24 * 3600
SURFACES = tuple(surface.value for surface in Surface)


def problems(root: RootData, configuration: Configuration | None = None) -> tuple[Diagnostic, ...]:
    """Every reason not to take the root. `configuration`, where there is one, gives the ranges to underline."""
    where = _Places(configuration)
    found = [*_people(root, where), *_owners(root, where), *_defaults(root, where), *_explicit(root, where)]
    return (*found, *_solo(root, where), *_checkpoint_keys(root, where), *_notice(root, where), *_waivers(root, where))


class _Places:
    """Ranges of the blocks that the root was made from."""

    def __init__(self, configuration: Configuration | None) -> None:
        self._configuration = configuration

    def workspace(self) -> SourceRange | None:
        return self._configuration.workspace.range if self._configuration else None

    def person(self, name: str) -> SourceRange | None:
        found = self._configuration.people.get(name) if self._configuration else None
        return found.range if found else None

    def owner(self, name: str) -> SourceRange | None:
        found = self._configuration.owners.get(name) if self._configuration else None
        return found.range if found else None

    def exception(self, address: str) -> SourceRange | None:
        found = self._configuration.exceptions.get(address) if self._configuration else None
        return found.range if found else None

    def tool(self, address: str) -> SourceRange | None:
        found = self._configuration.tools.get(address) if self._configuration else None
        return found.range if found else None

    def agent(self, name: str) -> SourceRange | None:
        agents = self._configuration.agents.values() if self._configuration else ()
        return next((agent.range for agent in agents if agent.name == name), None)


def _error(code: str, summary: str, detail: str, subject: SourceRange | None) -> Diagnostic:
    return Diagnostic(code, summary, detail, subject=subject)


def _people(root: RootData, where: _Places) -> Iterator[Diagnostic]:
    holders: dict[bytes, str] = {}
    mails: dict[str, str] = {}
    accounts: dict[str, str] = {}
    for name, person in root.people.items():
        place = where.person(name)
        own: set[bytes] = set()
        for line in person.keys:
            try:
                key = keys.parse(line)
            except KeyRefused as error:
                detail = f"{error}. Give the line of the person's .pub file."
                yield _error("E-PERSON-KEY", f"a key of person.{name} cannot be used", detail, place)
                continue
            holder = holders.setdefault(key.blob, name)
            if key.blob in own:
                detail = "A key counts once. Remove one of the two lines."
                yield _error("E-KEY-TWICE", f"person.{name} lists the key {key.fingerprint} twice", detail, place)
            elif holder != name:
                detail = "A signature must lead to one person. Each person needs a key that nobody else holds."
                summary = f"person.{holder} and person.{name} have one key, {key.fingerprint}"
                yield _error("E-KEY-TWICE", summary, detail, place)
            own.add(key.blob)
        for mail in {mail.casefold() for mail in person.emails}:
            other = mails.setdefault(mail, name)
            if other != name:
                detail = "An author must lead to one person. Remove the address from one of them."
                summary = f"person.{other} and person.{name} have one e-mail address, {mail}"
                yield _error("E-EMAIL-TWICE", summary, detail, place)
        for account in {account.casefold() for account in person.accounts}:
            other = accounts.setdefault(account, name)
            if other != name:
                detail = "Who planned must lead to one person. Remove the account from one of them."
                summary = f"person.{other} and person.{name} have one account, {account}"
                yield _error("E-ACCOUNT-TWICE", summary, detail, place)


def _owners(root: RootData, where: _Places) -> Iterator[Diagnostic]:
    for name, owner in root.owners.items():
        place, label = where.owner(name), f"control_owner.{name}"
        if not owner.surfaces:
            detail = f"Say which surfaces it answers for: {', '.join(SURFACES)}."
            yield _error("E-OWNER-SURFACE", f"{label} holds no surface", detail, place)
        for surface in owner.surfaces:
            if surface not in SURFACES:
                yield _error("E-OWNER-SURFACE", f'"{surface}" is no surface', f"Use {', '.join(SURFACES)}.", place)
        for surface in owner.default_for:
            if surface not in owner.surfaces:
                detail = f'Add "{surface}" to its surfaces, or take it out of default_for.'
                yield _error(
                    "E-OWNER-SURFACE", f"{label} is the default of {surface}, which it does not hold", detail, place
                )
        for signer in owner.signers:
            if signer not in root.people:
                detail = "Declare the person, or take the name out of signers."
                yield _error("E-SIGNER", f"{label} has a signer who is no person: {signer}", detail, place)
            elif not root.people[signer].keys:
                detail = f"Give person.{signer} a key: the line of their .pub file."
                yield _error("E-SIGNER", f"person.{signer} signs for {label} and has no key", detail, place)
        if len(set(owner.signers)) != len(owner.signers):
            yield _error("E-SIGNER", f"{label} lists a signer twice", "Quorum counts people: name each once.", place)
        people = len(set(owner.signers))
        if owner.threshold < 1 or owner.threshold > people:
            detail = (
                f"It has {people} signers, so the threshold is between 1 and {people}." if people else "Name signers."
            )
            yield _error("E-THRESHOLD", f"{label} needs {owner.threshold} of {people} people", detail, place)
        if owner.escalation is not None and (owner.escalation.to == name or owner.escalation.to not in root.owners):
            detail = "Escalation goes to another control owner that is declared."
            yield _error("E-ESCALATION", f"{label} escalates to {owner.escalation.to}", detail, place)


def _defaults(root: RootData, where: _Places) -> Iterator[Diagnostic]:
    for surface in SURFACES:
        names = [name for name, owner in root.owners.items() if surface in owner.default_for]
        code = "E-GOVERNANCE" if surface == Surface.GOVERNANCE else "E-DEFAULT-OWNER"
        if not names:
            detail = f'Give one control_owner default_for = ["{surface}"].'
            yield _error(code, f"no control owner is the default of {surface}", detail, where.workspace())
        elif len(names) > 1:
            listed = ", ".join(f"control_owner.{name}" for name in names)
            detail = "Each surface has exactly one default. Take it out of the others' default_for."
            yield _error(
                code, f"{len(names)} owners are the default of {surface}: {listed}", detail, where.owner(names[1])
            )


def _explicit(root: RootData, where: _Places) -> Iterator[Diagnostic]:
    """Owners that agents and tools name for themselves."""
    named = [
        (f"agent {agent}", surface, owner, where.agent(agent))
        for agent, owners in root.agents.items()
        for surface, owner in owners.items()
    ]
    named += [(address, Surface.TOOL_ACCESS.value, owner, where.tool(address)) for address, owner in root.tools.items()]
    for who, surface, name, place in named:
        owner = root.owners.get(name)
        if owner is None:
            yield _error("E-OWNER", f"{who} names an owner who is not declared: {name}", "Declare it first.", place)
        elif surface not in owner.surfaces:
            detail = f'Name an owner of {surface}, or add "{surface}" to the surfaces of control_owner.{name}.'
            summary = f"{who} gives {surface} to control_owner.{name}, which does not hold it"
            yield _error("E-OWNER-SURFACE", summary, detail, place)


def _solo(root: RootData, where: _Places) -> Iterator[Diagnostic]:
    signers = {signer for owner in root.owners.values() for signer in owner.signers}
    if root.approval.solo and len(signers) > 1:
        detail = (
            "solo lifts the separation of duties, and is for one person alone. Take it out: there are others to sign."
        )
        summary = f"solo = true, but there are {len(signers)} signers: {', '.join(sorted(signers))}"
        yield _error("E-SOLO", summary, detail, where.workspace())


def _notice(root: RootData, where: _Places) -> Iterator[Diagnostic]:
    if root.approval.notice_seconds < SHORTEST_NOTICE_SECONDS:
        detail = (
            "It is the time in which an owner can see that governance is about to replace it."
            f' Write notice = "{SHORTEST_NOTICE_SECONDS // 3600}h" or more.'
        )
        yield _error("E-NOTICE", "the notice before an owner is replaced is too short", detail, where.workspace())


def _waivers(root: RootData, where: _Places) -> Iterator[Diagnostic]:
    """Exceptions and baselines that could never be judged."""
    for name, item in root.exceptions.items():
        place = where.exception(name)
        if item.accepted_by not in root.owners:
            detail = "Name a control owner that is declared: it signs for the risk."
            yield _error("E-EXCEPTION", f"{name} is accepted by {item.accepted_by}, who is no owner", detail, place)
    ends = {name: item.expires for name, item in root.exceptions.items()}
    ends |= {name: baseline.expires for name, baseline in root.baselines.items()}
    for name, end in ends.items():
        try:
            end_of(end)
        except ValueError:
            yield _error("E-EXCEPTION", f"{name} ends on {end}, which is no date", "Write 2027-01-15.", None)


def _checkpoint_keys(root: RootData, where: _Places) -> Iterator[Diagnostic]:
    for line in root.approval.checkpoint_keys:
        try:
            keys.parse(line)
        except KeyRefused as error:
            yield _error("E-CHECKPOINT-KEY", "a checkpoint key cannot be used", f"{error}.", where.workspace())
