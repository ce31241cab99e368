"""From expressions to values.

`evaluate(expr, scope)` gives a value or raises DiagnosticError with every error it could find, each with its range and
the values in scope. Semantics are those of HCL 2 as Terraform 1.11 runs it; there are no unknown values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from ..model.diagnostics import Diagnostic, DiagnosticError
from . import ast
from .arithmetic import NumberError, canonical
from .calls import call, is_static
from .convert import ConversionError, convert, unify
from .explain import fail
from .operators import OperandError, OperationError, attribute, binary, index, splat_type, unary
from .scope import MAX_STRING, MAX_WEIGHT, BudgetError, Namespace, Scope, too_big
from .suggest import suggestion
from .types import BOOL, DYNAMIC, STRING, ObjectType, TupleType, Type, is_collection
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
    null_of,
    text,
    type_of,
    weigh,
)

_ITEM = "*"  # the name of a splat's current element in scope; no source can write it


def evaluate(expr: ast.Expr, scope: Scope) -> Value:
    """The value of an expression. Raises DiagnosticError: E-REFERENCE, E-ATTRIBUTE, E-INDEX, E-FUNCTION …"""
    try:
        return _EVAL[type(expr)](expr, scope)
    except RecursionError:
        raise DiagnosticError(
            [
                Diagnostic(
                    "E-DEPTH",
                    "Expression is nested too deeply",
                    "Evaluating this expression needs too many levels. Split it with local values.",
                    subject=expr.range,
                )
            ]
        ) from None


def _each(exprs: Iterable[ast.Expr], scope: Scope) -> list[Value]:
    """The values of several expressions; the errors of all of them where some fail."""
    values: list[Value] = []
    errors: list[Diagnostic] = []
    for expr in exprs:
        try:
            values.append(_EVAL[type(expr)](expr, scope))
        except BudgetError:
            raise
        except DiagnosticError as err:
            errors.extend(err.diagnostics)
    if errors:
        raise DiagnosticError(errors)
    return values


def _literal(expr: ast.Literal, scope: Scope) -> Value:
    value = expr.value
    if type(value) is not Decimal:
        return value
    try:
        return canonical(value)
    except NumberError as err:
        fail("E-NUMBER", "Number out of range", f"This number cannot be used: {err}. Use a smaller one.", expr)


def _string(expr: ast.String, scope: Scope) -> Value:
    return text(expr.value)


def _paren(expr: ast.Paren | ast.TemplateWrap, scope: Scope) -> Value:
    return _EVAL[type(expr.expr)](expr.expr, scope)


# Templates


def _template(expr: ast.Template, scope: Scope) -> Value:
    value, sensitive = _join(expr.parts, expr, scope)
    return Sensitive(value) if sensitive else value


def _join(parts: list[ast.Expr], whole: ast.Expr, scope: Scope) -> tuple[str, bool]:
    """The text of a template's parts, and whether any was sensitive."""
    out: list[str] = []
    errors: list[Diagnostic] = []
    sensitive = False
    for part in parts:
        if type(part) is ast.String:
            out.append(part.value)
            continue
        try:
            value = _EVAL[type(part)](part, scope)
            if type(value) is Sensitive:
                sensitive = True
                value = value.value
            out.append(value if type(value) is str else _part_text(value, part, whole, scope))
        except BudgetError:
            raise
        except DiagnosticError as err:
            errors.extend(err.diagnostics)
    if errors:
        raise DiagnosticError(errors)
    return _bounded("".join(out), scope), sensitive


def _part_text(value: Value, part: ast.Expr, whole: ast.Expr, scope: Scope) -> str:
    summary = "Invalid template interpolation value"
    if is_null(value):
        detail = "The expression result is null. Cannot include a null value in a string template."
        fail("E-TEMPLATE", summary, detail, part, context=whole, about=part, scope=scope)
    try:
        converted = convert(value, STRING)
    except ConversionError as err:
        detail = f"Cannot include the given value in a string template: {err}."
        fail("E-TEMPLATE", summary, detail, part, context=whole, about=part, scope=scope)
    assert isinstance(converted, str)
    return converted


def _bounded(value: str, scope: Scope) -> str:
    if len(value) > 1000:
        if len(value) > MAX_STRING:
            raise too_big(f"A string would be longer than {MAX_STRING} characters.")
        scope.budget.spend(len(value) >> 8)
    return text(value)


