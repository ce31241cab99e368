"""Version constraints as Terraform writes them: `>= 0.1, < 2`, `~> 1.2`, `!= 1.3.0`."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError
from typing import Final

from ..version import installed

_CONSTRAINT: Final = re.compile(r"\s*(=|!=|>=|<=|>|<|~>)?\s*v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,2})\s*")
_VERSION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)*)")


class VersionError(ValueError):
    """The text is not a version constraint; the message is a sentence part."""


@cache
def running() -> str:
    """The version that is installed; `0.0.0` for a source tree that is not."""
    try:
        return installed()
    except PackageNotFoundError:
        return "0.0.0"


def satisfies(have: str, constraints: str) -> bool:
    """Whether a version meets every constraint. Raises VersionError."""
    match = _VERSION.match(have)
    parts = _three(match.group(1)) if match else (0, 0, 0)
    met = [_meets(parts, constraint) for constraint in constraints.split(",")]
    return all(met)


def _meets(have: tuple[int, int, int], constraint: str) -> bool:
    match = _CONSTRAINT.fullmatch(constraint)
    if match is None:
        raise VersionError(f'"{constraint.strip()}" is not a version constraint')
    operator, text = match.group(1) or "=", match.group(2)
    want = _three(text)
    if operator == "~>":
        written = text.count(".") + 1
        fixed = max(written - 1, 1)
        return have >= want and have[:fixed] == want[:fixed]
    return {
        "=": have == want,
        "!=": have != want,
        ">=": have >= want,
        "<=": have <= want,
        ">": have > want,
        "<": have < want,
    }[operator]


def _three(text: str) -> tuple[int, int, int]:
    numbers = [int(part) for part in text.split(".")[:3]] + [0, 0]
    return numbers[0], numbers[1], numbers[2]
