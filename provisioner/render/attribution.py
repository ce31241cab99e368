"""Who made a change, in one line."""

from __future__ import annotations

from ..model.usage import Attribution

_EVENT = 12


def who_text(who: Attribution) -> str:
    """`assumed-role/Admin/hugo, 2026-11-24 02:14Z (iam:AttachRolePolicy, CloudTrail event 6f1e…)`, or `not known` with
    the reason. Not escaped."""
    if not who.actor:
        return f"not known ({who.unknown})" if who.unknown else "not known"
    when = who.time.replace("T", " ")[:16]
    event = who.event if len(who.event) <= _EVENT else f"{who.event[:8]}…"
    told = ", ".join(filter(None, (who.call, f"{who.source} event {event}" if event else who.source)))
    return f"{who.actor}, {when}Z ({told})" if when else f"{who.actor} ({told})"
