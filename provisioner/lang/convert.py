"""Conversion between types, and finding one type for several, as go-cty does it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from . import arithmetic
from .identifiers import is_identifier
from .types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    CapsuleType,
    Defaults,
    ListType,
    MapType,
    ObjectType,
    PrimitiveType,
    SetType,
    TupleType,
    Type,
    TypeConstraint,
    has_dynamic,
    is_collection,
    required_name,
    without_optional,
)
from .values import (
    ListValue,
    MapValue,
    Null,
    ObjectValue,
    Sensitive,
    SetValue,
    TupleValue,
    Value,
    is_null,
    list_of,
    map_of,
    mark,
    null_of,
    object_of,
    set_of,
    type_of,
)

Path = tuple[str | int, ...]


class ConversionError(Exception):
    """A value cannot become what is required. `str()` is a sentence part; `path` leads to the offending part."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.path = path

    @property
    def located(self) -> str:
        """The message with the path before it: `.rules[2].port: a number is required`."""
        return f"{path_text(self.path)}: {self}" if self.path else str(self)


def path_text(path: Path) -> str:
    """A path as it would be written after the value's name: `.a[0]["b c"]`."""
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" if is_identifier(step) else f'["{step}"]' for step in path
    )


def convert(value: Value, want: Type) -> Value:
    """`value` as type `want`. Raises ConversionError. A null becomes the null of `want`; marks stay."""
    if want is DYNAMIC:
        return value
    if want is STRING and type(value) is str:
        return value
    have = type_of(value)
    if have is want or have == want:
        return value
    if not convertible(have, want):
        raise ConversionError(mismatch(have, want))
    return _apply(value, want, ())


def conform(value: Value, constraint: TypeConstraint) -> Value:
    """`value` with the defaults of optional attributes filled in, as the constraint's type. Raises ConversionError."""
    if constraint.defaults is not None:
        value = apply_defaults(value, constraint.defaults)
    return convert(value, constraint.type)


def apply_defaults(value: Value, defaults: Defaults) -> Value:
    """Fill in optional attributes that are absent or null. The result still has to be converted."""
    if isinstance(value, Sensitive):
        return mark(apply_defaults(value.value, defaults))
    if isinstance(value, (TupleValue, ListValue, SetValue)):
        one = defaults.children.get("")
        return TupleValue(
            tuple(
                apply_defaults(item, child) if (child := one or defaults.children.get(str(i))) else item
                for i, item in enumerate(value.items)
            )
        )
    if isinstance(value, (ObjectValue, MapValue)):
        one = defaults.children.get("")
        filled = {
            name: apply_defaults(item, child) if (child := one or defaults.children.get(name)) else item
            for name, item in value.entries.items()
        }
        for name, default in defaults.values.items():
            if name not in filled or is_null(filled[name]):
                inner = defaults.children.get(name)
                filled[name] = apply_defaults(default, inner) if inner else default
        return object_of(filled)
    return value


def convertible(have: Type, want: Type) -> bool:
    """True when some values of type `have` can become `want`."""
    if want is DYNAMIC or have is DYNAMIC or have == want:
        return True
    if isinstance(want, PrimitiveType):
        return isinstance(have, PrimitiveType) and (want is STRING or have is STRING)
    if isinstance(want, CapsuleType) or isinstance(have, (PrimitiveType, CapsuleType)):
        return False
    if isinstance(want, (ListType, SetType)):
        if isinstance(have, (ListType, SetType)):
            return convertible(have.element, want.element)
        return isinstance(have, TupleType) and _all_convertible(have.elements, want.element)
    if isinstance(want, MapType):
        if isinstance(have, MapType):
            return convertible(have.element, want.element)
        return isinstance(have, ObjectType) and _all_convertible(tuple(have.attributes.values()), want.element)
    if isinstance(want, ObjectType):
        return _object_convertible(have, want)
    if isinstance(want, TupleType) and isinstance(have, TupleType):
        return len(have.elements) == len(want.elements) and all(map(convertible, have.elements, want.elements))
    return False


def _all_convertible(have: tuple[Type, ...], element: Type) -> bool:
    if element is DYNAMIC and have:
        found = unify(have)
        return found is not None
    return all(convertible(ty, element) for ty in set(have))


def _object_convertible(have: Type, want: ObjectType) -> bool:
    if isinstance(have, MapType):
        return all(convertible(have.element, ty) for ty in want.attributes.values())
    if not isinstance(have, ObjectType):
        return False
    for name, ty in want.attributes.items():
        given = have.attributes.get(name)
        if given is None:
            if name not in want.optional:
                return False
        elif not convertible(given, ty):
            return False
    return True


