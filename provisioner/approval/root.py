"""The trust root: who may decide what, as data with versions. A plan is judged by the root in force, never by its own
configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, replace
from typing import Any, Final, Never

from .. import canonical
from ..model.configuration import Approval, BoundaryTest, Configuration, Limits, RuleException, Settings
from ..planfile import PlanFileError, from_builtins, to_builtins

ROOT_DOMAIN: Final = "root/1"
PIN_DOMAIN: Final = "root-pin/1"
TEST_DOMAIN: Final = "boundary-test/1"


class RootError(ValueError):
    """A trust root that cannot be taken; the message is a sentence part that says why."""


@dataclass(frozen=True, slots=True)
class RootPerson:
    """`keys` are OpenSSH public key lines without comments, `accounts` names on a platform (`github:alice`)."""

    emails: tuple[str, ...]
    keys: tuple[str, ...]
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RootEscalation:
    to: str
    after_seconds: int


@dataclass(frozen=True, slots=True)
class RootOwner:
    """A control owner. `threshold` counts distinct people among `signers`."""

    title: str
    contact: str
    surfaces: tuple[str, ...]
    default_for: tuple[str, ...]
    signers: tuple[str, ...]
    threshold: int
    escalation: RootEscalation | None


@dataclass(frozen=True, slots=True)
class RootTest:
    """`digest` covers what a boundary test asserts, without the agents that it is about."""

    digest: str
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RootException:
    """A rule that is set aside for some subjects (block addresses) until a day (`expires`, an ISO date: it ends with
    that day's first moment in UTC). `accepted_by` is the control owner that has signed for the risk."""

    rule: str
    subjects: tuple[str, ...]
    reason: str
    compensating_control: str
    ticket: str
    accepted_by: str
    expires: str


@dataclass(frozen=True, slots=True)
class RootBaseline:
    """The violations of the day of adoption: `rules` by id, `agents` by name, until a day as an exception's."""

    rules: tuple[str, ...]
    agents: tuple[str, ...]
    expires: str


@dataclass(frozen=True, slots=True)
class RootRule:
    """An organisation's own rule: what it judges, how hard it is, and the text of its condition.

    `name` is what findings call it, where that is not the label of its address.
    """

    each: str
    severity: str
    surface: str
    condition: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class RootData:
    """What the root says, without its version.

    `agents` maps an agent's name to the owners that it names itself (by surface), `tools` a tool's address to the
    owner that it names itself; whoever is in neither has the defaults. `tests` are the declared ones, by address;
    `exceptions`, `baselines` and the organisation's own `rules` likewise.
    """

    workspace: str
    ledger: str
    people: Mapping[str, RootPerson]
    owners: Mapping[str, RootOwner]
    agents: Mapping[str, Mapping[str, str]]
    tools: Mapping[str, str]
    approval: Approval
    limits: Limits
    protect: tuple[str, ...]
    severity: Mapping[str, str]
    tests: Mapping[str, RootTest]
    exceptions: Mapping[str, RootException] = field(default_factory=dict)
    baselines: Mapping[str, RootBaseline] = field(default_factory=dict)
    rules: Mapping[str, RootRule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """One version of the root, and the digest that binds version and data."""

    version: int
    data: RootData
    digest: str

    def body(self, plan: str | None = None) -> dict[str, Any]:
        """The ledger entry's body. `plan` is the digest of the plan that authorised it; None for version 1."""
        return {"version": self.version, "data": root_value(self.data), "digest": self.digest, "plan": plan}


ROOT_SEAL: Final = object()
"""Held by `chain` alone."""


@dataclass(frozen=True, slots=True)
class RootInForce:
    """The root that judges. Only `chain.follow` makes one, from the ledger's roots and the runner's pin.

    `pin` is that of the ledger's root 1; `pinned` whether the runner remembers the same. Without it nothing is
    applied, but everything can be shown. `earlier` are the exceptions of all roots before: what comes back is a
    renewal.
    """

    root: TrustRoot
    pin: str
    pinned: bool
    seal: InitVar[object]
    earlier: tuple[RootException, ...] = ()

    def __post_init__(self, seal: object) -> None:
        if seal is not ROOT_SEAL:
            raise TypeError("a root in force comes from chain.follow alone")

    def __reduce__(self) -> Never:
        raise TypeError("a root in force is not copied through bytes")


def root_data(configuration: Configuration, ledger_location: str) -> RootData:
    """What a configuration would have as its root. `ledger_location` is the ledger's own URL-like name."""
    workspace = configuration.workspace
    return RootData(
        workspace=workspace.name,
        ledger=ledger_location,
        people={
            name: RootPerson(person.emails, person.keys, person.accounts)
            for name, person in sorted(configuration.people.items())
        },
        owners=_owners(configuration),
        agents={
            agent.name: dict(sorted(agent.owners.items()))
            for agent in sorted(configuration.agents.values(), key=lambda agent: agent.name)
            if agent.owners
        },
        tools={address: tool.owner for address, tool in sorted(configuration.tools.items()) if tool.owner is not None},
        approval=workspace.approval,
        limits=workspace.limits,
        protect=tuple(sorted(set(workspace.protect))),
        severity=dict(sorted(workspace.severity.items())),
        tests={
            address: RootTest(test_digest(test), tuple(sorted(test.agents)))
            for address, test in sorted(configuration.tests.items())
            if not test.generated
        },
        exceptions={address: _exception(item) for address, item in sorted(configuration.exceptions.items())},
        baselines={
            address: RootBaseline(tuple(sorted(set(item.rules))), tuple(sorted(set(item.agents))), item.expires)
            for address, item in sorted(configuration.baselines.items())
        },
        rules={
            address: RootRule(rule.each, rule.severity, rule.surface, rule.condition, _own_name(address, rule.name))
            for address, rule in sorted(configuration.rules.items())
        },
    )


def rules_named(data: RootData, name: str) -> tuple[RootRule, ...]:
    """The organisation's own rules that findings call by a name."""
    return tuple(rule for address, rule in data.rules.items() if (rule.name or _label(address)) == name)


def _own_name(address: str, name: str) -> str:
    return "" if name == _label(address) else name


def _label(address: str) -> str:
    return address.rpartition(".")[2]


def first_root(configuration: Configuration, ledger_location: str) -> TrustRoot:
    """Root 1: without exceptions and baselines, which nobody has signed for yet. The first plan asks for them."""
    return make_root(replace(root_data(configuration, ledger_location), exceptions={}, baselines={}))


def _exception(item: RuleException) -> RootException:
    return RootException(
        rule=item.rule,
        subjects=tuple(sorted(set(item.subjects))),
        reason=item.reason,
        compensating_control=item.compensating_control,
        ticket=item.ticket,
        accepted_by=item.accepted_by,
        expires=item.expires,
    )


def root_value(data: RootData) -> dict[str, Any]:
    """Root data as plain JSON values. What came after the first version is left out where it says nothing, so that
    older roots keep their one form, their digest and their pin."""
    value: dict[str, Any] = to_builtins(data)
    for person in value["people"].values():
        if not person["accounts"]:
            del person["accounts"]
    for rule in value["rules"].values():
        if not rule["name"]:
            del rule["name"]
    for name in ("exceptions", "baselines", "rules"):
        if not value[name]:
            del value[name]
    if data.approval.notice_seconds == Approval().notice_seconds:
        del value["approval"]["notice_seconds"]
    return value


def make_root(data: RootData, version: int = 1) -> TrustRoot:
    """A root with its digest."""
    return TrustRoot(version, data, canonical.digest(ROOT_DOMAIN, {"version": version, "data": root_value(data)}))


def parse_root(body: Mapping[str, Any]) -> TrustRoot:
    """A root from a ledger entry's body (`version`, `data`, `digest`, and `plan`). Raises RootError.

    Only the form and the digest are checked here; whether it is in force is for `chain.follow`.
    """
    if set(body) != {"version", "data", "digest", "plan"}:
        raise RootError("fields of the trust root are missing or unknown")
    version = body["version"]
    if type(version) is not int or version < 1:
        raise RootError("its version is not a positive number")
    try:
        data = from_builtins(body["data"], RootData)
        if canonical.dumps(root_value(data)) != canonical.dumps(body["data"]):
            raise RootError("its data holds unknown fields or leaves out known ones")
    except (PlanFileError, canonical.CanonicalError) as error:
        raise RootError(str(error)) from error
    root = make_root(data, version)
    if root.digest != body["digest"]:
        raise RootError("its data does not match its digest: it was changed")
    return root


def pin(root: TrustRoot) -> str:
    """What the runner's own file remembers of root 1: 64 hex digits that bind data, workspace and ledger location."""
    value = {"root": root.digest, "workspace": root.data.workspace, "ledger": root.data.ledger}
    return canonical.digest(PIN_DOMAIN, value).removeprefix("sha256:")


def test_digest(test: BoundaryTest) -> str:
    """The digest of what a test asserts: not where it stands, nor which agents it is about."""
    value = {
        "surface": test.surface,
        "expect": test.expect,
        "strict": test.strict,
        "attempts": [_plain(settings) for settings in test.attempts],
        "assumes": [_plain(settings) for settings in test.assumes],
    }
    return canonical.digest(TEST_DOMAIN, value)


def _owners(configuration: Configuration) -> dict[str, RootOwner]:
    out = {}
    for name, owner in sorted(configuration.owners.items()):
        way = owner.escalation
        out[name] = RootOwner(
            title=owner.title,
            contact=owner.contact,
            surfaces=tuple(sorted(owner.surfaces)),
            default_for=tuple(sorted(owner.default_for)),
            signers=tuple(sorted(owner.signers)),
            threshold=owner.threshold,
            escalation=RootEscalation(way.to, way.after_seconds) if way else None,
        )
    return out


def _plain(settings: Settings) -> dict[str, Any]:
    return {
        "type": settings.type,
        "labels": settings.labels,
        "values": settings.values,
        "blocks": [_plain(block) for block in settings.blocks],
    }
