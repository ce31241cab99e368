"""The typed configuration: what the HCL says, decoded and checked, with every reference resolved to a name.

Blocks are named by their HCL address (`agent.invoice_triage`, `module.billing.tool.inbox`, `agent.worker["a"]`).
An agent also has a `name`, unique in the workspace, from which the clouds' names are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .source import SourceRange

AGENT_SURFACES: Final = ("identity", "tool_access", "runtime")
"""The surfaces that an agent has; governance is the workspace's."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A block whose shape a provider's schema defines, decoded to plain values.

    `values` holds str, int, bool, None, tuples and dicts (never floats); `blocks` the nested ones in source order.
    `ranges` gives the range of each attribute's value, `range` that of the block's header.
    """

    type: str
    labels: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Settings, ...] = ()
    range: SourceRange | None = None
    ranges: Mapping[str, SourceRange] = field(default_factory=dict)

    def of(self, block_type: str) -> tuple[Settings, ...]:
        """The nested blocks of one type."""
        return tuple(block for block in self.blocks if block.type == block_type)

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute's value; `default` when it is absent or null."""
        value = self.values.get(name)
        return default if value is None else value

    def range_of(self, name: str) -> SourceRange | None:
        """The range of an attribute, or of the block when the attribute is not written."""
        return self.ranges.get(name, self.range)


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """A `provider` block: what a target is, never with which credentials. `key` is `aws` or `aws.prod`."""

    key: str
    provider: str
    alias: str | None
    environment: str | None
    settings: Settings
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """`keys` are OpenSSH public key lines (type, base64; comments are cut off), `accounts` are `github:alice` and the
    like: under which names a CI platform knows the person."""

    name: str
    emails: tuple[str, ...]
    keys: tuple[str, ...]
    range: SourceRange | None = None
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """After `after_seconds` from publication, `to` may sign in the owner's place."""

    to: str
    after_seconds: int


@dataclass(frozen=True, slots=True)
class ControlOwner:
    """Who answers for surfaces. `threshold` counts distinct people among `signers` (names of persons)."""

    name: str
    title: str
    contact: str
    surfaces: tuple[str, ...]
    default_for: tuple[str, ...]
    signers: tuple[str, ...]
    threshold: int
    escalation: Escalation | None = None
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Boundary:
    """What no identity policy can exceed. `clouds` holds one Settings per provider name."""

    address: str
    name: str
    max_session_seconds: int | None
    clouds: Mapping[str, Settings]
    range: SourceRange | None = None
    prevent_destroy: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """What the API team offers. `clouds` maps a provider name to its blocks (several where they carry labels)."""

    address: str
    name: str
    purpose: str
    owner: str | None
    sensitivity: str
    effect: str
    clouds: Mapping[str, tuple[Settings, ...]]
    requires: tuple[Settings, ...] = ()
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """`attribution` is None where the agent leaves it to the runtime's strongest."""

    attribution: str | None = None
    max_seconds: int | None = None
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What an agent is in one cloud. `provider` is a ProviderConfig key."""

    cloud: str
    provider: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class Agent:
    """`owners` holds only what the agent itself says; `sponsor` is a person's name; `review_by` an ISO date.

    `manage` lists the surfaces that plans write; the others are observed and judged.
    """

    address: str
    name: str
    purpose: str | None
    sponsor: str | None
    inputs: str
    environment: str | None
    review_by: str | None
    boundary: str | None
    owners: Mapping[str, str]
    session: Session
    runtime: Settings
    identities: Mapping[str, Identity]
    prevent_destroy: bool = False
    range: SourceRange | None = None
    manage: tuple[str, ...] = AGENT_SURFACES


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a grant ends: an RFC 3339 time in UTC, or seconds from when it is first planned."""

    at: str | None = None
    after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """`agents` are agent names, `tools` tool addresses; `clouds` None means every cloud the tools have.

    `when` holds `session_tags` and `resource`, maps of strings that must hold in the request.
    """

    address: str
    name: str
    agents: tuple[str, ...]
    tools: tuple[str, ...]
    expires: Expiry | None
    reason: str | None
    clouds: tuple[str, ...] | None = None
    when: Mapping[str, Any] = field(default_factory=dict)
    range: SourceRange | None = None
    prevent_destroy: bool = False


