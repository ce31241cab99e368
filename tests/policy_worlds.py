"""Small worlds of policies and requests, seeded; and a plain reading of AWS's evaluation logic to compare with.

The plain reading shares nothing with the code under test: regular expressions, `ipaddress`, `datetime`. It takes a
context in full (a key that is not given is absent), so it always answers yes or no.
"""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

Document = dict[str, Any]
Values = dict[str, list[str]]

ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "iam:CreateUser", "s3:GetObjectTagging"]
RESOURCES = ["arn:aws:s3:::a/x", "arn:aws:s3:::a/y", "arn:aws:s3:::b/x", "arn:aws:s3:::b", "arn:aws:s3:::a/b/x"]
VALUES: dict[str, list[list[str]]] = {
    "s3:prefix": [[], ["a"], ["ab"], ["b"], ["A"], ["B"]],
    "aws:TagKeys": [[], ["a"], ["a", "b"], ["b", "c"], ["c"]],
    "s3:max-keys": [[], ["5"], ["10"], ["11"], ["10.5"]],
    "aws:SourceArn": [[], ["arn:aws:ecs:r:1:x"], ["arn:aws:ecs:r:2:x"], ["arn:aws:ecs:r:1:x:y"]],
    "aws:PrincipalTag/t": [[], ["a"], ["b"]],
    "aws:SourceIp": [[], ["10.0.0.5"], ["10.1.0.5"], ["192.0.2.1"], ["2001:db8::7"]],
    "aws:CurrentTime": [["2026-01-01T00:00:00Z"], ["2027-06-01T00:00:00Z"], ["2028-01-01T00:00:00Z"]],
    "aws:MultiFactorAuthPresent": [[], ["true"], ["false"]],
    "aws:RequestTag/b": [[], ["true"], ["TRUE"], ["maybe"]],
}
_ACTION_PATTERNS = [*ACTIONS, "*", "s3:*", "S3:get*", "s3:?utObject", "iam:*", "s3:*Object", "s3:*Object*"]
_RESOURCE_PATTERNS = [
    *RESOURCES, "*", "arn:aws:s3:::a/*", "arn:aws:s3:::*/x", "arn:aws:s3:::${aws:PrincipalTag/t}/x", "arn:*:b",
    "arn:aws:s3:::?/x", "arn:aws:s3", "arn:aws:s3:::${aws:PrincipalTag/t, 'b'}*",
]  # fmt: skip
_TEXTS = ["a", "ab", "b", "a*", "*", "?", "${aws:PrincipalTag/t}", "${aws:PrincipalTag/t}*"]
_TESTS: list[tuple[list[str], str, list[str]]] = [
    (["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"], "s3:prefix", _TEXTS),
    (["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"], "s3:prefix", ["a", "AB", "b"]),
    (
        [f"{q}:{o}" for q in ("ForAllValues", "ForAnyValue") for o in ("StringEquals", "StringNotLike", "StringLike")],
        "aws:TagKeys",
        ["a", "b", "*", "a*"],
    ),
    (
        [
            f"Numeric{o}"
            for o in ("LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals", "Equals", "NotEquals")
        ],
        "s3:max-keys",
        ["5", "10", "11.0"],
    ),
    (
        ["ArnLike", "ArnNotEquals", "ArnNotLike", "StringLike"],
        "aws:SourceArn",
        ["arn:aws:ecs:r:1:x", "arn:aws:ecs:*:1:*", "arn:aws:*:*:*:*", "*", "arn:aws:ecs:r:?:x"],
    ),
    (
        ["IpAddress", "NotIpAddress"],
        "aws:SourceIp",
        ["10.0.0.0/16", "10.0.0.0/8", "2001:db8::/32", "192.0.2.1", "0.0.0.0/0"],
    ),
    (
        ["DateLessThan", "DateGreaterThanEquals", "DateNotEquals"],
        "aws:CurrentTime",
        ["2027-01-01T00:00:00Z", "2027-06-01T00:00:00Z"],
    ),
    (["Bool"], "aws:MultiFactorAuthPresent", ["true", "false"]),
    (["Bool", "StringEquals", "StringNotEquals"], "aws:RequestTag/b", ["true", "false", "TRUE"]),
]


def statement(chance: random.Random, deny: float = 0.35) -> dict[str, Any]:
    """A statement of an identity policy."""
    out: dict[str, Any] = {"Effect": "Deny" if chance.random() < deny else "Allow"}
    out["NotAction" if chance.random() < 0.2 else "Action"] = _few(chance, _ACTION_PATTERNS)
    out["NotResource" if chance.random() < 0.15 else "Resource"] = _few(chance, _RESOURCE_PATTERNS)
    block: dict[str, dict[str, Any]] = {}
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        if chance.random() < 0.12:
            block.setdefault("Null", {})[chance.choice(list(VALUES))] = chance.choice(["true", "false"])
            continue
        operators, key, values = chance.choice(_TESTS)
        suffix = "IfExists" if chance.random() < 0.2 else ""
        block.setdefault(chance.choice(operators) + suffix, {})[key] = _few(chance, values)
    if block:
        out["Condition"] = block
    return out


