"""What is HCL and what is not: a corpus whose verdicts were recorded from `terraform fmt` 1.11.4.

`benchmarks/compare_syntax.py` confirms the recorded verdicts and layouts where Terraform is installed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.lang.fmt import format_source, format_text
from provisioner.lang.parser import parse_file
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.source import Source

GOLDEN = Path(__file__).parents[2] / "golden" / "syntax"
VERDICTS = [json.loads(line) for line in (GOLDEN / "verdicts.jsonl").read_text("utf-8").splitlines()]
LAYOUTS = sorted(path.name.removesuffix(".in.hcl") for path in (GOLDEN / "fmt").glob("*.in.hcl"))

# Valid layout, but no evaluation can accept it: Terraform says so in `validate`, not in `fmt`.
AMBIGUOUS_KEY = "E-SYNTAX-KEY"


def test_the_corpus_is_large_and_has_both_kinds() -> None:
    accepted = sum(verdict["accepted"] for verdict in VERDICTS)
    assert accepted >= 150
    assert len(VERDICTS) - accepted >= 150


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: repr(verdict["text"][:40]))
def test_verdict(verdict: dict[str, object]) -> None:
    text = str(verdict["text"])
    _, diagnostics = parse_file(Source("main.hcl", text))
    errors = [d for d in diagnostics if d.code != AMBIGUOUS_KEY]
    assert (not errors) == verdict["accepted"], [d.summary for d in errors]
    for diagnostic in diagnostics:
        assert diagnostic.code.startswith("E-SYNTAX")
        assert diagnostic.is_error
        assert diagnostic.summary
        assert "\n" not in diagnostic.summary
        assert diagnostic.detail.endswith((".", "?")), diagnostic.detail
        assert diagnostic.subject is not None
        assert diagnostic.subject.start <= diagnostic.subject.end


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: repr(verdict["text"][:40]))
def test_formatting_never_changes_what_is_not_valid(verdict: dict[str, object]) -> None:
    text = str(verdict["text"])
    formatted, diagnostics = format_text(Source("main.hcl", text))
    assert (not diagnostics) == verdict["accepted"]
    if diagnostics:
        assert formatted == text
        with pytest.raises(DiagnosticError):
            format_source(text)


def _read(name: str) -> str:
    return (GOLDEN / "fmt" / name).read_bytes().decode("utf-8")


@pytest.mark.parametrize("case", LAYOUTS)
def test_layout_is_terraforms(case: str) -> None:
    assert format_source(_read(f"{case}.in.hcl")) == _read(f"{case}.out.hcl")


@pytest.mark.parametrize("case", [case for case in LAYOUTS if case != "unwrap"])
def test_layout_is_stable(case: str) -> None:
    formatted = _read(f"{case}.out.hcl")
    assert format_source(formatted) == formatted


def test_nested_interpolation_loses_one_layer_a_run_as_in_terraform() -> None:
    assert format_source('a = "${"${b}"}"\n') == 'a = "${b}"\n'
    assert format_source('a = "${b}"\n') == "a = b\n"


def test_a_label_with_a_dollar_sign_is_kept() -> None:
    # Terraform 1.11.4 deletes such a label without a word; a formatter must not change meaning.
    assert format_source('a "x$y" "100%" {}\n') == 'a "x$y" "100%" {}\n'
