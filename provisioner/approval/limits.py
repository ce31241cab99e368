"""What the root in force limits and protects: asked by the planner, and again by the verifier of the signed bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from ..model.changes import Action, Change
from ..model.configuration import Limits

DELETIONS_COUNT_FROM: Final = 5
"""A percentage counts only from so many deletions on: small workspaces breathe."""


def deletions(changes: Iterable[Change]) -> int:
    """How many resources are taken away."""
    return sum(change.action is Action.DELETE for change in changes)


def deletes_too_much(count: int, live_total: int, limits: Limits) -> bool:
    """Whether `count` deletions of `live_total` live resources are more than the root allows."""
    return count >= DELETIONS_COUNT_FROM and bool(live_total) and count * 100 > limits.max_delete_percent * live_total


def protecting(name: str, patterns: Iterable[str]) -> str | None:
    """The pattern of `protect` that a resource's full name in its cloud falls under; None where there is none."""
    return next((pattern for pattern in patterns if _glob(pattern).fullmatch(name)), None)


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern))
