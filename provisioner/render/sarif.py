"""Findings, failed tests and diagnostics as SARIF 2.1.0, for code scanning: rules, places, stable fingerprints.

Source: OASIS, «Static Analysis Results Interchange Format (SARIF) Version 2.1.0»; GitHub, «SARIF support for code
scanning» (at most 5,000 results a run shown, fingerprints tell results of two runs apart).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from ..model.findings import Finding, Level, TestResult
from ..model.source import SourceRange
from ..planfile import PlanFile
from .escape import escape

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Level.BLOCK: "error", Level.ACCEPT: "warning", Level.WARN: "note", Level.EXCEPTED: "note"}


def plan_sarif(file: PlanFile, version: str, rules: Mapping[str, str], root: str = "") -> str:
    """The document, ending with a newline. `rules` gives each rule's summary by id; `root` is the root module's
    folder from the repository's own, put before every file name."""
    where = {located.subject: located.range for located in file.notes.sources}
    results = [_finding(finding, where.get(finding.subject), root) for finding in file.plan.findings]
    results += [_test(result, where.get(result.test), root) for result in file.plan.tests.failures]
    used = sorted({result["ruleId"] for result in results})
    run = {
        "tool": {
            "driver": {
                "name": "provisioner",
                "semanticVersion": version,
                "informationUri": "https://pypi.org/project/agent-provisioner/",
                "rules": [_rule(rule, rules.get(rule, "")) for rule in used],
            }
        },
        "automationDetails": {"id": f"provisioner/{escape(file.plan.workspace)}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository"}}},
        "results": results,
        "properties": {"plan": file.digest, "trustRoot": file.plan.root.version},
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: str, summary: str) -> dict[str, Any]:
    text = escape(summary) or escape(rule)
    return {
        "id": escape(rule),
        "shortDescription": {"text": text},
        "help": {"text": f"provisioner explain {escape(rule)} says why, with examples."},
    }


def _finding(finding: Finding, place: SourceRange | None, root: str) -> dict[str, Any]:
    result = _result(finding.rule, _LEVELS[finding.level], finding.message, finding.fix, place, root, finding.subject)
    result["properties"] = {
        "surface": finding.surface,
        "changes": list(finding.changes),
        "references": [escape(reference) for reference in finding.references],
    }
    if finding.level is Level.EXCEPTED:
        said = f"{finding.exception}, until {finding.until}"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": escape(said)}]
    return result


def _test(result: TestResult, place: SourceRange | None, root: str) -> dict[str, Any]:
    message = f"{result.test} {result.case} on agent.{result.agent}: expected {result.expect}, got {result.got}"
    fix = "narrow what the plan gives, or correct the test"
    return _result("TST-1", "error", message, fix, place, root, f"{result.test} {result.case} {result.agent}")


def _result(
    rule: str, level: str, message: str, fix: str, place: SourceRange | None, root: str, subject: str
) -> dict[str, Any]:
    identity = "\0".join((rule, subject, message))
    found: dict[str, Any] = {
        "ruleId": escape(rule),
        "level": level,
        "message": {"text": f"{escape(message)}. Way out: {escape(fix)}."},
        "partialFingerprints": {"provisioner/v1": sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()},
    }
    if place is not None:
        found["locations"] = [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(root, place.filename), "uriBaseId": "SRCROOT"},
                    "region": {
                        "startLine": place.start.line,
                        "startColumn": place.start.column,
                        "endLine": place.end.line,
                        "endColumn": place.end.column,
                    },
                },
                "logicalLocations": [{"fullyQualifiedName": escape(subject)}],
            }
        ]
    else:
        found["locations"] = [{"logicalLocations": [{"fullyQualifiedName": escape(subject)}]}]
    return found


def _uri(root: str, filename: str) -> str:
    from urllib.parse import quote

    joined = f"{root.strip('/')}/{filename}" if root.strip("/.") else filename
    return quote(joined.removeprefix("./"))


def rule_summaries(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Rule ids and summaries as `plan_sarif` wants them."""
    return dict(pairs)
