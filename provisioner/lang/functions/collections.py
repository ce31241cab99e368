"""Functions of lists, sets, maps, tuples and objects."""

from __future__ import annotations

from itertools import product

from ..arithmetic import Number
from ..convert import ConversionError, convert, unify
from ..scope import MAX_WEIGHT, too_big
from ..types import BOOL, DYNAMIC, NUMBER, STRING, ListType, MapType, ObjectType, SetType, TupleType, Type
from ..values import (
    BlockValue,
    ListValue,
    MapValue,
    ObjectValue,
    Sensitive,
    SetValue,
    TupleValue,
    Value,
    is_null,
    key_of,
    length,
    list_of,
    map_of,
    mark,
    null_of,
    object_of,
    set_of,
    string_list,
    tuple_of,
    type_of,
    unmark,
    values_equal,
    weigh,
)
from .graphemes import graphemes
from .numeric import NOT_WHOLE
from .registry import FunctionError, Param, function

_LIST = Param("list")
_ANY_LIST = Param("list", ListType(DYNAMIC))
_ANY_SET = SetType(DYNAMIC)


def index_of(value: Number, argument: int, what: str) -> int:
    """A whole number that fits an index."""
    if isinstance(value, int):
        return value
    raise FunctionError(f"{what}: {NOT_WHOLE}", argument)


@function("length", Param("value", marked=True))
def _length(value: Value) -> Value:
    inner = unmark(value)
    count = len(graphemes(inner)) if isinstance(inner, str) else length(inner)
    if count is None:
        raise FunctionError("argument must be a string, a collection type, or a structural type")
    return mark(count) if inner is not value else count


@function("alltrue", Param("list", ListType(BOOL)))
def _alltrue(values: ListValue) -> Value:
    return all(item is True for item in values.items)


@function("anytrue", Param("list", ListType(BOOL)))
def _anytrue(values: ListValue) -> Value:
    return any(item is True for item in values.items)


@function("coalesce", variadic=Param("vals", null=True))
def _coalesce(*values: Value) -> Value:
    ty = unify([type_of(value) for value in values])
    if ty is None or not values:
        raise FunctionError("all arguments must have the same type")
    for value in values:
        try:
            found = convert(value, ty)
        except ConversionError as err:
            raise FunctionError(str(err)) from err
        if not is_null(found) and found != "":
            return found
    raise FunctionError("no non-null, non-empty-string arguments")


@function("coalescelist", variadic=Param("vals", null=True))
def _coalescelist(*values: Value) -> Value:
    if not values:
        raise FunctionError("at least one argument is required")
    for value in values:
        if not isinstance(value, (ListValue, TupleValue)) and not isinstance(type_of(value), (ListType, TupleType)):
            raise FunctionError("coalescelist arguments must be lists or tuples")
    for value in values:
        if isinstance(value, (ListValue, TupleValue)) and value.items:
            return value
    raise FunctionError("no non-null arguments")


@function("compact", Param("list", ListType(STRING)))
def _compact(values: ListValue) -> Value:
    return ListValue(tuple(item for item in values.items if isinstance(item, str) and item), STRING)


@function("concat", variadic=Param("seqs", marked=True))
def _concat(*given: Value) -> Value:
    if not given:
        raise FunctionError("at least one argument is required")
    sensitive = any(isinstance(value, Sensitive) for value in given)
    sequences: list[ListValue | TupleValue] = []
    for i, value in enumerate(map(unmark, given)):
        if not isinstance(value, (ListValue, TupleValue)):
            raise FunctionError("all arguments must be lists or tuples; got " + type_of(value).friendly, i)
        sequences.append(value)
    items = [item for sequence in sequences for item in sequence.items]
    result: Value = TupleValue(tuple(items))
    if all(isinstance(sequence, ListValue) for sequence in sequences):
        ty = unify([type_of(sequence) for sequence in sequences])
        if isinstance(ty, ListType) and (ty.element is not DYNAMIC or not items):
            result = list_of([_converted(item, ty.element) for item in items], ty.element)
    return mark(result) if sensitive else result


def _converted(value: Value, ty: Type) -> Value:
    try:
        return convert(value, ty)
    except ConversionError as err:
        raise FunctionError(str(err)) from err


@function("contains", _LIST, Param("value"))
def _contains(values: Value, wanted: Value) -> Value:
    if not isinstance(values, (ListValue, TupleValue, SetValue)):
        raise FunctionError("argument must be list, tuple, or set")
    return any(values_equal(item, wanted) for item in values.items)


