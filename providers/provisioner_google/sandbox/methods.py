"""Method id → handler, permission, and the resource that the permission is needed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from . import (
    allow,
    auditlog,
    bigquery,
    boundaries,
    buckets,
    deny,
    operations,
    pools,
    resource_manager,
    resources,
    roles,
    service_accounts,
)
from .core import Call, Handler, Method
from .kinds import by_prefix, of_method
from .state import State

_CONTAINER_HOST = "//cloudresourcemanager.googleapis.com/"


def _container(state: State, call: Call) -> str:
    """The project, folder or organisation that a name begins with."""
    name = "/".join(call.name.split("/")[:2]) or "/".join(str(call.query.get("parent", "")).split("/")[:2])
    found = state.container(name)
    return _CONTAINER_HOST + (found.name if found is not None else name)


def _account(state: State, call: Call) -> str:
    return resources.full_name(state, by_prefix()["iam.projects.serviceAccounts"], call.name, "iam.serviceAccounts.get")


def _deleted_account(state: State, call: Call) -> str:
    """A soft-deleted account's project."""
    record = state.accounts.get(call.name.split("/")[-1])
    return f"{_CONTAINER_HOST}projects/{record.body['projectId'] if record is not None else '-'}"


def _own(state: State, call: Call) -> str:
    return resources.full_name(state, of_method(call.method), call.name, call.method)


def _bucket_project(state: State, call: Call) -> str:
    return f"{_CONTAINER_HOST}projects/{call.query.get('project', '')}"


def _open(state: State, call: Call) -> str:
    return ""


_Rows = dict[str, tuple[Handler, str]]


def _methods(prefix: str, rows: _Rows, where: Callable[[State, Call], str], read: str, write: str) -> dict[str, Method]:
    """Methods of one prefix. Verbs that read count against the quota `read`, the others against `write`."""
    found = {}
    for verb, (handler, permission) in rows.items():
        quota = read if verb.rpartition(".")[2].startswith(("get", "list", "search", "test", "query")) else write
        found[f"{prefix}.{verb}"] = Method(handler, permission, where, quota)
    return found


def _iam() -> dict[str, Method]:
    sa, key = service_accounts, "iam.serviceAccountKeys"
    prefix = "iam.projects.serviceAccounts"
    of_project: _Rows = {
        "create": (sa.create, "iam.serviceAccounts.create"),
        "list": (sa.list_accounts, "iam.serviceAccounts.list"),
    }
    of_account: _Rows = {
        "get": (sa.get, "iam.serviceAccounts.get"),
        "patch": (sa.patch, "iam.serviceAccounts.update"),
        "update": (sa.update, "iam.serviceAccounts.update"),
        "delete": (sa.delete, "iam.serviceAccounts.delete"),
        "disable": (sa.disable, "iam.serviceAccounts.disable"),
        "enable": (sa.enable, "iam.serviceAccounts.enable"),
        "keys.create": (sa.create_key, f"{key}.create"),
        "keys.upload": (sa.upload_key, f"{key}.create"),
        "keys.get": (sa.get_key, f"{key}.get"),
        "keys.list": (sa.list_keys, f"{key}.list"),
        "keys.delete": (sa.delete_key, f"{key}.delete"),
        "keys.disable": (sa.disable_key, f"{key}.disable"),
        "keys.enable": (sa.enable_key, f"{key}.enable"),
        "getIamPolicy": (allow.get, "iam.serviceAccounts.getIamPolicy"),
        "setIamPolicy": (allow.put, "iam.serviceAccounts.setIamPolicy"),
        "testIamPermissions": (allow.test, ""),
    }
    found = _methods(prefix, of_project, _container, "iam-read", "iam-write")
    found |= _methods(prefix, of_account, _account, "iam-read", "iam-write")
    undelete: _Rows = {"undelete": (sa.undelete, "iam.serviceAccounts.undelete")}
    found |= _methods(prefix, undelete, _deleted_account, "iam-read", "iam-write")
    custom: _Rows = {
        "create": (roles.create, "iam.roles.create"),
        "get": (roles.get, "iam.roles.get"),
        "list": (roles.list_roles, "iam.roles.list"),
        "patch": (roles.patch, "iam.roles.update"),
        "delete": (roles.delete, "iam.roles.delete"),
        "undelete": (roles.undelete, "iam.roles.undelete"),
    }
    for parent in ("projects", "organizations"):
        found |= _methods(f"iam.{parent}.roles", custom, _container, "iam-read", "iam-write")
    public: _Rows = {
        "roles.get": (roles.get, ""),
        "roles.list": (roles.list_roles, ""),
        "roles.queryGrantableRoles": (roles.grantable, ""),
        "permissions.queryTestablePermissions": (roles.testable, ""),
    }
    found |= _methods("iam", public, _open, "iam-read", "iam-write")
    token: _Rows = {"generateAccessToken": (sa.generate_token, "iam.serviceAccounts.getAccessToken")}
    found |= _methods("iamcredentials.projects.serviceAccounts", token, _account, "", "")
    return found


