"""What drift found on a role, as a block that keeps it: an inline policy under a name of its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.resources import Resource
from provisioner.sdk.describing import Json

from . import names, schema
from .forms import UNREADABLE

PREFIX = "kept-"


def keep(live: Resource) -> tuple[str, tuple[str, ...], Mapping[str, Any]] | str:
    """A `policy` block of the identity, or why there is none.

    An attached policy becomes an inline one with the document that it has now: whoever owns it could otherwise give the
    agent more tomorrow.
    """
    kind, name = live.address.kind, live.address.name.partition("/")[2]
    if kind not in (schema.ROLE_POLICY, schema.ATTACHMENT):
        noun = schema.provider_schema().kinds[kind].noun
        return f"only policies are kept, and this is about a {noun}: say it in the files, or undo it in the cloud"
    document = live.attributes.get("document")
    if document is None:
        return "what it allows could not be read"
    if UNREADABLE in document:
        return "it is no policy document"
    plain = name.rpartition("/")[2] if kind == schema.ATTACHMENT else name
    return "policy", (names.policy_name(f"{PREFIX}{plain}"),), {"document": Json(document)}