@function("distinct", _ANY_LIST)
def _distinct(values: ListValue) -> Value:
    seen = {key_of(item): item for item in reversed(values.items)}
    kept = dict.fromkeys(map(key_of, values.items))
    return ListValue(tuple(seen[key] for key in kept), values.element)


@function("chunklist", _ANY_LIST, Param("size", NUMBER))
def _chunklist(values: ListValue, size: Number) -> Value:
    count = index_of(size, 1, "invalid size")
    if count < 0:
        raise FunctionError("the size argument must be positive")
    ty = ListType(values.element)
    if not values.items:
        return ListValue((), ty)
    if count == 0:
        return ListValue((values,), ty)
    starts = range(0, len(values.items), count)
    return ListValue(tuple(ListValue(values.items[i : i + count], values.element) for i in starts), ty)


@function("element", Param("list", marked=True), Param("index", NUMBER))
def _element(given: Value, index: Number) -> Value:
    values = unmark(given)
    if not isinstance(values, (ListValue, TupleValue)):
        raise FunctionError(f"cannot read elements from {type_of(values).friendly}")
    at = index_of(index, 1, "invalid index")
    if at < 0:
        raise FunctionError("cannot use element function with a negative index")
    if not values.items:
        raise FunctionError("cannot use element function with an empty list")
    item = values.items[at % len(values.items)]
    return mark(item) if values is not given else item


@function("flatten", Param("list", marked=True))
def _flatten(given: Value) -> Value:
    values = unmark(given)
    if not isinstance(values, (ListValue, TupleValue, SetValue)):
        raise FunctionError("can only flatten lists, sets and tuples")
    out: list[Value] = []
    sensitive = values is not given
    stack: list[Value] = list(reversed(values.items))
    while stack:
        item = stack.pop()
        inner = unmark(item)
        if isinstance(inner, (ListValue, TupleValue, SetValue)):
            sensitive = sensitive or inner is not item
            stack.extend(reversed(inner.items))
            if len(out) + len(stack) > MAX_WEIGHT:
                raise too_big(f"A list would hold more than {MAX_WEIGHT} elements.")
        else:
            out.append(item)
    result = tuple_of(out)
    return mark(result) if sensitive else result


@function("index", _LIST, Param("value"))
def _index(values: Value, wanted: Value) -> Value:
    if not isinstance(values, (ListValue, TupleValue)):
        raise FunctionError("argument must be a list or tuple")
    if not values.items:
        raise FunctionError("cannot search an empty list")
    for i, item in enumerate(values.items):
        if values_equal(item, wanted):
            return i
    raise FunctionError("item not found")


@function("keys", Param("inputMap", marked=True))
def _keys(given: Value) -> Value:
    value = unmark(given)
    result: Value
    if isinstance(value, MapValue):
        result = string_list(value.entries)
    elif isinstance(value, ObjectValue):
        result = tuple_of(value.entries)
    else:
        raise FunctionError("must have map or object type", 0)
    return mark(result) if value is not given else result


@function("values", Param("mapping", marked=True))
def _values(given: Value) -> Value:
    value = unmark(given)
    result: Value
    if isinstance(value, MapValue):
        result = ListValue(tuple(value.entries.values()), value.element)
    elif isinstance(value, ObjectValue):
        result = tuple_of(value.entries.values())
    else:
        raise FunctionError("values() requires a map as the first argument")
    return mark(result) if value is not given else result


@function(
    "lookup",
    Param("inputMap", marked=True),
    Param("key", STRING, marked=True),
    variadic=Param("default", null=True, marked=True),
)
def _lookup(given: Value, key: Value, *default: Value) -> Value:
    if len(default) > 1:
        raise FunctionError(f"lookup() takes two or three arguments, got {2 + len(default)}")
    sensitive = isinstance(given, Sensitive) or isinstance(key, Sensitive)
    value, name = unmark(given), unmark(key)
    assert isinstance(name, str)
    if isinstance(value, BlockValue):
        value = object_of(value.attributes)
    if not isinstance(value, (MapValue, ObjectValue)):
        raise FunctionError("lookup() requires a map as the first argument", 0)
    fallback = default[0] if default else None
    if default and isinstance(value, MapValue):
        try:
            fallback = convert(fallback, value.element)
        except ConversionError as err:
            raise FunctionError("the default value must have the same type as the map elements", 2) from err
    if name in value.entries:
        found = value.entries[name]
    elif default:
        found = fallback
    else:
        shown = "(sensitive value)" if isinstance(key, Sensitive) else f'"{name}"'
        if isinstance(value, ObjectValue):
            raise FunctionError(f"the given object has no attribute {shown}", 0)
        raise FunctionError(f"lookup failed to find key {shown}")
    return mark(found) if sensitive else found


