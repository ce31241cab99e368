"""Boundary tests as JUnit XML, as CI systems read it: a suite for each agent and surface, a case for each attempt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape as xml_text
from xml.sax.saxutils import quoteattr

from ..model.findings import TestResult
from .escape import escape

_NOT_XML = re.compile(r"[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tests_junit(workspace: str, results: Sequence[TestResult], seconds: float = 0.0) -> str:
    """The document, ending with a newline. A test that could not be judged is an error, one that failed a failure."""
    suites: dict[tuple[str, str], list[TestResult]] = {}
    for result in results:
        suites.setdefault((result.agent, result.surface), []).append(result)
    failed, errors = _counts(results)
    name = _attribute(f"provisioner {workspace}")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name={name} tests="{len(results)}" failures="{failed}" errors="{errors}" time="{seconds:.3f}">',
    ]
    for (agent, surface), cases in sorted(suites.items()):
        failed, errors = _counts(cases)
        name = _attribute(f"agent.{agent} {surface}")
        lines.append(
            f'  <testsuite name={name} tests="{len(cases)}" failures="{failed}" errors="{errors}" skipped="0">'
        )
        for case in cases:
            lines += _case(case)
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _counts(results: Sequence[TestResult]) -> tuple[int, int]:
    errors = sum(not result.passed and result.got == "depends" for result in results)
    return sum(not result.passed for result in results) - errors, errors


def _case(result: TestResult) -> list[str]:
    name = f"{result.test} {result.case}".strip()
    head = f"    <testcase name={_attribute(name)} classname={_attribute(f'{result.agent}.{result.surface}')}"
    if result.passed:
        return [head + "/>"]
    kind = "error" if result.got == "depends" else "failure"
    message = f"expected {result.expect}, got {result.got}"
    said = [*result.because, *(f"missing: {item}" for item in result.missing)]
    body = xml_text(_clean("\n".join(said)))
    return [head + ">", f"      <{kind} message={_attribute(message)}>{body}</{kind}>", "    </testcase>"]


def _attribute(text: str) -> str:
    return quoteattr(_clean(escape(text)))


def _clean(text: str) -> str:
    """What XML 1.0 cannot hold is shown as its escape."""
    return _NOT_XML.sub(lambda found: f"\\u{ord(found.group()):04x}", "\n".join(map(escape, text.split("\n"))))
