"""Change → the calls that carry it out, complete and in order; and where each stands in a plan.

A binding's parameters are a delta: the tuples of ours that go and come on one resource. The policy that is sent is the
one read at execution, with that delta laid over it, so that a neighbour's edit neither voids a plan nor gets lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.model.changes import Change, Operation
from provisioner.sdk.digests import state_digest

from . import names, schema, table
from .forms import ACTIVE, DELETED

State = Mapping[str, Any]
Step = tuple[str, dict[str, Any], tuple[str, ...], State | None, State | None, tuple[str, ...]]
"""Verb, parameters, fields, state before and after, permissions."""

_NARROWING = 20
POLL = "iam.operations.get"
"""What it takes to wait for a call of IAM v3; the other operations take the `get` of their object."""


def operations(change: Change) -> tuple[Operation, ...]:
    """The calls of one change, each depending on the one before it. Raises KeyError for an observed kind."""
    out: list[Operation] = []
    for number, (verb, params, fields, before, after, needs) in enumerate(_BUILDERS[change.address.kind](change), 1):
        out.append(
            Operation(
                id=f"{change.number}.{number}",
                change=change.number,
                address=change.address,
                verb=verb,
                params=params,
                fields=fields,
                before=state_digest(before, fields),
                after=state_digest(after, fields),
                depends=(out[-1].id,) if out else (),
                permissions=tuple(sorted(set(needs))),
                agent=change.agent,
            )
        )
    return tuple(out)


def rank(operation: Operation, effect_widens: bool) -> int:
    """Smaller first: what is inert is made, then everything narrows, then boundaries, grants and trust widen.

    A service account is there before the deny policy that names it, and the deny policy before the first grant.
    """
    verb, kind = operation.verb, operation.address.kind
    if verb in _FIXED:
        return _FIXED[verb]
    if kind == schema.DENY_POLICY and verb == "iam:createDenyPolicy":
        return 40
    if not effect_widens:
        return _NARROWING
    return _WIDENING.get(kind, 50)


_FIXED = {
    "iam:createServiceAccount": 10,
    "iam:undeleteServiceAccount": 10,
    "iam:createWorkloadIdentityPool": 10,
    "iam:undeleteWorkloadIdentityPool": 10,
    "iam:createRole": 12,
    "iam:undeleteRole": 12,
    "iam:createDenyPolicy": 40,
    "iam:createPrincipalAccessBoundary": 40,
    "iam:createPolicyBinding": 42,
    "iam:createWorkloadIdentityPoolProvider": 70,
    "iam:undeleteWorkloadIdentityPoolProvider": 70,
    "iam:deleteWorkloadIdentityPoolProvider": 88,
    "iam:deleteServiceAccount": 90,
    "iam:deletePolicyBinding": 91,
    "iam:deleteDenyPolicy": 92,
    "iam:deletePrincipalAccessBoundary": 93,
    "iam:deleteRole": 94,
    "iam:deleteWorkloadIdentityPool": 95,
}
_WIDENING = {
    schema.DENY_POLICY: 44,
    schema.ACCESS_BOUNDARY: 44,
    schema.CUSTOM_ROLE: 46,
    schema.BINDING: 50,
    schema.IMPERSONATION: 50,
    schema.ACCOUNT: 60,
    schema.POOL: 60,
    schema.POOL_PROVIDER: 70,
    schema.ACCOUNT_BINDING: 72,
}


def _fields(kind: str) -> tuple[str, ...]:
    return tuple(schema.provider_schema().kinds[kind].fields)


def _changed(before: State, after: State, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in fields if before.get(name) != after.get(name))


def _binding(change: Change) -> list[Step]:
    """One write of one policy: the old tuple out, the new one in."""
    kind = change.address.kind
    state = change.after or change.before or {}
    resource = str(state["resource"])
    params: dict[str, Any] = {
        "resource": resource,
        "remove": [_tuple(change.before)] if change.before is not None else [],
        "add": [_tuple(change.after)] if change.after is not None else [],
    }
    found = table.row_of(resource)
    prefix, host = (found[0].permission, found[0].host) if found else ("resourcemanager.projects", "iam.googleapis.com")
    needs: tuple[str, ...] = (f"{prefix}.getIamPolicy", f"{prefix}.setIamPolicy")
    if found and found[0] is table.DATASET:
        needs = ("bigquery.datasets.get", "bigquery.datasets.getIamPolicy", "bigquery.datasets.setIamPolicy",
                 "bigquery.datasets.update")  # fmt: skip
    needs += _anchor_read(kind, str(state["member"]))
    verb = f"{host.partition('.')[0]}:setIamPolicy"
    return [(verb, params, _fields(kind), change.before, change.after, needs)]


def _anchor_read(kind: str, member: str) -> tuple[str, ...]:
    """What it takes to look whether a grant's principal still carries our mark, right before the write."""
    if kind == schema.ACCOUNT_BINDING or member.startswith("serviceAccount:"):
        return ("iam.serviceAccounts.get",)
    return ("iam.workloadIdentityPools.get",) if "/workloadIdentityPools/" in member else ()


