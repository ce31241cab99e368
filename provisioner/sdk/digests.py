"""Digests of live and desired state, the same on both sides of the protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..canonical import digest
from ..model.changes import ABSENT

STATE_DOMAIN = "state/1"


def state_digest(attributes: Mapping[str, Any] | None, fields: Iterable[str] | None = None) -> str:
    """The digest of a normalized resource, restricted to `fields` when given; ABSENT for no resource.

    A field that a resource lacks counts as null, so that «removed» and «null» are one state.
    """
    if attributes is None:
        return ABSENT
    names = sorted(attributes) if fields is None else sorted(fields)
    return digest(STATE_DOMAIN, {name: attributes.get(name) for name in names})
