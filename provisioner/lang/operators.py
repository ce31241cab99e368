"""Operators, indexing and attribute access on values. Errors are `OperationError`; evaluate.py adds where."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from . import arithmetic
from .convert import ConversionError, convert
from .suggest import suggestion
from .types import BOOL, DYNAMIC, NUMBER, STRING, ListType, ObjectType, PrimitiveType, SetType, Type
from .values import (
    BlockValue,
    ListValue,
    MapValue,
    ObjectValue,
    Sensitive,
    SetValue,
    TupleValue,
    Value,
    deep_marked,
    is_null,
    mark,
    null_of,
    type_of,
    values_equal,
)


class OperationError(Exception):
    """An operation on values is not possible: a code, a summary line and a detail."""

    def __init__(self, code: str, summary: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.summary = summary
        self.detail = detail


class OperandError(OperationError):
    """One operand is unsuitable: `side` is "left", "right" or "unary"."""

    def __init__(self, side: str, reason: str) -> None:
        super().__init__("E-OPERAND", "Invalid operand", f"Unsuitable value for {side} operand: {reason}.")
        self.side = side


_ARITHMETIC: dict[str, Callable[[arithmetic.Number, arithmetic.Number], Value]] = {
    "+": arithmetic.add,
    "-": arithmetic.subtract,
    "*": arithmetic.multiply,
    "/": arithmetic.divide,
    "%": arithmetic.modulo,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def binary(op: str, left: Value, right: Value) -> Value:
    """The result of `left op right`. Both sides were evaluated: `&&` and `||` do not short-circuit."""
    if op in ("==", "!="):
        same = values_equal(left, right)
        result = same if op == "==" else not same
        return mark(result) if deep_marked(left) or deep_marked(right) else result
    sensitive = False
    if isinstance(left, Sensitive):
        sensitive, left = True, left.value
    if isinstance(right, Sensitive):
        sensitive, right = True, right.value
    want = BOOL if op in ("&&", "||") else NUMBER
    a = _operand(left, want, "left")
    b = _operand(right, want, "right")
    if is_null(a) or is_null(b):
        raise _failed("argument must not be null")
    if isinstance(a, bool):
        assert isinstance(b, bool)
        done: Value = (a and b) if op == "&&" else (a or b)
    else:
        assert isinstance(a, (int, Decimal))
        assert isinstance(b, (int, Decimal))
        try:
            done = _ARITHMETIC[op](a, b)
        except arithmetic.NumberError as err:
            raise _failed(str(err)) from err
    return Sensitive(done) if sensitive else done


def unary(op: str, operand: Value) -> Value:
    """`!x` or `-x`"""
    if isinstance(operand, Sensitive):
        return mark(unary(op, operand.value))
    value = _operand(operand, BOOL if op == "!" else NUMBER, "unary")
    if is_null(value):
        raise _failed("argument must not be null")
    if isinstance(value, bool):
        return not value
    assert isinstance(value, (int, Decimal))
    return arithmetic.negate(value)


def _operand(value: Value, want: Type, side: str) -> Value:
    kind = type(value)
    if (kind is bool and want is BOOL) or ((kind is int or kind is Decimal) and want is NUMBER):
        return value
    try:
        return convert(value, want)
    except ConversionError as err:
        raise OperandError(side, str(err)) from err


def _failed(reason: str) -> OperationError:
    return OperationError("E-OPERATION", "Operation failed", f"Error during operation: {reason}.")


def attribute(value: Value, name: str, hint: bool = True) -> Value:
    """`value.name`. With `hint`, an error may name what does exist."""
    kind = type(value)
    if kind is ObjectValue or kind is MapValue:
        assert isinstance(value, (ObjectValue, MapValue))
        found = value.entries.get(name, _ABSENT)
        if found is not _ABSENT:
            return found
        if kind is MapValue:
            raise OperationError(
                "E-ATTRIBUTE",
                "Missing map element",
                f'This map does not have an element with the key "{name}".{_hint(name, value.entries, hint)}',
            )
        raise OperationError(
            "E-ATTRIBUTE",
            "Unsupported attribute",
            f'This object does not have an attribute named "{name}".{_hint(name, value.entries, hint)}',
        )
    if isinstance(value, Sensitive):
        return mark(attribute(value.value, name, hint=False))
    if is_null(value):
        raise OperationError(
            "E-NULL",
            "Attempt to get attribute from null value",
            "This value is null, so it does not have any attributes.",
        )
    if isinstance(value, BlockValue):
        if name in value.attributes:
            return value.attributes[name]
        raise OperationError(
            "E-ATTRIBUTE",
            "Unsupported attribute",
            f'This {value.kind} does not have an attribute named "{name}".{suggestion(name, value.attributes)}',
        )
    raise OperationError("E-ATTRIBUTE", "Unsupported attribute", _no_attributes(type_of(value), name))


_ABSENT = TupleValue(())


def _hint(name: str, known: Iterable[str], wanted: bool) -> str:
    return suggestion(name, known) if wanted else ""


def _no_attributes(ty: Type, name: str) -> str:
    if isinstance(ty, (ListType, SetType)) and isinstance(ty.element, ObjectType):
        if isinstance(ty, SetType):
            return (
                "Can't access attributes on a set of objects. Did you mean to access an attribute across all "
                "elements of the set?"
            )
        which = f'attribute "{name}"' if name in ty.element.attributes else "an attribute"
        return (
            f"Can't access attributes on a list of objects. Did you mean to access {which} for a specific element "
            "of the list, or across all elements of the list?"
        )
    if isinstance(ty, PrimitiveType):
        return f"Can't access attributes on a primitive-typed value ({ty.friendly})."
    return "This value does not have any attributes."


def index(value: Value, key: Value, hint: bool = True) -> Value:
    """`value[key]`. With `hint`, an error may name what does exist."""
    if isinstance(value, Sensitive):
        return mark(index(value.value, key.value if isinstance(key, Sensitive) else key, hint=False))
    if is_null(value):
        raise OperationError(
            "E-NULL", "Attempt to index null value", "This value is null, so it does not have any indices."
        )
    if is_null(key):
        raise _bad_index("Can't use a null value as an indexing key.")
    if isinstance(value, (TupleValue, ListValue)):
        return _sequence_index(value, key)
    if isinstance(value, (MapValue, ObjectValue, BlockValue)):
        return _keyed_index(value, key, hint)
    if isinstance(value, SetValue):
        raise _bad_index(
            "Elements of a set are identified only by their value and don't have any separate index or key to "
            "select with, so it's only possible to perform operations across all elements of the set."
        )
    raise _bad_index("This value does not have any indices.")


_NO_ELEMENT = "The given key does not identify an element in this collection value"


def _bad_index(detail: str) -> OperationError:
    return OperationError("E-INDEX", "Invalid index", detail)


def _key(key: Value, want: Type) -> Value:
    try:
        return convert(key, want)
    except ConversionError as err:
        raise _bad_index(f"{_NO_ELEMENT}: {err}.") from err


def _sequence_index(value: TupleValue | ListValue, key: Value) -> Value:
    found = _key(key, NUMBER)
    if isinstance(found, Sensitive):
        return mark(_sequence_index(value, found.value))
    if not isinstance(found, int):
        raise _bad_index(
            f"{_NO_ELEMENT}: indexing a sequence requires a whole number, but the given index has a fractional part."
        )
    if found < 0:
        raise _bad_index(f"{_NO_ELEMENT}: a negative number is not a valid index for a sequence.")
    if found >= len(value.items):
        why = (
            "the given index is greater than or equal to the length of the collection"
            if value.items
            else "the collection has no elements"
        )
        raise _bad_index(f"{_NO_ELEMENT}: {why}.")
    return value.items[found]


def _keyed_index(value: MapValue | ObjectValue | BlockValue, key: Value, hint: bool) -> Value:
    numeric = type_of(key) is NUMBER
    found = _key(key, STRING)
    if isinstance(found, Sensitive):
        inner = _keyed_index(value, found.value, hint=False)
        return mark(inner) if isinstance(value, MapValue) else inner
    assert isinstance(found, str)
    entries = value.attributes if isinstance(value, BlockValue) else value.entries
    if found in entries:
        return entries[found]
    more = _hint(found, entries, hint)
    if numeric and not isinstance(value, MapValue):
        more = " An object only supports looking up attributes by name, not by numeric index."
    raise _bad_index(f"{_NO_ELEMENT}.{more}")


def splat_type(item: Type, steps: list[str | None]) -> Type:
    """The element type that a splat over an empty list has: `steps` are attribute names, None for an index."""
    for step in steps:
        if isinstance(item, ObjectType) and step is not None:
            if step not in item.attributes:
                raise OperationError(
                    "E-ATTRIBUTE",
                    "Unsupported attribute",
                    f'This object does not have an attribute named "{step}".{suggestion(step, item.attributes)}',
                )
            item = item.attributes[step]
        else:
            item = getattr(item, "element", DYNAMIC)
    return item


def unify_arms(value: Value, ty: Type) -> Value:
    """A conditional's chosen arm as the type both arms have in common."""
    return null_of(ty) if value is None else convert(value, ty)
