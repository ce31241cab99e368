"""From expressions to values.

`evaluate(expr, scope)` gives a value or raises DiagnosticError with every error it could find, each with its range and
the values in scope. Semantics are those of HCL 2 as Terraform 1.11 runs it; there are no unknown values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from ..model.diagnostics import Diagnostic, DiagnosticError
from . import ast
from .arithmetic import NumberError, canonical
from .calls import call
from .comprehensions import for_expression, iterate, splat, splat_item
from .conditionals import condition, conditional
from .convert import ConversionError, convert
from .dispatch import EVAL
from .explain import fail
from .operators import OperandError, OperationError, attribute, binary, index, unary
from .scope import MAX_STRING, BudgetError, Namespace, Scope, too_big, weighed
from .suggest import suggestion
from .types import STRING
from .values import (
    ObjectValue,
    Sensitive,
    TupleValue,
    Value,
    is_null,
    text,
)

_FRACTION_COST = 500  # an operation on a fraction takes so much longer than another


def evaluate(expr: ast.Expr, scope: Scope) -> Value:
    """The value of an expression. Raises DiagnosticError: E-REFERENCE, E-ATTRIBUTE, E-INDEX, E-FUNCTION …"""
    try:
        return EVAL[type(expr)](expr, scope)
    except BudgetError as err:
        raise BudgetError([d if d.subject else replace(d, subject=expr.range) for d in err.diagnostics]) from err
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
            values.append(EVAL[type(expr)](expr, scope))
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
    return EVAL[type(expr.expr)](expr.expr, scope)


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
            value = EVAL[type(part)](part, scope)
            if isinstance(value, Sensitive):
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
        scope.budget.spend(len(value) >> 5)
    return text(value)


def _template_if(expr: ast.TemplateIf, scope: Scope) -> Value:
    chosen, sensitive = condition(expr.condition, expr, scope)
    value, inner = _join(expr.then if chosen else expr.otherwise, expr, scope)
    return Sensitive(value) if sensitive or inner else value


def _template_for(expr: ast.TemplateFor, scope: Scope) -> Value:
    pairs, sensitive = iterate(expr.collection, expr, scope)
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
        value = EVAL[type(target)](target, scope)
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
            key = EVAL[type(expr.key)](expr.key, scope)
            if isinstance(key, str):
                return _member(value, key, expr, scope)
            value = _variable(target, scope)
        else:
            key = EVAL[type(expr.key)](expr.key, scope)
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
        value = EVAL[type(first)](first, scope)
    except BudgetError:
        raise
    except DiagnosticError as err:
        errors.extend(err.diagnostics)
    while spine:
        node = spine.pop()
        try:
            right = EVAL[type(node.right)](node.right, scope)
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
    for value in (left, right):
        if type(value) is Decimal:
            scope.budget.spend(_FRACTION_COST + 4 * abs(value.adjusted()))
    try:
        return binary(expr.op, left, right)
    except OperandError as err:
        side = expr.left if err.side == "left" else expr.right
        fail(err.code, err.summary, err.detail, side, context=expr, about=side, scope=scope)
    except OperationError as err:
        fail(err.code, err.summary, err.detail, expr, about=expr, scope=scope)


def _unary(expr: ast.Unary, scope: Scope) -> Value:
    value = EVAL[type(expr.operand)](expr.operand, scope)
    try:
        return unary(expr.op, value)
    except OperationError as err:
        where = expr.operand if isinstance(err, OperandError) else expr
        fail(err.code, err.summary, err.detail, where, context=expr, about=expr.operand, scope=scope)


# Collections


def _tuple(expr: ast.TupleCons, scope: Scope) -> Value:
    return weighed(TupleValue(tuple(_each(expr.items, scope))))


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
            entries[key] = EVAL[type(item.value)](item.value, scope)
        except BudgetError:
            raise
        except DiagnosticError as err:
            errors.extend(err.diagnostics)
    if errors:
        raise DiagnosticError(errors)
    value = weighed(ObjectValue(dict(sorted(entries.items()))))
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
    value = EVAL[type(expr)](expr, scope)
    sensitive = isinstance(value, Sensitive)
    if isinstance(value, Sensitive):
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


EVAL.update(
    {
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
        ast.Conditional: conditional,
        ast.TupleCons: _tuple,
        ast.ObjectCons: _object,
        ast.ForExpr: for_expression,
        ast.Splat: splat,
        ast.SplatItem: splat_item,
        ast.Call: call,
    }
)