@function(
    "matchkeys",
    Param("values", ListType(DYNAMIC)),
    Param("keys", ListType(DYNAMIC)),
    Param("searchset", ListType(DYNAMIC)),
)
def _matchkeys(values: ListValue, keys: ListValue, searchset: ListValue) -> Value:
    ty = unify((type_of(keys), type_of(searchset)))
    if ty is None:
        raise FunctionError("keys and searchset must be of the same type")
    if len(values.items) != len(keys.items):
        raise FunctionError("length of keys and values should be equal")
    found, wanted = _converted(keys, ty), _converted(searchset, ty)
    assert isinstance(found, ListValue)
    assert isinstance(wanted, ListValue)
    searched = set(map(key_of, wanted.items))
    pairs = zip(values.items, found.items, strict=True)
    return ListValue(tuple(value for value, key in pairs if key_of(key) in searched), values.element)


@function("merge", variadic=Param("maps", null=True, marked=True))
def _merge(*given: Value) -> Value:
    sensitive = any(isinstance(value, Sensitive) for value in given)
    entries: dict[str, Value] = {}
    types: list[Type] = []
    for value in map(unmark, given):
        ty = type_of(value)
        if value is not None and not isinstance(ty, (MapType, ObjectType)):
            raise FunctionError(f'arguments must be maps or objects, got "{ty.friendly}"')
        types.append(ty)
        if isinstance(value, (MapValue, ObjectValue)):
            entries.update(value.entries)
    first = types[0] if types else None
    result: Value
    if isinstance(first, MapType) and all(ty == first for ty in types):
        result = map_of(entries, first.element)
    else:
        result = object_of(entries)
    return mark(result) if sensitive else result


@function("one", _LIST)
def _one(values: Value) -> Value:
    message = "must be a list, set, or tuple value with either zero or one elements"
    if not isinstance(values, (ListValue, SetValue, TupleValue)) or len(values.items) > 1:
        raise FunctionError(message, 0)
    if values.items:
        return values.items[0]
    return None if isinstance(values, TupleValue) else null_of(values.element)


@function("range", variadic=Param("params", NUMBER))
def _range(*params: Number) -> Value:
    from .. import arithmetic  # only for fractions

    start: Number = 0
    step: Number
    if len(params) == 1:
        end = params[0]
        step = -1 if end < start else 1
    elif len(params) == 2:
        start, end = params
        step = -1 if end < start else 1
    elif len(params) == 3:
        start, end, step = params
    else:
        raise FunctionError("must have one, two, or three arguments")
    if not step:
        raise FunctionError("step must not be zero", 2)
    if end > start and step < 0:
        raise FunctionError("end must be less than start when step is negative", 1)
    if end < start and step > 0:
        raise FunctionError("end must be greater than start when step is positive", 1)
    out: list[Value] = []
    at = start
    while (at < end) if step > 0 else (at > end):
        if len(out) >= 1024:
            raise FunctionError(
                "more than 1024 values were generated; either decrease the difference between start and end or use "
                "a smaller step"
            )
        out.append(at)
        at = arithmetic.add(at, step)
    return ListValue(tuple(out), NUMBER)


@function("reverse", Param("list", marked=True))
def _reverse(given: Value) -> Value:
    values = unmark(given)
    result: Value
    if isinstance(values, TupleValue):
        result = TupleValue(values.items[::-1])
    elif isinstance(values, (ListValue, SetValue)):
        result = ListValue(values.items[::-1], values.element)
    else:
        raise FunctionError(f"can only reverse list or tuple values, not {type_of(values).friendly}", 0)
    return mark(result) if values is not given else result


def _same_sets(sets: tuple[SetValue, ...]) -> tuple[list[SetValue], Type]:
    element = unify([one.element for one in sets if one.items or one.element is not DYNAMIC])
    if element is None:
        raise FunctionError("given sets must all have compatible element types")
    out: list[SetValue] = []
    for one in sets:
        converted = _converted(one, SetType(element)) if one.items else SetValue((), element)
        assert isinstance(converted, SetValue)
        out.append(converted)
    return out, element


@function("setunion", Param("first_set", _ANY_SET), variadic=Param("other_sets", _ANY_SET))
def _setunion(*sets: SetValue) -> Value:
    same, element = _same_sets(sets)
    return set_of((item for one in same for item in one.items), element)


@function("setintersection", Param("first_set", _ANY_SET), variadic=Param("other_sets", _ANY_SET))
def _setintersection(*sets: SetValue) -> Value:
    (first, *others), element = _same_sets(sets)
    return SetValue(tuple(item for item in first.items if all(o.contains(item) for o in others)), element)


