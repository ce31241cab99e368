"""The canonical form of an IAM policy document.

IAM takes one policy in many spellings: a scalar or a list, any order, actions in any case, an account by its id or by
its root ARN. Two documents of one meaning that differ only so have one canonical form, on the desired and on the live
side, so that a plan never shows a difference that is none. What differs in structure (`s3:*` beside `s3:GetObject`)
stays different: the comparison says that the effect is equal.

Source: IAM User Guide, «Grammar of the IAM JSON policy language» and «Access Analyzer policy check reference».
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from .errors import PolicyError
from .spelling import spell_action, spell_key

CURRENT = "2012-10-17"
LEGACY = "2008-10-17"

OPERATORS = (
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnNotEquals",
    "ArnLike",
    "ArnNotLike",
    "Null",
)
"""Source: IAM User Guide, «IAM JSON policy elements: Condition operators»."""

_OPERATORS = {name.lower(): name for name in OPERATORS}
_QUANTIFIERS = {"forallvalues": "ForAllValues", "foranyvalue": "ForAnyValue"}
_ELEMENTS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")
_PAIRS = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
_ACCOUNT = re.compile(r"[0-9]{12}\Z")


def canonical_policy(document: Mapping[str, Any] | str) -> dict[str, Any]:
    """The canonical form of a policy document, given as parsed JSON, as JSON text, or as URL-encoded JSON text.

    The result is `{"Version", "Statement": [...]}`. Every element of a statement but `Effect` is a sorted list
    without duplicates (`Principal` is `"*"` or lists by type; `Condition` is operator → key → list of strings).
    `Sid` and `Id` carry no authority and are dropped; so are statements that IAM says have no effect (an empty
    `Action`, `Resource` or `Principal`). `Version` is 2012-10-17 unless an older version changes the meaning, which
    it does only where the text holds `${`. Idempotent. Raises PolicyError for anything that is not a policy.
    """
    version, placed = _document(document)
    unique = {json.dumps(item, sort_keys=True): item for _, item in placed}
    ordered = [unique[text] for text in sorted(unique)]
    return {"Version": _version(version, ordered), "Statement": ordered}


def canonical_statements(document: Mapping[str, Any] | str) -> tuple[bool, list[tuple[str, dict[str, Any]]]]:
    """Whether policy variables count, and each statement in its canonical form, in the document's order, with its Sid
    or else its number from 1 on. Raises PolicyError."""
    version, placed = _document(document)
    _version(version, [])
    return version == CURRENT, placed


def _document(document: Mapping[str, Any] | str) -> tuple[Any, list[tuple[str, dict[str, Any]]]]:
    """The version as given, and the statements that have an effect, by label."""
    parsed = _parse(document) if isinstance(document, str) else document
    if not isinstance(parsed, Mapping):
        raise PolicyError(f"the policy is a {_kind(parsed)}, not a JSON object")
    top = _elements(parsed, ("Version", "Id", "Statement"), "the policy")
    if "Statement" not in top:
        raise PolicyError("the policy has no Statement")
    given = top["Statement"]
    statements = given if isinstance(given, list | tuple) else [given]
    placed = []
    for number, item in enumerate(statements, 1):
        canonical = _statement(item, f"statement {number}")
        if canonical is not None:
            placed.append((_label(item, number), canonical))
    return top.get("Version", LEGACY), placed


def _label(given: Mapping[str, Any], number: int) -> str:
    sid = next((value for key, value in given.items() if key.lower() == "sid"), None)
    return sid if isinstance(sid, str) and sid else str(number)


def size(document: Mapping[str, Any] | str) -> int:
    """The characters that count against IAM's quotas: the JSON text without white space between its parts.

    White space inside strings is counted, which at worst says a few characters more than AWS does.
    Source: IAM User Guide, «IAM and AWS STS quotas».
    """
    parsed = _parse(document) if isinstance(document, str) else document
    return len(json.dumps(parsed, separators=(",", ":"), ensure_ascii=False))


def _parse(text: str) -> Any:
    source = text.strip()
    if source.startswith("%"):
        source = unquote(source)
    try:
        return json.loads(source, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except PolicyError:
        raise
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"the policy is not JSON: {error}") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise PolicyError(f"the policy says {twice!r} twice in one object")
    return out


def _no_constant(name: str) -> Any:
    raise PolicyError(f"the policy holds {name}, which is no JSON value")


def _elements(given: Mapping[Any, Any], names: tuple[str, ...], where: str) -> dict[str, Any]:
    """The members of an object under AWS's spelling of their names; null counts as left out."""
    spelled = {name.lower(): name for name in names}
    out: dict[str, Any] = {}
    for key, value in given.items():
        name = spelled.get(key.lower()) if isinstance(key, str) else None
        if name is None:
            raise PolicyError(f"{where} has an unknown element {key!r}")
        if name in out:
            raise PolicyError(f"{where} has {name} twice")
        if value is not None:
            out[name] = value
    return out


