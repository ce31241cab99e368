"""Policies in sentences, for a reader who knows no policy language. Short and deterministic.

Nothing here judges: a sentence says what a statement says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .conditions import NEGATED
from .document import Condition, Names, Statement

_SHOWN = 4
_VERBS = {
    "StringEquals": "is",
    "StringEqualsIgnoreCase": "is",
    "StringLike": "is like",
    "ArnEquals": "is",
    "ArnLike": "is like",
    "Bool": "is",
    "BinaryEquals": "is",
    "IpAddress": "is in",
    "NumericEquals": "=",
    "NumericLessThan": "<",
    "NumericLessThanEquals": "<=",
    "NumericGreaterThan": ">",
    "NumericGreaterThanEquals": ">=",
    "DateEquals": "=",
    "DateLessThan": "<",
    "DateLessThanEquals": "<=",
    "DateGreaterThan": ">",
    "DateGreaterThanEquals": ">=",
}
_NEGATED_VERBS = {"is": "is not", "is like": "is not like", "is in": "is not in", "=": "is not"}


def listed(items: Sequence[str], shown: int = _SHOWN) -> str:
    """`a, b, c and 3 more`."""
    if len(items) <= shown:
        return ", ".join(items)
    return f"{', '.join(items[:shown])} and {len(items) - shown} more"


def arn_tail(arn: str, home: str | None = None) -> str:
    """What a reader needs of an ARN: `acme-payments/run.csv`, `table/suppliers`. The region goes where there is one,
    and the account unless it is `home` or nobody's."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return "any resource" if arn == "*" else arn
    region, account, tail = parts[3:]
    out = tail if tail != "*" else f"any {parts[2]} resource"
    if region not in ("", "*"):
        out += f" in {region}"
    if account not in ("", "*") and home is not None and account != home:
        out += f" of account {account}"
    return out


def names(element: Names, kind: str, home: str | None = None, shown: int = _SHOWN) -> str:
    """`s3:GetObject, s3:PutObject`, `anything but iam:*`, `inbox/* and 2 more`."""
    texts = [pattern.text for pattern in element.patterns]
    if kind == "resource":
        texts = [arn_tail(text, home) for text in texts]
    elif texts == ["*"]:
        texts = ["any action"]
    out = listed(texts, shown)
    return f"anything but {out}" if element.negated else out


def condition(test: Condition) -> str:
    """`s3:prefix is like inbox/*`."""
    texts = [pattern.text for pattern in test.values]
    if test.operator == "Null":
        states = [{"true": "absent", "false": "present"}.get(text, text) for text in texts]
        return f"{test.key} is {' or '.join(states)}"
    positive = NEGATED.get(test.operator, test.operator)
    verb = _VERBS.get(positive, test.operator)
    if test.operator in NEGATED:
        verb = _NEGATED_VERBS[verb]
    subject = {"ForAllValues": f"every {test.key}", "ForAnyValue": f"some {test.key}"}.get(test.quantifier, test.key)
    suffix = ", if present" if test.if_exists else ""
    return f"{subject} {verb} {listed(texts, 2).replace(', ', ' or ')}{suffix}"


def statement(of: Statement, home: str | None = None) -> str:
    """`s3:GetObject on acme-invoices/inbox/*, until 2027-02-01, when s3:prefix is like inbox/*`."""
    out = names(of.actions, "action")
    if of.resources is not None:
        out += f" on {names(of.resources, 'resource', home)}"
    return out + "".join(f", {part}" for part in limits(of.conditions))


def limits(conditions: Iterable[Condition]) -> tuple[str, ...]:
    """The conditions of a statement: the end of it first, then the others as one `when …`."""
    ends, others = [], []
    for test in conditions:
        if test.operator == "DateLessThan" and test.key == "aws:CurrentTime" and len(test.values) == 1:
            ends.append(f"until {_day(test.values[0].text)}")
        else:
            others.append(condition(test))
    return (*ends, f"when {' and '.join(others)}") if others else tuple(ends)


def _day(text: str) -> str:
    return text.removesuffix("T00:00:00Z")


def request(action: str, resource: str | None, home: str | None = None) -> str:
    """`s3:PutObject on acme-payments/run.csv`."""
    return f"{action} on {arn_tail(resource, home)}" if resource is not None else action
