"""`for` expressions and splats: one result for each element of a collection."""

from __future__ import annotations

from collections.abc import Iterable

from . import ast
from .convert import ConversionError, convert
from .dispatch import EVAL
from .explain import fail
from .operators import OperationError, splat_type
from .scope import Namespace, Scope, weighed
from .types import BOOL, DYNAMIC, STRING, TupleType, Type, is_collection
from .values import (
    ListValue,
    MapValue,
    ObjectValue,
    Sensitive,
    SetValue,
    TupleValue,
    Value,
    elements,
    is_null,
    mark,
    type_of,
)

_ITEM = "*"  # the name of a splat's current element in scope; no source can write it


def iterate(expr: ast.Expr, whole: ast.Expr, scope: Scope) -> tuple[Iterable[tuple[Value, Value]], bool]:
    """Keys and values of what a `for` goes over, and whether it is sensitive."""
    value = EVAL[type(expr)](expr, scope)
    sensitive = isinstance(value, Sensitive)
    if isinstance(value, Sensitive):
        value = value.value
    if is_null(value):
        detail = "A null value cannot be used as the collection in a 'for' expression."
        fail("E-FOR", "Iteration over null value", detail, expr, context=whole, about=expr, scope=scope)
    if not isinstance(value, (TupleValue, ListValue, SetValue, MapValue, ObjectValue)):
        detail = f"A value of type {type_of(value).friendly} cannot be used as the collection in a 'for' expression."
        fail("E-FOR", "Iteration over non-iterable value", detail, expr, context=whole, about=expr, scope=scope)
    pairs = elements(value)
    if sensitive:  # marked one by one, so that no message about an element shows it
        return [(key if isinstance(key, int) else mark(key), mark(item)) for key, item in pairs], True
    return pairs, False


def for_expression(expr: ast.ForExpr, scope: Scope) -> Value:
    pairs, sensitive = iterate(expr.collection, expr, scope)
    cost = 1 + ((expr.end - expr.start) >> 3)
    result, result_eval = expr.result, EVAL[type(expr.result)]
    items: list[Value] = []
    entries: dict[str, Value] = {}
    groups: dict[str, list[Value]] = {}
    spend = scope.budget.spend
    for key, item in pairs:
        spend(cost)
        names: dict[str, Value | Namespace] = {expr.value: item}
        if expr.key is not None:
            names[expr.key] = key
        inner = Scope(names, scope)
        if expr.condition is not None:
            wanted, marked = _for_condition(expr.condition, expr, inner)
            sensitive = sensitive or marked
            if not wanted:
                continue
        if expr.key_result is None:
            items.append(result_eval(result, inner))
            continue
        name, marked = _for_key(expr.key_result, expr, inner)
        sensitive = sensitive or marked
        value = result_eval(result, inner)
        if expr.group:
            groups.setdefault(name, []).append(value)
        elif name in entries:
            shown = "(sensitive value)" if sensitive else f'"{name}"'
            detail = (
                f"Two different items produced the key {shown} in this 'for' expression. If duplicates are "
                "expected, use the ellipsis (...) after the value expression to enable grouping by key."
            )
            fail(
                "E-FOR",
                "Duplicate object key",
                detail,
                expr.key_result,
                context=expr,
                about=expr.key_result,
                scope=inner,
            )
        else:
            entries[name] = value
    made: Value
    if expr.key_result is None:
        made = weighed(TupleValue(tuple(items)))
    else:
        if expr.group:
            entries = {name: TupleValue(tuple(values)) for name, values in groups.items()}
        made = weighed(ObjectValue(dict(sorted(entries.items()))))
    return Sensitive(made) if sensitive else made


def _for_condition(expr: ast.Expr, whole: ast.Expr, scope: Scope) -> tuple[bool, bool]:
    value = EVAL[type(expr)](expr, scope)
    if value is True or value is False:
        return value, False
    sensitive = isinstance(value, Sensitive)
    if isinstance(value, Sensitive):
        value = value.value
    summary = "Invalid 'for' condition"
    if is_null(value):
        detail = "The value of the 'if' clause must not be null."
        fail("E-FOR", summary, detail, expr, context=whole, about=expr, scope=scope)
    try:
        return convert(value, BOOL) is True, sensitive
    except ConversionError as err:
        detail = f"The 'if' clause value is invalid: {err}."
        fail("E-FOR", summary, detail, expr, context=whole, about=expr, scope=scope)


def _for_key(expr: ast.Expr, whole: ast.Expr, scope: Scope) -> tuple[str, bool]:
    value = EVAL[type(expr)](expr, scope)
    if type(value) is str:
        return value, False
    sensitive = isinstance(value, Sensitive)
    if isinstance(value, Sensitive):
        value = value.value
    if is_null(value):
        detail = "Key expression in 'for' expression must not produce a null value."
        fail("E-FOR", "Invalid object key", detail, expr, context=whole, about=expr, scope=scope)
    try:
        key = convert(value, STRING)
    except ConversionError as err:
        detail = f"The key expression produced an invalid result: {err}."
        fail("E-FOR", "Invalid object key", detail, expr, context=whole, about=expr, scope=scope)
    assert isinstance(key, str)
    return key, sensitive


def splat(expr: ast.Splat, scope: Scope) -> Value:
    source = EVAL[type(expr.target)](expr.target, scope)
    sensitive = isinstance(source, Sensitive)
    if isinstance(source, Sensitive):
        source = source.value
    ty = type_of(source)
    members = source.items if isinstance(source, (TupleValue, ListValue, SetValue)) else (source,)
    if is_null(source):
        if isinstance(ty, TupleType) or (is_collection(ty) and not ty.friendly.startswith("map")):
            detail = "Splat expressions (with the * symbol) cannot be applied to null sequences."
            fail("E-SPLAT", "Splat of null value", detail, expr.target, context=expr, about=expr.target, scope=scope)
        return TupleValue(())
    cost = 1 + ((expr.end - expr.start) >> 3)
    items: list[Value] = []
    for item in members:
        scope.budget.spend(cost)
        items.append(EVAL[type(expr.each)](expr.each, Scope({_ITEM: item}, scope)))
    result: Value
    if isinstance(source, (ListValue, SetValue)):
        element = type_of(items[0]) if items else _empty_splat(expr, source.element, scope)
        if all(type_of(item) == element for item in items):
            result = ListValue(tuple(items), element)
        else:
            result = TupleValue(tuple(items))
    else:
        result = weighed(TupleValue(tuple(items)))
    return Sensitive(result) if sensitive else result


def _empty_splat(expr: ast.Splat, element: Type, scope: Scope) -> Type:
    steps: list[str | None] = []
    at = expr.each
    while isinstance(at, (ast.GetAttr, ast.Index)):
        if isinstance(at, ast.GetAttr):
            steps.append(at.name)
        else:
            steps.append(at.key.value if isinstance(at.key, ast.String) else None)
        at = at.target
    if not isinstance(at, ast.SplatItem):
        return DYNAMIC
    try:
        return splat_type(element, steps[::-1])
    except OperationError as err:
        fail(err.code, err.summary, err.detail, expr, about=expr.target, scope=scope)


def splat_item(expr: ast.SplatItem, scope: Scope) -> Value:
    at: Scope | None = scope
    while at is not None:
        if _ITEM in at.variables:
            value = at.variables[_ITEM]
            assert not isinstance(value, Namespace)
            return value
        at = at.parent
    raise AssertionError("a splat item outside a splat")
