"""Generated programs: our parser against pygohcl (HCL's own Go code) and python-hcl2, and round trips."""

from __future__ import annotations

import contextlib
import io
from decimal import Decimal

import hcl2
import pygohcl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.lang import ast
from provisioner.lang.fmt import format_source
from provisioner.lang.parser import parse_expression, parse_file
from provisioner.lang.structure import outline
from provisioner.lang.writer import NewAttribute, NewBlock, Writable, write_expression, write_items
from provisioner.model.source import Source

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

names = st.from_regex(r"[a-z_][a-z0-9_-]{0,7}", fullmatch=True).filter(
    lambda name: name not in {"for", "in", "if", "true", "false", "null"}
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["${x}", "$${x}", "%{if}", "$", "%%", "\\", '"', "a\nb", "é\u0301", "100%", "$$$"]
)
numbers = st.integers(-(10**20), 10**20) | st.decimals(allow_nan=False, allow_infinity=False, places=3)
values: st.SearchStrategy[Writable] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | texts, inner, max_size=4),
    max_leaves=8,
)


def _unique(items: list[NewAttribute | NewBlock]) -> tuple[NewAttribute | NewBlock, ...]:
    seen: set[str] = set()
    kept = []
    for item in items:
        name = item.name if isinstance(item, NewAttribute) else item.type
        if name not in seen or isinstance(item, NewBlock):
            kept.append(item)
        seen.add(name)
    return tuple(kept)


attributes = st.builds(NewAttribute, names, values)
bodies: st.SearchStrategy[tuple[NewAttribute | NewBlock, ...]] = st.recursive(
    st.lists(attributes, max_size=3).map(_unique),
    lambda inner: st.lists(
        attributes | st.builds(NewBlock, names, st.lists(names | texts, max_size=2).map(tuple), inner), max_size=4
    ).map(_unique),
    max_leaves=5,
)

