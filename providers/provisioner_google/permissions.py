"""What the runner itself needs: custom roles for plan, drift and apply, from the reads and the operations' own words.

A role is made where it counts: one in each project, one in the organization, each with what is done in there and
nothing that is done elsewhere. A drift run reads what a plan reads, and may ask who did it.
Sources: «IAM permissions reference»; each REST method's «IAM permissions»; «Manage deny policies» and «Create and apply
principal access boundary policies» (required permissions); «Changes to dataset-level access controls» (BigQuery).
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.changes import Action, Change, Effect
from provisioner.model.resources import Address, Desired, Resource
from provisioner.sdk.provider import RunnerPolicy

from . import names, schema, table
from .bindings import Tuple
from .bindings import address as tuple_address
from .forms import ACTIVE, DELETED
from .operations import operations
from .principals import google_agents

READS = (
    "iam.denypolicies.get",
    "iam.denypolicies.list",
    "iam.roles.get",
    "iam.roles.list",
    "iam.serviceAccountKeys.list",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.getIamPolicy",
    "iam.serviceAccounts.list",
    "iam.workloadIdentityPoolProviders.list",
    "iam.workloadIdentityPools.get",
    "iam.workloadIdentityPools.list",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
)
"""What every read of a project takes."""

BOUNDARY_READS = ("iam.policybindings.list",)
"""Besides, where principals can be bound to an access boundary; its policies are the organization's."""

INHERITED_READS = (
    "resourcemanager.folders.get",
    "resourcemanager.folders.getIamPolicy",
    "resourcemanager.organizations.getIamPolicy",
)
"""What a project inherits, where a provider says its organization. Without them a plan says what it did not look at.
What is granted up there is taken off by whoever governs it: no role of ours writes the organization's policy."""

CONDITION_READS = ("storage.buckets.get",)
"""Whether a bucket takes conditions, where a grant on it has one."""

DRIFT_READS = ("logging.logEntries.list",)
"""Read by a drift run that has found something, to tell who did it. Without it the run is no less complete."""

POLICY_READS = ("iam.principalaccessboundarypolicies.get",)
DENY_READS = ("iam.denypolicies.get", "iam.denypolicies.list")

PURPOSES = ("plan", "drift", "apply")
PLACEHOLDER = "organizations/ORGANIZATION"
"""Whose custom role a folder's is, where no provider says its organization."""

_PROJECT, _ORGANIZATION, _FOLDER = "projects/", "organizations/", "folders/"
_ROLE = re.compile(r"((?:projects|organizations)/[^/]+)/roles/.+")
_LONGEST_ID = 64

Needs = defaultdict[str, set[str]]
"""Permissions by container: `projects/ID`, `folders/NUMBER`, `organizations/NUMBER`."""


def permissions(authority: Authority, desired: Sequence[Desired], purpose: str) -> Iterable[RunnerPolicy]:
    """A custom role for each container that the runner reads or writes in: the role, and where it is granted."""
    needs: Needs = defaultdict(set)
    keys: dict[str, str] = {}
    for key in sorted(authority.targets):
        own: Needs = defaultdict(set)
        mine = [item.resource for item in desired if item.resource.address.target == authority.targets[key].id]
        _reading(authority, key, mine, own)
        if purpose == "apply":
            _writing(authority, key, mine, own)
        elif purpose == "drift":
            own[f"{_PROJECT}{authority.targets[key].id}"].update(DRIFT_READS)
        above = own.get(f"{_ORGANIZATION}{authority.configs[key].settings.get('organization')}", set())
        for container in set(own) & {f"{_PROJECT}{authority.targets[key].id}"}:
            own[container] -= above  # what is granted on the organization holds in its project
        for container, held in own.items():
            needs[container] |= held
            keys.setdefault(container, key)
    organization = _organization(authority) or PLACEHOLDER
    for container in sorted(needs, key=lambda name: (not name.startswith(_PROJECT), name)):
        needed = sorted(name for name in needs[container] if name)
        document = _document(authority.workspace, purpose, container, organization, needed)
        yield RunnerPolicy(f"google {container.removeprefix(_PROJECT)}", keys[container], purpose, document)


