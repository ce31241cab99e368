"""The live object that one operation is about, and the mark on what owns it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Found:
    """`attributes` are canonical, None for an object that does not exist. `owner_tags` are those of the role or
    policy that the object is or hangs on, None where that does not exist; `owner_name` is its name."""

    attributes: Mapping[str, Any] | None
    owner_tags: Mapping[str, str] | None
    owner_name: str
