"""The types of the language: primitives, collections, structural types and block values.

Types are immutable and compared by structure. `DYNAMIC` (written `any`) is both the type of a bare `null` and the
constraint that takes every type. The semantics are those of go-cty, without unknown values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ..model.diagnostics import Diagnostic, DiagnosticError
from . import ast

if TYPE_CHECKING:
    from .values import Value

BLOCK_KINDS: Final = ("agent", "boundary", "control_owner", "federation", "person", "provider", "tool")
"""Kinds of block whose values a variable may be typed by: `type = list(tool)`."""


class Type:
    """Base of every type. `friendly` is the name used in messages, `constraint` the text in HCL."""

    __slots__ = ()

    @property
    def friendly(self) -> str:
        """As messages name it: `list of string`."""
        raise TypeError(f"{type(self).__name__} has no name")

    @property
    def constraint(self) -> str:
        """As it would be written: `list(string)`."""
        return self.friendly

    def __repr__(self) -> str:
        return f"<{self.constraint}>"


class DynamicType(Type):
    """`any`: the type of a bare null and the constraint that takes everything."""

    __slots__ = ()

    @property
    def friendly(self) -> str:
        return "dynamic"

    @property
    def constraint(self) -> str:
        return "any"


class PrimitiveType(Type):
    """string, number or bool; compared by identity."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def friendly(self) -> str:
        return self.name


DYNAMIC: Final = DynamicType()
STRING: Final = PrimitiveType("string")
NUMBER: Final = PrimitiveType("number")
BOOL: Final = PrimitiveType("bool")


@dataclass(frozen=True, slots=True, repr=False)
class CapsuleType(Type):
    """The type of a domain block's value, named like the block: `tool`, `agent`, `boundary` …"""

    name: str

    @property
    def friendly(self) -> str:
        return self.name


class _CollectionType(Type):
    """A list, set or map of one element type."""

    __slots__ = ("_hash", "element")
    word = ""

    def __init__(self, element: Type) -> None:
        self.element = element
        self._hash = hash((self.word, element))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(other) is type(self) and self.element == other.element

    def __hash__(self) -> int:
        return self._hash

    @property
    def friendly(self) -> str:
        return f"{self.word} of {self.element.friendly}"

    @property
    def constraint(self) -> str:
        return f"{self.word}({self.element.constraint})"


class ListType(_CollectionType):
    __slots__ = ()
    word = "list"


class SetType(_CollectionType):
    __slots__ = ()
    word = "set"


class MapType(_CollectionType):
    __slots__ = ()
    word = "map"


class TupleType(Type):
    """A sequence with a type for each element."""

    __slots__ = ("_hash", "elements")

    def __init__(self, elements: tuple[Type, ...]) -> None:
        self.elements = elements
        self._hash = hash(("tuple", elements))

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is TupleType and self.elements == other.elements)

    def __hash__(self) -> int:
        return self._hash

    @property
    def friendly(self) -> str:
        return "tuple"

    @property
    def constraint(self) -> str:
        return f"tuple([{', '.join(e.constraint for e in self.elements)}])"


class ObjectType(Type):
    """Named attributes, each with a type. `optional` names those that may be left out (constraints only)."""

    __slots__ = ("_hash", "attributes", "optional")

    def __init__(self, attributes: Mapping[str, Type], optional: frozenset[str] = frozenset()) -> None:
        self.attributes: dict[str, Type] = dict(sorted(attributes.items()))
        self.optional = optional
        self._hash = hash(("object", tuple(self.attributes.items()), optional))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            type(other) is ObjectType
            and self._hash == other._hash
            and self.attributes == other.attributes
            and self.optional == other.optional
        )

    def __hash__(self) -> int:
        return self._hash

    @property
    def friendly(self) -> str:
        return "object"

    @property
    def constraint(self) -> str:
        def one(name: str, ty: Type) -> str:
            inner = ty.constraint
            return f"{name} = optional({inner})" if name in self.optional else f"{name} = {inner}"

        return "object({" + ", ".join(one(n, t) for n, t in self.attributes.items()) + "})"


EMPTY_TUPLE: Final = TupleType(())
EMPTY_OBJECT: Final = ObjectType({})