def _statement(given: Any, where: str) -> dict[str, Any] | None:
    """One statement; None for one that has no effect."""
    if not isinstance(given, Mapping):
        raise PolicyError(f"{where} is a {_kind(given)}, not a JSON object")
    elements = _elements(given, _ELEMENTS, where)
    for plain, negated in _PAIRS:
        if plain in elements and negated in elements:
            raise PolicyError(f"{where} has both {plain} and {negated}")
    if "Action" not in elements and "NotAction" not in elements:
        raise PolicyError(f"{where} has neither Action nor NotAction")
    out: dict[str, Any] = {"Effect": _effect(elements.get("Effect"), where)}
    for name in ("Principal", "NotPrincipal"):
        if name in elements:
            out[name] = _principal(elements[name], f"{name} of {where}")
    for name in ("Action", "NotAction"):
        if name in elements:
            out[name] = _unique(spell_action(action) for action in _strings(elements[name], f"{name} of {where}"))
    for name in ("Resource", "NotResource"):
        if name in elements:
            out[name] = _unique(_strings(elements[name], f"{name} of {where}"))
    condition = _condition(elements.get("Condition", {}), where)
    if condition:
        out["Condition"] = condition
    return None if any(name in out and not out[name] for name in ("Action", "Resource", "Principal")) else out


def _effect(given: Any, where: str) -> str:
    effect = {"allow": "Allow", "deny": "Deny"}.get(given.lower()) if isinstance(given, str) else None
    if effect is None:
        raise PolicyError(f"{where} has no Effect that is Allow or Deny")
    return effect


def _principal(given: Any, where: str) -> str | dict[str, list[str]]:
    """`"*"`, or lists by type. `{"AWS": "*"}` stays as it is: it does not speak of services and federated users."""
    if isinstance(given, str):
        if given != "*":
            raise PolicyError(f"{where} is {given!r}: a principal is '*' or an object such as {{\"AWS\": …}}")
        return "*"
    if not isinstance(given, Mapping):
        raise PolicyError(f"{where} is a {_kind(given)}, not an object")
    out = {}
    for name, value in _elements(given, _PRINCIPALS, where).items():
        values = _strings(value, f"{name} in {where}")
        if name == "AWS":
            values = [f"arn:aws:iam::{item}:root" if _ACCOUNT.match(item) else item for item in values]
        if values:
            out[name] = _unique(values)
    return {name: out[name] for name in _PRINCIPALS if name in out}


def _condition(given: Any, where: str) -> dict[str, dict[str, list[str]]]:
    if not isinstance(given, Mapping):
        raise PolicyError(f"Condition of {where} is a {_kind(given)}, not an object")
    out: dict[str, dict[str, list[str]]] = {}
    for written, tests in given.items():
        if not isinstance(written, str):
            raise PolicyError(f"Condition of {where} has an operator that is no text")
        operator = spell_operator(written)
        if not isinstance(tests, Mapping):
            raise PolicyError(f"{operator} of {where} is a {_kind(tests)}, not an object")
        block = out.setdefault(operator, {})
        for key, values in tests.items():
            if not isinstance(key, str):
                raise PolicyError(f"{operator} of {where} has a key that is no text")
            spelled = spell_key(key)
            if spelled in block:
                raise PolicyError(f"{operator} of {where} tests {spelled} twice")
            block[spelled] = _unique(_values(values, operator, f"{operator} {key} of {where}"))
    return {operator: dict(sorted(out[operator].items())) for operator in sorted(out) if out[operator]}


def spell_operator(written: str) -> str:
    """`forallvalues:stringlikeifexists` → `ForAllValues:StringLikeIfExists`; one we do not know stays as it is."""
    quantifier, colon, rest = written.rpartition(":")
    base, suffix = (rest[:-8], "IfExists") if rest.lower().endswith("ifexists") else (rest, "")
    known = _OPERATORS.get(base.lower())
    prefix = _QUANTIFIERS.get(quantifier.lower()) if colon else ""
    if known is None or prefix is None:
        return written
    return f"{prefix}{colon}{known}{suffix}"


def _values(given: Any, operator: str, where: str) -> Iterable[str]:
    values = _strings(given, where, scalars=True)
    base = operator.rpartition(":")[2].removesuffix("IfExists")
    return (value.lower() for value in values) if base in ("Bool", "Null") else values


def _strings(given: Any, where: str, scalars: bool = False) -> list[str]:
    """A list of strings from one or many; numbers and booleans too where a condition takes them unquoted."""
    items = given if isinstance(given, list | tuple) else [given]
    out = []
    for item in items:
        if scalars and isinstance(item, bool):
            item = "true" if item else "false"
        elif scalars and isinstance(item, int | float):
            item = repr(item)
        if not isinstance(item, str):
            raise PolicyError(f"{where} holds a {_kind(item)} where a string is due")
        if any("\ud800" <= character <= "\udfff" for character in item):
            raise PolicyError(f"{where} holds half a Unicode character")
        out.append(item)
    return out


def _unique(values: Iterable[str]) -> list[str]:
    return sorted(set(values))


def _version(given: Any, statements: list[dict[str, Any]]) -> str:
    if given not in (CURRENT, LEGACY):
        raise PolicyError(f"the policy's Version is {given!r}; IAM knows {CURRENT} and {LEGACY}")
    return str(given) if any(_has_variable(statement) for statement in statements) else CURRENT


def _has_variable(statement: Mapping[str, Any]) -> bool:
    """Whether `${` stands where policy variables are replaced: the one thing that the two versions differ in."""
    texts = [*statement.get("Resource", ()), *statement.get("NotResource", ())]
    for tests in statement.get("Condition", {}).values():
        texts.extend(value for values in tests.values() for value in values)
    return any("${" in text for text in texts)


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "list"}
    return names.get(type(value), "object" if isinstance(value, Mapping) else type(value).__name__)