def _template_if(expr: ast.TemplateIf, scope: Scope) -> Value:
    chosen, sensitive = _condition(expr.condition, expr, scope)
    value, inner = _join(expr.then if chosen else expr.otherwise, expr, scope)
    return Sensitive(value) if sensitive or inner else value


def _template_for(expr: ast.TemplateFor, scope: Scope) -> Value:
    pairs, sensitive = _iterate(expr.collection, expr, scope)
    cost = 1 + ((expr.end - expr.start) >> 3)
    out: list[str] = []
    size = 0
    for key, item in pairs:
        scope.budget.spend(cost)
        names: dict[str, Value | Namespace] = {expr.value: item}
        if expr.key is not None:
            names[expr.key] = key
        value, inner = _join(expr.body, expr, Scope(names, scope))
        sensitive = sensitive or inner
        size += len(value)
        if size > MAX_STRING:
            raise too_big(f"A string would be longer than {MAX_STRING} characters.")
        out.append(value)
    result = _bounded("".join(out), scope)
    return Sensitive(result) if sensitive else result


# References


def _find(expr: ast.Variable, scope: Scope) -> Value | Namespace:
    name = expr.name
    at: Scope | None = scope
    while at is not None:
        if name in at.variables:
            return at.variables[name]
        at = at.parent
    known = scope.names()
    if not known:
        fail("E-REFERENCE", "Variables not allowed", "Variables may not be used here.", expr)
    fail(
        "E-REFERENCE",
        "Unknown variable",
        f'There is no variable named "{name}".{suggestion(name, known)}',
        expr,
    )


def _variable(expr: ast.Variable, scope: Scope) -> Value:
    found = _find(expr, scope)
    if isinstance(found, Namespace):
        if found.whole:
            return found.as_object()
        detail = f'The "{expr.name}" object cannot be accessed directly. Instead, access one of its attributes.'
        fail("E-REFERENCE", "Invalid reference", detail, expr)
    return found


def _get_attr(expr: ast.GetAttr, scope: Scope) -> Value:
    target = expr.target
    if type(target) is ast.Variable:
        value = _find(target, scope)
        if isinstance(value, Namespace):
            return _member(value, expr.name, expr, scope)
    else:
        value = _EVAL[type(target)](target, scope)
    try:
        return attribute(value, expr.name)
    except OperationError as err:
        where = expr.source.range(target.end, expr.end)
        fail(err.code, err.summary, err.detail, where, context=expr, about=expr, scope=scope)


def _member(namespace: Namespace, name: str, expr: ast.Expr, scope: Scope) -> Value:
    if namespace.has(name):
        return namespace.get(name)
    summary, detail = namespace.missing(name)
    fail("E-REFERENCE", summary, detail + suggestion(name, namespace.names()), expr)


def _index(expr: ast.Index, scope: Scope) -> Value:
    target = expr.target
    if type(target) is ast.Variable:
        value = _find(target, scope)
        if isinstance(value, Namespace):
            key = _EVAL[type(expr.key)](expr.key, scope)
            if isinstance(key, str):
                return _member(value, key, expr, scope)
            value = _variable(target, scope)
        else:
            key = _EVAL[type(expr.key)](expr.key, scope)
    else:
        value, key = _each((target, expr.key), scope)
    try:
        return index(value, key)
    except OperationError as err:
        where = expr.source.range(target.end, expr.end)
        fail(err.code, err.summary, err.detail, where, context=expr, about=expr, scope=scope)


# Operators


def _binary(expr: ast.Binary, scope: Scope) -> Value:
    # A long chain `a + b + c …` is a deep tree on the left: walk down instead of recursing.
    spine = [expr]
    first = expr.left
    while type(first) is ast.Binary:
        spine.append(first)
        first = first.left
    value: Value = None
    errors: list[Diagnostic] = []
    try:
        value = _EVAL[type(first)](first, scope)
    except BudgetError:
        raise
    except DiagnosticError as err:
        errors.extend(err.diagnostics)
    while spine:
        node = spine.pop()
        try:
            right = _EVAL[type(node.right)](node.right, scope)
            if not errors:
                value = _operate(node, value, right, scope)
        except BudgetError:
            raise
        except DiagnosticError as err:
            errors.extend(err.diagnostics)
    if errors:
        raise DiagnosticError(errors)
    return value


