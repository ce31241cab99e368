"""Durations and points in time as configurations write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION: Final = re.compile(r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def seconds(text: str) -> int | None:
    """Seconds of a duration such as `90d`, `72h`, `1h30m`; None when it is not one or is zero."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    total = sum(int(part) * unit for part, unit in zip(match.groups(), _UNITS.values(), strict=True) if part)
    return total or None


def timestamp(text: str) -> str | None:
    """An RFC 3339 time as the same time in UTC with whole seconds; None when it is not one.

    A fraction of a second is cut off: the clouds' conditions hold whole seconds.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    day, clock, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone == 'Z' else zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1000 else None


def day(text: str) -> str | None:
    """An ISO date, `2027-02-01`; None when it is not one.

    The first moment of a day in UTC counts as that day: it is what YAML makes of an unquoted date.
    """
    text = text.removesuffix("T00:00:00Z")
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None
