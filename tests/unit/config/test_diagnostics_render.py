"""The text and JSON forms of diagnostics."""

from __future__ import annotations

import pytest

from provisioner.model.diagnostics import Diagnostic, Severity, ValueInScope
from provisioner.model.source import Source, SourceRange
from provisioner.render.diagnostics import as_json, human, validation_json

TEXT = """locals {
  a = 1
}

agent "x" "y" {
  purpose = "Sört 漢字 here"
\tname\t= <<EOT
one
two
EOT
}
"""
SOURCE = Source("main.hcl", TEXT)
SOURCES = {"main.hcl": SOURCE}


def at(word: str, through: str | None = None) -> SourceRange:
    start = TEXT.index(word)
    end = TEXT.index(through, start) + len(through) if through else start + len(word)
    return SOURCE.range(start, end)


def error(subject: SourceRange | None, **more: object) -> Diagnostic:
    return Diagnostic("E-X", "It is wrong", "Because of this. Do that.", subject=subject, **more)  # type: ignore[arg-type]


def test_a_box() -> None:
    found = human([error(at("1"), values=(ValueInScope("var.b", 'is "c"'),))], SOURCES)
    assert found == (
        "╷\n"
        "│ Error: It is wrong [E-X]\n"
        "│\n"
        "│   on main.hcl line 2, in locals:\n"
        "│   2:   a = 1\n"
        "│            ^\n"
        "│     ├────────────────\n"
        '│     │ var.b is "c"\n'
        "│\n"
        "│ Because of this. Do that.\n"
        "╵\n"
    )


@pytest.mark.parametrize("before", [0, 90, 5_000, 2_000_000])
@pytest.mark.parametrize("after", [0, 350, 2_000_000])
def test_of_a_very_long_line_what_matters_is_shown(before: int, after: int) -> None:
    source = Source("main.hcl", f"{'x' * before}WRONG{'y' * after}\n")
    found = human([error(source.range(before, before + 5))], {"main.hcl": source})
    shown, marks = next(
        (a, b) for a, b in zip(found.splitlines(), found.splitlines()[1:], strict=False) if "WRONG" in a
    )
    assert shown[len(marks) - 5 :].startswith("WRONG") and marks.endswith(" ^^^^^") and len(found) < 1_500
    assert ("…" in shown) == (before + after + 5 > 400)
    nul = Source("main.hcl", "\0" * 1_000_000)
    assert len(human([error(nul.range(0, 1_000_000))], {"main.hcl": nul})) < 5_000


def test_wide_characters_are_underlined_by_columns() -> None:
    lines = human([error(at("here"))], SOURCES).splitlines()
    shown = next(i for i, line in enumerate(lines) if "漢字" in line)
    assert lines[shown + 1].rstrip("^").count(" ") == len('   6:   purpose = "Sört ') + 4 + 1
    assert lines[shown + 1].endswith("^^^^")
    assert not lines[shown + 1].endswith("^^^^^")


def test_tabs_are_two_columns() -> None:
    lines = human([error(at("name"))], SOURCES).splitlines()
    shown = next(i for i, line in enumerate(lines) if "name" in line)
    assert lines[shown] == "│   7:   name  = <<EOT"
    assert lines[shown + 1] == "│        ^^^^"


def test_several_lines_are_all_underlined() -> None:
    lines = human([error(at("<<EOT", "\nEOT"))], SOURCES).splitlines()
    marks = [line.strip("│ ") for line in lines if line.startswith("│   ") and "^" in line]
    assert marks == ["^^^^^", "^^^", "^^^", "^^^"]


def test_long_ranges_are_cut() -> None:
    text = "locals {\n" + "  a = 1\n" * 50 + "}\n"
    source = Source("long.hcl", text)
    found = human([error(source.range(0, len(text)))], {"long.hcl": source})
    assert found.count("a = 1") == 7
    assert "…" in found


def test_the_context_is_shown_when_it_is_short() -> None:
    found = human([error(at("1"), context=at("locals", "1"))], SOURCES)
    assert "1: locals {\n" in found
    assert found.count("^") == 1


def test_what_could_repaint_a_terminal_is_escaped() -> None:
    text = 'x = "\x1b[2J\u202e"\n'
    source = Source("evil\x1b[2J.hcl", text)
    diagnostic = Diagnostic("E-X", "bad \x1b[2J", "worse \u202e", subject=source.range(4, 8))
    found = human([diagnostic], {source.filename: source})
    assert "\x1b" not in found
    assert "\u202e" not in found


def test_colour_only_adds() -> None:
    plain = human([error(at("1"))], SOURCES)
    colored = human([error(at("1"))], SOURCES, color=True)
    assert "\x1b[31m" in colored
    assert "\x1b" not in plain


def test_warnings_say_so() -> None:
    diagnostic = Diagnostic("W-X", "Careful", "Look.", Severity.WARNING)
    assert "Warning: Careful [W-X]" in human([diagnostic], {})


def test_a_file_nobody_has() -> None:
    other = Source("gone.hcl", "x\n").range(0, 1)
    assert "on gone.hcl line 1\n" in human([error(other)], SOURCES)
    assert "snippet" not in as_json(error(other), SOURCES)


def test_lines_keep_to_the_width() -> None:
    detail = "word " * 100
    found = human([Diagnostic("E-X", "It", detail)], {}, width=60)
    assert max(map(len, found.splitlines())) <= 60


def test_nothing_is_nothing() -> None:
    assert human([], SOURCES) == ""


def test_json_is_terraforms() -> None:
    data = validation_json([error(at("1")), Diagnostic("W-X", "Careful", "", Severity.WARNING)], SOURCES)
    assert {name: data[name] for name in ("format_version", "valid", "error_count", "warning_count")} == {
        "format_version": "1.0",
        "valid": False,
        "error_count": 1,
        "warning_count": 1,
    }
    assert data["diagnostics"][0] == {
        "severity": "error",
        "code": "E-X",
        "summary": "It is wrong",
        "detail": "Because of this. Do that.",
        "range": {
            "filename": "main.hcl",
            "start": {"line": 2, "column": 7, "byte": 15},
            "end": {"line": 2, "column": 8, "byte": 16},
        },
        "snippet": {
            "context": "locals",
            "code": "  a = 1",
            "start_line": 2,
            "highlight_start_offset": 6,
            "highlight_end_offset": 7,
            "values": [],
        },
    }
    assert "range" not in data["diagnostics"][1]


@pytest.mark.parametrize("word", ["here", "漢", "purpose", "one"])
def test_offsets_of_the_snippet_count_bytes(word: str) -> None:
    snippet = as_json(error(at(word)), SOURCES)["snippet"]
    code = snippet["code"].encode()
    assert code[snippet["highlight_start_offset"] : snippet["highlight_end_offset"]].decode() == word


def test_the_header_around_a_line() -> None:
    assert as_json(error(at("one")), SOURCES)["snippet"]["context"] == 'agent "x" "y"'
    assert as_json(error(at('agent "x"')), SOURCES)["snippet"]["context"] == 'agent "x" "y"'