def _operate(expr: ast.Binary, left: Value, right: Value, scope: Scope) -> Value:
    try:
        return binary(expr.op, left, right)
    except OperandError as err:
        side = expr.left if err.side == "left" else expr.right
        fail(err.code, err.summary, err.detail, side, context=expr, about=side, scope=scope)
    except OperationError as err:
        fail(err.code, err.summary, err.detail, expr, about=expr, scope=scope)


def _unary(expr: ast.Unary, scope: Scope) -> Value:
    value = _EVAL[type(expr.operand)](expr.operand, scope)
    try:
        return unary(expr.op, value)
    except OperationError as err:
        where = expr.operand if isinstance(err, OperandError) else expr
        fail(err.code, err.summary, err.detail, where, context=expr, about=expr.operand, scope=scope)


def _condition(expr: ast.Expr, whole: ast.Expr, scope: Scope) -> tuple[bool, bool]:
    """The truth of a condition, and whether it is sensitive."""
    value = _EVAL[type(expr)](expr, scope)
    if value is True or value is False:
        return value, False
    sensitive = type(value) is Sensitive
    if sensitive:
        value = value.value
    if is_null(value):
        detail = "The condition value is null. Conditions must either be true or false."
        fail("E-CONDITION", "Null condition", detail, expr, context=whole, about=expr, scope=scope)
    try:
        truth = convert(value, BOOL)
    except ConversionError:
        detail = "The condition expression must be of type bool."
        fail("E-CONDITION", "Incorrect condition type", detail, expr, context=whole, about=expr, scope=scope)
    return truth is True, sensitive




def _arm(expr: ast.Expr, scope: Scope) -> tuple[Value, DiagnosticError | None]:
    try:
        return _EVAL[type(expr)](expr, scope), None
    except BudgetError:
        raise
    except DiagnosticError as err:
        if is_static(err):
            raise
        return None, err


def _conditional(expr: ast.Conditional, scope: Scope) -> Value:
    # Both arms are evaluated, since the result has a type that both can become; errors count in the chosen arm only.
    chosen, sensitive = _condition(expr.condition, expr, scope)
    then, then_error = _arm(expr.then, scope)
    other, other_error = _arm(expr.otherwise, scope)
    error = then_error if chosen else other_error
    if error is not None:
        raise error
    value = then if chosen else other
    if then_error is None and other_error is None:
        value = _common(expr, value, then, other, scope)
    return mark(value) if sensitive else value


def _common(expr: ast.Conditional, value: Value, then: Value, other: Value, scope: Scope) -> Value:
    """`value` as the type that both arms have in common."""
    left, right = type_of(then), type_of(other)
    if left == right:
        return value
    if then is None or other is None:
        return null_of(right if then is None else left) if value is None else value
    if left is DYNAMIC or right is DYNAMIC:
        return value
    found = unify((left, right))
    if found is None:
        fail(
            "E-CONDITION",
            "Inconsistent conditional result types",
            "The true and false result expressions must have consistent types. "
            f"{_describe_mismatch(left, right)}.",
            expr.source.range(expr.then.start, expr.otherwise.end),
            context=expr,
            about=expr,
            scope=scope,
        )
    try:
        return convert(value, found)
    except ConversionError as err:
        arm = expr.then if value is then else expr.otherwise
        detail = f"The {'true' if value is then else 'false'} result value has the wrong type: {err}."
        fail("E-CONDITION", "Inconsistent conditional result types", detail, arm, context=expr, about=arm, scope=scope)


