"""Any text at all: no exception, a bounded number of steps, and ranges that lie inside the text."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.lang.fmt import format_text
from provisioner.lang.parser import parse_expression, parse_file, parse_template
from provisioner.lang.scanner import scan_body
from provisioner.model.diagnostics import Diagnostic
from provisioner.model.source import Source

GOLDEN = Path(__file__).parents[1] / "golden" / "syntax"
PROGRAMS = [json.loads(line)["text"] for line in (GOLDEN / "verdicts.jsonl").read_text("utf-8").splitlines()]
PROGRAMS += [path.read_bytes().decode("utf-8") for path in sorted((GOLDEN / "fmt").glob("*.out.hcl"))]

pieces = st.sampled_from(
    ['"', "${", "%{", "}", "{", "(", ")", "[", "]", "\n", "=", ",", ".", "*", "\\", "~", "<<EOT\n", "<<-A\n", "EOT\n",
     "#", "//", "/*", "*/", "'", "“", "”", "`", ";", "&", "|", "^", "@", "\r", "\x00", "\ufeff", "é", "😀", "\u2028",
     "1e9999999999999999999", "0.0.0", "for x in", "%{ if", "%{ endif }", "${aws:x}", "::", "...", "=>", " ", "\t"]
)  # fmt: skip
noise = st.text(max_size=80) | st.lists(pieces, max_size=40).map("".join)


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """A program with a few places cut out, doubled or written over."""
    text: str = draw(st.sampled_from(PROGRAMS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        middle = draw(st.sampled_from(["", text[start:end] * 2]) | pieces)
        text = text[:start] + middle + text[end:]
    return text


def check(text: str, diagnostics: list[Diagnostic]) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    places = []
    for diagnostic in diagnostics:
        assert diagnostic.code.startswith("E-SYNTAX")
        assert diagnostic.detail.endswith((".", "?"))
        assert diagnostic.subject is not None
        assert 0 <= diagnostic.subject.start.byte <= diagnostic.subject.end.byte <= size
        places.append(diagnostic.subject.start.byte)
    assert places == sorted(places)


@settings(max_examples=150, deadline=None)
@given(noise | mutants())
def test_no_text_raises(text: str) -> None:
    source = Source("main.hcl", text)
    body, diagnostics = parse_file(source)
    check(text, diagnostics)
    check(text, parse_expression(source)[1])
    check(text, parse_template(source)[1])
    formatted, errors = format_text(source)
    if errors:
        assert formatted == text
    else:
        assert parse_file(Source("main.hcl", formatted))[0] is not None
    assert body.end <= len(text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_raise(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    check(text, parse_file(Source("main.hcl", text))[1])


@settings(max_examples=100, deadline=None)
@given(noise | mutants())
def test_tokens_are_in_order_and_inside_the_text(text: str) -> None:
    for keep in (False, True):
        tokens = scan_body(Source("main.hcl", text), keep=keep)
        at = 0
        for start, end in zip(tokens.starts, tokens.ends, strict=True):
            assert at <= start <= end <= len(text)
            at = start


def calls_of(function: Callable[[], object]) -> int:
    """How many Python and C functions were called: time, without a clock."""
    count = 0

    def profiler(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profiler)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


HOSTILE: dict[str, Callable[[int], str]] = {
    "nested tuples": lambda n: "a = " + "[" * n,
    "nested interpolations": lambda n: 'a = "' + '${"' * n,
    "unclosed calls": lambda n: "a = f(1\n" * n,
    "unclosed objects": lambda n: "a = {\n" * n,
    "unclosed blocks": lambda n: "a {\n" * n,
    "unclosed interpolations": lambda n: 'a = "x${b\n' * n,
    "quotes": lambda n: '"' * n,
    "backslashes": lambda n: 'é = "' + "\\q" * n + '"',
    "policy variables": lambda n: 'é = "' + "${a:" * n,
    "dollars": lambda n: 'a = "' + "$" * n + '"',
    "operators": lambda n: "a = 1" + " + 1 * 2" * n,
    "conditionals": lambda n: "a = " + "b ? c : " * n + "d",
    "spaces": lambda n: "a = 1" + " " * n,
    "open comments": lambda n: "/* " * n,
    "heredocs": lambda n: "a = <<A\n${" * n,
    "names that are none": lambda n: "é😀" * n,
    "semicolons": lambda n: "é" + ";" * n,
    "typographic quotes": lambda n: "“" * n,
    "directives": lambda n: 'é = "' + "%{if a}%{endif}" * n + '"',
    "closing brackets": lambda n: ")]}" * n,
    "splats": lambda n: "a = (" + "b[\n*\n]," * n,
    "heredoc openings": lambda n: "<<a " * n,
    "labels": lambda n: "a " + '"x${y}" ' * n,
    "braces and spaces": lambda n: "a = " + ("{" + " " * 50) * n,
    "duplicates": lambda n: "a = 1\n" * n,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_with_the_size_and_no_faster(name: str) -> None:
    def work(size: int) -> int:
        text = HOSTILE[name](size)
        return calls_of(lambda: (parse_file(Source("a", text)), parse_expression(Source("a", text))))

    small, large = work(400), work(1600)
    assert large <= 6 * small + 2000, f"{small} calls for 400, {large} for 1600"
