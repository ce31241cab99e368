"""The roles of an account as one bulk read shows them: what a single read would say of many operations' objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from provisioner.model.changes import Operation

from . import live, schema
from .client import Account
from .forms import canonical_attributes
from .found import Found

Raw = Mapping[str, Any]

KINDS = frozenset({schema.ROLE, schema.ROLE_POLICY, schema.ATTACHMENT})
"""What the bulk answer shows whole. It lacks the tags of managed policies, so those are read one by one."""


@dataclass(frozen=True, slots=True)
class View:
    """`began`: when the read was begun, by `time.monotonic`; `names`: the roles that were looked for; `settings`:
    ListRoles' answers by role name."""

    account: Account
    began: float
    names: frozenset[str]
    roles: Mapping[str, Raw]
    settings: Mapping[str, Raw]

    def found(self, operation: Operation) -> Found | None:
        """As `look_up` would find it; None where this cannot tell (another kind, a role made between the listings)."""
        reader = _READERS.get(operation.address.kind)
        return None if reader is None else reader(self, operation)

    def _role(self, operation: Operation) -> Found | None:
        name = operation.address.name
        raw, settings = self.roles.get(name), self.settings.get(name)
        if raw is None and settings is None:
            return Found(None, None, name)
        if raw is None or settings is None:
            return None
        return Found(live.role(self.account.id, "", raw, settings).attributes, live.tags_of(raw), name)

    def _role_policy(self, operation: Operation) -> Found | None:
        role, _, policy = operation.address.name.partition("/")
        raw = self.roles.get(role)
        if raw is None:
            return None
        for item in raw.get("RolePolicyList") or ():
            if item["PolicyName"] == policy:
                attributes = {"role_arn": raw["Arn"], "document": item["PolicyDocument"]}
                return Found(canonical_attributes(schema.ROLE_POLICY, attributes), live.tags_of(raw), role)
        return Found(None, live.tags_of(raw), role)

    def _attachment(self, operation: Operation) -> Found | None:
        role, _, arn = operation.address.name.partition("/")
        raw = self.roles.get(role)
        if raw is None:
            return None
        if all(item["PolicyArn"] != arn for item in raw.get("AttachedManagedPolicies") or ()):
            return Found(None, live.tags_of(raw), role)
        attributes = {"role_arn": raw["Arn"], "policy_arn": arn, "document": None}
        return Found(canonical_attributes(schema.ATTACHMENT, attributes), live.tags_of(raw), role)


_READERS: Mapping[str, Callable[[View, Operation], Found | None]] = {
    schema.ROLE: View._role,
    schema.ROLE_POLICY: View._role_policy,
    schema.ATTACHMENT: View._attachment,
}


def view(account: Account, names: frozenset[str]) -> View:
    """The roles of these names, and nothing else of the account is kept. Raises what `faults` classifies."""
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        details = pool.submit(_details, account, names)
        settings = pool.submit(_settings, account, names)
        return View(account, began, names, details.result(), settings.result())


def _details(account: Account, names: frozenset[str]) -> dict[str, Raw]:
    found: dict[str, Raw] = {}
    for page in account.pages("get_account_authorization_details", Filter=["Role"]):
        found.update((raw["RoleName"], raw) for raw in page["RoleDetailList"] if raw["RoleName"] in names)
    return found


def _settings(account: Account, names: frozenset[str]) -> dict[str, Raw]:
    found: dict[str, Raw] = {}
    for page in account.pages("list_roles"):
        for raw in page["Roles"]:
            if raw["RoleName"] in names:
                found[raw["RoleName"]] = {name: raw.get(name) for name in ("Description", "MaxSessionDuration")}
    return found
