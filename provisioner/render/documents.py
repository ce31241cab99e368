"""The JSON Schema of what `-json` prints, made from the dataclasses that the documents are made of.

docs/reference/documents.schema.json holds it; a test keeps both the same, and every document of the end-to-end tests
is held against it. Form: JSON Schema, draft 2020-12.
"""

from __future__ import annotations

import inspect
from typing import Any

from ..applying.result import WorldProblem
from ..model.changes import Change, Status
from ..model.diagnostics import Diagnostic
from ..model.drift import Difference, DriftReport
from ..model.findings import TestCoverage, TestResult
from ..model.plan import Plan, PlanNotes
from ..model.resources import Gap, Sighting
from .audit import AuditPlan, AuditReport, AuditRevocation
from .conditions import Condition
from .exceptions import Exceptions
from .inbox import Inbox
from .jsonout import FORMAT_VERSION
from .owners import OwnerMatrix
from .plandiff import PlanDiff
from .rulebook import RuleBook, RulePage
from .signoff import SignOffRow
from .whosigns import WhoSigns

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "integer"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_COUNTS: Schema = {"type": "object", "additionalProperties": _NUMBER}
_DIGEST: Schema = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}

_MODELS = (
    *(Plan, PlanNotes, DriftReport, Difference, TestResult, TestCoverage, SignOffRow, Diagnostic, WorldProblem),
    *(Change, Gap, Sighting, AuditPlan, AuditReport, AuditRevocation),
)
_WHOLE: dict[str, type] = {
    "inbox": Inbox,
    "diff": PlanDiff,
    "owners": OwnerMatrix,
    "who-signs": WhoSigns,
    "exceptions": Exceptions,
    "rules": RuleBook,
    "explain": RulePage,
}
"""Commands whose own members are those of one dataclass."""


def documents_schema() -> Schema:
    """The schema of one document of `-json`. Members that are not known are allowed: they come with later versions."""
    import msgspec

    kinds = (*_MODELS, *_WHOLE.values())
    _, parts = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    for part in parts.values():
        if "description" in part:
            part["description"] = inspect.cleandoc(part["description"])
    own = {**_commands(), **{command: _members(parts[kind.__name__]) for command, kind in _WHOLE.items()}}
    for kind in _WHOLE.values():
        del parts[kind.__name__]
    parts |= _by_hand(parts)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What provisioner prints with -json",
        "description": f"Format {FORMAT_VERSION}. See json.md. Made from the code: do not edit.",
        "type": "object",
        "properties": {
            "format_version": {"type": "string", "pattern": rf"^{FORMAT_VERSION.split('.', 1)[0]}\.[0-9]+$"},
            "command": _TEXT,
            "exit_code": {"enum": sorted({0, *(one.code for one in Condition)})},
            "conditions": {"type": "array", "items": {"enum": [str(one) for one in Condition]}, "uniqueItems": True},
            "diagnostics": {"type": "array", "items": _ref("ShownDiagnostic")},
        },
        "required": ["format_version", "command", "exit_code", "conditions", "diagnostics"],
        "allOf": [rule for command, given in own.items() for rule in _rules(command, *given)],
        "$defs": dict(sorted(parts.items())),
    }


def _rules(command: str, members: Schema, *needed: tuple[str, ...]) -> list[Schema]:
    """What the members of a command's document are, and which are there where nothing failed."""
    named = {"command": {"const": command}}
    fine = {**named, "conditions": {"not": {"contains": {"const": str(Condition.ERROR)}}}}
    present = [{"required": list(names)} for names in needed]
    return [
        {"if": {"properties": named}, "then": {"properties": members}},
        {"if": {"properties": fine}, "then": {"anyOf": present}},
    ]


def _members(part: Schema) -> tuple[Schema, tuple[str, ...]]:
    return part["properties"], tuple(part.get("required", ()))