def _tuple(state: State | None) -> dict[str, Any]:
    return {name: (state or {})[name] for name in ("role", "member", "condition")}


class _Rest:
    """A kind that is created, patched and deleted by its own REST resource.

    `body` maps our attributes to the API's fields; `also` is what each call takes beside its own permissions: to look
    at what the object hangs on, to wait for the call's operation.
    """

    def __init__(self, noun: str, permission: str, body: Mapping[str, str], also: tuple[str, ...] = ()) -> None:
        self.noun = noun
        self.permission = permission
        self.body = body
        self.also = also

    def needs(self, verb: str, state: State) -> tuple[str, ...]:
        """Permissions of one call: to look right before and right after, and to make it."""
        return (f"{self.permission}.get", f"{self.permission}.{verb}", *self.also)

    def __call__(self, change: Change) -> list[Step]:
        kind = change.address.kind
        fields = _fields(kind)
        key = {"name": change.address.name}
        if change.after is None:
            verb, params = f"iam:delete{self.noun}", key
            return [(verb, params, fields, change.before, None, self.needs("delete", change.before or {}))]
        if change.before is None:
            params = {**key, **self._values(change.after, tuple(self.body))}
            return [(f"iam:create{self.noun}", params, fields, None, change.after, self.needs("create", change.after))]
        return self._update(change, key)

    def _update(self, change: Change, key: dict[str, Any]) -> list[Step]:
        before, after = dict(change.before or {}), dict(change.after or {})
        if any(name in before and before[name] != after.get(name) for name in ("policy", "principal_set")):
            fields = _fields(change.address.kind)  # Google never changes these of a policy binding
            params = {**key, **self._values(after, tuple(self.body))}
            return [
                (f"iam:delete{self.noun}", key, fields, before, None, self.needs("delete", before)),
                (f"iam:create{self.noun}", params, fields, None, after, self.needs("create", after)),
            ]
        steps: list[Step] = []
        if before.get("state") == DELETED and after.get("state") == ACTIVE:
            fields = ("state", "deleted_id") if "deleted_id" in before else ("state",)
            revived = {**before, **{name: after.get(name) for name in fields}}
            params = {**key, "uniqueId": before["deleted_id"]} if before.get("deleted_id") else key
            steps.append((f"iam:undelete{self.noun}", params, fields, before, revived, self.needs("undelete", before)))
            before = revived
        rest = tuple(name for name in _fields(change.address.kind) if name not in ("state", "deleted_id", "disabled"))
        changed = _changed(before, after, rest)
        if changed:
            params = {**key, **self._values(after, changed)}
            steps.append((f"iam:update{self.noun}", params, changed, before, after, self.needs("update", after)))
        if "disabled" in before and before.get("disabled") != after.get("disabled"):
            steps.append(self._switch(key, before, after))
        return steps

    def _switch(self, key: dict[str, Any], before: State, after: State) -> Step:
        """A service account has calls of its own for this; a pool and a provider are patched."""
        word = "disable" if after.get("disabled") else "enable"
        needs = self.needs(word if self.noun == "ServiceAccount" else "update", after)
        return f"iam:{word}{self.noun}", key, ("disabled",), before, after, needs

    def _values(self, state: State, chosen: tuple[str, ...]) -> dict[str, Any]:
        if {"issuer", "audiences"} & set(chosen) and "issuer" in self.body:
            chosen = (*chosen, "issuer", "audiences")  # one message of the API: half of it would clear the rest
        return {name: state[name] for name in chosen if name in self.body}


