"""Canonical JSON: one form, whichever way it is written; what has none is refused, never a traceback."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from provisioner import canonical

ASCII = st.text(st.characters(max_codepoint=127), max_size=8)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def trees(text: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    leaves = st.none() | st.booleans() | st.integers(-canonical.MAX_SAFE_INTEGER, canonical.MAX_SAFE_INTEGER) | text
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=12,
    )


@given(trees(ASCII) | trees(ANY))
@example("".join(map(chr, range(0x80))))
@example({chr(code): code for code in range(0x80)})
@example({"\ue000": 1, "\U00010000": 2, "a": 3})
@settings(max_examples=200, deadline=None)
def test_the_form_is_that_of_rfc_8785_and_comes_back(value: object) -> None:
    data = canonical.dumps(value)
    assert data == rfc8785.dumps(value)  # type: ignore[arg-type]
    assert canonical.loads(data) == value


@pytest.mark.parametrize("depth", [500, 600, 900, 5000])
@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused_or_read_but_never_a_traceback(depth: int, start: bytes, end: bytes) -> None:
    data = start * depth + b"0" + end * depth
    try:
        value = canonical.loads(data)
    except canonical.CanonicalError:
        return
    assert canonical.dumps(value) == data


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b"[1, 2]",
        b"1.0",
        b"1e2",
        b"-0",
        b"NaN",
        b"9007199254740992",
        b'"\\u0041"',
        b'"\xff"',
        b'"\\/"',
        b'"\\ud800"',
        b"",
        b"[1]\n",
    ],
)
def test_any_other_form_is_refused(data: bytes) -> None:
    with pytest.raises(canonical.CanonicalError):
        canonical.loads(data)