def _few(chance: random.Random, items: list[str]) -> list[str]:
    return chance.sample(items, min(len(items), chance.choice((1, 1, 2, 3))))


def document(chance: random.Random, most: int = 4, deny: float = 0.35) -> Document:
    """A policy of up to `most` statements."""
    items = [statement(chance, deny) for _ in range(chance.randint(1, most))]
    return {"Version": "2012-10-17", "Statement": items}


def context(chance: random.Random) -> Values:
    """Every key, with its values or none."""
    return {key: list(chance.choice(values)) for key, values in VALUES.items()}


def allows(documents: list[Document], action: str, resource: str, given: Values) -> bool:
    """Some Allow speaks and no Deny does."""
    return speaks(documents, "Allow", action, resource, given) and not speaks(
        documents, "Deny", action, resource, given
    )


def speaks(documents: list[Document], effect: str, action: str, resource: str, given: Values) -> bool:
    """Whether some statement of that effect speaks of the request."""
    return any(
        item["Effect"] == effect and _speaks(item, action, resource, given)
        for policy in documents
        for item in policy["Statement"]
    )


def _speaks(item: dict[str, Any], action: str, resource: str, given: Values) -> bool:
    named = any(_like(pattern.lower(), action.lower(), {}) for pattern in item.get("Action", item.get("NotAction")))
    if named is ("NotAction" in item):
        return False
    if "Resource" in item or "NotResource" in item:
        patterns = item.get("Resource", item.get("NotResource"))
        whole = "Principal" in item  # only policies of identities are completed
        named = any(_like(pattern if whole else _completed(pattern), resource, given) for pattern in patterns)
        if named is ("NotResource" in item):
            return False
    blocks = item.get("Condition", {})
    return all(
        _test(operator, key, values, given) for operator, tests in blocks.items() for key, values in tests.items()
    )


def _completed(pattern: str) -> str:
    """An ARN of fewer than six parts stands for all that begin so."""
    short = pattern.startswith("arn:") and not set("*$") & set(pattern)
    return pattern + ":*" * max(0, 5 - pattern.count(":")) if short else pattern


def _regex(pattern: str, given: Values, wild: bool = True) -> re.Pattern[str] | None:
    """None where a variable has no value: then nothing matches."""
    out = ""
    for piece in re.split(r"(\$\{[^}]*\}|[*?])", pattern):
        if piece.startswith("${"):
            key, _, default = piece[2:-1].partition(",")
            found = given.get(key.strip()) or ([default.strip()[1:-1]] if default else [])
            if not found:
                return None
            out += re.escape(found[0])
        elif piece in ("*", "?") and wild:
            out += ".*" if piece == "*" else "."
        else:
            out += re.escape(piece)
    return re.compile(out, re.DOTALL)


def _like(pattern: str, text: str, given: Values, wild: bool = True) -> bool:
    found = _regex(pattern, given, wild)
    return found is not None and found.fullmatch(text) is not None


def _arn(pattern: str, text: str, given: Values) -> bool:
    if pattern == "*":
        return True
    mine, theirs = pattern.split(":", 5), text.split(":", 5)
    return len(theirs) == 6 and all(_like(a, b, given) for a, b in zip(mine, theirs, strict=True))


def _test(operator: str, key: str, values: Any, given: Values) -> bool:
    wanted = [values] if isinstance(values, str) else values
    held = given.get(key, [])
    if operator == "Null":
        return any((value == "true") == (not held) for value in wanted)
    quantifier, _, rest = operator.rpartition(":")
    base, if_exists = rest.removesuffix("IfExists"), rest.endswith("IfExists")
    negated = "Not" in base
    compare = _compare(base.replace("Not", ""))
    if not held:
        return True if if_exists or quantifier == "ForAllValues" else negated and quantifier != "ForAnyValue"
    found = [any(compare(value, one, given) for value in wanted) is not negated for one in held]
    return any(found) if quantifier == "ForAnyValue" else all(found)


def _compare(base: str) -> Callable[[str, str, Values], bool]:
    if base.startswith("Numeric"):
        return lambda bound, value, _: _order(base[7:], float(value), float(bound))
    if base.startswith("Date"):
        return lambda bound, value, _: _order(base[4:], _seconds(value), _seconds(bound))
    return {
        "StringEquals": lambda bound, value, given: _like(bound, value, given, wild=False),
        "StringLike": _like,
        "StringEqualsIgnoreCase": lambda bound, value, _: bound.lower() == value.lower(),
        "ArnLike": _arn,
        "ArnEquals": _arn,
        "Bool": lambda bound, value, _: bound.lower() == value.lower(),
        "IpAddress": lambda bound, value, _: ipaddress.ip_address(value) in ipaddress.ip_network(bound),
    }[base]


def _order(order: str, value: float, bound: float) -> bool:
    return {
        "Equals": value == bound,
        "LessThan": value < bound,
        "LessThanEquals": value <= bound,
        "GreaterThan": value > bound,
        "GreaterThanEquals": value >= bound,
    }[order]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
