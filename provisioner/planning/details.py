"""What exactly differs inside an attribute: one line per place, for reports. deepdiff lives here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

MOST = 40
"""Lines for one resource: a rewritten document says so instead of listing every place."""


def details(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, fields: Iterable[str]
) -> tuple[str, ...]:
    """Lines such as `+ trust.Statement[1] {…}`, `- tags.team "a"`, `~ max_session_duration 3600 → 7200`.

    Attributes are JSON values; statements of a policy are matched by content, so that one that was added in the middle
    does not make all later ones differ.
    """
    from deepdiff import DeepDiff

    lines: list[str] = []
    for name in fields:
        old, new = (before or {}).get(name), (after or {}).get(name)
        if old is None or new is None or not isinstance(old, dict | list) or not isinstance(new, dict | list):
            lines += _whole(name, old, new)
            continue
        found = DeepDiff({name: old}, {name: new}, ignore_order=True, report_repetition=True, view="tree")
        lines += sorted(line for items in found.values() for item in items for line in _lines(item))
    if len(lines) > MOST:
        return (*lines[: MOST - 1], f"  and {len(lines) - MOST + 1} more places")
    return tuple(lines)


def _lines(item: Any) -> list[str]:
    """One difference of deepdiff's tree. A side that does not exist is deepdiff's own marker, not JSON."""
    place = ".".join(_path(item))
    return _whole(place, _json(item.t1), _json(item.t2))


def _path(item: Any) -> list[str]:
    parts: list[str] = []
    for part in item.path(output_format="list"):
        if isinstance(part, int) and parts:
            parts[-1] += f"[{part}]"
        else:
            parts.append(str(part))
    return parts


def _json(value: Any) -> Any:
    return value if isinstance(value, str | int | bool | dict | list | tuple) else None


def _whole(place: str, old: Any, new: Any) -> list[str]:
    if old == new:
        return []
    if old is None:
        return [f"+ {place} {_show(new)}"]
    if new is None:
        return [f"- {place} {_show(old)}"]
    return [f"~ {place} {_show(old)} → {_show(new)}"]


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(", ", ": "))
