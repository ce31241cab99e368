"""What is known of a request by the name of its resource, and where in the hierarchy a policy counts for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import table
from . import cel

_OBJECTS = "/objects/"
_TYPES = {
    _OBJECTS: "storage.googleapis.com/Object",
    "/versions/": "secretmanager.googleapis.com/SecretVersion",
}


def attributes_of(resource: str, now: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a request that its resource's full name and its time tell; `given` adds to them and goes
    before. `request.time` becomes a time."""
    host, _, name = resource.removeprefix("//").partition("/")
    row = table.row_of(resource)
    known: dict[str, Any] = {"resource.name": name, "resource.service": host}
    if row is not None:
        known["resource.type"] = row[0].type
    else:
        kind = next((type_ for part, type_ in _TYPES.items() if part in name), None)
        if kind is not None:
            known["resource.type"] = kind
    if now is not None:
        known["request.time"] = now
    known.update({str(key): value for key, value in given.items()})
    time = known.get("request.time")
    if isinstance(time, str):
        known["request.time"] = cel.moment(time) or cel.Unknown("request.time")
    return known
