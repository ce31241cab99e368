"""Resources of a cloud, as desired and as live: what a plan compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .source import SourceRange

Attributes = Mapping[str, Any]
"""JSON values by attribute name, in the provider's canonical form once normalized; never floats."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a resource is, in the cloud's own terms; the same on the desired and the live side.

    `target` is the account or project. `name` is unique within target and kind; what hangs on a parent is named
    `parent/child`.
    """

    provider: str
    target: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.target}:{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Mark:
    """The ownership mark that a live resource carries in the cloud itself (tags on AWS)."""

    workspace: str
    agent: str | None
    block: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource.

    `agent` is the name of the agent whose authority it is part of; None for what agents share. `parent` is set for
    what cannot exist alone (a role's inline policy): it belongs to whoever owns the parent. `uses` names resources
    whose content is part of this one's authority (a role's boundary policy). `mark` is the live ownership mark;
    None on a live top-level resource means it is not ours.
    `unread` names attributes whose value the read did not see: they differ from nothing. On the desired side it names
    those that the configuration leaves to somebody else. `needs` names, on the desired side, what must exist before
    this can be made and is no part of its authority (the role that a trust admits).
    """

    address: Address
    attributes: Attributes
    agent: str | None = None
    parent: Address | None = None
    uses: tuple[Address, ...] = ()
    mark: Mark | None = None
    unread: tuple[str, ...] = ()
    needs: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """A resource that the configuration asks for, and why.

    `block` is the address of the HCL block (`grant.triage_reads`), `label` what a person calls the resource,
    `owners` the control owner by surface where the block itself decides it (a grant's tools); surfaces that are left
    out go to the agent's and then the workspace's owner. `tools` are the tool addresses a grant's policy serves.
    `counterparts` are other agents that it lets this one reach: their owners are asked too. `ends` is when it is to be
    taken away, where the cloud cannot end it by itself.
    """

    resource: Resource
    block: str
    label: str
    owners: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    source: SourceRange | None = None
    counterparts: tuple[str, ...] = ()
    ends: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a read did not see: never the same as absent.

    `what` is what was not read, `reason` the cloud's answer, `permission` what the reader lacks when that is why.
    `agents` are those whose authority is not fully known for it; empty means every agent of the target.
    """

    provider: str
    target: str
    what: str
    reason: str
    permission: str | None = None
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a read saw. `calls` counts API calls by `provider:target`; counts are reported, never signed."""

    targets: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    not_looked_at: tuple[str, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return not self.gaps


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one account or project holds in all, whoever owns it: what is needed of it to tell what would be refused.

    `counts` and `quotas` are by what the provider counts; what was not read is left out. `principals` are the full
    names of those that a policy may name.
    """

    target: str
    counts: Mapping[str, int] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    principals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A principal that looks like an agent and bears no workspace's mark. `noun` is what a person calls its kind, `why`
    what makes it look so, `holds` what it may do, in short sentences. `last_used` is an RFC 3339 UTC time, None where
    it never was or the cloud does not say."""

    address: Address
    noun: str
    why: str
    last_used: str | None = None
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LastUse:
    """What a cloud itself says of the use of a principal: RFC 3339 UTC times. `last` is empty where it says that there
    was none, `made` where it does not say since when the principal is there."""

    last: str
    made: str = ""


@dataclass(frozen=True, slots=True)
class ResourcePolicy:
    """The policy that stands on a resource of somebody's: read where a tool needs it, never written.

    `resource` is its name in the cloud, `document` None where it has none, `unread` why it could not be read.
    """

    target: str
    resource: str
    document: Mapping[str, Any] | None
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Live resources in scope: those marked as ours, those under a desired name, and all that hangs on them.

    `inventories` are of the targets that were read as a whole, where the provider takes them; `sightings` what looks
    like an agent there and is nobody's; `policies` are those of the resources that the scope asked for. `last_uses` are
    of principals in scope, where the cloud says it without logs: beside the state, so that use is no difference.
    """

    resources: tuple[Resource, ...]
    coverage: Coverage
    inventories: tuple[Inventory, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    policies: tuple[ResourcePolicy, ...] = ()
    last_uses: Mapping[Address, LastUse] = field(default_factory=dict)