def _apply(value: Value, want: Type, path: Path) -> Value:
    """Conversion of a value whose type was found convertible, or is not known statically."""
    if want is DYNAMIC:
        return value
    if isinstance(value, Sensitive):
        return mark(_apply(value.value, want, path))
    if value is None or isinstance(value, Null):
        return null_of(without_optional(want))
    have = type_of(value)
    if have == want:
        return value
    if not convertible(have, want):
        raise ConversionError(mismatch(have, want), path)
    if isinstance(want, PrimitiveType):
        return _primitive(value, want, path)
    if isinstance(want, (ListType, SetType)):
        assert isinstance(value, (TupleValue, ListValue, SetValue))
        return _sequence(value, want, path)
    if isinstance(want, MapType):
        assert isinstance(value, (ObjectValue, MapValue))
        keyed = {name: _apply(item, want.element, (*path, name)) for name, item in value.entries.items()}
        element, items = _one_type(value, want.element, tuple(keyed.values()), path)
        return map_of(dict(zip(keyed, items, strict=True)), element)
    if isinstance(want, ObjectType):
        assert isinstance(value, (ObjectValue, MapValue))
        return _object(value, want, path)
    assert isinstance(want, TupleType)
    assert isinstance(value, TupleValue)
    pairs = zip(value.items, want.elements, strict=True)
    return TupleValue(tuple(_apply(item, ty, (*path, i)) for i, (item, ty) in enumerate(pairs)))


def _primitive(value: Value, want: PrimitiveType, path: Path) -> Value:
    if want is STRING:
        if isinstance(value, bool):
            return "true" if value else "false"
        assert isinstance(value, (int, Decimal))
        return arithmetic.text_of(value)
    assert isinstance(value, str)
    if want is NUMBER:
        number = arithmetic.parse(value)
        if number is None:
            raise ConversionError("a number is required", path)
        return number
    assert want is BOOL
    if value in ("true", "1"):
        return True
    if value in ("false", "0"):
        return False
    hint = value.lower()
    if hint in ("true", "false"):
        raise ConversionError(f'a bool is required; to convert from string, use lowercase "{hint}"', path)
    raise ConversionError("a bool is required", path)


def _sequence(value: TupleValue | ListValue | SetValue, want: ListType | SetType, path: Path) -> Value:
    items = tuple(_apply(item, want.element, (*path, i)) for i, item in enumerate(value.items))
    element, items = _one_type(value, want.element, items, path)
    return list_of(items, element) if isinstance(want, ListType) else set_of(items, element)


def _one_type(value: Value, want: Type, items: tuple[Value, ...], path: Path) -> tuple[Type, tuple[Value, ...]]:
    """The element type of a collection made of `items`, which were converted to `want`; and the items of that type."""
    if not has_dynamic(want):
        return without_optional(want), items
    if not items:
        have = type_of(value)
        if want is DYNAMIC and isinstance(have, (ListType, SetType, MapType)):
            return have.element, items
        return without_optional(want), items
    found = unify([type_of(item) for item in items])
    if found is not None:
        items = tuple(_apply(item, found, (*path, i)) for i, item in enumerate(items))
        if not has_dynamic(found) or len({type_of(item) for item in items}) == 1:
            return type_of(items[0]), items
    raise ConversionError("all elements must have the same type", path)


def _object(value: ObjectValue | MapValue, want: ObjectType, path: Path) -> ObjectValue:
    entries: dict[str, Value] = {}
    for name, ty in want.attributes.items():
        if name in value.entries:
            entries[name] = _apply(value.entries[name], ty, (*path, name))
        elif name in want.optional:
            entries[name] = null_of(without_optional(ty))
        elif isinstance(value, MapValue):
            raise ConversionError(f'map has no element for required attribute "{name}"', path)
        else:
            raise ConversionError(f'attribute "{name}" is required', path)
    return ObjectValue(entries)


def unify(types: Sequence[Type]) -> Type | None:
    """One type that values of all the given types can become, or None. An empty sequence gives `any`."""
    if not types:
        return DYNAMIC
    first = types[0]
    distinct = list(dict.fromkeys(types))
    if len(distinct) == 1:
        return first
    dynamic = DYNAMIC in distinct
    known = [ty for ty in distinct if ty is not DYNAMIC]
    kinds = {type(ty) for ty in known}
    if ObjectType in kinds and TupleType in kinds:
        return None
    if len(kinds) == 1 and not isinstance(known[0], (PrimitiveType, CapsuleType)):
        return DYNAMIC if dynamic else _unify_kind(known)
    if kinds == {MapType, ObjectType}:
        found = _unify_map(known)
        if found is not None:
            return found
    if kinds == {ListType, TupleType}:
        found = _unify_list(known)
        if found is not None:
            return found
    for want in _preferred(known):
        if all(convertible(ty, want) for ty in known):
            return want
    return None