def _commands() -> dict[str, tuple[Any, ...]]:
    """For each command its members, then one or more lists of those that a document without an error has."""
    plan = {"digest": _DIGEST, "plan": _ref("Plan"), "notes": _ref("PlanNotes"), "sign_offs": _ref("SignOffs")}
    planned = (plan, tuple(plan))
    apply = _apply()
    done, refused = ("digest", "complete", "operations"), ("digest", "complete", "refusals", "sign_offs")
    ended = {"ended": _list(_object("agent", "label", "address", "reason", **{"agent": _or_null(_TEXT)}))}
    left = _object("label", "agent", "ends", "why", "gone", **{"agent": _or_null(_TEXT), "gone": _FLAG})
    swept = {**ended, "left": _list(left), "later": _or_null(_TEXT)}
    revoked = {"revoked": _list(_ref("AuditRevocation"))}
    return {
        "plan": planned,
        "release": planned,
        "show": ({**plan, "change": _ref("Change")}, tuple(plan), ("digest", "change")),
        "status": ({"digest": _DIGEST, "solo": _FLAG, "sign_offs": _ref("SignOffs")}, ("digest", "solo", "sign_offs")),
        "apply": (apply, done, refused),
        "stop": (
            {**apply, "agent": _TEXT, "left_out": _TEXTS, "path": _TEXT, "owner": _TEXT},
            ("agent", "left_out", *done),
            ("digest", "path", "owner"),
            refused,
        ),
        "sweep": ({**apply, **swept}, ("ended", "left", "later"), done),
        "drift": _drift(),
        "discover": (
            {
                "sightings": _list(_ref("Sighting")),
                "gaps": _list(_ref("Gap")),
                **{"agents": _TEXTS, "path": _or_null(_TEXT), "hcl": _TEXT, "notes": _TEXTS},
            },
            ("sightings", "gaps"),
            ("agents", "hcl", "notes"),
        ),
        "test": (
            {
                **{"passed": _NUMBER, "failed": _NUMBER, "world": _TEXT, "simulated": _or_null(_TEXTS)},
                **{"results": _list(_ref("TestResult")), "coverage": _list(_ref("TestCoverage")), "gaps": _TEXTS},
                **{"calls": _COUNTS, "milliseconds": _NUMBER},
            },
            ("passed", "failed", "results", "coverage", "world", "simulated", "gaps"),
        ),
        "validate": (
            {"valid": _FLAG, "error_count": _NUMBER, "warning_count": _NUMBER},
            ("valid", "error_count", "warning_count"),
        ),
        "audit show": ({"plans": _list(_ref("AuditPlan")), **revoked}, ("plans", "revoked")),
    }


def _apply() -> Schema:
    operation = _object(
        *("id", "change", "verb", "status", "detail", "earlier"),
        **{"change": _NUMBER, "earlier": _FLAG, "status": {"enum": [str(one) for one in Status]}},
    )
    return {
        "digest": _or_null(_DIGEST),
        "solo": _FLAG,
        "complete": _FLAG,
        "operations": _list(operation),
        "problems": _list(_ref("WorldProblem")),
        "stopped": _or_null(_ref("Diagnostic")),
        "notes": _TEXTS,
        "calls": _COUNTS,
        "milliseconds": _NUMBER,
        "sign_offs": _ref("SignOffs"),
        "refusals": _list(_object("code", "reason", "fix")),
    }


def _drift() -> tuple[Any, ...]:
    """One workspace, or with folders many of them, each with the whole document of its own run."""
    told = _object("host", "delivered", "due", **{"delivered": _NUMBER, "due": _NUMBER})
    one = {"drift": _ref("DriftReport"), "recorded": _or_null(_NUMBER), "told": _list(told)}
    workspace = _object(
        *("folder", "exit_code", "error", "document"),
        **{"exit_code": _NUMBER, "document": _or_null({"$ref": "#"})},
    )
    return {**one, "workspaces": _list(workspace)}, tuple(one), ("workspaces",)


def _by_hand(parts: Schema) -> Schema:
    """What the renderers put together themselves: sign-offs, and diagnostics with their place in the files."""
    row = parts["SignOffRow"]
    row["properties"] = {**row["properties"], "may_not": _list(_object("person", "reason")), "done": _FLAG}
    position = _object("line", "column", "byte", **dict.fromkeys(("line", "column", "byte"), _NUMBER))
    place = _object("filename", "start", "end", **{"start": position, "end": position})
    numbers = ("start_line", "highlight_start_offset", "highlight_end_offset")
    snippet = _object(
        *("context", "code", *numbers, "values"),
        **{"context": _or_null(_TEXT), **dict.fromkeys(numbers, _NUMBER)},
        **{"values": _list(_object("traversal", "statement"))},
    )
    shown = _object("severity", "code", "summary", "detail", **{"severity": {"enum": ["error", "warning"]}})
    shown["properties"] |= {"range": place, "origin": place, "snippet": snippet}
    signoffs = _object(
        *("complete", "verified", "published", "expires", "refusals", "obligations", "rows"),
        **{"complete": _FLAG, "verified": _FLAG, "published": _or_null(_TEXT), "expires": _or_null(_TEXT)},
        **{"refusals": _TEXTS, "obligations": _TEXTS, "rows": _list(_ref("SignOffRow"))},
    )
    return {"ShownDiagnostic": shown, "SignOffs": signoffs}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(*names: str, **kinds: Schema) -> Schema:
    """An object with these members, all of them required; texts, where nothing else is said."""
    return {"type": "object", "properties": {name: kinds.get(name, _TEXT) for name in names}, "required": list(names)}