class _Bound(_Rest):
    """A binding of an access boundary. Its writes take a permission on whose principals it binds and one on the policy.

    Sources: «Create and apply principal access boundary policies», «Edit …», «Remove …»: required permissions.
    """

    def needs(self, verb: str, state: State) -> tuple[str, ...]:
        pool = str(state["principal_set"]).startswith("//iam.googleapis.com/")
        owner = "iam.workloadIdentityPools" if pool else "resourcemanager.projects"
        look = ("iam.workloadIdentityPools.get" if pool else "iam.serviceAccounts.get",) if verb != "delete" else ()
        bind = "unbind" if verb == "delete" else "bind"
        return (
            f"{self.permission}.get",
            f"{owner}.{verb}PolicyBinding",
            f"iam.principalaccessboundarypolicies.{bind}",
            *look,
            *self.also,
        )


ACCOUNT_BODY = {"display_name": "displayName", "description": "description"}
ROLE_BODY = {
    "title": "title",
    "description": "description",
    "permissions": "includedPermissions",
    "stage": "stage",
}
POOL_BODY = {"display_name": "displayName", "description": "description"}
PROVIDER_BODY = {
    "display_name": "displayName",
    "description": "description",
    "issuer": "issuer",
    "audiences": "audiences",
    "mapping": "attributeMapping",
    "condition": "attributeCondition",
}
DENY_BODY = {"display_name": "displayName", "annotations": "annotations", "rules": "rules"}
ACCESS_BODY = {**DENY_BODY, "enforcement_version": "enforcementVersion"}
ACCESS_BINDING_BODY = {
    "policy": "policy",
    "principal_set": "target",
    "condition": "condition",
    "annotations": "annotations",
}

_BUILDERS: Mapping[str, Callable[[Change], list[Step]]] = {
    schema.BINDING: _binding,
    schema.IMPERSONATION: _binding,
    schema.ACCOUNT_BINDING: _binding,
    schema.ACCOUNT: _Rest("ServiceAccount", "iam.serviceAccounts", ACCOUNT_BODY),
    schema.CUSTOM_ROLE: _Rest("Role", "iam.roles", ROLE_BODY),
    schema.POOL: _Rest("WorkloadIdentityPool", "iam.workloadIdentityPools", POOL_BODY),
    schema.POOL_PROVIDER: _Rest(
        "WorkloadIdentityPoolProvider",
        "iam.workloadIdentityPoolProviders",
        PROVIDER_BODY,
        ("iam.workloadIdentityPools.get",),
    ),
    schema.DENY_POLICY: _Rest("DenyPolicy", "iam.denypolicies", DENY_BODY),
    schema.ACCESS_BOUNDARY: _Rest(
        "PrincipalAccessBoundary", "iam.principalaccessboundarypolicies", ACCESS_BODY, (POLL,)
    ),
    schema.ACCESS_BOUNDARY_BINDING: _Bound("PolicyBinding", "iam.policybindings", ACCESS_BINDING_BODY, (POLL,)),
}


def full_name(change: Change) -> str:
    """The full resource name of what a change touches: what `protect` patterns are matched with."""
    where, state = change.address, change.after or change.before or {}
    if where.kind in schema.TUPLES:
        return str(state["resource"])
    if where.kind == schema.ACCOUNT:
        return names.account_resource(names.email(where.name, where.target), where.target)
    return f"//iam.googleapis.com/{rest_name(where.kind, where.target, where.name)}"


def rest_name(kind: str, project: str, name: str) -> str:
    """The API's resource name of what an address names."""
    if kind == schema.ACCOUNT:
        return f"projects/{project}/serviceAccounts/{names.email(name, project)}"
    if kind == schema.CUSTOM_ROLE:
        return f"projects/{project}/roles/{name}"
    if kind == schema.ACCESS_BOUNDARY:
        policy, _, organization = name.partition("@")
        return f"{organization}/locations/global/principalAccessBoundaryPolicies/{policy}"
    if kind == schema.ACCESS_BOUNDARY_BINDING:
        return f"projects/{project}/locations/global/policyBindings/{name}"
    if kind == schema.DENY_POLICY:
        policy, _, attach = name.partition("@")
        encoded = f"cloudresourcemanager.googleapis.com/{attach}".replace("/", "%2F")
        return f"policies/{encoded}/denypolicies/{policy}"
    pool, _, provider = name.partition("/")
    base = f"projects/{project}/locations/global/workloadIdentityPools/{pool}"
    return f"{base}/providers/{provider}" if provider else base
