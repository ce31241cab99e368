"""Condition operators, against a context that may leave keys open.

The logic of missing keys: a key that is absent makes a positive operator false and a negated one true; with
`IfExists` it makes both true. `ForAllValues` is true without a value, `ForAnyValue` false. Several values in the
policy are joined by OR, and by NOR under a negated operator.

Sources: IAM User Guide, «IAM JSON policy elements: Condition operators», «Conditions with multiple context keys or
values», «Set operators for multivalued context keys».
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network

from .context import Context
from .document import Condition, Pattern
from .match import Match, all_of, any_of, arn_matches, resolve, text_matches, truth, unknown

NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
"""Each negated operator and what it negates."""


def conditions_hold(conditions: Iterable[Condition], context: Context) -> Match:
    """All of them: the blocks of a statement are joined by AND."""
    return all_of(condition_holds(condition, context) for condition in conditions)


def condition_holds(condition: Condition, context: Context) -> Match:
    """One operator on one key."""
    if not condition.known:
        return unknown(f"the meaning of the operator {condition.name}")
    if not condition.values:
        return unknown(f"the meaning of {condition.name} on {condition.key} without values")
    values = context.get(condition.key)
    if values is None:
        return unknown(condition.key)
    if condition.operator == "Null":
        return any_of(_null(pattern, values) for pattern in condition.values)
    if not values:
        return truth(holds_when_absent(condition))
    each = (_one(condition, value, context) for value in values)
    if condition.quantifier == "ForAllValues":
        return all_of(each)
    if condition.quantifier == "ForAnyValue":
        return any_of(each)
    if len(values) > 1:
        return unknown(f"what {condition.name} means for the {len(values)} values of {condition.key}")
    return next(each)


def _null(pattern: Pattern, values: tuple[str, ...]) -> Match:
    if pattern.text not in ("true", "false"):
        return unknown(f"the meaning of Null {pattern.text!r}")
    return truth((pattern.text == "true") == (not values))


def holds_when_absent(condition: Condition) -> bool:
    """Whether a condition holds in a request that lacks its key."""
    if condition.operator == "Null":
        return any(pattern.text == "true" for pattern in condition.values)
    if condition.if_exists or condition.quantifier == "ForAllValues":
        return True
    return condition.operator in NEGATED and condition.quantifier != "ForAnyValue"


def _one(condition: Condition, value: str, context: Context) -> Match:
    """One value of the request against all of the policy's."""
    positive = NEGATED.get(condition.operator, condition.operator)
    compare = _COMPARE[positive]
    found = any_of(compare(pattern, value, context) for pattern in condition.values)
    return found.negated if condition.operator in NEGATED else found


def _same_ignoring_case(pattern: Pattern, value: str, context: Context) -> Match:
    found = resolve(pattern, context)
    return found if isinstance(found, Match) else truth((found.literal or "").lower() == value.lower())


def _same_text(pattern: Pattern, value: str, context: Context) -> Match:
    return truth(pattern.text == value)


def _same_boolean(pattern: Pattern, value: str, context: Context) -> Match:
    return truth(pattern.text.lower() == value.lower())


def number(text: str) -> Decimal | None:
    """A number as IAM writes it; None for anything else."""
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def moment(text: str) -> Decimal | None:
    """Seconds since 1970 of an ISO 8601 time, or of the epoch number that IAM also takes; None for anything else."""
    stripped = text.strip()
    if stripped.lstrip("-").isdigit() and len(stripped) != 4:
        return number(stripped)
    try:
        found = datetime.fromisoformat(stripped)
    except ValueError:
        return number(stripped) if len(stripped) != 4 else None
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    delta = zoned - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal(delta.days * 86400 + delta.seconds) + Decimal(delta.microseconds) / 1_000_000


_Order = Callable[[Decimal, Decimal], bool]
_Compare = Callable[[Pattern, str, Context], Match]

_ORDERS: dict[str, _Order] = {
    "Equals": lambda value, bound: value == bound,
    "LessThan": lambda value, bound: value < bound,
    "LessThanEquals": lambda value, bound: value <= bound,
    "GreaterThan": lambda value, bound: value > bound,
    "GreaterThanEquals": lambda value, bound: value >= bound,
}


def _ordered(read: Callable[[str], Decimal | None], order: _Order, kind: str) -> _Compare:
    def compare(pattern: Pattern, value: str, context: Context) -> Match:
        given, bound = read(value), read(pattern.text)
        for found, text in ((given, value), (bound, pattern.text)):
            if found is None:
                return unknown(f"what {text!r} means as a {kind}")
        return truth(given is not None and bound is not None and order(given, bound))

    return compare


def _in_network(pattern: Pattern, value: str, context: Context) -> Match:
    try:
        network, address = ip_network(pattern.text, strict=False), ip_address(value)
    except ValueError:
        return unknown(f"what {value!r} or {pattern.text!r} means as an IP address")
    return truth(address in network)


_COMPARE: dict[str, _Compare] = {
    "StringEquals": text_matches,
    "StringEqualsIgnoreCase": _same_ignoring_case,
    "StringLike": text_matches,
    "Bool": _same_boolean,
    "BinaryEquals": _same_text,
    "IpAddress": _in_network,
    "ArnEquals": arn_matches,
    "ArnLike": arn_matches,
    **{f"Numeric{name}": _ordered(number, order, "number") for name, order in _ORDERS.items()},
    **{f"Date{name}": _ordered(moment, order, "time") for name, order in _ORDERS.items()},
}
