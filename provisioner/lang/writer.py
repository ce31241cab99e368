"""New HCL: values, attributes and blocks → canonical text.

python-hcl2's tree carries the structure of a file (which item stands in which body, in which order). Expressions go
into it as text made here, because its own strings cannot be trusted with `$${`. What comes out is laid out by
`fmt`, parsed again and compared with what was asked for, so that nothing malformed can leave this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import Source
from .ast import Attribute, Block, Body
from .fmt import format_source
from .identifiers import is_identifier
from .parser import parse_expression, parse_file
from .strings import quote
from .structure import outline

_WIDTH = 100  # a list that is longer than this takes one line an item
_NOT_BARE = frozenset({"for", "true", "false", "null"})  # names that would mean something else as an object's key


@dataclass(frozen=True, slots=True)
class Code:
    """An expression as it is to be written: `Code("person.alice")`."""

    text: str


Writable: TypeAlias = "bool | int | Decimal | str | Code | Sequence[Writable] | Mapping[str, Writable] | None"


@dataclass(frozen=True, slots=True)
class NewAttribute:
    """`name = value`."""

    name: str
    value: Writable


@dataclass(frozen=True, slots=True)
class NewBlock:
    """`type "label" … { items }`."""

    type: str
    labels: tuple[str, ...] = ()
    items: tuple[NewAttribute | NewBlock, ...] = ()


def write_expression(value: Writable) -> str:
    """A value as HCL, in canonical layout as if it began at the left margin.

    Raises DiagnosticError when a `Code` in it is not an expression, ValueError for a number that is not finite,
    TypeError for what HCL has no literal for.
    """
    return _expression(value)


def write_items(items: Iterable[NewAttribute | NewBlock]) -> str:
    """A whole file or body, canonical. Blocks are set apart by a blank line.

    Raises as `write_expression`, and ValueError for a name that HCL does not have or an attribute given twice.
    """
    wanted = tuple(items)
    if not wanted:
        return ""
    text = format_source(_tree_text(wanted))
    body, diagnostics = parse_file(Source("<written>", text))
    if diagnostics or _shape(body) != _wanted_shape(wanted):
        raise DiagnosticError(diagnostics or [_not_as_asked(text)])
    return text


def _not_as_asked(text: str) -> Diagnostic:
    return Diagnostic(
        "E-WRITE",
        "Generated configuration differs from what was asked for",
        f"Writing gave {text[:200]!r}. An expression handed in as code holds more than an expression; correct it.",
    )


def _expression(value: Writable) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Code):
        return _code(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, Sequence):
        return _tuple(value)
    raise TypeError(f"HCL has no literal for {type(value).__name__}")


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"HCL has no number {value}")
    return f"{value:f}" if abs(value.adjusted()) < 40 else str(value)


def _code(value: Code) -> str:
    text = value.text.strip()
    _, diagnostics = parse_expression(Source("<code>", f"{text}\n"))
    if diagnostics:
        raise DiagnosticError(diagnostics)
    return text


def _tuple(items: Sequence[Writable]) -> str:
    written = [_expression(item) for item in items]
    line = f"[{', '.join(written)}]"
    if "\n" not in line and len(line) <= _WIDTH:
        return line
    return "[\n" + "".join(f"{_indented(item)},\n" for item in written) + "]"


def _object(items: Mapping[str, Writable]) -> str:
    if not items:
        return "{}"
    keys = [key if is_identifier(key) and key not in _NOT_BARE else quote(key) for key in items]
    width = max(map(len, keys))
    lines = [f"{key:<{width}} = {_expression(value)}" for key, value in zip(keys, items.values(), strict=True)]
    return "{\n" + "".join(f"{_indented(line)}\n" for line in lines) + "}"


def _indented(text: str) -> str:
    """Two spaces before every line, unless a heredoc could be in it, whose text they would change."""
    return "  " + (text if "<<" in text else text.replace("\n", "\n  "))


def _name(name: str) -> str:
    if not is_identifier(name):
        raise ValueError(f"{name!r} is not a name that HCL has")
    return name


def _tree_text(items: tuple[NewAttribute | NewBlock, ...]) -> str:
    """The items through python-hcl2's tree, one a line, not yet laid out."""
    import hcl2
    from hcl2.rules.base import AttributeRule, BlockRule, BodyRule, StartRule
    from hcl2.rules.expressions import ExprTermRule
    from hcl2.rules.literal_rules import IdentifierRule
    from hcl2.rules.tokens import EQ, LBRACE, NAME, RBRACE
    from hcl2.rules.whitespace import NewLineOrCommentRule

    equals, opening, closing = EQ(), LBRACE(), RBRACE()  # type: ignore[no-untyped-call]

    def leaf(text: str) -> IdentifierRule:
        return IdentifierRule([NAME(text)])

    def newline() -> NewLineOrCommentRule:
        return NewLineOrCommentRule.from_string("\n")

    def body(inner: tuple[NewAttribute | NewBlock, ...], nested: bool) -> BodyRule:
        names = [item.name for item in inner if isinstance(item, NewAttribute)]
        if len(names) != len(set(names)):
            raise ValueError("an attribute is given twice")
        children: list[object] = [newline()] if nested and inner else []
        for at, item in enumerate(inner):
            if at and _apart(inner[at - 1], item):
                children.append(newline())
            children += [rule(item), newline()]
        return BodyRule(children)

    def rule(item: NewAttribute | NewBlock) -> AttributeRule | BlockRule:
        if isinstance(item, NewAttribute):
            return AttributeRule([leaf(_name(item.name)), equals, ExprTermRule([leaf(_expression(item.value))])])
        header = [leaf(_name(item.type)), *(leaf(quote(label)) for label in item.labels)]
        return BlockRule([*header, opening, body(item.items, True), closing])

    return str(hcl2.reconstruct(StartRule([body(items, False)])))


def _apart(above: NewAttribute | NewBlock, below: NewAttribute | NewBlock) -> bool:
    """Whether a blank line stands between two neighbours: between blocks, and where attributes end or begin."""
    return isinstance(above, NewBlock) or isinstance(below, NewBlock)


def _shape(body: Body) -> object:
    """What a body says, in order: what must come out of writing as it went in."""
    items: list[Attribute | Block] = [*body.attributes.values(), *body.blocks]
    return tuple(
        (item.name, outline(item.expr))
        if isinstance(item, Attribute)
        else (item.type, tuple(label.value for label in item.labels), _shape(item.body))
        for item in sorted(items, key=lambda item: item.start)
    )


def _wanted_shape(items: tuple[NewAttribute | NewBlock, ...]) -> object:
    return tuple(
        (item.name, outline(parse_expression(Source("<value>", f"{_expression(item.value)}\n"))[0]))
        if isinstance(item, NewAttribute)
        else (item.type, item.labels, _wanted_shape(item.items))
        for item in items
    )
