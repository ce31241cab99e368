"""On which role a resource hangs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.resources import Address

from . import schema

_ON_A_ROLE = (schema.ROLE, schema.ROLE_POLICY, schema.ATTACHMENT, schema.PACK, schema.INSTANCE_PROFILE)
"""Their address begins with the role's name, and the calls on them name that one."""


def belongs_to(address: Address, attributes: Mapping[str, Any] | None) -> str | None:
    """The role that a resource is, or hangs on (`Belonging` of the sdk)."""
    if address.kind in _ON_A_ROLE:
        return _role(address.target, address.name.partition("/")[0])
    if address.kind == schema.POD_IDENTITY and attributes is not None:
        parts = str(attributes.get("role_arn") or "").split(":", 5)
        if len(parts) == 6 and parts[5].startswith("role/"):
            return _role(parts[4], parts[5].rpartition("/")[2])
    return None


def _role(account: str, name: str) -> str:
    return f"{account}:role/{name}"
