"""Expressions made to run away end as errors with a place, never as a hang or a RecursionError."""

from __future__ import annotations

import gc

import pytest

from provisioner.lang.console import evaluate_text
from provisioner.lang.functions import patterns
from provisioner.lang.functions.patterns import compile_pattern, matches, replace_all
from provisioner.lang.parser import parse_file
from provisioner.lang.scope import Budget, BudgetError, Scope
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.source import Source


def ask(text: str, /, **variables: str) -> object:
    return evaluate_text(text, Scope(dict(variables), budget=Budget(2_000_000)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('replace(join("", [for n in range(900): format("%1000s", "")]), "/ /", "xx")', id="many matches"),
        pytest.param('replace(join("", range(1000)), "/1/", format("%100000s", ""))', id="growing replacement"),
        pytest.param('replace(join("", range(1000)), "1", format("%100000s", ""))', id="growing plain replacement"),
        pytest.param('join(format("%9999s", ""), [for n in range(9999): "" if true])', id="long separator"),
    ],
)  # fmt: skip
def test_regular_expressions_and_replacements(text: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        ask(text)
    assert all(diagnostic.subject is not None for diagnostic in caught.value.diagnostics)


@pytest.mark.parametrize(
    ("pattern", "size"),
    [("(a+)+$", 50_000), ("(a|aa)+$", 50_000), ("(.*)(.*)(.*)(.*)(.*)x$", 2_000), ("(x*)*y", 50_000)],
)
def test_patterns_that_explode_elsewhere_are_linear(pattern: str, size: int) -> None:
    """A backtracking engine takes longer than the universe lasts for these; there is no match, and soon."""
    with pytest.raises(DiagnosticError) as caught:
        ask(f'regex("{pattern}", text)', text="a" * size + "!")
    assert "did not match" in caught.value.diagnostics[0].detail


def test_a_pattern_that_looks_at_the_whole_rest_for_each_match(monkeypatch: pytest.MonkeyPatch) -> None:
    """This one is quadratic in any engine, Go's too; by the real limit it takes some ten seconds."""
    monkeypatch.setattr(patterns, "MAX_WORK", 10_000_000)
    with pytest.raises(BudgetError) as caught:
        ask('regexall("a[^b]*b|a", text)', text="a" * 10_000)
    assert "matches too often" in caught.value.diagnostics[0].detail
    assert ask('length(regexall("a[^b]*b|a", text))', text="a" * 1_000) == 1_000


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "((a{100}){100}){100}"])
def test_patterns_that_are_too_large_are_refused(pattern: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        ask("regex(pattern, text)", pattern=pattern, text="a")
    assert "invalid regexp pattern" in caught.value.diagnostics[0].detail


@pytest.mark.parametrize(
    ("pattern", "text", "spans"),
    [
        ("", "aé", [(0, 0), (1, 1), (2, 2)]),
        ("a*", "baac", [(0, 0), (1, 3), (4, 4)]),
        ("$", "ab", [(2, 2)]),
        ("é|", "éxé", [(0, 1), (2, 3)]),
        (r"\B", "\nbéx\n😀", [(0, 0), (5, 5), (6, 6)]),
        (".", "é😀", [(0, 1), (1, 2)]),
    ],
)
def test_matches_are_those_of_go(pattern: str, text: str, spans: list[tuple[int, int]]) -> None:
    """As regexp.FindAllStringIndex of Go finds them, in characters; never inside of one."""
    assert [(found.start, found.end) for found in matches(compile_pattern(pattern, 0), text)] == spans


def test_groups_are_text() -> None:
    assert replace_all(compile_pattern("(é)(x)?", 0), "aéxé", "[$1$2]") == "a[éx][é]"


@pytest.mark.parametrize(
    "text",
    [
        "1e999999999", "1e-999999999", "pow(10, 1000000)", "pow(9, 99999999)", 'tonumber("1e99999999999")',
        "1e3999 * 1e3999", 'parseint(format("%099999d", 9), 36) * 1e3999', "range(0, 1e300, 1e-300)", "1.0e+4001 - 1",
    ],
)  # fmt: skip
def test_huge_numbers(text: str) -> None:
    with pytest.raises(DiagnosticError):
        ask(text)


@pytest.mark.parametrize(
    "text",
    [
        "[for a in [1, 2]: " * 90 + "1" + "]" * 90,
        '"' + '%{for a in [1, 2, 3]}' * 60 + "x" + "%{endfor}" * 60 + '"',
        "{for a in range(1000): a => {for b in range(1000): b => {for c in range(1000): c => a}}}",
        "flatten([for a in range(1000): [for b in range(1000): [b, b, b]]])",
        "setproduct([for i in range(40): [1, 2]]...)",
    ],
)  # fmt: skip
def test_exponential_programs_are_out_of_budget(text: str) -> None:
    with pytest.raises(BudgetError) as caught:
        ask(text)
    assert caught.value.diagnostics[0].code == "E-BUDGET"


@pytest.mark.parametrize(
    "text",
    [
        'jsondecode(join("", [for n in range(1000): "["]))',
        'yamldecode(join("", [for n in range(1000): "["]))',
        'yamldecode(join("", [for n in range(1000): "- "]))',
        'templatestring(template, {})',
        "try(" * 300 + "1" + ")" * 300,
    ],
)  # fmt: skip
def test_nesting_is_bounded_in_data_too(text: str) -> None:
    with pytest.raises(DiagnosticError):
        ask(text, template="${" * 300 + "1" + "}" * 300)


def test_long_chains_are_no_nesting() -> None:
    assert ask("+".join(["1"] * 20_000)) == 20_000
    assert ask("true ? 1 : " * 80 + "2") == 1
    assert ask("-" * 80 + "1") == 1


@pytest.mark.parametrize("running", [True, False])
def test_the_collector_is_left_as_it_was(running: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if running else gc.disable)()
        parse_file(Source("a.hcl", "a = [\n"))
        assert gc.isenabled() == running
    finally:
        (gc.enable if was else gc.disable)()
