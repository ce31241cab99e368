"""Globs as languages, against an independent reading with regular expressions on every short word."""

import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_aws.policy.globs import includes, overlap, parse_glob, uncovered

patterns = st.text("ab*?", max_size=6)
WORDS = ["".join(word) for length in range(6) for word in itertools.product("abx", repeat=length)]


def regex(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(char, char) for char in pattern), re.DOTALL)


@given(patterns, st.text("abx", max_size=8))
def test_matches_as_a_regular_expression_does(pattern: str, text: str) -> None:
    assert parse_glob(pattern).matches(text) == bool(regex(pattern).fullmatch(text))


@settings(max_examples=400, deadline=None)
@given(patterns, st.lists(patterns, min_size=1, max_size=3))
def test_inclusion_in_a_union_agrees_with_every_short_word(pattern: str, covers: list[str]) -> None:
    word = uncovered(parse_glob(pattern), tuple(parse_glob(cover) for cover in covers))
    escaped = [
        text
        for text in WORDS
        if regex(pattern).fullmatch(text) and not any(regex(cover).fullmatch(text) for cover in covers)
    ]
    if word is None:
        assert escaped == []
    else:
        assert regex(pattern).fullmatch(word)
        assert not any(regex(cover).fullmatch(word) for cover in covers)


@settings(max_examples=400, deadline=None)
@given(patterns, patterns)
def test_overlap_agrees_with_every_short_word(one: str, two: str) -> None:
    word = overlap(parse_glob(one), parse_glob(two))
    both = [text for text in WORDS if regex(one).fullmatch(text) and regex(two).fullmatch(text)]
    if word is None:
        assert both == []
    else:
        assert regex(one).fullmatch(word)
        assert regex(two).fullmatch(word)


@given(patterns)
def test_a_glob_includes_itself_and_its_example(pattern: str) -> None:
    parsed = parse_glob(pattern)
    assert includes(parsed, parsed)
    assert parsed.matches(parsed.example())
    assert parse_glob(str(parsed)) == parsed
