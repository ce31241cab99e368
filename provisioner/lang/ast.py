"""The syntax tree of HCL native syntax.

Nodes hold their source and two character offsets; a `SourceRange` is made only when somebody asks. Nodes are plain
slotted objects rather than frozen dataclasses because the parser makes hundreds of thousands of them a second;
nobody changes one after the parser has made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ..model.source import Source, SourceRange


@dataclass(slots=True, eq=False)
class Node:
    source: Source
    start: int
    end: int

    @property
    def range(self) -> SourceRange:
        return self.source.range(self.start, self.end)


class Expr(Node):
    """Any expression."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Literal(Expr):
    """`null`, `true`, `false` or a number, exact as written: int when it is whole and below 10**4000, else Decimal."""

    value: bool | int | Decimal | None


@dataclass(slots=True, eq=False)
class String(Expr):
    """Literal text: a quoted string or heredoc without interpolation, or one literal part of a template."""

    value: str


@dataclass(slots=True, eq=False)
class Template(Expr):
    """A quoted or heredoc template with at least one interpolation or directive. Its value is always a string."""

    parts: list[Expr]


@dataclass(slots=True, eq=False)
class TemplateWrap(Expr):
    """`"${expr}"` and nothing else: the value is that of `expr`, whatever its type."""

    expr: Expr


@dataclass(slots=True, eq=False)
class TemplateIf(Expr):
    """`%{if c}…%{else}…%{endif}`; `otherwise` is an empty list when there is no else."""

    condition: Expr
    then: list[Expr]
    otherwise: list[Expr]


@dataclass(slots=True, eq=False)
class TemplateFor(Expr):
    """`%{for k, v in coll}…%{endfor}`; `key` is None when only the value is named."""

    key: str | None
    value: str
    collection: Expr
    body: list[Expr]


@dataclass(slots=True, eq=False)
class Variable(Expr):
    """The root of a traversal: a bare name."""

    name: str


@dataclass(slots=True, eq=False)
class GetAttr(Expr):
    target: Expr
    name: str


@dataclass(slots=True, eq=False)
class Index(Expr):
    """`target[key]`; the legacy `target.0` is the same with a literal key."""

    target: Expr
    key: Expr


@dataclass(slots=True, eq=False)
class Splat(Expr):
    """`target.*` (`full` false: only attribute steps follow) or `target[*]` (`full` true).

    `each` is the expression evaluated for every element; its innermost target is a `SplatItem`.
    """

    target: Expr
    each: Expr
    full: bool


@dataclass(slots=True, eq=False)
class SplatItem(Expr):
    """Stands for the current element inside `Splat.each`."""


@dataclass(slots=True, eq=False)
class Call(Expr):
    """`name(args…)`; `expand` is true when the last argument ends in `...`. Names may hold `::`."""

    name: str
    args: list[Expr]
    expand: bool
    name_end: int


@dataclass(slots=True, eq=False)
class Unary(Expr):
    """`!x` or `-x`."""

    op: str
    operand: Expr


@dataclass(slots=True, eq=False)
class Binary(Expr):
    """`op` is one of `|| && == != < > <= >= + - * / %`."""

    op: str
    left: Expr
    right: Expr


@dataclass(slots=True, eq=False)
class Conditional(Expr):
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(slots=True, eq=False)
class Paren(Expr):
    """Kept because `(x) = 1` as an object key and error ranges need it."""

    expr: Expr


@dataclass(slots=True, eq=False)
class TupleCons(Expr):
    items: list[Expr]


@dataclass(slots=True, eq=False)
class ObjectItem(Node):
    """`key` is a `Variable` for a bare name, which stands for the name itself (not a reference)."""

    key: Expr
    value: Expr


@dataclass(slots=True, eq=False)
class ObjectCons(Expr):
    items: list[ObjectItem]


@dataclass(slots=True, eq=False)
class ForExpr(Expr):
    """`[for k, v in coll : value if cond]` (`key_result` None) or `{for … : key => value... if cond}`."""

    key: str | None
    value: str
    collection: Expr
    key_result: Expr | None
    result: Expr
    condition: Expr | None
    group: bool


@dataclass(slots=True, eq=False)
class Attribute(Node):
    """`name = expr`; `name_end` is the offset after the name."""

    name: str
    expr: Expr
    name_end: int


@dataclass(slots=True, eq=False)
class Label(Node):
    """A block label; `quoted` is false for a bare identifier."""

    value: str
    quoted: bool


@dataclass(slots=True, eq=False)
class Body(Node):
    """Attributes by name (source order kept) and blocks in source order."""

    attributes: dict[str, Attribute]
    blocks: list[Block]


@dataclass(slots=True, eq=False)
class Block(Node):
    """`type "label" … { body }`; `header_end` is the offset after the last label."""

    type: str
    labels: list[Label]
    body: Body
    header_end: int

    @property
    def header(self) -> SourceRange:
        """The range of type and labels: what a diagnostic about the whole block underlines."""
        return self.source.range(self.start, self.header_end)