# Expressions as text, with the layout that a person might give them.
atoms = st.sampled_from(
    ["1", "2.5", "1e3", "true", "null", "a", "a.b", "a[0]", 'a["k"]', "a.*.b", "a[*].b.c", "f()", "f(a, b...)", '"x"',
     '"x${a}y"', '"${a}"', '"$${a} %%{b}"', '"%{ if a }x%{ else }y%{ endif }"', "[]", "{}", "x::y(1)", "a.0.b",
     '"\\u00e9\\n"']
)  # fmt: skip
gaps = st.sampled_from(["", " ", "  "])
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(
            inner, gaps, st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||"]), inner
        ).map(lambda t: f"{t[0]} {t[2]}{t[1]} {t[3]}"),
        st.tuples(st.sampled_from(["-", "!", "- ", "!!"]), inner).map("".join),
        st.tuples(gaps, inner, gaps).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        inner.map(lambda e: f"(\n{e}\n)"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=3).map(lambda items: "[\n" + "".join(f"{item},\n" for item in items) + "]"),
        st.lists(st.tuples(names, inner), max_size=3).map(
            lambda items: "{\n" + "".join(f"{name} = {value} # c\n" for name, value in items) + "}"
        ),
        st.tuples(inner, inner).map(lambda t: f"[for k, v in {t[0]} : {t[1]} if v]"),
        st.tuples(inner, inner).map(lambda t: f"{{for v in {t[0]} : v => {t[1]}...}}"),
        inner.map(lambda e: f'"a ${{~ {e} ~}} b"'),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: f"f({', '.join(items)})"),
    ),
    max_leaves=10,
)
scraps = st.lists(
    st.sampled_from(
        ["a", "1", "0.1", '"', "${", "%{", "}", "{", "(", ")", "[", "]", "\n", "=", ",", ".", "*", "...", "=>", "?",
         ":", "::", "for x in y", "if", "in", "~", "<<EOT\n", "EOT\n", "# c\n", "/* c */", "-",
         "!", "==", "&&", " ", "\t",
         "$${", "%%{", "null", "endif", "[*]", ".*", ".0", "a = 1\n", "x {\n}\n", "\\n", "é"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


def verdict_of_go(text: str) -> bool:
    """Whether HCL's own parser takes the text. pygohcl decodes too, and reports that as an error of another kind."""
    try:
        pygohcl.loads(text)
    except pygohcl.HCLParseError as error:
        return not _is_syntax(str(error))
    except (pygohcl.HCLInternalError, pygohcl.UnknownFunctionError, ValueError):
        return True
    return True


def _is_syntax(message: str) -> bool:
    """Messages of evaluation, which pygohcl does after parsing: these say nothing about syntax."""
    evaluation = (
        "Variables not allowed", "Unknown variable", "Function calls not allowed", "Call to unknown function",
        "Unsupported attribute", "Invalid operand", "Invalid index", "Ambiguous attribute key", "Iteration over",
        "Inconsistent conditional", "Incorrect condition type", "Null condition", "Unsuitable value type",
        "Invalid template interpolation value", "Duplicate object key", "Null value as key", "Incorrect key type",
        "Attempt to index null", "Attempt to get attribute", "Operation failed", "Division by zero", "Null collection",
        "Condition is null", "Invalid 'for' condition", "Can't use a null value", "Unsuitable value",
        "Function not", "There is no function", "Splat of null", "Invalid object key", "Invalid expanding argument",
        "Error in function call", "Invalid function argument", "Duplicate attribute", "Missing map element",
    )  # fmt: skip
    lines = [line for line in message.splitlines() if line.strip()]
    return not any(word in message for word in evaluation) if lines else False


def accepts(text: str) -> bool:
    return not [d for d in parse_file(Source("main.hcl", text))[1] if d.code != "E-SYNTAX-KEY"]


@FEW
@given(expressions)
def test_generated_expressions_are_accepted_as_in_go(text: str) -> None:
    program = f"a = {text}\n"
    assert accepts(program)
    assert verdict_of_go(program)


@settings(max_examples=150, deadline=None)
@given(scraps)
def test_scraps_are_rejected_where_go_rejects_them(text: str) -> None:
    if not verdict_of_go(text):
        assert not accepts(text)


@FEW
@given(bodies)
def test_what_is_written_is_read_back(items: tuple[NewAttribute | NewBlock, ...]) -> None:
    text = write_items(items)
    assert format_source(text) == text
    body, diagnostics = parse_file(Source("main.hcl", text))
    assert diagnostics == []
    assert sum(isinstance(item, NewBlock) for item in items) == len(body.blocks)
    for item in items:
        if isinstance(item, NewAttribute):
            assert _value(body.attributes[item.name].expr) == _plain(item.value)


def _value(node: ast.Expr) -> object:
    """The value of a literal expression."""
    match node:
        case ast.Literal():
            return node.value
        case ast.String():
            return node.value
        case ast.Unary(op="-"):
            operand = _value(node.operand)
            assert isinstance(operand, int | Decimal)
            return operand.copy_negate() if isinstance(operand, Decimal) else -operand
        case ast.TupleCons():
            return [_value(item) for item in node.items]
        case ast.ObjectCons():
            return {_key(item.key): _value(item.value) for item in node.items}
    raise AssertionError(f"not a literal: {node}")


def _key(node: ast.Expr) -> object:
    return node.name if isinstance(node, ast.Variable) else _value(node)


def _plain(value: Writable) -> object:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


@FEW
@given(expressions)
def test_layout_changes_nothing_and_settles(text: str) -> None:
    program = f"b {{\na={text}# c\n}}\n"
    once = format_source(program)
    before, _ = parse_file(Source("main.hcl", program))
    after, diagnostics = parse_file(Source("main.hcl", once))
    assert diagnostics == []
    if outline(before) != outline(after):
        # The one rewrite that Terraform's layout makes: an interpolation and nothing else loses its quotes.
        assert isinstance(before.blocks[0].body.attributes["a"].expr, ast.TemplateWrap)
        return
    assert format_source(once) == once


@FEW
@given(st.dictionaries(names, st.booleans() | st.integers(-1000, 1000) | st.text('ab é"\\\n', max_size=6), max_size=5))
def test_values_are_those_of_go(values: dict[str, object]) -> None:
    text = "".join(f"{name} = {write_expression(value)}\n" for name, value in values.items())  # type: ignore[arg-type]
    assert pygohcl.loads(text) == values
    body, diagnostics = parse_file(Source("main.hcl", text))
    assert diagnostics == []
    assert {name: _value(attribute.expr) for name, attribute in body.attributes.items()} == values


simple = st.recursive(
    st.builds(NewBlock, names, st.lists(names, min_size=1, max_size=2).map(tuple), st.just(())),
    lambda inner: st.builds(
        NewBlock,
        names,
        st.lists(names, min_size=1, max_size=2).map(tuple),
        st.lists(
            inner | st.builds(NewAttribute, names, st.integers(0, 9) | st.text("ab c", max_size=4)), max_size=3
        ).map(_unique),
    ),
    max_leaves=4,
)


@FEW
@given(st.lists(simple, max_size=3))
def test_structure_is_that_of_python_hcl2(blocks: list[NewBlock]) -> None:
    text = write_items(blocks)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = hcl2.parses(text)
    ours, diagnostics = parse_file(Source("main.hcl", text))
    assert diagnostics == []
    assert _headers(ours.blocks) == _their_headers(theirs.body)


def _headers(blocks: list[ast.Block]) -> list[object]:
    return [
        (b.type, [label.value for label in b.labels], list(b.body.attributes), _headers(b.body.blocks)) for b in blocks
    ]


def _their_headers(body: hcl2.rules.base.BodyRule) -> list[object]:
    found: list[object] = []
    for child in body.children:
        if type(child).__name__ == "BlockRule":
            first, *labels = (label.serialize() for label in child.labels)
            inner = [item for item in child.body.children if type(item).__name__ == "AttributeRule"]
            names_inside = [item.identifier.serialize() for item in inner]
            found.append((first, [label.strip('"') for label in labels], names_inside, _their_headers(child.body)))
    return found


@pytest.mark.parametrize("text", ["", "1", "a b", "${", "{", "a = 1"])
def test_go_and_we_agree_on_scraps_that_are_named(text: str) -> None:
    assert accepts(text) == verdict_of_go(text)


@FEW
@given(expressions)
def test_a_bare_expression_is_what_it_is_in_an_attribute(text: str) -> None:
    bare, diagnostics = parse_expression(Source("<e>", text))
    assert diagnostics == []
    body, _ = parse_file(Source("main.hcl", f"a = {text}\n"))
    assert outline(bare) == outline(body.attributes["a"].expr)
