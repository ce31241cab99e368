"""On which principal a resource hangs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.model.resources import Address

from . import names, schema
from .bindings import place_of

_ACCOUNT: Final = "serviceAccount:"


def belongs_to(address: Address, attributes: Mapping[str, Any] | None) -> str | None:
    """The service account or provider itself, the account that a binding is on, or the member of a grant (`Belonging`
    of the sdk)."""
    if address.kind == schema.ACCOUNT:
        return _ACCOUNT + names.email(address.name, address.target)
    if address.kind == schema.POOL_PROVIDER:
        return f"{address.target}:{address.name}"
    if address.kind not in schema.TUPLES:
        return None
    place = place_of(address.name)
    said: Mapping[str, Any] = attributes if attributes is not None else {}
    if address.kind == schema.ACCOUNT_BINDING:
        on = str(said.get("resource") or (place.resource if place is not None else ""))
        return _ACCOUNT + on.rpartition("/")[2] if on else None
    return str(said.get("member") or (place.member if place is not None else "")) or None