def required_name(ty: Type) -> str:
    """The name of a type where a message says it is required: `list of any single type`."""
    if ty is DYNAMIC:
        return "any type"
    if isinstance(ty, _CollectionType):
        inner = "any single type" if ty.element is DYNAMIC else required_name(ty.element)
        return f"{ty.word} of {inner}"
    return ty.friendly


def is_collection(ty: Type) -> bool:
    """True for list, set and map types."""
    return isinstance(ty, _CollectionType)


def has_dynamic(ty: Type) -> bool:
    """True when `any` stands anywhere inside."""
    if ty is DYNAMIC:
        return True
    if isinstance(ty, _CollectionType):
        return has_dynamic(ty.element)
    if isinstance(ty, TupleType):
        return any(has_dynamic(e) for e in ty.elements)
    if isinstance(ty, ObjectType):
        return any(has_dynamic(e) for e in ty.attributes.values())
    return False


def without_optional(ty: Type) -> Type:
    """The type a value has after conversion to `ty`: the same without optional marks."""
    if isinstance(ty, _CollectionType):
        return type(ty)(without_optional(ty.element))
    if isinstance(ty, TupleType):
        return TupleType(tuple(without_optional(e) for e in ty.elements))
    if isinstance(ty, ObjectType):
        return ObjectType({n: without_optional(t) for n, t in ty.attributes.items()})
    return ty


@dataclass(frozen=True, slots=True)
class Defaults:
    """Default values of optional attributes, as a tree beside the type they belong to.

    `values` are those of the object at this level; `children` are keyed by attribute name, by index (as text)
    for tuples, and by the empty string for the element of a collection.
    """

    type: Type
    values: dict[str, Value] = field(default_factory=dict)
    children: dict[str, Defaults] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TypeConstraint:
    """What a `type =` argument says: a type, and the defaults of its optional attributes."""

    type: Type
    defaults: Defaults | None = None


ANY: Final = TypeConstraint(DYNAMIC)

_KEYWORDS: dict[str, Type] = {"string": STRING, "number": NUMBER, "bool": BOOL, "any": DYNAMIC}
_KEYWORDS.update({kind: CapsuleType(kind) for kind in BLOCK_KINDS})
_ONE_ARGUMENT = {
    "list": "the element type",
    "set": "the element type",
    "map": "the element type",
    "object": "the attribute types and values as a map",
    "tuple": "the element types as a list",
}
_COLLECTIONS: dict[str, Callable[[Type], Type]] = {"list": ListType, "set": SetType, "map": MapType}
_MAX_DEPTH = 100


def parse_type(expr: ast.Expr, evaluate_default: Callable[[ast.Expr], Value] | None = None) -> TypeConstraint:
    """Read a type constraint: `map(object({ a = string, b = optional(number, 1) }))`.

    `evaluate_default` gives the value of the second argument of `optional`; None refuses defaults.
    A bare `list` or `map` means `list(any)`, `map(any)`. Raises DiagnosticError (E-TYPE) with a range.
    """
    if isinstance(expr, ast.Variable) and expr.name in ("list", "map"):
        return TypeConstraint(_COLLECTIONS[expr.name](DYNAMIC))
    return _TypeReader(evaluate_default).read(expr, 0)


