"""Reports for other tools: golden files, each read back with the format's own tools, hostile names in every field."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import render_samples as samples
from junitparser import JUnitXml
from markdown_it import MarkdownIt
from sarif_pydantic import Sarif

from provisioner import planfile
from provisioner.model.findings import Located
from provisioner.model.source import Position, SourceRange
from provisioner.policy.table import RULES
from provisioner.render.gitlab import code_quality, terraform_report
from provisioner.render.junit import tests_junit as junit
from provisioner.render.markdown import Comment, marker, plan_markdown
from provisioner.render.plandiff import ChangePair, Kept, PlanDiff, Verdict
from provisioner.render.sarif import plan_sarif
from provisioner.render.spreadsheet import cell, plan_csv

GOLDEN = Path(__file__).parents[2] / "golden" / "formats"
DIGEST = re.compile(r"\b[0-9a-f]{8}\b|[0-9a-f]{64}")
SUMMARIES = {rule.id: rule.summary for rule in RULES}
SINCE = PlanDiff(
    "acme-agents-prod",
    "2c90d1aa",
    "7f3a9c21",
    False,
    (
        ChangePair(Verdict.NEW, None, 5, "a", "x", "l", "narrower", ()),
        ChangePair(Verdict.SAME, 1, 1, "b", "x", "l", "wider", ()),
        ChangePair(Verdict.GONE, 7, None, "c", "x", "l", "wider", ()),
    ),
    False,
    (Kept("tool_access", "api", "carol", False, "its part differs"), Kept("runtime", "platform", "erin", True, "same")),
)
COMMENT = Comment("agents/", "https://ci.example/a", "https://ci.example/review.html", SINCE)

REPORTS: dict[str, Callable[[], str]] = {
    "six-changes.md": lambda: plan_markdown(samples.six_changes(), samples.verified(), COMMENT),
    "no-changes.md": lambda: plan_markdown(samples.no_changes()),
    "blocked.md": lambda: plan_markdown(samples.blocked()),
    "incomplete.md": lambda: plan_markdown(samples.incomplete()),
    "hostile.md": lambda: plan_markdown(samples.hostile()),
    "blocked.sarif": lambda: plan_sarif(samples.blocked(), "0.1.0", SUMMARIES, "agents"),
    "hostile.sarif": lambda: plan_sarif(samples.hostile(), "0.1.0", SUMMARIES),
    "tests.xml": lambda: junit("acme-agents-prod", samples.test_results()),
    "six-changes.terraform.json": lambda: terraform_report(samples.six_changes()),
    "blocked.codequality.json": lambda: code_quality(samples.blocked(), "agents"),
    "six-changes.csv": lambda: plan_csv(samples.six_changes()),
    "hostile.csv": lambda: plan_csv(samples.hostile()),
}


@pytest.mark.parametrize("name", REPORTS)
def test_golden(name: str) -> None:
    text = DIGEST.sub("7f3a9c21", REPORTS[name]())
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    assert text == path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_no_text_can_move_or_hide(name: str) -> None:
    text = REPORTS[name]()
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("name", [name for name in REPORTS if name.endswith(".md")])
def test_a_comment_renders_as_meant(name: str) -> None:
    text = REPORTS[name]()
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert text.startswith("<!-- provisioner:comment workspace=") and text.index("\n") == text.index("-->\n") + 3
    assert "<script" not in html and "javascript:" not in re.sub(r"<code>.*?</code>", "", html, flags=re.S)
    tags = set(re.findall(r"<([a-zA-Z][a-zA-Z0-9]*)", html))
    known = {"h3", "h4", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}
    assert tags <= known | {"pre", "a", "ul", "li", "em"}
    if name in ("hostile.md", "blocked.md"):
        assert "<a " not in html  # nothing that a name holds becomes a link
    for table in re.findall(r"<table>.*?</table>", html, flags=re.S):
        widths = {row.count("<td") + row.count("<th") - row.count("<thead") for row in table.split("</tr>")[:-1]}
        assert len(widths) == 1, "a name broke a table"


def test_a_comment_never_outgrows_its_limit() -> None:
    file = samples.fleet()
    whole = plan_markdown(file, None, COMMENT)
    for limit in (2_000, 4_000, 8_000, 65_536):
        text = plan_markdown(file, None, COMMENT, limit)
        assert len(text) <= limit
        assert text.startswith(marker(file.plan.workspace, "agents/"))
        assert (text == whole) == ("Left out because" not in text)
    many = tuple(replace(file.plan.changes[0], number=n, label=f"label {n}" * 40) for n in range(1, 1001))
    big = planfile.seal(replace(file.plan, changes=many), file.notes)
    text = plan_markdown(big, None, COMMENT)
    assert len(text) <= 65_536 and "Left out because of the size" in text and "https://ci.example/a" in text


def test_sarif_is_read_by_its_own_model() -> None:
    for file in (samples.blocked(), samples.hostile(), samples.six_changes()):
        text = plan_sarif(file, "0.1.0", SUMMARIES, "agents")
        (run,) = Sarif.model_validate_json(text).runs
        assert run.tool.driver.name == "provisioner"
        assert len(run.results or []) == len(file.plan.findings) + len(file.plan.tests.failures)
        rules = {rule.id for rule in run.tool.driver.rules or []}
        assert rules == {result.rule_id for result in run.results or []}
        prints = [next(iter((result.partial_fingerprints or {}).values())) for result in run.results or []]
        assert len(set(prints)) == len(prints)


def test_sarif_places_and_suppressions() -> None:
    file = samples.six_changes()
    found = json.loads(plan_sarif(file, "0.1.0", SUMMARIES, "agents"))["runs"][0]["results"]
    places = [r["locations"][0].get("physicalLocation", {}).get("artifactLocation", {}).get("uri") for r in found]
    assert any(place and place.startswith("agents/") for place in places)
    from provisioner.model.findings import Level

    excepted = replace(file.plan.findings[0], level=Level.EXCEPTED, exception="exception.x", until="2027-01-15")
    lifted = planfile.seal(replace(file.plan, findings=(excepted,)), file.notes)
    (first, *_) = json.loads(plan_sarif(lifted, "0.1.0", SUMMARIES))["runs"][0]["results"]
    assert first["suppressions"][0]["justification"] == "exception.x, until 2027-01-15"
    assert first["level"] == "note"


def test_fingerprints_stay_when_lines_move() -> None:
    """What a reviewer dismissed stays dismissed while blocks are moved about; two findings never share one."""
    file = samples.six_changes()
    place = SourceRange("agents.hcl", Position(90, 1, 900), Position(90, 9, 908))
    subjects = {finding.subject for finding in file.plan.findings}
    moved = replace(file, notes=replace(file.notes, sources=tuple(Located(one, place) for one in sorted(subjects))))

    def of_sarif(given: planfile.PlanFile) -> list[dict[str, str]]:
        return [
            one["partialFingerprints"] for one in json.loads(plan_sarif(given, "1", SUMMARIES))["runs"][0]["results"]
        ]

    def of_quality(given: planfile.PlanFile) -> list[str]:
        return [one["fingerprint"] for one in json.loads(code_quality(given))]

    assert json.loads(code_quality(moved))[0]["location"] == {"path": "agents.hcl", "lines": {"begin": 90}}
    assert of_sarif(file) == of_sarif(moved) and of_quality(file) == of_quality(moved)
    assert len(of_quality(file)) == len(set(of_quality(file))) > 1


def test_junit_is_read_by_its_own_library(tmp_path: Path) -> None:
    results = samples.test_results()
    path = tmp_path / "junit.xml"
    path.write_text(junit("w", results), encoding="utf-8")
    suites = JUnitXml.fromfile(str(path))
    assert suites.tests == len(results)
    assert suites.failures + suites.errors == sum(not result.passed for result in results)
    hostile = [replace(results[0], test='t"]]>&<x', case="\x00\x1b[31m\ud800", because=("]]>",), passed=False)]
    ET.fromstring(junit("w\x01", hostile).encode("utf-8"))


def test_gitlab_reports_have_what_gitlab_wants() -> None:
    report = json.loads(terraform_report(samples.six_changes()))
    assert set(report) == {"create", "update", "delete"} and sum(report.values()) == len(
        samples.six_changes().plan.changes
    )
    for item in json.loads(code_quality(samples.blocked())):
        assert set(item) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert item["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert item["location"]["lines"]["begin"] >= 1


def test_no_cell_is_a_formula() -> None:
    rows = list(csv.reader(io.StringIO(plan_csv(samples.hostile()), newline="")))
    assert len({len(row) for row in rows}) == 1 and len(rows) == len(samples.hostile().plan.changes) + 1
    for row in rows:
        assert not [text for text in row if text.lstrip().startswith(("=", "+", "-", "@", "|", "%"))]
    assert cell('=HYPERLINK("x")') == '\'=HYPERLINK("x")' and cell("plain") == "plain"
