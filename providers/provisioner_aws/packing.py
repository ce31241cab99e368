"""Which of a role's grants stand inline, and which share managed policies, when the inline space does not hold them.

Deterministic, from names and sizes alone, and stable: a grant more or less moves a few others at most. The largest
grants leave the inline space first, so few do. Where they go is decided by the hash of their names: one policy for each
owner, which is split by the next bit of the hash when it is full; the half whose bit is 0 keeps its place and name.
Grants of two owners never share a policy, so that each owner signs what is theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_DEEPEST = 64
"""Bits of the hash that may be used up: names that agree in so many are the same name."""


@dataclass(frozen=True, slots=True)
class Item:
    """One grant part: `size` in characters; `movable` is false where it must stay inline."""

    name: str
    owner: str
    size: int
    movable: bool = True


@dataclass(frozen=True, slots=True)
class Packing:
    """`packs` are names of grant parts by the pack's own name (`owner-0`). `overflow` is what fits nowhere."""

    inline: tuple[str, ...]
    packs: Mapping[str, tuple[str, ...]]
    overflow: int = 0


def pack(items: Iterable[Item], inline_limit: int, managed_limit: int, room: int = 0) -> Packing:
    """Place every item. `overflow` counts the characters by which what must stay inline exceeds the limit.

    `room` characters of the inline space are left free as far as items can be moved.
    """
    by_size = sorted(items, key=lambda item: (-item.size, item.name))
    total = sum(item.size for item in by_size)
    moved: list[Item] = []
    for item in by_size:
        if total <= inline_limit - room:
            break
        if item.movable and item.size <= managed_limit:
            moved.append(item)
            total -= item.size
    left = {item.name for item in by_size} - {item.name for item in moved}
    packs: dict[str, tuple[str, ...]] = {}
    for owner in sorted({item.owner for item in moved}):
        own = [item for item in moved if item.owner == owner]
        for label, members in _split(own, "", managed_limit):
            packs[f"{owner}-{label}" if owner else label] = tuple(sorted(item.name for item in members))
    return Packing(tuple(sorted(left)), packs, max(0, total - inline_limit))


def _split(items: list[Item], path: str, limit: int) -> list[tuple[str, list[Item]]]:
    if sum(item.size for item in items) <= limit or len(items) == 1 or len(path) == _DEEPEST:
        return [(path.rstrip("0") or "0", items)] if items else []
    at = len(path)
    halves: dict[str, list[Item]] = {"0": [], "1": []}
    for item in items:
        halves[_bits(item.name)[at]].append(item)
    return _split(halves["0"], f"{path}0", limit) + _split(halves["1"], f"{path}1", limit)


def _bits(name: str) -> str:
    return f"{int.from_bytes(hashlib.sha256(name.encode()).digest()[: _DEEPEST // 8]):0{_DEEPEST}b}"