def _federation() -> dict[str, Method]:
    pool, provider = "iam.workloadIdentityPools", "iam.workloadIdentityPoolProviders"
    rows: _Rows = {
        "create": (pools.create_pool, f"{pool}.create"),
        "get": (pools.get_pool, f"{pool}.get"),
        "list": (pools.list_pools, f"{pool}.list"),
        "patch": (pools.patch_pool, f"{pool}.update"),
        "delete": (pools.delete_pool, f"{pool}.delete"),
        "undelete": (pools.undelete_pool, f"{pool}.undelete"),
        "operations.get": (operations.get, f"{pool}.get"),
        "providers.create": (pools.create_provider, f"{provider}.create"),
        "providers.get": (pools.get_provider, f"{provider}.get"),
        "providers.list": (pools.list_providers, f"{provider}.list"),
        "providers.patch": (pools.patch_provider, f"{provider}.update"),
        "providers.delete": (pools.delete_provider, f"{provider}.delete"),
        "providers.undelete": (pools.undelete_provider, f"{provider}.undelete"),
        "providers.operations.get": (operations.get, f"{provider}.get"),
    }
    where = "iam.projects.locations.workloadIdentityPools"
    return _methods(where, rows, _container, "federation-read", "federation-write")


def _limits() -> dict[str, Method]:
    """Deny policies and principal access boundaries: five requests a minute, reads and writes alike."""
    denial, policy, binding = "iam.denypolicies", "iam.principalaccessboundarypolicies", "iam.policybindings"
    rows: _Rows = {
        "createPolicy": (deny.create, f"{denial}.create"),
        "get": (deny.get, f"{denial}.get"),
        "listPolicies": (deny.list_policies, f"{denial}.list"),
        "update": (deny.update, f"{denial}.update"),
        "delete": (deny.delete, f"{denial}.delete"),
    }
    found = _methods("iam.policies", rows, deny.resource_of, "deny", "deny")
    found |= _methods("iam.policies", {"operations.get": (operations.get, "")}, _open, "", "")
    boundary: _Rows = {
        "create": (boundaries.create_policy, f"{policy}.create"),
        "get": (boundaries.get_policy, f"{policy}.get"),
        "list": (boundaries.list_policies, f"{policy}.list"),
        "patch": (boundaries.patch_policy, f"{policy}.update"),
        "delete": (boundaries.delete_policy, f"{policy}.delete"),
        "searchPolicyBindings": (boundaries.search_bindings, f"{policy}.searchPolicyBindings"),
    }
    prefix = "iam.organizations.locations.principalAccessBoundaryPolicies"
    found |= _methods(prefix, boundary, boundaries.resource_of, "boundary", "boundary")
    bound: _Rows = {
        "get": (boundaries.get_binding, f"{binding}.get"),
        "list": (boundaries.list_bindings, f"{binding}.list"),
    }
    writes: _Rows = {
        "create": (boundaries.create_binding, ""),
        "patch": (boundaries.patch_binding, ""),
        "delete": (boundaries.delete_binding, ""),
    }
    polled: _Rows = {"operations.get": (operations.get, "iam.operations.get")}
    for parent in ("projects", "folders", "organizations"):
        where = f"iam.{parent}.locations"
        search: _Rows = {
            "searchTargetPolicyBindings": (boundaries.search_target, f"resourcemanager.{parent}.searchPolicyBindings")
        }
        found |= _methods(f"{where}.policyBindings", bound | search, boundaries.resource_of, "boundary", "boundary")
        written = _methods(f"{where}.policyBindings", writes, boundaries.resource_of, "boundary", "boundary")
        found |= {name: replace(one, also=boundaries.binding_needs) for name, one in written.items()}
        found |= _methods(where, polled, _container, "", "")
    return found


def _resource_manager() -> dict[str, Method]:
    found: dict[str, Method] = {}
    rows: dict[str, _Rows] = {
        "projects": {
            "get": (resource_manager.get, "resourcemanager.projects.get"),
            "list": (resource_manager.list_children, "resourcemanager.projects.list"),
        },
        "folders": {
            "get": (resource_manager.get, "resourcemanager.folders.get"),
            "list": (resource_manager.list_children, "resourcemanager.folders.list"),
        },
        "organizations": {"get": (resource_manager.get, "resourcemanager.organizations.get")},
    }
    for kind, own in rows.items():
        own |= _policy_rows(f"resourcemanager.{kind}")
        found |= _methods(f"cloudresourcemanager.{kind}", own, _container, "", "")
    more: _Rows = {
        "projects.search": (resource_manager.search, ""),
        "organizations.search": (resource_manager.search, ""),
        "projects.create": (resource_manager.create_project, ""),
        "operations.get": (operations.get, ""),
    }
    return found | _methods("cloudresourcemanager", more, _open, "", "")


