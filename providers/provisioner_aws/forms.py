"""The canonical form of each kind of resource: equal meaning gives equal attributes, on both sides."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provisioner.model.resources import Resource

from . import schema
from .policy.canonical import canonical_policy
from .policy.errors import PolicyError

_DEAD = re.compile(r"(AROA|AIDA)[A-Z0-9]{12,}")
"""Unique ids of roles and users. IAM shows one in a trust only when its principal is gone; ids are never reused."""

UNREADABLE = "unreadable"
"""Marks a live document that is no policy we can parse: kept as text, so that it is seen and replaced."""


def normalize(resource: Resource) -> Resource:
    """The resource with canonical attributes. Idempotent."""
    return replace(resource, attributes=canonical_attributes(resource.address.kind, resource.attributes))


def canonical_attributes(kind: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Exactly the attributes of the kind's schema, each in canonical form; null where one is missing."""
    fields = schema.provider_schema().kinds[kind].fields
    return {name: _canonical(name, attributes.get(name)) for name in fields}


def document(given: Mapping[str, Any] | str) -> dict[str, Any]:
    """A canonical policy document, or `{"unreadable": text}` for what is none."""
    return _cached(given if isinstance(given, str) else json.dumps(given, sort_keys=True))


def trust(given: Mapping[str, Any] | str) -> dict[str, Any]:
    """A canonical trust policy without the ids of principals that no longer exist: they admit nobody."""
    return _without_dead(document(given))


def _canonical(name: str, value: Any) -> Any:
    if value is None:
        return {} if name == "tags" else ("" if name == "description" else None)
    if name == "document":
        return document(value)
    if name == "trust":
        return trust(value)
    if name == "tags":
        return {key: value[key] for key in sorted(value) if not key.startswith("aws:")}
    if name == "policies":
        return {key: document(value[key]) for key in sorted(value)}
    if name in ("attached", "groups", "client_ids", "thumbprints", "return_urls"):
        return sorted(value)
    return value


_FORMS: dict[str, str] = {}
"""Canonical texts by text. What we write comes back as the canonical form itself, which is here already then."""

_MOST_FORMS = 65536


def _cached(text: str) -> dict[str, Any]:
    """A fresh copy each time: callers may keep and change what they get."""
    form = _FORMS.get(text)
    if form is None:
        form = _form(text)
        if len(_FORMS) > _MOST_FORMS:
            _FORMS.clear()
        _FORMS[text] = _FORMS[form] = form
    loaded: dict[str, Any] = json.loads(form)
    return loaded


def _form(text: str) -> str:
    if text.startswith('{"' + UNREADABLE + '"'):
        return text
    try:
        return json.dumps(canonical_policy(text), sort_keys=True)
    except PolicyError:
        return json.dumps({UNREADABLE: text}, sort_keys=True)


def _without_dead(form: dict[str, Any]) -> dict[str, Any]:
    if not _DEAD.search(json.dumps(form)) or UNREADABLE in form:
        return form
    kept = []
    for statement in form["Statement"]:
        principal = statement.get("Principal")
        if isinstance(principal, dict) and "AWS" in principal:
            alive = [item for item in principal["AWS"] if not _DEAD.fullmatch(item)]
            others = {kind: values for kind, values in principal.items() if kind != "AWS"}
            principal = {"AWS": alive, **others} if alive else others
            if not principal:
                continue
            statement = {**statement, "Principal": principal}
        kept.append(statement)
    return document({**form, "Statement": kept})
