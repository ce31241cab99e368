"""Tuples of resource, role, member and condition: how they are named, and what conditions we write.

A tuple's address holds everything that identifies it, so that a reader that knows nothing else finds it again: it
reads the policy that the address names. The condition's title is its place among the conditions of one role and
member; a changed expression under the same title is an update.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.model.authority import GrantPart
from provisioner.model.configuration import Settings
from provisioner.model.resources import Address

from .federation import literal
from .table import full_name, row_of

TITLE_LIMIT = 100
EXPRESSION_LIMIT = 12
"""Logical operators in a condition. Source: «Quotas and limits», IAM Conditions."""

_EXPIRY = re.compile(r'request\.time < timestamp\("([^"]+)"\)')
_SEPARATOR = "|"
_TITLE = "#/"
"""Between member and title: the title comes last, after a slash, where the core looks for a grant's name."""

_CONFUSING = re.compile("#/|%(?:25)*23/")
"""What is written otherwise in an address: the mark itself, and what already looks like the other way to write it."""

Condition = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tuple:
    """One grant in a policy. `condition` None for an unconditional one."""

    resource: str
    role: str
    member: str
    condition: Condition | None

    @property
    def title(self) -> str:
        return self.condition["title"] if self.condition is not None else ""

    @property
    def condition_free(self) -> Tuple:
        """What is granted to whom, whatever its condition."""
        return Tuple(self.resource, self.role, self.member, None)

    def attributes(self) -> dict[str, Any]:
        condition = dict(self.condition) if self.condition is not None else None
        return {"resource": self.resource, "role": self.role, "member": self.member, "condition": condition}


def tuple_of(attributes: Mapping[str, Any]) -> Tuple:
    return Tuple(attributes["resource"], attributes["role"], attributes["member"], attributes.get("condition"))


def address(kind: str, target: str, agent: str | None, item: Tuple, suffix: str = "") -> Address:
    """Where a tuple is. `suffix` tells two conditions of one title apart."""
    name = _SEPARATOR.join((item.resource, item.role, _written(item.member)))
    title = f"{_written(item.title)}{suffix}"
    return Address("google", target, kind, f"{agent or ''}/{name}" + (f"{_TITLE}{title}" if item.condition else ""))


@dataclass(frozen=True, slots=True)
class Place:
    """What an address of a tuple says."""

    agent: str | None
    resource: str
    role: str
    member: str
    title: str | None


def place_of(name: str) -> Place | None:
    """The parts of a tuple's address; None for a name that is none."""
    agent, _, rest = name.partition("/")
    parts = rest.split(_SEPARATOR, 2)
    if len(parts) != 3:
        return None
    resource, role, last = parts
    member, title = _split(last)
    return Place(agent or None, resource, role, member, title)


def _split(last: str) -> tuple[str, str | None]:
    """Member and title."""
    member, marker, title = last.rpartition(_TITLE)
    return (_read(member), _read(title)) if marker else (_read(last), None)


def _written(text: str) -> str:
    """What others wrote into a policy, so that it never looks like the mark between member and title."""
    return text.replace("%", "%25").replace("#", "%23") if _CONFUSING.search(text) else text


def _read(text: str) -> str:
    return text.replace("%23", "#").replace("%25", "%") if _CONFUSING.search(text) else text


def written_condition(part: GrantPart, block: Settings) -> Condition | None:
    """What a grant part's binding demands of each request: the tool's own conditions, the grant's, its end."""
    tests = [str(item.get("expression", "")).strip() for item in block.of("condition")]
    tests += resource_tests(part.grant.when)
    if part.expires is not None and removal_of(part, block) is None:
        tests.append(f"request.time < timestamp({literal(part.expires)})")
    if not tests:
        return None
    joined = " && ".join(tests if len(tests) == 1 else [_grouped(test) for test in tests])
    return {"title": title(part.name), "description": "", "expression": joined}


def removal_of(part: GrantPart, block: Settings) -> str | None:
    """When a grant on a kind of resource that takes no conditions is to be taken away; None where its condition ends
    it, or nothing does."""
    found = row_of(tool_resource(block))
    return part.expires if found is not None and not found[0].conditions else None


def resource_tests(when: Mapping[str, Any]) -> list[str]:
    tags = when.get("resource") or {}
    return [f"resource.matchTag({literal(str(key))}, {literal(str(tags[key]))})" for key in sorted(tags)]


def _grouped(test: str) -> str:
    return f"({test})" if "||" in test or "?" in test else test


def title(part: str) -> str:
    """A condition's title: the grant part's name."""
    if len(part) <= TITLE_LIMIT:
        return part
    return f"{part[: TITLE_LIMIT - 9]}-{hashlib.sha256(part.encode()).hexdigest()[:8]}"


def expiry_of(condition: Condition | None) -> str | None:
    """The time at which a condition of ours ends; None where none stands in it."""
    found = _EXPIRY.findall(condition["expression"]) if condition is not None else []
    return str(max(found)) if found else None


def canonical_condition(given: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Exactly title, description and expression; None for what is no condition."""
    if not given or not given.get("expression"):
        return None
    return {name: str(given.get(name) or "") for name in ("description", "expression", "title")}


def distinct(kind: str, target: str, agent: str | None, items: Iterable[Tuple]) -> list[tuple[Address, Tuple]]:
    """Addresses for tuples; of several conditions with one title all but the first (by text) get a suffix."""
    out: dict[Address, Tuple] = {}
    for item in sorted(items, key=lambda item: json.dumps(item.attributes(), sort_keys=True)):
        where = address(kind, target, agent, item)
        if where in out and out[where] == item:
            continue
        if where in out:
            mark = hashlib.sha256(json.dumps(item.attributes(), sort_keys=True).encode()).hexdigest()[:8]
            where = address(kind, target, agent, item, f"~{mark}")
        out[where] = item
    return list(out.items())


def tool_resource(block: Settings) -> str:
    return full_name(str(block.get("resource", "")))
