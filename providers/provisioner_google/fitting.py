"""Holds an operation's parameters against its address and digests, before anything is sent.

People sign what a plan shows: changes, addresses, digests. A plan whose parameters do something else (another
resource, another member) must fail here, even with every signature on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.changes import ABSENT, Operation
from provisioner.sdk.digests import state_digest

from . import names, operations, schema
from .bindings import Tuple, canonical_condition, place_of
from .forms import ACTIVE, canonical_attributes

State = Mapping[str, Any]
TUPLES = schema.TUPLES

_BODIES: Mapping[str, Mapping[str, str]] = {
    schema.ACCOUNT: operations.ACCOUNT_BODY,
    schema.CUSTOM_ROLE: operations.ROLE_BODY,
    schema.POOL: operations.POOL_BODY,
    schema.POOL_PROVIDER: operations.PROVIDER_BODY,
    schema.DENY_POLICY: operations.DENY_BODY,
    schema.ACCESS_BOUNDARY: operations.ACCESS_BODY,
    schema.ACCESS_BOUNDARY_BINDING: operations.ACCESS_BINDING_BODY,
}
_STEERING = ("name", "uniqueId")


def misfit(operation: Operation, live: State | None) -> str:
    """Why the call would not do what was signed; empty where it would."""
    if operation.address.kind in TUPLES:
        return _tuple_misfit(operation)
    kind = operation.address.kind
    word = operation.verb.partition(":")[2]
    if kind not in _BODIES or not operation.verb.startswith("iam:"):
        return f"{operation.verb} is no call that this version makes on a {kind}"
    params = operation.params
    extra = sorted(set(params) - set(_BODIES[kind]) - set(_STEERING))
    if extra:
        return f"{operation.verb} has parameters that it never has: {', '.join(extra)}"
    if params.get("name") != operation.address.name:
        return f"{operation.verb} names something else than {operation.address.name}"
    if word.startswith("delete"):
        return "" if operation.after == ABSENT else f"{operation.verb} would not leave {params['name']} as signed"
    after = canonical_attributes(kind, _after(operation, word, params, live or {}))
    if state_digest(after, operation.fields) != operation.after:
        return f"{operation.verb} would not leave {operation.address.name} as signed"
    return ""


def _after(operation: Operation, word: str, params: State, live: State) -> dict[str, Any]:
    values = {name: value for name, value in params.items() if name not in _STEERING}
    if word.startswith("create"):
        if operation.address.kind == schema.ACCOUNT:
            values["email"] = names.email(operation.address.name, operation.address.target)
        return values
    if word.startswith("undelete"):
        return {**live, "state": ACTIVE, "deleted_id": None}
    if word.startswith(("disable", "enable")):
        return {**live, "disabled": word.startswith("disable")}
    return {**live, **values}


def delta(operation: Operation) -> tuple[str, tuple[Tuple, ...], tuple[Tuple, ...]]:
    """Resource, tuples that go, tuples that come. Raises KeyError, TypeError for unusable parameters."""
    resource = str(operation.params["resource"])

    def tuples(name: str) -> tuple[Tuple, ...]:
        given = operation.params[name]
        return tuple(
            Tuple(resource, str(one["role"]), str(one["member"]), canonical_condition(one["condition"]))
            for one in given
        )

    return resource, tuples("remove"), tuples("add")


def _tuple_misfit(operation: Operation) -> str:
    place = place_of(operation.address.name)
    if not operation.verb.endswith(":setIamPolicy") or place is None:
        return f"{operation.verb} is no call that this version makes on {operation.address.name}"
    if set(operation.params) != {"resource", "remove", "add"}:
        return f"{operation.verb} has not exactly the parameters resource, remove and add"
    try:
        resource, remove, add = delta(operation)
    except (KeyError, TypeError) as error:
        return f"{operation.verb} has unusable parameters: {error}"
    if resource != place.resource or any((t.role, t.member) != (place.role, place.member) for t in (*remove, *add)):
        return f"{operation.verb} touches something else than {operation.address.name}"
    for items, digest in ((remove, operation.before), (add, operation.after)):
        states = [canonical_attributes(operation.address.kind, item.attributes()) for item in items]
        found = state_digest(states[0], operation.fields) if len(states) == 1 else ABSENT
        if len(states) > 1 or found != digest:
            return f"{operation.verb} would not leave {operation.address.name} as signed"
    return ""
