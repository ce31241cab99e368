"""The places inside an attribute that differ."""

import pytest

from provisioner.planning.details import MOST, details

LAMBDA = {"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}}
HUGO = {"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::1:user/hugo"]}}


def trust(*statements: object) -> dict[str, object]:
    return {"trust": {"Version": "2012-10-17", "Statement": list(statements)}}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 3600}, {"a": 7200}, ("~ a 3600 → 7200",)),
        ({"a": None}, {"a": "arn"}, ('+ a "arn"',)),
        ({"a": "arn"}, {}, ('- a "arn"',)),
        (None, {"a": {"b": 1}}, ('+ a {"b": 1}',)),
        ({"a": {"b": 1}}, None, ('- a {"b": 1}',)),
        ({"a": {"team": "x"}}, {"a": {"team": "y"}}, ('~ a.team "x" → "y"',)),
        ({"a": {"team": "x"}}, {"a": {}}, ('- a.team "x"',)),
    ],
)
def test_places(before, after, expected):
    assert details(before, after, ["a"]) == expected


def test_a_statement_added_in_front_is_one_line():
    (line,) = details(trust(LAMBDA), trust(HUGO, LAMBDA), ["trust"])
    assert line.startswith("+ trust.Statement[0] ") and "user/hugo" in line


def test_the_same_statements_in_another_order_are_no_difference():
    assert details(trust(LAMBDA, HUGO), trust(HUGO, LAMBDA), ["trust"]) == ()


def test_only_the_named_fields_are_looked_at():
    assert details({"a": 1, "b": 1}, {"a": 2, "b": 2}, ["b"]) == ("~ b 1 → 2",)


def test_a_rewritten_document_is_cut_and_says_so():
    old, new = ({"a": {str(n): side for n in range(100)}} for side in (1, 2))
    lines = details(old, new, ["a"])
    assert len(lines) == MOST and lines[-1] == f"  and {100 - MOST + 1} more places"
