"""«Did you mean»: the nearest known name, by edit distance, as HCL does it."""

from __future__ import annotations

from collections.abc import Iterable

_MAX_LENGTH = 64


def nearest(given: str, names: Iterable[str]) -> str | None:
    """The known name nearest to `given`, or None when none is near enough (fewer than 3 edits)."""
    if len(given) > _MAX_LENGTH:
        return None
    best: str | None = None
    best_distance = 3
    for name in sorted(names):
        if abs(len(name) - len(given)) >= best_distance or len(name) > _MAX_LENGTH:
            continue
        distance = _distance(given, name, best_distance)
        if distance < best_distance and distance < max(len(given), len(name)):
            best, best_distance = name, distance
    return best


def suggestion(given: str, names: Iterable[str]) -> str:
    """` Did you mean "name"?` with its leading space, or nothing."""
    name = nearest(given, names)
    return "" if name is None else f' Did you mean "{name}"?'


def _distance(a: str, b: str, limit: int) -> int:
    """Levenshtein distance; stops early at `limit`."""
    previous = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        current = [i]
        for j, right in enumerate(b, 1):
            cost = previous[j - 1] + (left != right)
            current.append(min(cost, previous[j] + 1, current[j - 1] + 1))
        if min(current) >= limit:
            return limit
        previous = current
    return previous[-1]
