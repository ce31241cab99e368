"""What both ways of reading share: the resources found, the gaps, and the parts read one call at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from provisioner.model.resources import Address, Gap, Inventory, LastUse, Resource, ResourcePolicy, Sighting
from provisioner.sdk.provider import Scope

from . import live, names, schema
from .client import READ_TRIES, Account
from .faults import ANSWERS, Fault, classify, message

T = TypeVar("T")


@dataclass(slots=True)
class Gathered:
    """What a read of one account has found so far. `documents` are those of managed policies, by ARN; `unseen` says
    what was not read and concerns no agent that is there. `inventory` is of the whole account, where it was read."""

    account: Account
    scope: Scope
    resources: dict[Address, Resource] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    documents: dict[str, Any] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)
    inventory: Inventory | None = None
    role_names: frozenset[str] | None = None
    sightings: list[Sighting] = field(default_factory=list)
    policies: tuple[ResourcePolicy, ...] = ()
    last_uses: dict[Address, LastUse] = field(default_factory=dict)

    def add(self, resource: Resource) -> None:
        self.resources[resource.address] = resource

    def add_role(self, role: Resource, raw: Mapping[str, Any]) -> None:
        """A role, with what IAM says of its use."""
        self.add(role)
        use = live.last_use(raw)
        if use is not None:
            self.last_uses[role.address] = use

    def attempt(self, what: str, permission: str, read: Callable[[], T], agents: tuple[str, ...] = ()) -> T | None:
        """The result, or None with a gap. Raises CloudError where there is no way to the cloud at all."""
        try:
            return read()
        except ANSWERS as error:
            if classify(error) in (Fault.UNREACHABLE, Fault.CREDENTIALS):
                raise self.account.error(error, permission) from error
            self.gap(what, permission, error, agents)
            return None

    def gap(self, what: str, permission: str, error: Exception, agents: tuple[str, ...] = ()) -> None:
        fault = classify(error)
        reason = message(error)
        if fault is Fault.THROTTLED:
            reason = f"throttled, still so at the {READ_TRIES}th try: {reason}"
        lacking = permission if fault is Fault.DENIED else None
        self.gaps.append(Gap("aws", self.account.id, what, reason, lacking, agents))

    def may_be_in_scope(self, raw: Mapping[str, Any]) -> bool:
        """Whether a role, as the bulk answer has it, is worth keeping: it is asked for by its name, or bears a mark of
        this workspace."""
        if self.role_names is None:
            own = (a for a in self.scope.addresses if a.kind == schema.ROLE and a.target == self.account.id)
            self.role_names = frozenset(address.name for address in own)
        mark = names.mark_of(live.tags_of(raw))
        return raw["RoleName"] in self.role_names or (mark is not None and mark.workspace == self.scope.workspace)

    def in_scope(self, role: Resource) -> bool:
        """Whether a role is one that the scope asks for: marked as this workspace's, or under a desired name. One whose
        mark names an agent that would have another role may be forged: then its name counts."""
        agents = self.scope.agents
        if role.agent is not None:
            if agents is None or role.agent in agents:
                return True
            usual = names.role_name(self.scope.workspace, role.agent)
            return role.address in self.scope.addresses and role.address.name != usual
        return role.address in self.scope.addresses or bool(role.mark and role.mark.workspace == self.scope.workspace)

    def wanted_policies(self) -> set[Address]:
        """Boundary policies that the scope names or that a role in scope stands in."""
        named = {a for a in self.scope.addresses if a.kind == schema.POLICY and a.target == self.account.id}
        roles = (r for r in self.resources.values() if r.address.kind == schema.ROLE)
        return named | {address for role in roles for address in role.uses}

    def policy_tags(self, arn: str) -> dict[str, str] | None:
        """Tags of one managed policy; None with a gap. AWS's own policies have none."""

        def read() -> dict[str, str]:
            found: dict[str, str] = {}
            for page in self.account.pages("list_policy_tags", PolicyArn=arn):
                found.update(live.tags_of(page))
            return found

        if ":iam::aws:policy/" in arn:
            return {}
        return self.attempt(f"tags of policy {arn}", "iam:ListPolicyTags", read)

    def document(self, arn: str, agents: tuple[str, ...]) -> Any | None:
        """The default version's document of a managed policy; None with a gap."""
        if arn not in self.documents:
            found = self.policy_with_document(arn, agents)
            self.documents[arn] = None if found is None else found[1]
        return self.documents[arn]

    def policy_with_document(self, arn: str, agents: tuple[str, ...]) -> tuple[Mapping[str, Any], Any] | None:
        """GetPolicy's answer and the default version's document; None where it is not there, or with a gap."""

        def read() -> tuple[Mapping[str, Any], Any] | None:
            answer = absent_as_none(lambda: self.account.read("get_policy", PolicyArn=arn))
            if answer is None:
                return None
            raw = answer["Policy"]
            return raw, version_document(self.account, arn, raw["DefaultVersionId"])

        return self.attempt(f"policy {arn}", "iam:GetPolicyVersion", read, agents)

    def attachments(self, role: Resource, arns: list[str]) -> None:
        for arn in arns:
            if not self.pack(role, arn, is_attached=True):
                agents = (role.agent,) if role.agent else ()
                self.add(live.attachment(role, arn, self.document(arn, agents)))

    def pack(self, role: Resource, arn: str, is_attached: bool) -> bool:
        """Take in a managed policy that holds grants of the role; False for one that is not ours, whatever its name."""
        if role.agent is None or not live.is_pack(self.account.id, role.address.name, arn):
            return False
        document, tags = self.document(arn, (role.agent,)), self.policy_tags(arn)
        if tags is None:
            return True  # a gap says so
        mark = names.mark_of(tags)
        if mark is None or (mark.workspace, mark.agent) != (self.scope.workspace, role.agent):
            return False
        self.add(live.pack(role, arn, document, tags, is_attached))
        return True


def absent_as_none(read: Callable[[], T]) -> T | None:
    """The result of a read, None where the cloud says that the thing does not exist."""
    try:
        return read()
    except ANSWERS as error:
        if classify(error) is Fault.ABSENT:
            return None
        raise


_VERSIONS: dict[tuple[str, str], Any] = {}
"""Documents of AWS-managed policies by ARN and version: a version never changes, so it is read once a process."""


def version_document(account: Account, arn: str, version: str) -> Any:
    """The document of one version of a managed policy."""
    key = (arn, version)
    if key in _VERSIONS:
        return _VERSIONS[key]
    answer = account.read("get_policy_version", PolicyArn=arn, VersionId=version)
    document = answer["PolicyVersion"]["Document"]
    if ":iam::aws:policy/" in arn:
        _VERSIONS[key] = document
    return document
