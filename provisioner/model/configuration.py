"""The typed configuration: what the HCL says, decoded and checked, with every reference resolved to a name.

Blocks are named by their HCL address (`agent.invoice_triage`, `module.billing.tool.inbox`, `agent.worker["a"]`).
An agent also has a `name`, unique in the workspace, from which the clouds' names are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .source import SourceRange


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
    """`keys` are OpenSSH public key lines (type, base64; comments are cut off)."""

    name: str
    emails: tuple[str, ...]
    keys: tuple[str, ...]
    range: SourceRange | None = None


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
    """`owners` holds only what the agent itself says; `sponsor` is a person's name; `review_by` an ISO date."""

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
class Limits:
    max_changes: int = 500
    max_delete_percent: int = 30


@dataclass(frozen=True, slots=True)
class Approval:
    """`plan_ttl_seconds` runs from publication. `checkpoint_keys` are OpenSSH public key lines."""

    plan_ttl_seconds: int = 72 * 3600
    carry: str = "none"
    narrowing: str = "signed"
    solo: bool = False
    checkpoint_keys: tuple[str, ...] = ()


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
