"""The canonical form of every resource: equal meaning gives equal attributes, on the desired and the live side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provisioner.model.resources import Resource

from . import schema
from .bindings import canonical_condition

ACTIVE, DELETED = "ACTIVE", "DELETED"
LEGACY_ROLES = {
    "OWNER": "roles/bigquery.dataOwner",
    "WRITER": "roles/bigquery.dataEditor",
    "READER": "roles/bigquery.dataViewer",
}
"""What BigQuery answers for three of its roles. Source: BigQuery REST reference, Dataset.access[].role."""

_DEFAULTS: Mapping[str, Any] = {
    "display_name": "",
    "description": "",
    "title": "",
    "disabled": False,
    "state": ACTIVE,
    "stage": "GA",
}
_SORTED = ("audiences", "permissions")


def normalize(resource: Resource) -> Resource:
    """The resource with canonical attributes. Idempotent."""
    return replace(resource, attributes=canonical_attributes(resource.address.kind, resource.attributes))


def canonical_attributes(kind: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Exactly the attributes of the kind's schema, each in canonical form; null where one is missing."""
    fields = schema.provider_schema().kinds[kind].fields
    return {name: _canonical(kind, name, attributes.get(name)) for name in fields}


def _canonical(kind: str, name: str, value: Any) -> Any:
    if name == "stage" and kind == schema.CUSTOM_ROLE:
        return value or "ALPHA"  # Google leaves ALPHA out of its answers
    if value is None and name in _DEFAULTS:
        return _DEFAULTS[name]
    if name == "permissions" and value is None and kind == schema.ROLE:
        return None
    if name in _SORTED:
        return sorted(set(value or ()))
    if name == "condition" and kind != schema.POOL_PROVIDER:
        return canonical_condition(value)
    if name == "condition":
        return str(value or "").strip()
    if name == "mapping":
        return {key: value[key] for key in sorted(value or {})}
    if name == "annotations":
        return {key: value[key] for key in sorted(value or {})}
    if name == "rules":
        return sorted((_rule(rule) for rule in value or ()), key=repr)
    if name == "condition" and kind == schema.ACCESS_BOUNDARY_BINDING:
        return canonical_condition(value)
    if name == "role":
        return LEGACY_ROLES.get(value, value)
    return value


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of a deny policy or of an access boundary: lists are sets, what is empty is left out."""
    out: dict[str, Any] = {}
    for name in sorted(rule):
        value = rule[name]
        if name == "denialCondition":
            value = canonical_condition(value)
        elif isinstance(value, list | tuple):
            value = sorted(set(value))
        if value not in (None, [], {}, ""):
            out[name] = value
    return out