def _describe_mismatch(left: Type, right: Type) -> str:
    if isinstance(left, ObjectType) and isinstance(right, ObjectType):
        for name, ty in left.attributes.items():
            if name not in right.attributes:
                return f"The 'true' value includes object attribute \"{name}\", which is absent in the 'false' value"
            if ty != right.attributes[name]:
                inner = _describe_mismatch(ty, right.attributes[name])
                return f'Type mismatch for object attribute "{name}": {inner}'
        for name in right.attributes:
            if name not in left.attributes:
                return f"The 'false' value includes object attribute \"{name}\", which is absent in the 'true' value"
    if isinstance(left, TupleType) and isinstance(right, TupleType):
        counts = len(left.elements), len(right.elements)
        if counts[0] != counts[1]:
            return f"The 'true' tuple has length {counts[0]}, but the 'false' tuple has length {counts[1]}"
        for i, (a, b) in enumerate(zip(left.elements, right.elements, strict=True)):
            if a != b:
                return f"Type mismatch for tuple element {i}: {_describe_mismatch(a, b)}"
    if type(left) is type(right) and is_collection(left):
        a, b = getattr(left, "element", DYNAMIC), getattr(right, "element", DYNAMIC)
        if type(a) is type(b) and isinstance(a, (ObjectType, TupleType)):
            return f"Mismatched {left.friendly.split()[0]} element types: {_describe_mismatch(a, b)}"
    if left.friendly == right.friendly:
        return (
            "At least one deeply-nested attribute or element is not compatible across both the 'true' and the "
            "'false' value"
        )
    return f"The 'true' value is {left.friendly}, but the 'false' value is {right.friendly}"


# Collections


def _tuple(expr: ast.TupleCons, scope: Scope) -> Value:
    return _weighed(TupleValue(tuple(_each(expr.items, scope))))


def _weighed(value: TupleValue | ObjectValue) -> Value:
    if weigh(value) > MAX_WEIGHT:
        raise too_big(f"A value would hold more than {MAX_WEIGHT} elements.")
    return value


def _object(expr: ast.ObjectCons, scope: Scope) -> Value:
    entries: dict[str, Value] = {}
    errors: list[Diagnostic] = []
    sensitive = False
    for item in expr.items:
        try:
            key, marked = _key(item, scope)
            sensitive = sensitive or marked
        except BudgetError:
            raise
        except DiagnosticError as err:
            errors.extend(err.diagnostics)
            key = ""
        try:
            entries[key] = _EVAL[type(item.value)](item.value, scope)
        except BudgetError:
            raise
        except DiagnosticError as err:
            errors.extend(err.diagnostics)
    if errors:
        raise DiagnosticError(errors)
    value = _weighed(ObjectValue(dict(sorted(entries.items()))))
    return Sensitive(value) if sensitive else value


def _key(item: ast.ObjectItem, scope: Scope) -> tuple[str, bool]:
    expr = item.key
    if type(expr) is ast.Variable:
        return text(expr.name), False
    if type(expr) is ast.String:
        return text(expr.value), False
    if type(expr) is ast.Literal and (expr.value is None or isinstance(expr.value, bool)):
        return {None: "null", True: "true", False: "false"}[expr.value], False
    if type(expr) in (ast.GetAttr, ast.Index) and _is_traversal(expr):
        detail = (
            "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as a "
            "literal name containing periods, wrap it in quotes to create a string literal."
        )
        fail("E-KEY", "Ambiguous attribute key", detail, expr)
    value = _EVAL[type(expr)](expr, scope)
    sensitive = type(value) is Sensitive
    if sensitive:
        value = value.value
    if is_null(value):
        fail("E-KEY", "Null value as key", "Can't use a null value as a key.", expr, about=expr, scope=scope)
    try:
        key = convert(value, STRING)
    except ConversionError as err:
        detail = f"Can't use this value as a key: {err}."
        fail("E-KEY", "Incorrect key type", detail, expr, about=expr, scope=scope)
    assert isinstance(key, str)
    return key, sensitive


def _is_traversal(expr: ast.Expr) -> bool:
    while isinstance(expr, (ast.GetAttr, ast.Index)):
        if isinstance(expr, ast.Index) and not isinstance(expr.key, (ast.String, ast.Literal)):
            return False
        expr = expr.target
    return isinstance(expr, ast.Variable)


def _iterate(expr: ast.Expr, whole: ast.Expr, scope: Scope) -> tuple[Iterable[tuple[Value, Value]], bool]:
    """Keys and values of what a `for` goes over, and whether it is sensitive."""
    value = _EVAL[type(expr)](expr, scope)
    sensitive = type(value) is Sensitive
    if sensitive:
        value = value.value
    if is_null(value):
        detail = "A null value cannot be used as the collection in a 'for' expression."
        fail("E-FOR", "Iteration over null value", detail, expr, context=whole, about=expr, scope=scope)
    if not isinstance(value, (TupleValue, ListValue, SetValue, MapValue, ObjectValue)):
        detail = (
            f"A value of type {type_of(value).friendly} cannot be used as the collection in a 'for' expression."
        )
        fail("E-FOR", "Iteration over non-iterable value", detail, expr, context=whole, about=expr, scope=scope)
    return elements(value), sensitive


