"""Values at run time. There are no unknown values: what exists only after apply cannot be referenced.

Primitives are Python's own, so that they cost nothing:

| language | Python |
|---|---|
| string | `str`, normalized to NFC (`text()` does that) |
| number | `int`, exact; `Decimal` where there is a fraction (see arithmetic.py) |
| bool | `bool` |
| null | `None` when its type is not known, `Null(type)` when it is: ask `is_null(v)`, never `v is None` |
| list, tuple, set, map, object | the classes below, immutable by convention |
| a domain block | `BlockValue` |

A `Sensitive` wraps a value at any depth; it propagates through every operation. Never compare values with `==`
from Python (`True == 1`): use `values_equal`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias
from unicodedata import is_normalized, normalize

from .types import (
    BOOL,
    DYNAMIC,
    EMPTY_OBJECT,
    EMPTY_TUPLE,
    NUMBER,
    STRING,
    CapsuleType,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    Type,
)

Value: TypeAlias = (
    "bool | str | int | Decimal | Null | Sensitive | TupleValue | ListValue | SetValue | MapValue"
    " | ObjectValue | BlockValue | TypeValue | None"
)


class Null:
    """A null whose type is known, e.g. from `tostring(null)` or an attribute left out."""

    __slots__ = ("type",)

    def __init__(self, ty: Type) -> None:
        self.type = ty

    def __repr__(self) -> str:
        return f"Null({self.type.constraint})"


class Sensitive:
    """A value that must not be shown. Never nested directly: `mark` keeps that."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Sensitive(…)"


class TypeValue:
    """What `type(x)` gives: a type, of use in the console only."""

    __slots__ = ("of",)

    def __init__(self, of: Type) -> None:
        self.of = of


class TupleValue:
    """A sequence whose elements may each have their own type: what `[a, b]` makes."""

    __slots__ = ("_depth", "_marked", "_type", "_weight", "items")

    def __init__(self, items: tuple[Value, ...]) -> None:
        self.items = items
        self._type: TupleType | None = None if items else EMPTY_TUPLE
        self._marked: bool | None = None
        self._weight = 0
        self._depth = 0

    def __repr__(self) -> str:
        return f"Tuple{self.items!r}"


class ListValue:
    """A sequence of one element type."""

    __slots__ = ("_depth", "_marked", "_weight", "element", "items")

    def __init__(self, items: tuple[Value, ...], element: Type) -> None:
        self.items = items
        self.element = element
        self._marked: bool | None = None
        self._weight = 0
        self._depth = 0

    def __repr__(self) -> str:
        return f"List{self.items!r}"


class SetValue:
    """Distinct values of one type, in the language's order. Make it with `set_of`, which sorts and drops doubles."""

    __slots__ = ("_depth", "_keys", "_marked", "_weight", "element", "items")

    def __init__(self, items: tuple[Value, ...], element: Type) -> None:
        self.items = items
        self.element = element
        self._keys: frozenset[Any] | None = None
        self._marked = False
        self._weight = 0
        self._depth = 0

    def contains(self, value: Value) -> bool:
        """Membership of a value of the element type."""
        if self._keys is None:
            self._keys = frozenset(key_of(item) for item in self.items)
        return key_of(value) in self._keys

    def __repr__(self) -> str:
        return f"Set{self.items!r}"


class MapValue:
    """String keys to values of one type; `entries` is in key order. Make it with `map_of`."""

    __slots__ = ("_depth", "_marked", "_weight", "element", "entries")

    def __init__(self, entries: dict[str, Value], element: Type) -> None:
        self.entries = entries
        self.element = element
        self._marked: bool | None = None
        self._weight = 0
        self._depth = 0

    def __repr__(self) -> str:
        return f"Map{self.entries!r}"


