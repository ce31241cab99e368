"""Exit codes, escaping, layout: the small parts every report stands on."""

from __future__ import annotations

import itertools
import json
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import render_samples as samples

from provisioner.render.conditions import (
    Condition,
    drift_conditions,
    exit_code,
    exit_line,
    ordered,
    plan_conditions,
)
from provisioner.render.escape import clip, escape, escape_block
from provisioner.render.fleet import FleetRow, fleet_text
from provisioner.render.jsonout import apply_document, drift_document, envelope, plan_document
from provisioner.render.jsonout import test_document as document_of_tests
from provisioner.render.signoff import unverified
from provisioner.render.text import Paint, columns, ranges, some_ranges, table, title, wrap


def test_precedence_is_that_of_the_design() -> None:
    codes = [1, 5, 4, 6, 3, 2]
    by_code = {condition.code: condition for condition in reversed(Condition)}
    for pair in itertools.combinations(codes, 2):
        assert exit_code(by_code[code] for code in reversed(pair)) == pair[0]
    assert exit_code([]) == 0
    assert ordered([Condition.CHANGES, Condition.ERROR, Condition.CHANGES]) == (Condition.ERROR, Condition.CHANGES)


def test_exit_lines() -> None:
    assert exit_line([], "no changes") == "exit 0: no changes"
    assert exit_line([Condition.PENDING, Condition.OUT_OF_BAND]) == (
        "exit 5: out-of-band drift (also true: 2 pending changes)"
    )


def test_plan_conditions() -> None:
    plan = samples.six_changes().plan
    assert plan_conditions(plan, signed=False) == (Condition.SIGN_OFF,)
    assert plan_conditions(plan, signed=True) == ()
    assert plan_conditions(plan, signed=True, detailed=True) == (Condition.CHANGES,)
    assert plan_conditions(samples.no_changes().plan, signed=False, detailed=True) == ()
    assert plan_conditions(samples.incomplete().plan, signed=True) == (Condition.INCOMPLETE,)
    assert plan_conditions(samples.blocked().plan, signed=False) == (Condition.BLOCKED, Condition.SIGN_OFF)


def test_drift_conditions() -> None:
    assert drift_conditions(samples.clean_drift()) == ()
    assert drift_conditions(samples.drift_report()) == (
        Condition.OUT_OF_BAND,
        Condition.INCOMPLETE,
        Condition.PENDING,
    )


@settings(max_examples=300)
@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_escaped_text_is_one_visible_line(text: str) -> None:
    shown = escape(text)
    assert len(shown.splitlines()) <= 1
    for character in shown:
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    assert len(clip(text, 5)) <= 5
    assert escape_block(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢字 emoji 🙂", "plain é 漢字 emoji 🙂"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2066b\u200bc\ufeff", "a\\u2066b\\u200bc\\ufeff"),
        ("a\u3164b", "a\\u3164b"),
        ("a\U000e0041b", "a\\U000e0041b"),
        ("a\u00a0b\u2003c", "a b\\u2003c"),
        ("\u2028", "\\u2028"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    assert escape(text) == shown


@settings(max_examples=200)
@given(st.text("ab 漢é\u0301-", max_size=60), st.integers(12, 40))
def test_wrapped_lines_fit(text: str, width: int) -> None:
    lines = wrap(text, width, "ab")
    assert all(columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()).startswith("ab")
    assert "".join("".join(lines).split())[2:] == "".join(text.split())


def test_tables_give_way() -> None:
    lines = table([["a", "b"], ["x" * 30, "word " * 12]], 50, flexible=(1,))
    assert all(len(line) <= 50 for line in lines)
    assert " ".join(" ".join(lines[1:]).split()).count("word") == 12


def test_a_name_is_broken_after_a_separator_and_never_gets_a_blank() -> None:
    assert wrap("agent.invoice_triage x", 19) == ["agent.invoice_", "triage x"]
    assert wrap("a-" + "b" * 20, 12) == ["a-bbbbbbbbbb", "bbbbbbbbbb"], "a short piece would leave the line empty"
    name = "arn:aws:iam::111122223333:role/agents/acme-credit-check-" * 40
    assert "".join(wrap(name, 60)) == name and all(len(line) <= 60 for line in wrap(name, 60))


@settings(max_examples=200)
@given(st.text("abé漢\u0301-_./:", min_size=1, max_size=90), st.integers(10, 40))
def test_no_piece_of_a_name_follows_another_on_a_line(word: str, width: int) -> None:
    assert "".join(wrap(word, width)) == word


def test_a_title_flows() -> None:
    assert title(["provisioner drift", "workspace acme", "trust root v1"], 36, Paint()) == [
        "provisioner drift   workspace acme",
        "  trust root v1",
    ]


@pytest.mark.parametrize("width", [80, 100])
def test_a_fleet_fits(width: int) -> None:
    report = {
        "workspace": "acme-agents-" + "x" * 30,
        "differences": [{"kind": "out_of_band", "effect": "wider"}],
        "coverage": {"gaps": [], "calls": {"aws:1": 5}},
        "differ": 12,
        "agents": 120,
        "milliseconds": 12_000,
    }
    rows = [
        FleetRow("teams/billing/agents-production", 5, {"drift": report, "conditions": ["out_of_band"]}, "x\n"),
        FleetRow("b\x1b[2J", 1, {}, "", "Error: b\x1b[2J"),
    ]
    text = fleet_text(rows, 1_000, width)
    assert all(len(line) <= width for line in text.split("\n")) and "\x1b" not in text
    assert "12/120" in text and "0 as signed, 2 not; 5 calls, 1.0 s in all" in text


def test_ranges() -> None:
    assert ranges([3, 1, 2, 7, 8, 10]) == "1-3 7 8 10"
    assert ranges([]) == ""
    assert some_ranges(list(range(1, 80, 2))) == "1 3 5 7 9 11 13 15 17 19 21 … 79"
    assert some_ranges(list(range(1, 80))) == "1-79"


def test_json_documents_hold_everything() -> None:
    file = samples.hostile()
    body = {
        **plan_document(file, unverified(file.plan)),
        **drift_document(samples.hostile_drift()),
        **apply_document(file, samples.stopped()),
        **document_of_tests(samples.test_results()),
    }
    text = json.dumps(envelope("x", body, ["changes"], 2, []), ensure_ascii=True)
    assert text.isascii()
    value = json.loads(text)
    assert (value["format_version"], value["exit_code"], value["conditions"]) == ("1.0", 2, ["changes"])
    assert value["plan"]["changes"][0]["label"] == samples.HOSTILE
    assert value["sign_offs"]["rows"][0]["may_not"][0]["person"] == samples.HOSTILE
    assert (value["passed"], value["failed"]) == (2, 1)
    assert value["operations"][2]["status"] == "conflict"
    assert value["drift"]["differences"][0]["id"] == samples.HOSTILE


def test_who_may_not_sign_depends_on_the_agent() -> None:
    rows = {row.owner: row for row in unverified(samples.six_changes().plan).rows}
    assert rows["iam"].may_not == (("alice", "author"), ("dana", "sponsor"))
    assert rows["api"].may_not == (("alice", "author"),)