def _document(workspace: str, purpose: str, container: str, organization: str, held: Sequence[str]) -> dict[str, Any]:
    """A role as `roles.create` takes it, its name, and the full name of where it is granted."""
    parent = organization if container.startswith(_FOLDER) else container
    suffix = f"_{container.replace('/', '_')}" if container.startswith(_FOLDER) else ""
    return {
        "name": f"{parent}/roles/{role_id(workspace, purpose, suffix)}",
        "title": f"provisioner {purpose} {workspace}"[:100],
        "stage": "GA",
        "includedPermissions": list(held),
        "grantOn": table.full_name(container),
    }


def role_id(workspace: str, purpose: str, suffix: str = "") -> str:
    """The id of one of the runner's own roles. It has no dots, as an agent's has, so that neither is the other."""
    text = f"provisioner_{workspace}_{purpose}{suffix}"
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text)
    return name if len(name) <= _LONGEST_ID else f"{name[:55]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _organization(authority: Authority) -> str:
    for key in sorted(authority.configs):
        found = authority.configs[key].settings.get("organization")
        if found:
            return f"{_ORGANIZATION}{found}"
    return ""


def _container(resource: str, own: str) -> str:
    """Where the policy of a resource is governed. A bucket's name says no project: it is taken to be the provider's."""
    full = table.full_name(resource).removeprefix("//cloudresourcemanager.googleapis.com/")
    if full.startswith((_FOLDER, _ORGANIZATION)):
        return full
    return f"{_PROJECT}{table.project_of(table.full_name(resource)) or own}"


def _reading(authority: Authority, key: str, mine: Iterable[Resource], out: Needs) -> None:
    project, settings = authority.targets[key].id, authority.configs[key].settings
    here = f"{_PROJECT}{project}"
    out[here] |= set(READS)
    if settings.get("organization"):
        out[here] |= set(BOUNDARY_READS)
        out[f"{_ORGANIZATION}{settings.get('organization')}"] |= set(INHERITED_READS)
    for resource in _policies(authority, key, mine):
        out[_container(resource, project)] |= set(_policy_reads(resource))
    for one in mine:
        kind, name = one.address.kind, one.address.name
        if kind == schema.DENY_POLICY:
            out[name.partition("@")[2]] |= set(DENY_READS)
        elif kind == schema.ACCESS_BOUNDARY:
            out[name.partition("@")[2]] |= set(POLICY_READS)
        elif kind in schema.GRANTS:
            _grant_reads(one, project, out)


def _grant_reads(one: Resource, project: str, out: Needs) -> None:
    """What a role of ours or of somebody else's holds, which boundary tests are judged by; what its place takes."""
    resource, match = str(one.attributes["resource"]), _ROLE.fullmatch(str(one.attributes["role"]))
    if match is not None:
        out[match[1]].add("iam.roles.get")
    if one.attributes["condition"] is not None and resource.startswith("//storage.googleapis.com/"):
        out[_container(resource, project)] |= set(CONDITION_READS)


def _policies(authority: Authority, key: str, mine: Iterable[Resource]) -> set[str]:
    """Every resource whose policy is read: watched ones, and those that grants are made on."""
    watched = {table.full_name(str(name)) for name in authority.configs[key].settings.get("watch") or ()}
    granted = {str(one.attributes["resource"]) for one in mine if one.address.kind in schema.GRANTS}
    return {*watched, *granted}


def _policy_reads(resource: str) -> tuple[str, ...]:
    found = table.row_of(resource)
    if found is None:
        return ()
    read = f"{found[0].permission}.getIamPolicy"
    return ("bigquery.datasets.get", read) if found[0] is table.DATASET else (read,)


