"""One account in bulk: as many calls as there are pages, not as there are agents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provisioner.model.resources import Resource
from provisioner.sdk.provider import Scope

from . import live, names, schema
from .client import Account
from .gather import Gathered
from .inventory import inventory
from .sightings import sighting
from .user_credentials import read_credentials
from .workload import providers
from .workload.read import profiles, read_workloads

Raw = Mapping[str, Any]

_ENTRIES_A_CALL = 50
"""Roles and policies of a bulk page that weigh as much as one small call, by their bytes and the time to read them."""

_FILTER = ["Role", "LocalManagedPolicy", "User"]
_DETAILS = "iam:GetAccountAuthorizationDetails"


def read_bulk(account: Account, scope: Scope) -> Gathered:
    """The scope's live state. Raises CloudError where the account cannot be reached."""
    gathered = Gathered(account, scope)
    with ThreadPoolExecutor(max_workers=3) as pool:
        details = pool.submit(gathered.attempt, "roles and policies", _DETAILS, lambda: _details(gathered))
        listed = pool.submit(gathered.attempt, "session limits of roles", "iam:ListRoles", lambda: _listed(account))
        oidc = pool.submit(providers.listed, account)
        found, settings = details.result(), listed.result()
    if found is None:
        return gathered
    _roles(gathered, found, settings)
    _policies(gathered, found)
    _users(gathered, found)
    read_workloads(gathered)
    providers.read_providers(gathered, oidc.result())
    gathered.inventory = inventory(gathered, found, oidc.result())
    return gathered


def _details(gathered: Gathered) -> dict[str, list[Raw]]:
    """Of a role that is none of the scope's only the ARN is kept: in a large account most are."""
    account = gathered.account
    found: dict[str, list[Raw]] = {"RoleDetailList": [], "UserDetailList": [], "Policies": []}
    pages = 0
    for page in account.pages("get_account_authorization_details", Filter=_FILTER):
        pages += 1
        roles = page.get("RoleDetailList") or ()
        page["RoleDetailList"] = [raw if gathered.may_be_in_scope(raw) else _passed(gathered, raw) for raw in roles]
        for name, items in found.items():
            items += page.get(name) or ()
    account.bulk_cost = 2 * pages + sum(map(len, found.values())) / _ENTRIES_A_CALL
    return found


def _passed(gathered: Gathered, raw: Raw) -> Raw:
    """A role that is none of the scope's; one that looks like an agent is told."""
    seen = sighting(gathered.account.id, raw) if gathered.scope.agents is None else None
    if seen is not None:
        gathered.sightings.append(seen)
    return _slim(raw)


def _slim(raw: Raw) -> Raw:
    return {"Arn": raw["Arn"]}


def _listed(account: Account) -> dict[str, Raw]:
    """Description and MaxSessionDuration by role name."""
    found: dict[str, Raw] = {}
    for page in account.pages("list_roles"):
        for role in page["Roles"]:  # and nothing else of it: the bulk answer has the rest, and both are large
            found[role["RoleName"]] = {name: role.get(name) for name in ("Description", "MaxSessionDuration")}
    return found


def _roles(gathered: Gathered, found: Mapping[str, list[Raw]], settings: Mapping[str, Raw] | None) -> None:
    account, workspace = gathered.account, gathered.scope.workspace
    for policy in found["Policies"]:
        gathered.documents[policy["Arn"]] = _default_document(policy)
    roles = found["RoleDetailList"]
    for at, raw in enumerate(roles):
        if "RoleName" not in raw:
            continue
        roles[at] = _slim(raw)  # so that no more than one role is held in both forms
        role = live.role(account.id, workspace, raw, _settings(gathered, raw["RoleName"], settings))
        if not gathered.in_scope(role):
            continue
        gathered.add_role(role, raw)
        for inline in raw.get("RolePolicyList") or ():
            gathered.add(live.inline_policy(role, inline["PolicyName"], inline["PolicyDocument"]))
        gathered.attachments(role, [item["PolicyArn"] for item in raw.get("AttachedManagedPolicies") or ()])
        profiles(gathered, role, raw.get("InstanceProfileList") or ())
    _loose_packs(gathered, [policy["Arn"] for policy in found["Policies"]])