def _for(expr: ast.ForExpr, scope: Scope) -> Value:
    pairs, sensitive = _iterate(expr.collection, expr, scope)
    cost = 1 + ((expr.end - expr.start) >> 3)
    result, result_eval = expr.result, _EVAL[type(expr.result)]
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
            detail = (
                f'Two different items produced the key "{name}" in this \'for\' expression. If duplicates are '
                "expected, use the ellipsis (...) after the value expression to enable grouping by key."
            )
            fail("E-FOR", "Duplicate object key", detail, expr.key_result, context=expr, about=expr.key_result, scope=inner)
        else:
            entries[name] = value
    made: Value
    if expr.key_result is None:
        made = _weighed(TupleValue(tuple(items)))
    else:
        if expr.group:
            entries = {name: TupleValue(tuple(values)) for name, values in groups.items()}
        made = _weighed(ObjectValue(dict(sorted(entries.items()))))
    return Sensitive(made) if sensitive else made


def _for_condition(expr: ast.Expr, whole: ast.Expr, scope: Scope) -> tuple[bool, bool]:
    value = _EVAL[type(expr)](expr, scope)
    if value is True or value is False:
        return value, False
    sensitive = type(value) is Sensitive
    if sensitive:
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
    value = _EVAL[type(expr)](expr, scope)
    if type(value) is str:
        return value, False
    sensitive = type(value) is Sensitive
    if sensitive:
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


def _splat(expr: ast.Splat, scope: Scope) -> Value:
    source = _EVAL[type(expr.target)](expr.target, scope)
    sensitive = type(source) is Sensitive
    if sensitive:
        source = source.value
    ty = type_of(source)
    sequence = isinstance(source, (TupleValue, ListValue, SetValue))
    if is_null(source):
        if isinstance(ty, TupleType) or (is_collection(ty) and not ty.friendly.startswith("map")):
            detail = "Splat expressions (with the * symbol) cannot be applied to null sequences."
            fail("E-SPLAT", "Splat of null value", detail, expr.target, context=expr, about=expr.target, scope=scope)
        return TupleValue(())
    cost = 1 + ((expr.end - expr.start) >> 3)
    items: list[Value] = []
    for item in source.items if sequence else (source,):
        scope.budget.spend(cost)
        items.append(_EVAL[type(expr.each)](expr.each, Scope({_ITEM: item}, scope)))
    result: Value
    if isinstance(source, (ListValue, SetValue)):
        element = type_of(items[0]) if items else _empty_splat(expr, source.element, scope)
        if all(type_of(item) == element for item in items):
            result = ListValue(tuple(items), element)
        else:
            result = TupleValue(tuple(items))
    else:
        result = _weighed(TupleValue(tuple(items)))
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


def _splat_item(expr: ast.SplatItem, scope: Scope) -> Value:
    at: Scope | None = scope
    while at is not None:
        if _ITEM in at.variables:
            value = at.variables[_ITEM]
            assert not isinstance(value, Namespace)
            return value
        at = at.parent
    raise AssertionError("a splat item outside a splat")


def _call(expr: ast.Call, scope: Scope) -> Value:
    return call(expr, scope, _EVAL)


_EVAL: dict[type, Callable[[Any, Scope], Value]] = {
    ast.Literal: _literal,
    ast.String: _string,
    ast.Paren: _paren,
    ast.TemplateWrap: _paren,
    ast.Template: _template,
    ast.TemplateIf: _template_if,
    ast.TemplateFor: _template_for,
    ast.Variable: _variable,
    ast.GetAttr: _get_attr,
    ast.Index: _index,
    ast.Binary: _binary,
    ast.Unary: _unary,
    ast.Conditional: _conditional,
    ast.TupleCons: _tuple,
    ast.ObjectCons: _object,
    ast.ForExpr: _for,
    ast.Splat: _splat,
    ast.SplatItem: _splat_item,
    ast.Call: _call,
}