def _writing(authority: Authority, key: str, mine: Sequence[Resource], out: Needs) -> None:
    """Every permission of every operation that a plan here can have: to make what is declared, to change it, to bring
    it back, to take it away; and to take away what somebody else granted to an agent on what is read."""
    project = authority.targets[key].id
    for change in _changes(authority, key, mine):
        for operation in operations(change):
            for name in operation.permissions:
                out[_where(change, name, project)].add(name)


def _where(change: Change, permission: str, project: str) -> str:
    """The container in which an operation needs a permission."""
    kind, state = change.address.kind, change.after or change.before or {}
    if kind in schema.TUPLES and permission.endswith("IamPolicy"):
        return _container(str(state["resource"]), project)
    if kind in schema.GRANTS and permission.startswith("bigquery.datasets."):
        return _container(str(state["resource"]), project)
    if kind in (schema.DENY_POLICY, schema.ACCESS_BOUNDARY):
        return change.address.name.partition("@")[2]
    if permission.startswith("iam.principalaccessboundarypolicies."):
        return "/".join(str(state["policy"]).split("/")[:2])
    return f"{_PROJECT}{project}"


def _changes(authority: Authority, key: str, mine: Sequence[Resource]) -> Iterable[Change]:
    samples: dict[str, Resource] = {}
    for one in (*mine, *_strangers(authority, key, mine)):
        place = str(one.attributes.get("resource", "")) if one.address.kind in schema.GRANTS else ""
        attached = one.address.name.partition("@")[2] if one.address.kind == schema.DENY_POLICY else ""
        bound = str(one.attributes.get("principal_set", ""))
        member = str(one.attributes.get("member", "")).partition(":")[0]
        samples.setdefault(" ".join((one.address.kind, place, attached, bound, member)), one)
    for one in samples.values():
        yield _change(one, None, one.attributes)
        yield _change(one, one.attributes, None)
        for other in _others(one):
            yield _change(one, other, one.attributes)
            yield _change(one, one.attributes, other)


_OTHER: Mapping[str, Any] = {"description": "something else", "display_name": "something else", "disabled": True,
                             "condition": "something else"}  # fmt: skip
"""Other values of fields that a plan can find: enough to have every call that changes something."""


def _others(one: Resource) -> Iterable[Mapping[str, Any]]:
    if one.address.kind in schema.TUPLES:
        return
    for field, value in _OTHER.items():
        if field in one.attributes:
            yield {**one.attributes, field: value}
    if one.attributes.get("state") == ACTIVE:
        yield {**one.attributes, "state": DELETED}


def _strangers(authority: Authority, key: str, mine: Sequence[Resource]) -> Iterable[Resource]:
    """What others may have granted to an agent, wherever it would be seen: the next plan takes it away."""
    project = authority.targets[key].id
    agents = [a for a in google_agents(authority) if a.identities["google"].provider == key]
    members = sorted({str(one.attributes["member"]) for one in mine if one.address.kind in schema.GRANTS})
    accounts = [one for one in mine if one.address.kind == schema.ACCOUNT]
    members += [f"serviceAccount:{one.attributes['email']}" for one in accounts]
    watched = _policies(authority, key, mine) | {table.full_name(f"{_PROJECT}{project}")}
    for member in members[:1] if agents else ():
        for resource in sorted(watched):
            yield _tuple(
                schema.grant_kind(resource), project, agents[0].name, Tuple(resource, "roles/browser", member, None)
            )
    for one in accounts[:1]:
        full = names.account_resource(str(one.attributes["email"]), project)
        item = Tuple(full, "roles/iam.serviceAccountUser", "user:somebody@example.com", None)
        yield _tuple(schema.ACCOUNT_BINDING, project, one.agent or "", item)


def _tuple(kind: str, project: str, agent: str, item: Tuple) -> Resource:
    return Resource(tuple_address(kind, project, agent, item), item.attributes(), agent=agent)


def _change(one: Resource, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Change:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    address: Address = one.address
    return Change(1, action, address, "", one.agent, None, (), {}, Effect.UNKNOWN, (), (), "", before, after)
