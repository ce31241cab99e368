"""What the runner itself needs: custom roles for plan, drift and apply, from the reads and operations themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.changes import Action, Change, Effect
from provisioner.model.resources import Desired
from provisioner.sdk.provider import RunnerPolicy

from . import schema, table
from .operations import operations

READS = (
    "iam.denypolicies.get",
    "iam.denypolicies.list",
    "iam.roles.get",
    "iam.roles.list",
    "iam.serviceAccountKeys.list",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.getIamPolicy",
    "iam.serviceAccounts.list",
    "iam.workloadIdentityPoolProviders.get",
    "iam.workloadIdentityPoolProviders.list",
    "iam.workloadIdentityPools.get",
    "iam.workloadIdentityPools.list",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
)
"""What every read of a project takes."""


def permissions(authority: Authority, desired: Sequence[Desired], purpose: str) -> Iterable[RunnerPolicy]:
    """A custom role for each project, and for each watched resource elsewhere what it takes to read its policy."""
    for key in sorted(authority.targets):
        target = authority.targets[key]
        own = [item for item in desired if item.resource.address.target == target.id]
        watched = [table.full_name(str(name)) for name in authority.configs[key].settings.get("watch") or ()]
        needed = {*READS, *(_reading(str(i.resource.attributes["resource"])) for i in own if _is_tuple(i))}
        needed |= {_reading(name) for name in watched}
        if any(item.resource.address.kind == schema.ACCESS_BOUNDARY for item in own):
            needed |= {"iam.policybindings.list", "iam.principalaccessboundarypolicies.get"}
        if purpose == "apply":
            needed |= {name for item in own for name in _writing(item)}
        document: dict[str, Any] = {
            "title": f"provisioner {purpose} {authority.workspace}"[:100],
            "stage": "GA",
            "includedPermissions": sorted(name for name in needed if name),
        }
        elsewhere = [name for name in watched if table.project_of(name) != target.id]
        if elsewhere:
            document["grantOn"] = sorted({table.full_name(f"projects/{target.id}"), *elsewhere})
        yield RunnerPolicy(f"google {target.id}", key, purpose, document)


def _is_tuple(item: Desired) -> bool:
    return item.resource.address.kind in (schema.BINDING, schema.ACCOUNT_BINDING)


def _reading(resource: str) -> str:
    found = table.row_of(resource)
    return f"{found[0].permission}.getIamPolicy" if found is not None else ""


def _writing(item: Desired) -> Iterable[str]:
    """What it takes to make a resource, to change it, and to take it away again."""
    for before, after in ((None, item.resource.attributes), (item.resource.attributes, None)):
        yield from (name for operation in operations(_change(item, before, after)) for name in operation.permissions)
    kind = schema.provider_schema().kinds[item.resource.address.kind]
    prefix = {
        schema.ACCOUNT: "iam.serviceAccounts",
        schema.CUSTOM_ROLE: "iam.roles",
        schema.POOL: "iam.workloadIdentityPools",
        schema.POOL_PROVIDER: "iam.workloadIdentityPoolProviders",
        schema.DENY_POLICY: "iam.denypolicies",
        schema.ACCESS_BOUNDARY: "iam.principalaccessboundarypolicies",
        schema.ACCESS_BOUNDARY_BINDING: "iam.policybindings",
    }.get(item.resource.address.kind)
    if prefix is not None:
        yield f"{prefix}.update"
        if "state" in kind.fields:
            yield f"{prefix}.undelete"
    if item.resource.address.kind == schema.ACCOUNT:
        yield from (f"{prefix}.disable", f"{prefix}.enable")


def _change(item: Desired, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Change:
    address = item.resource.address
    action = Action.CREATE if before is None else Action.DELETE
    return Change(1, action, address, "", None, None, (), {}, Effect.UNKNOWN, (), (), "", before, after)


def bootstrap(authority: Authority, desired: Sequence[Desired], form: str) -> Mapping[str, Any]:
    """Google has neither of the forms that the core knows (`cloudformation`, `scp`): nothing."""
    return {}
