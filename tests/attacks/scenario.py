"""A small company, its trust root, one plan, and keys made from fixed seeds: what the attacks are made from."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.approval import chain, dsse, keys, review, revocation, sshsig, statement
from provisioner.approval.past import Past
from provisioner.approval.requirements import of_plan
from provisioner.approval.revocation import Recorded
from provisioner.approval.root import (
    RootData,
    RootOwner,
    RootPerson,
    RootTest,
    TrustRoot,
    make_root,
    pin,
)
from provisioner.approval.statement import Accepted, Statement, Witness
from provisioner.approval.verdict import Carried, Evidence, LedgerSignoff, PublishedPlan
from provisioner.approval.wire import string
from provisioner.model.changes import ABSENT, Action, Change, Effect, Operation, Surface
from provisioner.model.configuration import Approval, Limits
from provisioner.model.findings import Finding, Level, TestSummary
from provisioner.model.plan import (
    AgentNote,
    AgentWorld,
    Exclusion,
    Plan,
    PlanNotes,
    PlanTarget,
    Requirement,
    ResourceState,
    RootReference,
)
from provisioner.model.resources import Address, Mark
from provisioner.planfile import PlanFile, seal
from provisioner.sdk.digests import state_digest
from provisioner.sdk.schema import BlockSchema, FieldSchema, KindSchema, ProviderSchema

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PUBLISHED = NOW - timedelta(hours=1)
WORKSPACE = "acme-agents"
LEDGER = "file:///ledger"
ACCOUNT = "111122223333"
PEOPLE = ("alice", "bob", "carol", "dana", "erin", "sam", "tom")
ENTRIES = {at: "sha256:" + hashlib.sha256(b"entry %d" % at).hexdigest() for at in range(1, 10)}


def private_key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def key_blob(name: str) -> bytes:
    point = private_key(name).public_key().public_bytes_raw()
    if name.endswith("-sk"):
        return string(keys.SK_ED25519.encode()) + string(point) + string(b"ssh:")
    return string(keys.ED25519.encode()) + string(point)


def key_line(name: str) -> str:
    return keys.from_blob(key_blob(name)).line


def signature(
    name: str, message: bytes, namespace: str = sshsig.NAMESPACE, hash_name: str = "sha512", flags: int = 1
) -> bytes:
    """An SSHSIG blob as ssh-keygen would make it; under a name that ends in -sk as a security key would."""
    digest = hashlib.new(hash_name, message).digest()
    fields = (namespace.encode(), b"", hash_name.encode(), digest)
    signed = b"SSHSIG" + b"".join(string(item) for item in fields)
    kind, tail = keys.ED25519, b""
    if name.endswith("-sk"):
        kind, tail = keys.SK_ED25519, bytes([flags]) + (7).to_bytes(4, "big")
        signed = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(signed).digest()
    inner = string(kind.encode()) + string(private_key(name).sign(signed)) + tail
    return (
        b"SSHSIG"
        + (1).to_bytes(4, "big")
        + string(key_blob(name))
        + b"".join(string(item) for item in fields[:3])
        + string(inner)
    )


class Cloud:
    """Two kinds of resource, and one call for each change of them."""

    def schema(self) -> ProviderSchema:
        none = BlockSchema()
        kinds = {
            "role": KindSchema(
                "role",
                {"trust": FieldSchema((Surface.IDENTITY,)), "boundary": FieldSchema((Surface.RUNTIME,))},
                principal=True,
            ),
            "role_policy": KindSchema("inline policy", {"document": FieldSchema((Surface.TOOL_ACCESS,))}),
            "service": KindSchema(
                "service",
                {"who": FieldSchema((Surface.IDENTITY,)), "tags": FieldSchema((Surface.IDENTITY,))},
                principal=True,
                mark="tags",
            ),
            "access_key": KindSchema("access key", {"status": FieldSchema((Surface.IDENTITY,))}, observed=True),
        }
        return ProviderSchema("cloud", none, none, none, none, none, {}, {}, kinds)

    def narrows(self, change: Change) -> bool:
        """Lists of what is allowed, and nothing else: fewer is narrower."""
        old, new = (set((side or {}).get("document", {}).get("allow", ())) for side in (change.before, change.after))
        return change.address.kind == "role_policy" and new < old

    def full_name(self, change: Change) -> str:
        return f"cloud::{change.address.target}:{change.address.name}"

    def belongs_to(self, address: Address, attributes: Mapping[str, Any] | None) -> str | None:
        """A service has an address that says nothing of what else there is."""
        return address.name.partition("/")[0] if address.kind != "service" else None

    def ends(self, kind: str, attributes: Mapping[str, Any]) -> str | None:
        until: str | None = attributes.get("document", {}).get("until")
        return until

    def swept(self, kind: str, attributes: Mapping[str, Any]) -> bool:
        """A list of what is allowed that cannot end by itself."""
        return kind == "role_policy" and "swept" in attributes.get("document", {})

    def mark_in(self, kind: str, attributes: Mapping[str, Any]) -> Mark | None:
        workspace = attributes.get("tags", {}).get("workspace")
        return Mark(workspace, None, "") if workspace else None

    def with_mark(self, kind: str, attributes: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> dict[str, Any]:
        if "tags" not in attributes:
            return dict(attributes)
        own = {key: value for key, value in attributes["tags"].items() if key != "workspace"}
        ours = {key: value for key, value in (wanted or {}).get("tags", {}).items() if key == "workspace"}
        return {**attributes, "tags": own | ours}

    def operations(self, change: Change) -> tuple[Operation, ...]:
        if change.action.marks_only and change.before == change.after:
            return ()
        fields = tuple(self.schema().kinds[change.address.kind].fields)
        params = {"name": change.address.name, "to": change.after}
        verb = f"cloud:{change.action.value.title()}"
        before, after = (state_digest(side, fields) for side in (change.before, change.after))
        return (Operation(f"{change.number}.1", change.number, change.address, verb, params, fields, before, after),)


def root_data(**over: Any) -> RootData:
    def owner(surface: str, signers: tuple[str, ...], threshold: int = 1) -> RootOwner:
        return RootOwner(surface, "team@acme.example", (surface,), (surface,), signers, threshold, None)

    data = RootData(
        workspace=WORKSPACE,
        ledger=LEDGER,
        people={
            name: RootPerson(
                (f"{name}@acme.example",), (key_line(name), *([key_line("bob-sk")] if name == "bob" else []))
            )
            for name in PEOPLE
        },
        owners={
            "api": owner("tool_access", ("carol", "dana")),
            "iam": owner("identity", ("alice", "bob")),
            "platform": owner("runtime", ("erin",)),
            "security": owner("governance", ("sam", "tom"), 2),
        },
        agents={},
        tools={},
        approval=Approval(),
        limits=Limits(max_changes=5),
        protect=(),
        severity={"TRI-1": "accept"},
        tests={"test.cannot_pay": RootTest("sha256:" + "0" * 64, ("triage",))},
    )
    return replace(data, **over)


def root_with(**over: Any) -> TrustRoot:
    """The company's root, with fields of `approval` and of owners changed: `iam={"threshold": 2}`."""
    data = root_data()
    approval = replace(data.approval, **over.pop("approval", {}))
    owners = {name: replace(owner, **over.get(name, {})) for name, owner in data.owners.items()}
    rest = {name: value for name, value in over.items() if name not in owners}
    return make_root(replace(data, owners=owners, approval=approval, **rest))