@dataclass(frozen=True, slots=True)
class BoundaryTest:
    """`agents` are names. Each attempt's and assume's Settings carries the label as its name.

    `generated` tells the tool's own negatives from declared tests.
    """

    address: str
    name: str
    agents: tuple[str, ...]
    surface: str
    expect: str
    attempts: tuple[Settings, ...] = ()
    assumes: tuple[Settings, ...] = ()
    strict: bool = False
    generated: bool = False
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Federation:
    """A trust that many agents share: `provider` is the key of the target that holds it, `settings` its shape there."""

    address: str
    name: str
    provider: str
    settings: Settings
    range: SourceRange | None = None
    prevent_destroy: bool = False


@dataclass(frozen=True, slots=True)
class Delegation:
    """Authority of agents over another agent. `sources` and `target` are agent names; `via` is assume_role, invoke or
    impersonate."""

    address: str
    name: str
    sources: tuple[str, ...]
    target: str
    via: str
    expires: Expiry | None
    reason: str | None = None
    range: SourceRange | None = None
    prevent_destroy: bool = False


@dataclass(frozen=True, slots=True)
class RuleException:
    """An `exception` block: one rule, set aside for some subjects until a day. `subjects` are block addresses;
    `accepted_by` is a control owner's name; `expires` an ISO date: the exception ends with its first moment in UTC."""

    address: str
    name: str
    rule: str
    subjects: tuple[str, ...]
    reason: str
    compensating_control: str
    ticket: str
    accepted_by: str
    expires: str
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The violations of the day of adoption. `agents` are names; `expires` an ISO date."""

    address: str
    name: str
    rules: tuple[str, ...]
    agents: tuple[str, ...]
    expires: str
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class CustomRule:
    """A `rule` block, evaluated for every block of one kind. `breaches` are the addresses that break it, each with
    the message made for it; `judged` counts the blocks that were looked at; `condition` is its text, white space told
    as one space."""

    address: str
    name: str
    each: str
    severity: str
    surface: str
    fix: str
    references: tuple[str, ...]
    breaches: tuple[tuple[str, str], ...]
    judged: int
    range: SourceRange | None = None
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Import:
    """An existing principal that an agent becomes. `agent` is the agent's name, `cloud` where, `id` the cloud's name
    of it (a role's name or ARN, a service account's e-mail address)."""

    agent: str
    cloud: str
    id: str
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """A block that is gone. `address` is the block's, as it was. What it made in the cloud is let go of and stays;
    `destroy`: it is deleted, as if there were no removed block."""

    address: str
    range: SourceRange | None = None
    destroy: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    max_changes: int = 500
    max_delete_percent: int = 30


@dataclass(frozen=True, slots=True)
class Approval:
    """`plan_ttl_seconds` runs from publication. `checkpoint_keys` are OpenSSH public key lines.

    `notice_seconds` is how long governance must have announced, before it may put others in an owner's place.
    """

    plan_ttl_seconds: int = 72 * 3600
    carry: str = "none"
    narrowing: str = "signed"
    solo: bool = False
    checkpoint_keys: tuple[str, ...] = ()
    notice_seconds: int = 72 * 3600


@dataclass(frozen=True, slots=True)
class LedgerConfig:
    """Where the ledger is; `kind` is `local`, `s3` or `gcs`; `settings` its attributes."""

    kind: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Workspace:
    """The `provisioner` block."""

    name: str
    ledger: LedgerConfig
    required_version: str | None = None
    protect: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    approval: Approval = field(default_factory=Approval)
    severity: Mapping[str, str] = field(default_factory=dict)
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a root module says. `files` are the paths read, relative to the root, for sign-off to attribute.

    `inputs` names values that came from outside the files (`-var`, environment): nobody can be held to them.
    `kept` holds addresses that `prevent_destroy` protects: of blocks, and without instance keys of those all of whose
    instances are protected, so that an instance that is gone is known too. `moved` maps an address that a block had
    before to the one it has.
    """

    workspace: Workspace
    providers: Mapping[str, ProviderConfig]
    people: Mapping[str, Person]
    owners: Mapping[str, ControlOwner]
    boundaries: Mapping[str, Boundary]
    tools: Mapping[str, Tool]
    agents: Mapping[str, Agent]
    grants: Mapping[str, Grant]
    tests: Mapping[str, BoundaryTest]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    federations: Mapping[str, Federation] = field(default_factory=dict)
    delegations: Mapping[str, Delegation] = field(default_factory=dict)
    exceptions: Mapping[str, RuleException] = field(default_factory=dict)
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    rules: Mapping[str, CustomRule] = field(default_factory=dict)
    imports: tuple[Import, ...] = ()
    removed: tuple[Removed, ...] = ()