class ObjectValue:
    """Named attributes, each with its own type; `entries` is in name order. Make it with `object_of`."""

    __slots__ = ("_depth", "_marked", "_type", "_weight", "entries")

    def __init__(self, entries: dict[str, Value]) -> None:
        self.entries = entries
        self._type: ObjectType | None = None if entries else EMPTY_OBJECT
        self._marked: bool | None = None
        self._weight = 0
        self._depth = 0

    def __repr__(self) -> str:
        return f"Object{self.entries!r}"


class BlockValue:
    """A domain block as a value: `agent.x`, `tool["y"]`. Two are equal when kind and address are.

    `attributes` is what expressions may read of it (`agent.x.name`); `payload` is for the caller, who put it there.
    """

    __slots__ = ("address", "attributes", "kind", "payload")

    def __init__(
        self, kind: str, address: str, attributes: Mapping[str, Value] | None = None, payload: object = None
    ) -> None:
        self.kind = kind
        self.address = address
        self.attributes: Mapping[str, Value] = {} if attributes is None else attributes
        self.payload = payload

    def __repr__(self) -> str:
        return f"<{self.kind} {self.address}>"


SEQUENCES: Final = (TupleValue, ListValue, SetValue)
KEYED: Final = (MapValue, ObjectValue)


def text(value: str) -> str:
    """`value` as a string of the language: NFC."""
    if value.isascii() or is_normalized("NFC", value):
        return value
    return normalize("NFC", value)


def object_of(entries: Mapping[str, Value]) -> ObjectValue:
    """An object with its attributes in name order."""
    return ObjectValue(dict(sorted(entries.items())))


def tuple_of(items: Iterable[Value]) -> TupleValue:
    """A tuple of any values."""
    return TupleValue(tuple(items))


def list_of(items: Iterable[Value], element: Type) -> ListValue:
    """A list; every item must already be of type `element`."""
    return ListValue(tuple(items), element)


def map_of(entries: Mapping[str, Value], element: Type) -> MapValue:
    """A map in key order; every value must already be of type `element`."""
    return MapValue(dict(sorted(entries.items())), element)


def set_of(items: Iterable[Value], element: Type) -> Value:
    """A set of values of type `element`: doubles dropped, in order. A sensitive element makes the set sensitive."""
    sensitive = False
    found: dict[Any, Value] = {}
    for item in items:
        if deep_marked(item):
            sensitive = True
            item = unmark_deep(item)
        found.setdefault(key_of(item), item)
    ordered = tuple(sorted(found.values(), key=order_key))
    result = SetValue(ordered, element)
    return Sensitive(result) if sensitive else result


def string_list(items: Iterable[str]) -> ListValue:
    """A list of strings."""
    return ListValue(tuple(items), STRING)


def is_null(value: Value) -> bool:
    """True for both kinds of null; looks through a sensitive mark."""
    if isinstance(value, Sensitive):
        value = value.value
    return value is None or type(value) is Null


def null_of(ty: Type) -> Value:
    """The null of a type."""
    return None if ty is DYNAMIC else Null(ty)


def _tuple_type(value: TupleValue) -> Type:
    if value._type is None:
        value._type = TupleType(tuple(type_of(item) for item in value.items))
    return value._type


def _object_type(value: ObjectValue) -> Type:
    if value._type is None:
        value._type = ObjectType({name: type_of(item) for name, item in value.entries.items()})
    return value._type


_TYPES: dict[type, Callable[[Any], Type]] = {
    str: lambda _: STRING,
    bool: lambda _: BOOL,
    int: lambda _: NUMBER,
    Decimal: lambda _: NUMBER,
    type(None): lambda _: DYNAMIC,
    Null: lambda v: v.type,
    TupleValue: _tuple_type,
    ObjectValue: _object_type,
    ListValue: lambda v: ListType(v.element),
    SetValue: lambda v: SetType(v.element),
    MapValue: lambda v: MapType(v.element),
    Sensitive: lambda v: type_of(v.value),
    BlockValue: lambda v: CapsuleType(v.kind),
    TypeValue: lambda _: CapsuleType("type"),
}


