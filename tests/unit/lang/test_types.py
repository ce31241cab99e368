"""Type constraints: reading them, and what their errors say."""

from __future__ import annotations

import pytest

from provisioner.lang.convert import ConversionError, conform
from provisioner.lang.evaluate import evaluate
from provisioner.lang.parser import parse_expression
from provisioner.lang.scope import Scope
from provisioner.lang.types import (
    DYNAMIC,
    NUMBER,
    STRING,
    CapsuleType,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    TypeConstraint,
    parse_type,
)
from provisioner.lang.values import BlockValue, ListValue, from_python, to_python
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.source import Source


def read(text: str, defaults: bool = True) -> TypeConstraint:
    expr, diagnostics = parse_expression(Source("t.hcl", text))
    assert expr is not None, diagnostics
    return parse_type(expr, (lambda e: evaluate(e, Scope({}))) if defaults else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("string", STRING),
        ("any", DYNAMIC),
        ("list(string)", ListType(STRING)),
        ("list", ListType(DYNAMIC)),
        ("map", MapType(DYNAMIC)),
        ("set(number)", SetType(NUMBER)),
        ("map(list(any))", MapType(ListType(DYNAMIC))),
        ("tuple([string, number])", TupleType((STRING, NUMBER))),
        ("object({ a = string, b = number })", ObjectType({"a": STRING, "b": NUMBER})),
        ("object({ a = optional(string) })", ObjectType({"a": STRING}, frozenset({"a"}))),
        ("list(tool)", ListType(CapsuleType("tool"))),
        ("agent", CapsuleType("agent")),
    ],
)
def test_reads(text: str, expected: object) -> None:
    assert read(text).type == expected


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("strnig", 'The keyword "strnig" is not a valid type specification. Did you mean "string"?'),
        ("list(string, number)", "The list type constructor requires one argument specifying the element type."),
        ("set", "The set type constructor requires one argument specifying the element type."),
        ("string(1)", 'Primitive type keyword "string" does not expect arguments.'),
        ("lst(string)", 'Keyword "lst" is not a valid type constructor. Did you mean "list"?'),
        ("optional(string)", 'Keyword "optional" is valid only as a modifier for object type attributes.'),
        ("object([string])", "Object type constructor requires a map whose keys are attribute names"),
        ("tuple({})", "Tuple type constructor requires a list of element types."),
        ("object({ a = string, a = number })", 'The attribute "a" is given twice.'),
        ('object({ "a" = string })', "Object constructor map keys must be attribute names."),
        ('object({ "a b" = string })', "Object constructor map keys must be attribute names."),
        ("object({ a = optional() })", "Optional attribute modifier requires the attribute type"),
        ('object({ a = optional(number, "x") })', "a number is required"),
        ("5", "A type specification is either a primitive type keyword"),
    ],
)
def test_refuses(text: str, detail: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        read(text)
    (found,) = caught.value.diagnostics
    assert detail in found.detail
    assert found.code == "E-TYPE"
    assert found.subject is not None


def test_defaults_are_refused_where_none_may_stand() -> None:
    with pytest.raises(DiagnosticError, match="Invalid type"):
        read("object({ a = optional(string, 1) })", defaults=False)


def test_defaults_fill_in_at_every_level() -> None:
    constraint = read(
        "map(object({ n = optional(number, 1), tags = optional(map(string), {}), "
        'in = optional(object({ x = optional(string, "d"), y = optional(bool) }), {}) }))'
    )
    value = conform(
        from_python({"a": {}, "b": {"n": "7", "in": {"x": None}}, "c": {"in": None, "extra": 1}}), constraint
    )
    whole = {"n": 1, "tags": {}, "in": {"x": "d", "y": None}}
    assert to_python(value) == {"a": whole, "b": {**whole, "n": 7}, "c": whole}


def test_an_error_in_depth_says_where() -> None:
    constraint = read("list(object({ port = number }))")
    with pytest.raises(ConversionError) as caught:
        conform(from_python([{"port": 1}, {"port": "x"}]), constraint)
    assert caught.value.located == "[1].port: a number is required"
    with pytest.raises(ConversionError, match='attribute "port" is required'):
        conform(from_python([{}]), constraint)


def test_block_values_pass_only_as_their_kind() -> None:
    tool = BlockValue("tool", "tool.a")
    value = conform(from_python([tool]), read("list(tool)"))
    assert isinstance(value, ListValue)
    assert value.items == (tool,)
    with pytest.raises(ConversionError, match="element 0: tool required"):
        conform(from_python([BlockValue("agent", "agent.a")]), read("list(tool)"))
    with pytest.raises(ConversionError, match="string required"):
        conform(tool, read("string"))


@pytest.mark.parametrize("text", ["map(list(string))", "object({a = optional(string), b = tuple([bool, any])})"])
def test_constraint_is_the_text_to_write(text: str) -> None:
    assert read(text).type.constraint == text