class _TypeReader:
    def __init__(self, evaluate_default: Callable[[ast.Expr], Value] | None) -> None:
        self._default = evaluate_default

    def read(self, expr: ast.Expr, depth: int) -> TypeConstraint:
        while isinstance(expr, ast.Paren):
            expr = expr.expr
        if depth > _MAX_DEPTH:
            raise _error(expr, "This type constraint is nested too deeply. Use a simpler type.")
        if isinstance(expr, ast.Variable):
            return TypeConstraint(_keyword(expr))
        if isinstance(expr, ast.Call):
            return self._call(expr, depth)
        raise _error(
            expr,
            "A type specification is either a primitive type keyword (bool, number, string), "
            f"a block kind ({', '.join(BLOCK_KINDS)}) or a complex type constructor call, like list(string).",
        )

    def _call(self, call: ast.Call, depth: int) -> TypeConstraint:
        name = call.name
        if name in ("bool", "string", "number", "any") or name in BLOCK_KINDS:
            raise _error(call, f'Primitive type keyword "{name}" does not expect arguments.')
        if name == "optional":
            raise _error(call, 'Keyword "optional" is valid only as a modifier for object type attributes.')
        if name not in _ONE_ARGUMENT:
            raise _error(call, f'Keyword "{name}" is not a valid type constructor.{_meant(name)}')
        if len(call.args) != 1 or call.expand:
            raise _error(call, f"The {name} type constructor requires one argument specifying {_ONE_ARGUMENT[name]}.")
        argument = call.args[0]
        if name == "object":
            return self._object(argument, depth)
        if name == "tuple":
            return self._tuple(argument, depth)
        inner = self.read(argument, depth + 1)
        ty = _COLLECTIONS[name](inner.type)
        return TypeConstraint(ty, Defaults(ty, {}, {"": inner.defaults}) if inner.defaults else None)

    def _tuple(self, argument: ast.Expr, depth: int) -> TypeConstraint:
        if not isinstance(argument, ast.TupleCons):
            raise _error(argument, "Tuple type constructor requires a list of element types.")
        parts = [self.read(item, depth + 1) for item in argument.items]
        ty = TupleType(tuple(p.type for p in parts))
        children = {str(i): p.defaults for i, p in enumerate(parts) if p.defaults}
        return TypeConstraint(ty, Defaults(ty, {}, children) if children else None)

    def _object(self, argument: ast.Expr, depth: int) -> TypeConstraint:
        if not isinstance(argument, ast.ObjectCons):
            raise _error(
                argument,
                "Object type constructor requires a map whose keys are attribute names "
                "and whose values are the corresponding attribute types.",
            )
        attributes: dict[str, Type] = {}
        optional: set[str] = set()
        values: dict[str, Value] = {}
        children: dict[str, Defaults] = {}
        for item in argument.items:
            name = _attribute_name(item.key)
            if name in attributes:
                raise _error(item.key, f'The attribute "{name}" is given twice. Remove one of them.')
            expr = item.value
            default: ast.Expr | None = None
            if isinstance(expr, ast.Call) and expr.name == "optional":
                expr, default = self._optional(expr)
                optional.add(name)
            inner = self.read(expr, depth + 1)
            attributes[name] = inner.type
            if default is not None:
                values[name] = self._default_value(default, inner)
            if inner.defaults:
                children[name] = inner.defaults
        ty = ObjectType(attributes, frozenset(optional))
        return TypeConstraint(ty, Defaults(ty, values, children) if values or children else None)

    def _optional(self, call: ast.Call) -> tuple[ast.Expr, ast.Expr | None]:
        if call.expand or not 1 <= len(call.args) <= 2:
            raise _error(
                call,
                "Optional attribute modifier requires the attribute type as its first argument, "
                "and takes at most a default value as its second.",
            )
        if len(call.args) == 2 and self._default is None:
            raise _error(
                call.args[1], "Optional attribute modifier expects only one argument here: the attribute type."
            )
        return call.args[0], call.args[1] if len(call.args) == 2 else None

    def _default_value(self, expr: ast.Expr, inner: TypeConstraint) -> Value:
        from .convert import ConversionError, conform  # convert needs this module's types

        assert self._default is not None
        value = self._default(expr)
        try:
            return conform(value, inner)
        except ConversionError as err:
            raise DiagnosticError.of(
                "E-TYPE",
                "Invalid default value for optional attribute",
                f"This default value is not compatible with the attribute's type constraint: {err}.",
                expr.range,
            ) from err


def _keyword(expr: ast.Variable) -> Type:
    found = _KEYWORDS.get(expr.name)
    if found is not None:
        return found
    if expr.name in _ONE_ARGUMENT:
        raise _error(
            expr, f"The {expr.name} type constructor requires one argument specifying {_ONE_ARGUMENT[expr.name]}."
        )
    if expr.name == "optional":
        raise _error(expr, 'Keyword "optional" is valid only as a modifier for object type attributes.')
    raise _error(expr, f'The keyword "{expr.name}" is not a valid type specification.{_meant(expr.name)}')


def _attribute_name(key: ast.Expr) -> str:
    if isinstance(key, ast.Variable):
        return key.name
    raise _error(key, "Object constructor map keys must be attribute names.")


def _meant(name: str) -> str:
    from .suggest import suggestion  # only on the way to an error

    return suggestion(name, (*_KEYWORDS, *_ONE_ARGUMENT))


def _error(expr: ast.Expr, detail: str) -> DiagnosticError:
    return DiagnosticError([Diagnostic("E-TYPE", "Invalid type specification", detail, subject=expr.range)])