def type_of(value: Value) -> Type:
    """The type of a value. Cheap: tuples and objects remember theirs."""
    return _TYPES[type(value)](value)


def mark(value: Value) -> Value:
    """`value` as sensitive."""
    return value if type(value) is Sensitive else Sensitive(value)


def unmark(value: Value) -> Value:
    """`value` without a mark on its outside; marks inside stay."""
    return value.value if isinstance(value, Sensitive) else value


def deep_marked(value: Value) -> bool:
    """True when anything in `value` is sensitive. Containers remember the answer."""
    kind = type(value)
    if kind is Sensitive:
        return True
    if kind is TupleValue or kind is ListValue:
        assert isinstance(value, (TupleValue, ListValue))
        if value._marked is None:
            value._marked = any(deep_marked(item) for item in value.items)
        return value._marked
    if kind is ObjectValue or kind is MapValue:
        assert isinstance(value, (ObjectValue, MapValue))
        if value._marked is None:
            value._marked = any(deep_marked(item) for item in value.entries.values())
        return value._marked
    return False


def weigh(value: Value) -> int:
    """How many values there are in `value`, at every depth, however often one is shared. Containers remember it."""
    if isinstance(value, Sensitive):
        return weigh(value.value)
    if isinstance(value, (TupleValue, ListValue, SetValue)):
        if not value._weight:
            value._weight, value._depth = _measure(value.items)
        return value._weight
    if isinstance(value, (ObjectValue, MapValue)):
        if not value._weight:
            value._weight, value._depth = _measure(value.entries.values())
        return value._weight
    return 1


def nesting(value: Value) -> int:
    """How many levels deep containers are nested in `value`; 0 for a primitive."""
    if isinstance(value, Sensitive):
        return nesting(value.value)
    if isinstance(value, (TupleValue, ListValue, SetValue, ObjectValue, MapValue)):
        weigh(value)
        return value._depth
    return 0


def _measure(items: Collection[Value]) -> tuple[int, int]:
    weight, depth = 1 + len(items), 0
    for item in items:
        if type(item) not in _LIGHT:
            weight += weigh(item) - 1
            depth = max(depth, nesting(item))
    return weight, depth + 1


_LIGHT: Final = frozenset({str, bool, int, Decimal, type(None), Null, BlockValue})


def unmark_deep(value: Value) -> Value:
    """`value` with no mark anywhere."""
    if not deep_marked(value):
        return value
    if isinstance(value, Sensitive):
        return unmark_deep(value.value)
    if isinstance(value, TupleValue):
        return TupleValue(tuple(unmark_deep(item) for item in value.items))
    if isinstance(value, ListValue):
        return ListValue(tuple(unmark_deep(item) for item in value.items), value.element)
    if isinstance(value, MapValue):
        return MapValue({k: unmark_deep(v) for k, v in value.entries.items()}, value.element)
    if isinstance(value, ObjectValue):
        return ObjectValue({k: unmark_deep(v) for k, v in value.entries.items()})
    return value


def elements(value: Value) -> Iterator[tuple[Value, Value]]:
    """Key and value of each element of a collection or structure, in the language's order.

    Keys are indices for sequences, the element itself for sets, names for maps and objects.
    """
    if isinstance(value, (TupleValue, ListValue)):
        return iter(enumerate(value.items))
    if isinstance(value, SetValue):
        return iter((item, item) for item in value.items)
    if isinstance(value, (MapValue, ObjectValue)):
        return iter(value.entries.items())
    raise TypeError(f"{type(value).__name__} has no elements")


def length(value: Value) -> int | None:
    """Number of elements; None when the value has none to count."""
    if isinstance(value, (TupleValue, ListValue, SetValue)):
        return len(value.items)
    if isinstance(value, (MapValue, ObjectValue)):
        return len(value.entries)
    return None


