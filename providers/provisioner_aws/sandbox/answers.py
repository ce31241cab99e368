"""What a handler answers, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` is the error's name, empty for an answer that is none."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    code: str = ""


class RefusedError(Exception):
    """An error that AWS would answer with."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def page(items: list[Any], start: str | None, size: int) -> tuple[list[Any], str | None]:
    """One page of a listing, and the token of the next."""
    first = int(start or 0)
    more = first + size < len(items)
    return items[first : first + size], str(first + size) if more else None