def _unify_kind(types: list[Type]) -> Type | None:
    """Several types of one kind, none of them dynamic."""
    if isinstance(types[0], ObjectType):
        return _unify_objects([ty for ty in types if isinstance(ty, ObjectType)])
    if isinstance(types[0], TupleType):
        return _unify_tuples([ty for ty in types if isinstance(ty, TupleType)])
    element = unify([ty.element for ty in types if isinstance(ty, (ListType, SetType, MapType))])
    if element is None:
        return None
    kind = type(types[0])
    assert issubclass(kind, (ListType, SetType, MapType))
    return kind(element)


def _unify_objects(types: list[ObjectType]) -> Type | None:
    names = types[0].attributes.keys()
    if any(ty.attributes.keys() != names for ty in types):
        return _unify_map(list(types))
    attributes: dict[str, Type] = {}
    for name in names:
        found = unify([ty.attributes[name] for ty in types])
        if found is None:
            return None
        attributes[name] = found
    result = ObjectType(attributes)
    return result if all(convertible(ty, result) for ty in types) else _unify_map(list(types))


def _unify_tuples(types: list[TupleType]) -> Type | None:
    if len({len(ty.elements) for ty in types}) > 1:
        return _unify_list(list(types))
    elements: list[Type] = []
    for across in zip(*(ty.elements for ty in types), strict=True):
        found = unify(across)
        if found is None:
            return None
        elements.append(found)
    result = TupleType(tuple(elements))
    return result if all(convertible(ty, result) for ty in types) else _unify_list(list(types))


def _unify_map(types: list[Type]) -> Type | None:
    inner: list[Type] = []
    for ty in types:
        inner.extend([ty.element] if isinstance(ty, MapType) else [])
        inner.extend(ty.attributes.values() if isinstance(ty, ObjectType) else [])
    element = unify(inner)
    return None if element is None else MapType(element)


def _unify_list(types: list[Type]) -> Type | None:
    inner: list[Type] = []
    for ty in types:
        inner.extend([ty.element] if isinstance(ty, ListType) else [])
        inner.extend(ty.elements if isinstance(ty, TupleType) else [])
    element = unify(inner)
    return None if element is None else ListType(element)


def _preferred(types: list[Type]) -> list[Type]:
    """Most general first: string before other primitives, lists before sets before tuples, maps before objects."""

    def rank(ty: Type) -> int:
        if ty is STRING or isinstance(ty, (ListType, MapType)):
            return 0
        return 1 if isinstance(ty, SetType) else 2

    return sorted(types, key=rank)


def mismatch(have: Type, want: Type) -> str:
    """Why `have` cannot become `want`, as a sentence part."""
    if isinstance(have, ObjectType) and isinstance(want, ObjectType):
        return _mismatch_objects(have, want)
    if is_collection(want) and isinstance(have, (TupleType, ObjectType)):
        return _mismatch_structural(have, want)
    if isinstance(have, (ListType, SetType, MapType)) and isinstance(want, (ListType, SetType, MapType)):
        if isinstance(have, MapType) != isinstance(want, MapType):
            return f"{required_name(want)} required"
        return f"incorrect {want.word} element type: {mismatch(have.element, want.element)}"
    return f"{required_name(want)} required"


def _mismatch_structural(have: TupleType | ObjectType, want: Type) -> str:
    assert isinstance(want, (ListType, SetType, MapType))
    if isinstance(want, MapType) != isinstance(have, ObjectType):
        return f"{required_name(want)} required"
    if want.element is DYNAMIC:
        return f"all {want.word} elements must have the same type"
    parts: list[tuple[str, Type]]
    if isinstance(have, TupleType):
        parts = [(str(i), ty) for i, ty in enumerate(have.elements)]
    else:
        parts = [(f'"{name}"', ty) for name, ty in have.attributes.items()]
    for name, ty in parts:
        if not convertible(ty, want.element):
            return f"element {name}: {mismatch(ty, want.element)}"
    return f"all elements must be {required_name(want.element)}"


def _mismatch_objects(have: ObjectType, want: ObjectType) -> str:
    absent = [n for n in want.attributes if n not in have.attributes and n not in want.optional]
    if absent:
        quoted = [f'"{name}"' for name in absent]
        if len(quoted) == 1:
            return f"attribute {quoted[0]} is required"
        if len(quoted) == 2:
            return f"attributes {quoted[0]} and {quoted[1]} are required"
        return f"attributes {', '.join(quoted[:-1])}, and {quoted[-1]} are required"
    for name, ty in want.attributes.items():
        given = have.attributes.get(name)
        if given is not None and not convertible(given, ty):
            return f'attribute "{name}": {mismatch(given, ty)}'
    return "incorrect object attributes"