def address(kind: str, name: str) -> Address:
    return Address("cloud", ACCOUNT, kind, name)


ROLE = Change(
    number=1,
    action=Action.CREATE,
    address=address("role", "acme-agents-triage"),
    label="role acme-agents-triage",
    agent="triage",
    block="agent.triage",
    surfaces=(Surface.IDENTITY, Surface.RUNTIME),
    owners={"identity": "iam", "runtime": "platform"},
    effect=Effect.WIDER,
    can=("workload triage becomes this agent",),
    cannot=(),
    reason="",
    before=None,
    after={"trust": {"who": "triage"}, "boundary": "agents"},
)
GRANT = Change(
    number=2,
    action=Action.UPDATE,
    address=address("role_policy", "acme-agents-triage/reads"),
    label="grant.reads",
    agent="triage",
    block="grant.reads",
    surfaces=(Surface.TOOL_ACCESS,),
    owners={"tool_access": "api"},
    effect=Effect.NARROWER,
    can=(),
    cannot=("s3:GetObject on acme-archive",),
    reason="",
    before={"document": {"allow": ["inbox", "archive"]}},
    after={"document": {"allow": ["inbox"]}},
    fields=("document",),
    tools=("tool.inbox",),
)
TRIFECTA = Finding(
    "TRI-1", Level.ACCEPT, "tool_access", "agent.triage", "three things in one", "split it", "triage", (2,)
)


