"""What only a look at the live state can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.diagnostics import Diagnostic, Severity
from provisioner.model.resources import Address, Desired, Resource, Snapshot

from . import schema, table
from .bindings import expiry_of, place_of
from .limits import limit

_SLOW = (schema.DENY_POLICY, schema.ACCESS_BOUNDARY, schema.ACCESS_BOUNDARY_BINDING)

ROLES, PROVIDERS = "custom roles", "providers of pool {}"
"""Under these names a read counts what is there of them."""

SLOW_CALLS_A_MINUTE = 5
"""Writes of deny policies and access boundaries a minute and project. Source: «Quotas and limits», IAM."""


def check(authority: Authority, desired: Sequence[Desired], live: Snapshot) -> Iterable[Diagnostic]:
    """Resources and roles that do not exist; objects brought back; policies that would be too full; how long slow
    quotas make an apply wait."""
    found = {resource.address: resource for resource in live.resources}
    absent = {line.rpartition(": ")[2] for line in live.coverage.not_looked_at if line.endswith(" does not exist")}
    own = [item for item in desired if item.resource.address.provider == "google"]
    for item in own:
        if item.resource.address.kind in schema.GRANTS:
            yield from _missing(item, absent)
            yield from _conditionless(item, found)
        resource = found.get(item.resource.address)
        if resource is not None and resource.attributes.get("state") == "DELETED":
            yield _undelete(item, resource)
    yield from _full(authority, own, found)
    yield from _crowded(authority, own, found)
    slow = [i for i in own if i.resource.address.kind in _SLOW and _differs(i, found)]
    if len(slow) > SLOW_CALLS_A_MINUTE:
        minutes = -(-len(slow) // SLOW_CALLS_A_MINUTE)
        yield Diagnostic(
            "W-GOOGLE-SLOW",
            f"{len(slow)} deny policies and access boundaries change, and Google takes {SLOW_CALLS_A_MINUTE} a minute",
            f"The apply waits about {minutes} minutes for them. One boundary for many agents is one policy.",
            severity=Severity.WARNING,
        )


def expiries(live: Snapshot) -> Mapping[tuple[str, str], str]:
    """By agent and grant name, the time at which a grant's bindings end: the latest, none where one has no end."""
    ends: dict[tuple[str, str], list[str | None]] = {}
    for resource in live.resources:
        place = place_of(resource.address.name) if resource.address.kind in schema.GRANTS else None
        if place is None or resource.agent is None or place.title is None:
            continue
        name = place.title.partition("~")[0]
        for key in {(resource.agent, name), (resource.agent, name.partition("--")[0])}:
            ends.setdefault(key, []).append(expiry_of(resource.attributes["condition"]))
    return {key: max(str(end) for end in found) for key, found in ends.items() if all(found)}


def ends(kind: str, attributes: Mapping[str, Any]) -> str | None:
    """When a binding of a grant ends by its own condition (`Ending` of the sdk); None for one that does not."""
    return expiry_of(attributes.get("condition")) if kind in schema.GRANTS else None


def swept(kind: str, attributes: Mapping[str, Any]) -> bool:
    """Whether a grant ends by its removal alone (`Sweeping` of the sdk): its kind of resource takes no conditions."""
    found = table.row_of(str(attributes.get("resource"))) if kind in schema.GRANTS else None
    return found is not None and not found[0].conditions and attributes.get("condition") is None


def _full(authority: Authority, own: Sequence[Desired], found: Mapping[Address, Resource]) -> Iterable[Diagnostic]:
    """Policies that the coming grants would fill beyond what Google takes, everybody's members counted."""
    coming: dict[Address, list[Desired]] = {}
    conditional: dict[tuple[str, str, str], list[Desired]] = {}
    for item in own:
        state, where = item.resource.attributes, item.resource.address
        if where.kind not in schema.TUPLES:
            continue
        if where not in found:
            place = Address("google", where.target, schema.PLACE, str(state["resource"]))
            coming.setdefault(place, []).append(item)
        if state["condition"] is not None:
            key = (str(state["resource"]), str(state["role"]), str(state["member"]))
            conditional.setdefault(key, []).append(item)
    quotas = {authority.targets[key].id: config.settings.get("quotas") for key, config in authority.configs.items()}
    for place, items in sorted(coming.items()):
        most = limit("members_per_policy", quotas.get(place.target))
        there = found[place].attributes["members"] if place in found else None
        if there is not None and there + len(items) > most:
            what = f"The policy of {place.name} has {there} members, and {len(items)} more would be over {most}"
            yield _too_full(what, items[-1])
    for (resource, role, _), items in sorted(conditional.items()):
        bindings = limit("conditional_bindings_per_role_and_member", quotas.get(items[0].resource.address.target))
        if len(items) > bindings:
            what = f"{len(items)} conditional grants of {role} on {resource} to one member, and Google takes {bindings}"
            yield _too_full(what, items[-1])


