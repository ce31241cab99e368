"""Functions of IAM Conditions: attributes of an API, tags of a resource, dates, ranges, lists.

What a request does not say is `Unknown`. A request says of tags and API attributes whether they are all that there are
(`resource.tags_complete`, `api.attributes_complete`): only then does a missing one give the default, or False.
Sources: «Attribute reference for IAM Conditions» (API attributes, resource tags, date/time, extract), the CEL language
definition (string and list functions).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

TAGS, ALL_TAGS = "resource.tags", "resource.tags_complete"
API, ALL_API = "api.attributes", "api.attributes_complete"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not known, with what is missing."""

    what: str


_TAG_CALLS = ("matchTag", "matchTagId", "hasTagKey", "hasTagKeyId")
_DURATION = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)(h|ms|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def asks_context(receiver: str, name: str) -> bool:
    """Whether `receiver.name(…)` reads the request itself: its receiver is no value."""
    return (receiver == "api" and name == "getAttribute") or (receiver == "resource" and name in _TAG_CALLS)


def from_context(name: str, given: Sequence[Any], context: Mapping[str, Any]) -> Any:
    """`api.getAttribute(KEY, DEFAULT)`, `resource.matchTag(KEY, VALUE)` and its like."""
    wanted = 1 if name.startswith("hasTagKey") else 2
    if len(given) != wanted or not isinstance(given[0], str):
        return Unknown(f"{name}() with {len(given)} arguments")
    if name == "getAttribute":
        known, complete = context.get(API) or {}, context.get(ALL_API) is True
        if given[0] in known:
            return known[given[0]]
        return given[1] if complete else Unknown(f"api.getAttribute({given[0]!r})")
    tags, complete = context.get(TAGS) or {}, context.get(ALL_TAGS) is True
    if given[0] in tags:
        return wanted == 1 or tags[given[0]] == given[1]
    return False if complete else Unknown(f"the tags of the resource ({given[0]})")


def extract(subject: str, template: str) -> Any:
    """What the template's variable stands for: the text between its first occurrence of prefix and the suffix after
    it; empty where the template does not fit. Source: «extract()», IAM Conditions attribute reference."""
    match = re.fullmatch(r"([^{}]*)\{[A-Za-z_][A-Za-z0-9_]*\}([^{}]*)", template)
    if match is None:
        return Unknown(f"extract({template!r})")
    prefix, suffix = match[1], match[2]
    start = subject.find(prefix)
    if start < 0:
        return ""
    rest = subject[start + len(prefix) :]
    if not suffix:
        return rest
    end = rest.find(suffix)
    return rest[:end] if end >= 0 else ""


def moment(text: str) -> datetime | None:
    """An RFC 3339 time; a date alone is its first moment."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


_OF_TIME: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
    "getMilliseconds": lambda moment: moment.microsecond // 1000,
}
_OF_TEXT: dict[str, Callable[[str, str], Any]] = {
    "startsWith": lambda text, other: text.startswith(other),
    "endsWith": lambda text, other: text.endswith(other),
    "contains": lambda text, other: other in text,
    "extract": extract,
    "split": lambda text, other: text.split(other) if other else list(text),
}
_LOWER = {code: code + 32 for code in range(65, 91)}
_UPPER = {code: code - 32 for code in range(97, 123)}
_ALONE: dict[str, Callable[[str], Any]] = {
    "lowerAscii": lambda text: text.translate(_LOWER),
    "upperAscii": lambda text: text.translate(_UPPER),
}


def call(name: str, subject: Any, given: Sequence[Any]) -> Any:
    """A function or method of values that are all known. None is what a function without a receiver has for one.

    `Unknown` for what is not modelled, `matches` above all: its regular expressions are RE2's.
    """
    if subject is None:
        return _function(name, given)
    if isinstance(subject, str) and name in _OF_TEXT and len(given) == 1 and isinstance(given[0], str):
        return _OF_TEXT[name](subject, given[0])
    if isinstance(subject, str) and name in _ALONE and not given:
        return _ALONE[name](subject)
    if isinstance(subject, datetime) and name in _OF_TIME and len(given) <= 1:
        zone = _zone(given[0]) if given else UTC
        return Unknown(f"the time zone {given[0]!r}") if zone is None else _OF_TIME[name](subject.astimezone(zone))
    if isinstance(subject, list) and name == "hasOnly" and len(given) == 1 and isinstance(given[0], list):
        return all(item in given[0] for item in subject)
    if isinstance(subject, list) and name == "join" and all(isinstance(item, str) for item in (*subject, *given)):
        return (given[0] if given else "").join(subject)
    if name == "size" and not given and isinstance(subject, str | list | dict):
        return len(subject)
    return Unknown(f"{name}()")


def _function(name: str, given: Sequence[Any]) -> Any:
    if len(given) == 1 and isinstance(given[0], str):
        if name == "timestamp":
            return moment(given[0]) or Unknown(f"timestamp({given[0]!r})")
        if name == "date":
            return moment(given[0]) if len(given[0]) == 10 and moment(given[0]) else Unknown(f"date({given[0]!r})")
        if name == "duration":
            return _duration(given[0])
    if name == "size" and len(given) == 1 and isinstance(given[0], str | list | dict):
        return len(given[0])
    if name == "string" and len(given) == 1 and isinstance(given[0], str):
        return given[0]
    if name == "inIpRange" and len(given) == 2 and all(isinstance(item, str) for item in given):
        return _in_range(given[0], given[1])
    return Unknown(f"{name}()")


def _duration(text: str) -> Any:
    parts = list(_DURATION.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return Unknown(f"duration({text!r})")
    return timedelta(seconds=sum(float(part[1]) * _UNITS[part[2]] for part in parts))


def _in_range(address: str, block: str) -> Any:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(address) in ip_network(block, strict=False)
    except ValueError:
        return Unknown(f"inIpRange({address!r}, {block!r})")


def _zone(name: Any) -> Any:
    """A time zone of the IANA database or an offset such as `-08:00`; None for what is none."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if not isinstance(name, str):
        return None
    offset = re.fullmatch(r"([+-]?)([0-9]{2}):([0-9]{2})", name)
    if offset is not None:
        from datetime import timezone

        minutes = int(offset[2]) * 60 + int(offset[3])
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes)) if minutes < 24 * 60 else None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