def draft(root: TrustRoot, **over: Any) -> Plan:
    """The plan with `over` put in, and then everything that follows from it put right, as the planner would."""
    changes = over.pop("changes", (ROLE, GRANT))
    authors = over.pop("authors", (Exclusion("erin-not-here", "author"),))
    operations = tuple(
        replace(operation, agent=change.agent) for change in changes for operation in Cloud().operations(change)
    )
    agents = sorted({change.agent for change in changes if change.agent})
    fields: dict[str, Any] = {
        "workspace": WORKSPACE,
        "base": 0,
        "root": RootReference(root.version, root.digest),
        "targets": (PlanTarget("cloud", ACCOUNT, "cloud", "prod"),),
        "scope": (),
        "changes": changes,
        "operations": operations,
        "worlds": tuple(AgentWorld(agent, "a", "b", (ResourceState("x", ABSENT, "b"),)) for agent in agents),
        "agents": tuple(AgentNote(agent, True, "dana", "prod", "untrusted", "boundary.agents") for agent in agents),
        "findings": (TRIFECTA,),
        "tests": TestSummary(passed=3),
        "requirements": (),
        "exclusions": tuple(authors),
        "unknown_authors": (),
        "gaps": (),
        "solo": root.data.approval.solo,
        "agent_total": 1,
    }
    plan = Plan(**(fields | over))
    wanted = of_plan(root.data, plan)
    return replace(plan, requirements=wanted.requirements, exclusions=wanted.exclusions)


def file_of(plan: Plan) -> PlanFile:
    return seal(plan, PlanNotes(created="2026-11-23T11:00:00Z", tool="test"))


def say(planfile: PlanFile, requirement: Requirement, number: int = 0, **over: Any) -> Statement:
    """A statement with a nonce that is the same in every run."""
    said = statement.make(
        planfile,
        requirement,
        review=review.review_digest(review.review_text(planfile, requirement.surface, requirement.owner))
        if requirement in planfile.plan.requirements
        else "sha256:" + "1" * 64,
        now=NOW - timedelta(minutes=30),
        lifetime_seconds=3600,
        witness=Witness(4, ENTRIES[4]),
        accepted=tuple(Accepted(name, "known and limited") for name in requirement.accept),
    )
    nonce = hashlib.sha256(f"{planfile.digest}{requirement.part}{number}".encode()).hexdigest()[:32]
    return replace(said, **({"nonce": nonce} | over))


def envelope(said: Statement, signer: str, **over: Any) -> dict[str, Any]:
    return envelope_of(statement.encode(said), signer, **over)


