"""Our mark among the tags of what exists: read, put on, taken off. Nothing else of a resource is touched."""

from __future__ import annotations

from provisioner.model.resources import Attributes, Mark

from . import names, schema
from .forms import canonical_attributes


def mark_in(kind: str, attributes: Attributes) -> Mark | None:
    """The mark in the tags of a kind that carries one; None where there is none."""
    field = schema.provider_schema().kinds[kind].mark
    return names.mark_of(dict(attributes.get(field) or {})) if field else None


def with_mark(kind: str, attributes: Attributes, wanted: Attributes | None) -> Attributes:
    """The attributes with `wanted`'s mark instead of their own; the same where the kind carries none."""
    field = schema.provider_schema().kinds[kind].mark
    if not field:
        return attributes
    others = {key: value for key, value in (attributes.get(field) or {}).items() if key not in names.MARKS}
    ours = {key: value for key, value in ((wanted or {}).get(field) or {}).items() if key in names.MARKS}
    return canonical_attributes(kind, {**attributes, field: {**others, **ours}})
