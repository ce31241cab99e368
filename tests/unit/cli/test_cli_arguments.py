"""Options as Terraform's users type them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.cli.arguments import UsageProblem, normalise, split_globals

OPTIONS = {"out": True, "var": True, "detailed-exitcode": False, "json": False, "change": True}


def arguments(*given: str) -> list[str]:
    return list(normalise(given, OPTIONS).arguments)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["-out=x"], ["--out=x", "--"]),
        (["-out", "x"], ["--out=x", "--"]),
        (["--out", "x"], ["--out=x", "--"]),
        (["--out=x"], ["--out=x", "--"]),
        (["-out="], ["--out=", "--"]),
        (["-detailed-exitcode"], ["--detailed-exitcode", "--"]),
        (["--detailed-exitcode", "plan"], ["--detailed-exitcode", "--", "plan"]),
        (["-json=false"], ["--"]),
        (["-json=TRUE"], ["--json", "--"]),
        (["-var", "a=-b"], ["--var=a=-b", "--"]),
        (["-var", "-b"], ["--var=-b", "--"]),
        (["-var=a=b=c", "-var", "x= y"], ["--var=a=b=c", "--var=x= y", "--"]),
        (["-change", "-5"], ["--change=-5", "--"]),
        (["-5"], ["--", "-5"]),
        (["-"], ["--", "-"]),
        (["a", "--", "-out", "--", "b"], ["--", "a", "-out", "--", "b"]),
        (["a", "-json", "b"], ["--json", "--", "a", "b"]),
        ([""], ["--", ""]),
        (["-out=-json"], ["--out=-json", "--"]),
    ],
)
def test_what_is_meant(given: list[str], expected: list[str]) -> None:
    assert arguments(*given) == expected


@pytest.mark.parametrize("token", ["-help", "--help", "-h", "--h"])
def test_help(token: str) -> None:
    assert normalise([token], OPTIONS).help
    assert not normalise(["--", token], OPTIONS).help


def test_no_color_is_everywhere() -> None:
    assert normalise(["-no-color"], OPTIONS).no_color
    assert not normalise(["-no-color=false"], OPTIONS).no_color
    assert normalise(["-no-color", "x"], OPTIONS).arguments == ("--", "x")


@pytest.mark.parametrize(
    ("given", "says", "hint"),
    [
        (["-outt"], "there is no option -outt", "did you mean -out?"),
        (["--detailed-exit-code"], "--detailed-exit-code", "did you mean -detailed-exitcode?"),
        (["-zzzzzz=1"], "there is no option -zzzzzz", ""),
        (["-out"], "needs a value", "-out=VALUE"),
        (["-out", "--"], "needs a value", "-out=VALUE"),
        (["-out", "-json"], "-json follows, which is an option", "write -out=-json"),
        (["-json=maybe"], "takes no value", "=true or =false"),
        (["-chdir=x"], "goes before the command", "-chdir=DIR"),
    ],
)
def test_what_is_refused(given: list[str], says: str, hint: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        normalise(given, OPTIONS)
    assert says in str(caught.value)
    assert hint in caught.value.hint


def test_globals() -> None:
    found = split_globals(["-chdir=a b", "-no-color", "plan", "-chdir=c"])
    assert (found.chdir, found.no_color, found.rest) == ("a b", True, ("plan", "-chdir=c"))
    assert split_globals(["--chdir", "x", "plan"]).chdir == "x"
    assert split_globals(["-version"]).version
    assert split_globals(["-h"]).help
    assert split_globals([]).rest == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["-chdir"], "needs a folder"),
        (["-json", "plan"], "goes after the command"),
        (["-verson"], "did you mean -version?"),
        (["-x"], "-chdir=DIR"),
    ],
)
def test_bad_globals(given: list[str], says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        split_globals(given)
    assert says in f"{caught.value} {caught.value.hint}"


@settings(max_examples=200)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=5))
def test_nothing_crashes_and_positionals_stay(tokens: list[str]) -> None:
    """Whatever is typed is understood or refused; what stands behind `--` arrives as it is."""
    try:
        result = normalise(["--", *tokens], OPTIONS).arguments
    except UsageProblem:
        pytest.fail("arguments behind -- are never options")
    assert list(result) == ["--", *tokens]
    try:
        normalise(tokens, OPTIONS)
        split_globals(tokens)
    except UsageProblem as problem:
        assert str(problem)