@function("setsubtract", Param("a", _ANY_SET), Param("b", _ANY_SET))
def _setsubtract(a: SetValue, b: SetValue) -> Value:
    (first, second), element = _same_sets((a, b))
    return SetValue(tuple(item for item in first.items if not second.contains(item)), element)


@function("setproduct", variadic=Param("sets", marked=True))
def _setproduct(*given: Value) -> Value:
    if len(given) < 2:
        raise FunctionError("at least two arguments are required")
    columns: list[tuple[Value, ...]] = []
    types: list[Type] = []
    lists = True
    total = 1
    sensitive = any(isinstance(value, Sensitive) for value in given)
    for i, value in enumerate(map(unmark, given)):
        if isinstance(value, SetValue):
            lists = False
            element = value.element
        elif isinstance(value, ListValue):
            element = value.element
        elif isinstance(value, TupleValue):
            found = unify([type_of(item) for item in value.items])
            if found is None:
                raise FunctionError("all elements must be of the same type", i)
            element = found
        else:
            raise FunctionError("a set or a list is required", i)
        types.append(element)
        columns.append(tuple(_converted(item, element) for item in value.items))
        total *= max(weigh(value) - 1, 0)
    if total * len(given) > MAX_WEIGHT:
        raise too_big(f"The product would hold more than {MAX_WEIGHT} elements.")
    rows = [TupleValue(row) for row in product(*columns)]
    ty = type_of(rows[0]) if rows else TupleType(tuple(types))
    made = list_of(rows, ty) if lists else set_of(rows, ty)
    return mark(made) if sensitive else made


@function("slice", Param("list", marked=True), Param("start_index", NUMBER), Param("end_index", NUMBER))
def _slice(given: Value, start: Number, end: Number) -> Value:
    values = unmark(given)
    if isinstance(values, SetValue):
        raise FunctionError(
            "cannot slice a set, because its elements do not have indices; explicitly convert to a list if the "
            "ordering of the result is not important",
            0,
        )
    if not isinstance(values, (ListValue, TupleValue)):
        raise FunctionError("must be a list or tuple value", 0)
    first, last = index_of(start, 1, "invalid start index"), index_of(end, 2, "invalid end index")
    for at, argument, name in ((first, 1, "start"), (last, 2, "end")):
        if at < 0:
            raise FunctionError(f"{name} index must not be less than zero", argument)
        if at > len(values.items):
            raise FunctionError(f"{name} index must not be greater than the length of the list", argument)
    if first > last:
        raise FunctionError("start index must not be greater than end index", 1)
    items = values.items[first:last]
    result: Value = TupleValue(items) if isinstance(values, TupleValue) else ListValue(items, values.element)
    return mark(result) if values is not given else result


@function("sort", Param("list", ListType(STRING)))
def _sort(values: ListValue) -> Value:
    for i, item in enumerate(values.items):
        if not isinstance(item, str):
            raise FunctionError(f"given list element {i} is null; a null string cannot be sorted", 0)
    return string_list(sorted(item for item in values.items if isinstance(item, str)))


@function("transpose", Param("values", MapType(ListType(STRING))))
def _transpose(values: MapValue) -> Value:
    out: dict[str, list[Value]] = {}
    for name, members in values.entries.items():
        if not isinstance(members, ListValue):
            raise FunctionError("input must not contain null list", 0)
        for member in members.items:
            if not isinstance(member, str):
                raise FunctionError("input list must not contain null string", 0)
            out.setdefault(member, []).append(name)
    ty = ListType(STRING)
    return map_of({name: ListValue(tuple(sorted(map(str, keys))), STRING) for name, keys in out.items()}, ty)


@function("zipmap", Param("keys", ListType(STRING)), Param("values", marked=True))
def _zipmap(keys: ListValue, given: Value) -> Value:
    values = unmark(given)
    if not isinstance(values, (ListValue, TupleValue)):
        raise FunctionError("values argument must be a list or tuple value")
    if len(keys.items) != len(values.items):
        raise FunctionError(f"number of keys ({len(keys.items)}) does not match number of values ({len(values.items)})")
    entries: dict[str, Value] = {}
    for i, (key, value) in enumerate(zip(keys.items, values.items, strict=True)):
        if not isinstance(key, str):
            raise FunctionError(f"keys list has null value at index {i}")
        entries[key] = value
    result: Value = object_of(entries) if isinstance(values, TupleValue) else map_of(entries, values.element)
    return mark(result) if values is not given else result
