"""The policies that a runner needs, as HCL. A pure function."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..sdk.provider import RunnerPolicy


def permissions_hcl(policies: Iterable[RunnerPolicy]) -> str:
    """One local value for each policy, in the language's own syntax: to be read, or handed on as a value. Where one
    provider needs several for one purpose, the others are named after their targets too."""
    lines, seen = ["locals {"], set[str]()
    for policy in policies:
        name = _name(f"{policy.key}_{policy.purpose}")
        name = _name(f"{name}_{policy.target}") if name in seen else name
        seen.add(name)
        lines.append(f"  # {policy.target}: {policy.purpose}")
        lines.append(f"  {name} = {_value(policy.document, 1)}")
    lines.append("}")
    return "\n".join(lines)


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def _value(value: Any, depth: int) -> str:
    pad, end = "  " * (depth + 1), "  " * depth
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        inner = "".join(f"{pad}{_text(str(key))} = {_value(item, depth + 1)}\n" for key, item in value.items())
        return f"{{\n{inner}{end}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            return "[]"
        inner = "".join(f"{pad}{_value(item, depth + 1)},\n" for item in value)
        return f"[\n{inner}{end}]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    """A quoted template that means just this text."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
