"""Every installed provider, for whoever judges what a plan says of its changes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ..registry import Registry
from ..sdk.provider import Provider


@cache
def providers() -> Mapping[str, Provider]:
    """Every installed provider, found once: each check before a write asks for them."""
    return Registry().all()