def envelope_of(payload: bytes, signer: str, **over: Any) -> dict[str, Any]:
    """An envelope around any payload, good or not."""
    blob = signature(signer, dsse.pae(payload), **over)
    return {
        "payload": b64encode(payload).decode(),
        "payloadType": dsse.PAYLOAD_TYPE,
        "signatures": [{"keyid": keys.from_blob(key_blob(signer)).fingerprint, "sig": b64encode(blob).decode()}],
    }


def revocation_of(
    root: TrustRoot, signer: str, index: int = 20, *, key: str | None = None, person: str | None = None, **over: Any
) -> Recorded:
    """A recorded revocation of a key (by its holder's name) or of a person, signed by `signer`. `over` spoils it."""
    fingerprint = keys.from_blob(key_blob(key)).fingerprint if key else None
    said = revocation.make(
        root, pin(root), fingerprint, person, "laptop stolen", now=NOW, witness=Witness(4, ENTRIES[4])
    )
    nonce = hashlib.sha256(f"{signer}{fingerprint}{person}{index}".encode()).hexdigest()[:32]
    said = replace(said, **({"nonce": nonce} | over))
    made = envelope_of(revocation.encode(said), signer)
    return Recorded(index, said.fingerprint, said.person, said.reason, made)


SIGNERS = {"iam": "alice", "platform": "erin", "api": "carol", "security": "sam", "finance": "tom"}


@dataclass
class Situation:
    """Everything that a verdict is made from, good by default; an attack spoils one thing."""

    root: TrustRoot = field(default_factory=lambda: make_root(root_data()))
    planfile: PlanFile = None  # type: ignore[assignment]
    envelopes: list[Mapping[str, Any]] = None  # type: ignore[assignment]
    published: PublishedPlan | None = None
    base: int = 0
    entries: Mapping[int, str] = field(default_factory=lambda: dict(ENTRIES))
    now: datetime = NOW
    pin: str | None = ""
    revoked: frozenset[str] = frozenset()
    authorship: Any = None
    revocations: tuple[Recorded, ...] = ()
    past: Past | None = None
    later_roots: tuple[chain.RootRecord, ...] = ()
    first_index: int = 6
    carried: tuple[Carried, ...] = ()
    store_now: datetime | None = None
    announced: datetime | None = None
    swept: PlanFile | None = None
    """An applied plan, signed for, whose sweeps may run."""

    def __post_init__(self) -> None:
        if self.planfile is None:
            self.planfile = file_of(draft(self.root))
        if self.envelopes is None:
            self.envelopes = signed_by_all(self.planfile)
        if self.published is None:
            self.published = PublishedPlan(self.planfile.digest, 5, PUBLISHED)
        if self.pin == "":
            self.pin = pin(self.root)

    @property
    def signoffs(self) -> tuple[LedgerSignoff, ...]:
        return tuple(LedgerSignoff(at, item) for at, item in enumerate(self.envelopes, start=self.first_index))

    def in_force(self) -> Any:
        records = (chain.RootRecord(self.root.body()), *self.later_roots)
        return chain.follow(records, self.pin, WORKSPACE, LEDGER)

    def evidence(self, **over: Any) -> Evidence:
        values: dict[str, Any] = {
            "root": self.in_force(),
            "signoffs": self.signoffs,
            "published": self.published,
            "base": self.base,
            "entries": self.entries,
            "now": self.now,
            "providers": {"cloud": Cloud()},
            "revoked": self.revoked,
            "authorship": self.authorship,
            "past": self.past,
            "carried": self.carried,
            "store_now": self.store_now,
            "announced": self.announced,
        }
        return Evidence(**(values | over))


def signed_by_all(planfile: PlanFile, signers: Mapping[str, str] | None = None) -> list[Mapping[str, Any]]:
    """One good sign-off for each requirement."""
    who = {**SIGNERS, **(signers or {})}
    return [envelope(say(planfile, item), who[item.owner]) for item in planfile.plan.requirements]


def requirement(planfile: PlanFile, owner: str) -> Requirement:
    return next(item for item in planfile.plan.requirements if item.owner == owner)