def _crowded(authority: Authority, own: Sequence[Desired], found: Mapping[Address, Resource]) -> Iterable[Diagnostic]:
    """Custom roles and providers beyond what a project and a pool take, everybody's counted."""
    coming: dict[tuple[str, Address], list[Desired]] = {}
    for item in own:
        where = item.resource.address
        there = found.get(where)
        if where.kind not in _COUNTED or (there is not None and there.attributes["state"] == "ACTIVE"):
            continue
        quota, name = _COUNTED[where.kind]
        place = Address("google", where.target, schema.PLACE, name.format(where.name.partition("/")[0]))
        coming.setdefault((quota, place), []).append(item)
    quotas = {authority.targets[key].id: config.settings.get("quotas") for key, config in authority.configs.items()}
    for (quota, place), items in sorted(coming.items()):
        most = limit(quota, quotas.get(place.target))
        count = int(found[place].attributes["members"]) if place in found else 0
        if count + len(items) > most:
            what = f"Project {place.target} has {count} {place.name}, and {len(items)} more would be over {most}"
            yield Diagnostic(
                "E-GOOGLE-LIMIT",
                what,
                "Google would refuse it in the middle of an apply. Delete what nobody needs, use predefined roles or"
                " another pool; where Google raised the limit for you, write it in quotas.",
                subject=items[-1].source,
            )


_COUNTED = {
    schema.CUSTOM_ROLE: ("custom_roles_per_project", ROLES),
    schema.POOL_PROVIDER: ("providers_per_pool", PROVIDERS),
}


def _too_full(what: str, item: Desired) -> Diagnostic:
    return Diagnostic(
        "E-GOOGLE-LIMIT",
        what,
        "Google would refuse it in the middle of an apply. Grant on a narrower resource, join grants, or take members"
        " out that nobody needs; where Google raised the limit for you, write it in quotas.",
        subject=item.source,
    )


def _missing(item: Desired, absent: set[str]) -> Iterable[Diagnostic]:
    attributes = item.resource.attributes
    for what, name in (("resource", str(attributes["resource"])), ("role", f"role {attributes['role']}")):
        if f"{name} does not exist" in absent:
            yield Diagnostic(
                "E-GOOGLE-ABSENT",
                f"The {what} {name.removeprefix('role ')} does not exist",
                f"{item.block} grants on it. Correct the name, or make it first: this tool makes identities and grants,"
                " not the things they are about.",
                subject=item.source,
            )


def _conditionless(item: Desired, found: Mapping[Address, Resource]) -> Iterable[Diagnostic]:
    """A condition on a bucket that is not uniform: Google refuses it in the middle of an apply."""
    name = str(item.resource.attributes["resource"])
    place = found.get(Address("google", item.resource.address.target, schema.PLACE, name))
    if item.resource.attributes["condition"] is None or place is None or place.attributes["conditions"]:
        return
    yield Diagnostic(
        "E-GOOGLE-UNIFORM",
        f"Bucket {name.rpartition('/')[2]} takes no conditions, and {item.block} has one there",
        "A grant that ends or has a condition needs uniform bucket-level access, which is off on this bucket. Switch it"
        f" on (`gcloud storage buckets update gs://{name.rpartition('/')[2]} --uniform-bucket-level-access`), or leave"
        " the condition or the expiry out.",
        subject=item.source,
    )


def _undelete(item: Desired, resource: Resource) -> Diagnostic:
    noun = schema.provider_schema().kinds[resource.address.kind].noun
    return Diagnostic(
        "W-GOOGLE-UNDELETE",
        f"The {noun} {resource.address.name} was deleted, and the plan brings it back",
        "Google keeps its name reserved for a while. Grants that still name it become live again with it: look at the"
        " plan's bindings. To have a new one instead, rename the agent or wait until it is gone for good.",
        severity=Severity.WARNING,
        subject=item.source,
    )


def _differs(item: Desired, found: Mapping[Address, Resource]) -> bool:
    resource = found.get(item.resource.address)
    return resource is None or resource.attributes != item.resource.attributes
