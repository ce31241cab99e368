"""What docs/reference/language.md shows is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from provisioner.config import repetition
from provisioner.lang import scope, tokens
from provisioner.lang.console import run_lines
from provisioner.lang.fmt import format_text
from provisioner.lang.functions.registry import REFUSED
from provisioner.model.source import Source

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "language.md").read_text()
BLOCKS = re.findall(r"```hcl\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS)
def test_the_examples_are_valid_and_in_layout(text: str) -> None:
    assert format_text(Source("x.hcl", text)) == (text, [])


def test_the_console_answers_as_shown() -> None:
    shown = re.findall(r"^(\{\"expr\".*?\})\s{2,}(\{.*\})$", PAGE, re.MULTILINE)
    assert len(shown) == 4
    for request, answer in shown:
        (given,) = run_lines([request])
        start, _, end = answer.partition("…")
        assert given.startswith(start)
        assert "…" not in answer or "diagnostics" in answer or given.endswith(end)
        json.loads(given)


def test_the_functions_left_out_are_named() -> None:
    named = PAGE.partition("## Functions")[2].partition("## ")[0]
    assert set(re.findall(r"`(\w+)`", named)) == set(REFUSED)


def test_the_limits_are_the_ones_in_force() -> None:
    assert (scope.MAX_STRING, scope.MAX_WEIGHT, scope.MAX_STEPS) == (16_000_000, 2_000_000, 20_000_000)
    assert (repetition.MAX_INSTANCES, tokens.MAX_ERRORS) == (100_000, 100)
    for text in ("16 million characters", "| 2 million |", "20 million steps", "| 100,000 |", "| 100 |"):
        assert text in PAGE