def key_of(value: Value) -> Any:
    """A hashable stand-in: two unmarked values of one type are equal exactly when their keys are."""
    kind = type(value)
    if kind is str or kind is int or kind is Decimal:
        return value
    if kind is bool:
        return ("b", value)
    if isinstance(value, Sensitive):
        return key_of(value.value)
    if isinstance(value, (TupleValue, ListValue, SetValue)):
        return (_WORD[kind], tuple(map(key_of, value.items)))
    if isinstance(value, (ObjectValue, MapValue)):
        return (_WORD[kind], tuple((k, key_of(v)) for k, v in value.entries.items()))
    if isinstance(value, BlockValue):
        return ("block", value.kind, value.address)
    if isinstance(value, TypeValue):
        return ("type", value.of)
    return ("null",)


_WORD: dict[type, str] = {
    TupleValue: "tuple",
    ListValue: "list",
    SetValue: "set",
    MapValue: "map",
    ObjectValue: "object",
}


def values_equal(a: Value, b: Value) -> bool:
    """Equality of the language, marks aside: different types are never equal, every null equals every null."""
    kind = type(a)
    if kind is str and type(b) is str:
        return a == b
    if isinstance(a, Sensitive):
        return values_equal(a.value, b)
    if isinstance(b, Sensitive):
        return values_equal(a, b.value)
    if is_null(a) or is_null(b):
        return is_null(a) and is_null(b)
    if isinstance(a, (TupleValue, ObjectValue, ListValue, SetValue, MapValue)) and type_of(a) != type_of(b):
        return False
    return bool(key_of(a) == key_of(b))


def order_key(value: Value) -> Any:
    """Sort key for elements of one type: strings, numbers and bools naturally, nulls last, the rest by their text."""
    kind = type(value)
    if kind is str or kind is int or kind is Decimal or kind is bool:
        return (0, value)
    if is_null(value):
        return (1, "")
    return (0, _order_text(value))


def _order_text(value: Value) -> str:
    """The text by which sets of lists, objects … are ordered (go-cty's set hash)."""
    kind = type(value)
    if is_null(value):
        return "~"
    if kind is bool:
        return "T" if value else "F"
    if isinstance(value, (int, Decimal)):
        return f"{value:.10g}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, MapValue):
        return "{" + "".join(f"{_order_text(k)}:{_order_text(v)};" for k, v in value.entries.items()) + "}"
    if isinstance(value, ObjectValue):
        return "<" + "".join(f"{_order_text(v)};" for v in value.entries.values()) + ">"
    if isinstance(value, TupleValue):
        return "<" + "".join(f"{_order_text(v)};" for v in value.items) + ">"
    if isinstance(value, (ListValue, SetValue)):
        return "[" + "".join(f"{_order_text(v)};" for v in value.items) + "]"
    return repr(key_of(value))


def from_python(value: object) -> Value:
    """Plain Python data (None, bool, str, int, Decimal, float, list, tuple, dict) as values: tuples and objects."""
    if value is None or isinstance(value, (bool, int, Decimal)):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        number = Decimal(repr(value))
        return int(number) if number == number.to_integral_value() else number
    if isinstance(value, Mapping):
        return object_of({text(str(k)): from_python(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return TupleValue(tuple(from_python(item) for item in value))
    if isinstance(value, (Null, Sensitive, TupleValue, ListValue, SetValue, MapValue, ObjectValue, BlockValue)):
        return value
    raise TypeError(f"{type(value).__name__} is not data of the language")


def to_python(value: Value) -> Any:
    """Plain Python data: lists, dicts and primitives; nulls are None; blocks stay `BlockValue`. Marks are dropped:
    ask `deep_marked` first where that matters."""
    if isinstance(value, Sensitive):
        return to_python(value.value)
    if isinstance(value, Null):
        return None
    if isinstance(value, (TupleValue, ListValue, SetValue)):
        return [to_python(item) for item in value.items]
    if isinstance(value, (MapValue, ObjectValue)):
        return {k: to_python(v) for k, v in value.entries.items()}
    return value