def _loose_packs(gathered: Gathered, arns: Iterable[str]) -> None:
    """Managed policies of ours that hold grants of a role and are not on it: an apply was cut short, or somebody took
    one off."""
    roles = {r.address.name: r for r in _agent_roles(gathered)}
    for arn in arns:
        name = arn.rpartition("/")[2]
        at = name.find(_PACKS)
        while at >= 0:
            role = roles.get(name[:at])
            if role is not None and live.pack_address(role, arn) not in gathered.resources:
                gathered.pack(role, arn, is_attached=False)
            at = name.find(_PACKS, at + 1)


_PACKS = names.pack_prefix("")


def _settings(gathered: Gathered, name: str, settings: Mapping[str, Raw] | None) -> Raw:
    """A role made between the two listings is in one of them only: it is read by itself."""
    if settings is None:
        return {}
    if name in settings:
        return settings[name]
    read = gathered.attempt(
        f"session limit of role {name}", "iam:GetRole", lambda: gathered.account.read("get_role", RoleName=name)
    )
    return read["Role"] if read else {}


def _default_document(policy: Raw) -> Any | None:
    versions = policy.get("PolicyVersionList") or ()
    return next((version["Document"] for version in versions if version["IsDefaultVersion"]), None)


def _policies(gathered: Gathered, found: Mapping[str, list[Raw]]) -> None:
    account = gathered.account.id
    wanted = gathered.wanted_policies()
    prefix = names.boundary_prefix(gathered.scope.workspace)
    packs = {r.attributes["policy_arn"] for r in gathered.resources.values() if r.address.kind == schema.PACK}
    for raw in found["Policies"]:
        address = live.policy_address(account, raw["Arn"])
        ours = gathered.scope.agents is None and address.name.startswith(prefix) and raw["Arn"] not in packs
        if address not in wanted and not ours:
            continue
        tags = gathered.policy_tags(raw["Arn"])
        if tags is not None:
            gathered.add(live.policy(account, raw, gathered.documents[raw["Arn"]], tags))
    for address in sorted(wanted - set(gathered.resources)):
        if address.name.startswith("arn:"):
            read_policy(gathered, address.name)


def read_policy(gathered: Gathered, arn: str) -> None:
    """One managed policy by its own calls."""
    found = gathered.policy_with_document(arn, ())
    if found is None:
        return
    raw, document = found
    tags = gathered.policy_tags(arn)
    if tags is not None:
        gathered.add(live.policy(gathered.account.id, raw, document, tags))


def _users(gathered: Gathered, found: Mapping[str, list[Raw]]) -> None:
    """Agent users: those tagged as an agent of this workspace, and those that an agent's trust admits."""
    trusts: dict[str, str] = {}
    for role in _agent_roles(gathered):
        for principal in live.admitted(role.attributes["trust"], "AWS"):
            trusts.setdefault(principal, str(role.agent))
    agents = gathered.scope.agents
    for raw in found["UserDetailList"]:
        agent = _tagged_agent(raw, gathered.scope.workspace) or trusts.get(raw["Arn"])
        if agent is None or (agents is not None and agent not in agents):
            continue
        user = live.user(gathered.account.id, raw, agent)
        gathered.add(user)
        read_credentials(gathered, user)


def _agent_roles(gathered: Gathered) -> list[Resource]:
    return [r for r in gathered.resources.values() if r.address.kind == schema.ROLE and r.agent is not None]


def _tagged_agent(raw: Raw, workspace: str) -> str | None:
    tags = live.tags_of(raw)
    if tags.get(names.TAG_WORKSPACE, names.tag_value(workspace)) != names.tag_value(workspace):
        return None
    agent = tags.get(names.TAG_AGENT)
    return None if agent is None else names.tag_text(agent)
