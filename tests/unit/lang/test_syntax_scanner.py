"""Tokens: kinds, offsets, and where newlines count."""

from __future__ import annotations

import pytest

from provisioner.lang.identifiers import identifier_end, is_identifier
from provisioner.lang.scanner import scan_body, scan_expression
from provisioner.lang.tokens import EOF, NEWLINE
from provisioner.model.source import Source


def scanned(text: str, keep: bool = False) -> list[tuple[str, str]]:
    tokens = scan_body(Source("main.hcl", text), keep=keep)
    assert tokens.kinds[-1] is EOF
    assert len(tokens.kinds) == len(tokens.starts) == len(tokens.ends)
    return [(kind, text[start:end]) for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True)][
        :-1
    ]


def newlines(text: str) -> int:
    return sum(kind is NEWLINE for kind, _ in scanned(text))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a = 1\nb = 2\n", 2),
        ("a = (\n1\n)\n", 1),
        ("a = [\n1,\n2\n]\n", 1),
        ("a = {\nb = 1\n}\n", 3),
        ("a = {\nfor x in y : x => y\n}\n", 1),
        ("a {\nfor = 1\n}\n", 3),
        ("a = [{\nb = 1\n}]\n", 3),
        ('a = "${\nb\n}"\n', 1),
        ("a = <<EOT\nx\nEOT\n", 1),
        ("a = <<EOT\n${\nb\n}\nEOT\n", 1),
        ("# a\n\n// b\n /* c */ \na = 1 # d\n", 3),
    ],
)
def test_newlines_count_where_hcl_has_them_count(text: str, count: int) -> None:
    assert newlines(text) == count


def test_kept_tokens_cover_everything_but_spaces() -> None:
    text = 'a = [ # one\n  "x${b}y", /* two */ <<EOT\n t\nEOT\n]\n// end'
    tokens = scan_body(Source("main.hcl", text), keep=True)
    at = 0
    for start, end in zip(tokens.starts, tokens.ends, strict=True):
        assert text[at:start].strip(" \t") == ""
        assert start <= end
        at = end
    assert at == len(text)
    assert sum(kind == "comment" for kind in tokens.kinds) == 3


def test_plain_strings_are_one_token_and_others_are_taken_apart() -> None:
    assert scanned('a = "b"')[-1] == ("string", '"b"')
    assert [kind for kind, _ in scanned('a = "b\\n"')][2:] == ["opening quote", "quoted text", "closing quote"]
    assert [text for _, text in scanned('"$${a}${b ~}"')] == ['"', "$${a}", "${", "b", "~}", '"']


def test_an_unclosed_string_ends_with_its_line() -> None:
    assert scanned('a = "b\nc = 1')[-3:] == [("identifier", "c"), ("=", "="), ("number", "1")]


def test_bare_expressions_have_no_newlines() -> None:
    assert NEWLINE not in scan_expression(Source("<e>", "1\n+\n{a = 1}")).kinds


@pytest.mark.parametrize("name", ["a", "_", "a-b", "a1", "é", "日本", "a\u0301", "ª", "a·b", "\u309b"])
def test_names(name: str) -> None:
    assert is_identifier(name)


# The last three are letters of Unicode versions that HCL's tables do not have.
@pytest.mark.parametrize(
    "name", ["", "-a", "1a", "a b", "a.b", "²", "a²", "😀", "a😀", "€", "\u0560", "\u1c90", "a\u0898"]
)
def test_not_names(name: str) -> None:
    assert not is_identifier(name)


def test_the_longest_name_is_found() -> None:
    assert identifier_end("aé-1😀b", 0, 6) == 4
    assert identifier_end("😀", 0, 1) == 0