def _policy_rows(permission: str) -> _Rows:
    return {
        "getIamPolicy": (allow.get, f"{permission}.getIamPolicy"),
        "setIamPolicy": (allow.put, f"{permission}.setIamPolicy"),
        "testIamPermissions": (allow.test, ""),
    }


def _things() -> dict[str, Method]:
    """Secrets, topics, subscriptions, keys, services, clusters, reasoning engines: the same seven methods each."""
    found: dict[str, Method] = {}
    for prefix, kind in by_prefix().items():
        if kind.host not in ("secretmanager", "pubsub", "cloudkms", "run", "container", "aiplatform"):
            continue
        own: _Rows = {"get": (resources.get, f"{kind.permission}.get")}
        of_project: _Rows = {"list": (resources.list_resources, f"{kind.permission}.list")}
        if kind.host not in ("container", "aiplatform"):
            of_project["create"] = (resources.create, f"{kind.permission}.create")
            own |= _policy_rows(kind.permission)
        if kind.host not in ("container", "aiplatform", "cloudkms"):
            own["delete"] = (resources.delete, f"{kind.permission}.delete")
        found |= _methods(prefix, own, _own, "", "") | _methods(prefix, of_project, _container, "", "")
    found |= _methods("run.projects.locations", {"operations.get": (operations.get, "")}, _open, "", "")
    return found


def _storage() -> dict[str, Method]:
    of_bucket: _Rows = {
        "get": (buckets.get, "storage.buckets.get"),
        "patch": (buckets.patch, "storage.buckets.update"),
        "delete": (buckets.delete, "storage.buckets.delete"),
        "getIamPolicy": (buckets.get_iam_policy, "storage.buckets.getIamPolicy"),
        "setIamPolicy": (buckets.set_iam_policy, "storage.buckets.setIamPolicy"),
        "testIamPermissions": (buckets.test_iam_permissions, ""),
    }
    of_project: _Rows = {
        "insert": (buckets.insert, "storage.buckets.create"),
        "list": (buckets.list_buckets, "storage.buckets.list"),
    }
    found = _methods("storage.buckets", of_bucket, _own, "", "")
    return found | _methods("storage.buckets", of_project, _bucket_project, "", "")


def _bigquery() -> dict[str, Method]:
    of_project: _Rows = {
        "insert": (bigquery.insert_dataset, "bigquery.datasets.create"),
        "list": (bigquery.list_datasets, "bigquery.datasets.get"),
    }
    own: _Rows = {
        "get": (bigquery.get_dataset, "bigquery.datasets.get"),
        "patch": (bigquery.change_dataset, "bigquery.datasets.update"),
        "update": (bigquery.change_dataset, "bigquery.datasets.update"),
        "delete": (bigquery.delete, "bigquery.datasets.delete"),
    }
    of_dataset: _Rows = {
        "insert": (bigquery.insert_table, "bigquery.tables.create"),
        "list": (bigquery.list_tables, "bigquery.tables.list"),
    }
    of_table: _Rows = {
        "get": (bigquery.get_table, "bigquery.tables.get"),
        "delete": (resources.delete, "bigquery.tables.delete"),
        **_policy_rows("bigquery.tables"),
    }
    found = _methods("bigquery.datasets", of_project, _container, "", "")
    found |= _methods("bigquery.datasets", own, _own, "", "")
    dataset = by_prefix()["bigquery.datasets"]

    def _dataset(state: State, call: Call) -> str:
        return resources.full_name(state, dataset, call.name, call.method)

    def _access(state: State, call: Call) -> list[tuple[str, str]]:
        """Access controls take a permission of their own, beside the one for the dataset."""
        verb = "getIamPolicy" if call.method.endswith(".get") else "setIamPolicy" if "access" in call.body else ""
        return [(f"bigquery.datasets.{verb}", _own(state, call))] if verb else []

    for verb in ("get", "patch", "update"):
        name = f"bigquery.datasets.{verb}"
        found[name] = replace(found[name], also=_access)
    found |= _methods("bigquery.tables", of_dataset, _dataset, "", "")
    return found | _methods("bigquery.tables", of_table, _own, "", "")


def _logging() -> dict[str, Method]:
    rows: _Rows = {"entries.list": (auditlog.list_entries, "logging.logEntries.list")}
    return _methods("logging", rows, auditlog.resource_of, "", "")


@cache
def all_methods() -> dict[str, Method]:
    """Every method that the emulator answers."""
    return {
        **_iam(),
        **_federation(),
        **_limits(),
        **_resource_manager(),
        **_things(),
        **_storage(),
        **_bigquery(),
        **_logging(),
    }
