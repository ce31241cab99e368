"""Function calls: finding the function, preparing its arguments, and saying exactly what was wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ..model.diagnostics import Diagnostic, DiagnosticError, ValueInScope
from . import ast
from .convert import ConversionError, convert
from .explain import fail
from .functions.registry import NAMES, REFUSED, Function, FunctionError, Param, lookup
from .scope import BudgetError, Scope
from .suggest import suggestion
from .types import DYNAMIC
from .values import (
    ListValue,
    Sensitive,
    SetValue,
    TupleValue,
    Value,
    deep_marked,
    is_null,
    length,
    mark,
    unmark_deep,
)

Evaluators = Mapping[type, Callable[[Any, Scope], Value]]


def call(expr: ast.Call, scope: Scope, evaluators: Evaluators) -> Value:
    """The value of a function call."""
    name = expr.name.removeprefix("core::")
    if name in ("try", "can"):
        return _lazy(name, expr, scope, evaluators)
    found = lookup(name)
    if found is None:
        _unknown(expr, name)
    scope.budget.spend(1)
    sources, values = _arguments(expr, found, scope, evaluators)
    return _run(found, expr, sources, values, scope)


def _lazy(name: str, expr: ast.Call, scope: Scope, evaluators: Evaluators) -> Value:
    if name == "can":
        if len(expr.args) != 1 or expr.expand:
            _count(expr, '"can" expects exactly 1 argument.', "Too many function arguments", scope)
        arg = expr.args[0]
        try:
            evaluators[type(arg)](arg, scope)
        except BudgetError:
            raise
        except DiagnosticError:
            return False
        return True
    errors: list[Diagnostic] = []
    if not expr.args or expr.expand:
        detail = 'Call to function "try" failed: at least one argument is required.'
        fail("E-FUNCTION", "Error in function call", detail, expr)
    for arg in expr.args:
        try:
            return evaluators[type(arg)](arg, scope)
        except BudgetError:
            raise
        except DiagnosticError as err:
            errors.extend(err.diagnostics)
    listed = "".join(
        f"\n- {d.subject or ''}: {d.summary}: {d.detail}" if d.subject else f"\n- {d.summary}: {d.detail}"
        for d in errors
    )
    detail = (
        'Call to function "try" failed: no expression succeeded:'
        f"{listed}\n\nAt least one expression must produce a successful result."
    )
    fail("E-FUNCTION", "Error in function call", detail, _name_range(expr), context=expr, about=expr, scope=scope)


def _name_range(expr: ast.Call) -> Any:
    return expr.source.range(expr.start, expr.name_end + 1)


def _count(expr: ast.Call, detail: str, summary: str, scope: Scope) -> NoReturn:
    fail("E-FUNCTION", summary, f"Function {detail}", expr, about=expr, scope=scope)


def _unknown(expr: ast.Call, name: str) -> NoReturn:
    where = expr.source.range(expr.start, expr.name_end)
    reason = REFUSED.get(name)
    if reason is not None:
        detail = f'The function "{name}" is not available: {reason}.'
        fail("E-FUNCTION", "Function is not available", detail, where, context=expr)
    if "::" in expr.name:
        detail = (
            f'There is no function named "{expr.name}": providers define no functions. '
            'Only the built-in functions exist, with or without the prefix "core::".'
        )
        fail("E-FUNCTION", "Call to unknown function", detail, where, context=expr)
    detail = f'There is no function named "{expr.name}".{suggestion(name, NAMES)}'
    fail("E-FUNCTION", "Call to unknown function", detail, where, context=expr)


def _arguments(
    expr: ast.Call, found: Function, scope: Scope, evaluators: Evaluators
) -> tuple[list[ast.Expr], list[Value]]:
    """Argument expressions and their converted values, one for one."""
    sources = list(expr.args)
    expanded: list[Value] = []
    if expr.expand:
        last = sources.pop()
        expanded = _expand(last, expr, found, scope, evaluators)
        sources.extend([last] * len(expanded))
    fixed, given = len(found.params), len(sources)
    if given < fixed:
        least = " at least" if found.variadic is not None else ""
        detail = (
            f'Function "{expr.name}" expects{least} {fixed} argument(s). '
            f'Missing value for "{found.params[given].name}".'
        )
        where = expr.source.range(expr.end - 1, expr.end)
        fail("E-FUNCTION", "Not enough function arguments", detail, where, context=expr)
    if found.variadic is None and given > fixed:
        detail = f'Function "{expr.name}" expects only {fixed} argument(s).'
        fail("E-FUNCTION", "Too many function arguments", detail, sources[fixed], context=expr)
    values: list[Value] = []
    errors: list[Diagnostic] = []
    plain = given - len(expanded)
    for i, source in enumerate(sources):
        param = _param(found, i)
        try:
            value = evaluators[type(source)](source, scope) if i < plain else expanded[i - plain]
            if param.type is not DYNAMIC:
                value = convert(value, param.type)
            values.append(value)
        except BudgetError:
            raise
        except DiagnosticError as err:
            errors.extend(err.diagnostics)
        except ConversionError as err:
            try:
                _bad_argument(found, expr, source, param, str(err), scope)
            except DiagnosticError as made:
                errors.extend(made.diagnostics)
    if errors:
        raise DiagnosticError(errors)
    return sources, values


def _param(found: Function, i: int) -> Param:
    if i < len(found.params):
        return found.params[i]
    assert found.variadic is not None
    return found.variadic


def _expand(
    last: ast.Expr, expr: ast.Call, found: Function, scope: Scope, evaluators: Evaluators
) -> list[Value]:
    value = evaluators[type(last)](last, scope)
    sensitive = isinstance(value, Sensitive)
    if isinstance(value, Sensitive):
        value = value.value
    if not isinstance(value, (TupleValue, ListValue, SetValue)):
        why = "must not be null" if is_null(value) else "must be of a tuple, list, or set type"
        detail = f"The expanding argument (indicated by ...) {why}."
        fail(
            "E-FUNCTION", "Invalid expanding argument value", detail, last, context=expr, about=last, scope=scope,
            values=_while(found),
        )
    return [mark(item) if sensitive else item for item in value.items]


def _while(found: Function) -> tuple[ValueInScope, ...]:
    return (ValueInScope("while calling", found.signature),)


def _bad_argument(
    found: Function, expr: ast.Call, source: ast.Expr, param: Param, reason: str, scope: Scope
) -> NoReturn:
    fail(
        "E-ARGUMENT",
        "Invalid function argument",
        f'Invalid value for "{param.name}" parameter: {reason}.',
        source,
        context=expr,
        about=source,
        scope=scope,
        values=_while(found),
    )


def _run(found: Function, expr: ast.Call, sources: list[ast.Expr], values: list[Value], scope: Scope) -> Value:
    sensitive = False
    for i, value in enumerate(values):
        kind = type(value)
        if kind is str:
            continue
        param = _param(found, i)
        if not param.null and is_null(value):
            _bad_argument(found, expr, sources[i], param, "argument must not be null", scope)
        if not param.marked and deep_marked(value):
            sensitive = True
            values[i] = unmark_deep(value)
    try:
        result: Value = found.call(scope, *values) if found.scoped else found.call(*values)
    except FunctionError as err:
        at = err.argument
        if at is not None and at < len(sources):
            _bad_argument(found, expr, sources[at], _param(found, at), str(err), scope)
        fail(
            "E-FUNCTION",
            "Error in function call",
            f'Call to function "{expr.name}" failed: {err}.',
            _name_range(expr),
            context=expr,
            about=expr,
            scope=scope,
            values=_while(found),
        )
    scope.budget.spend((length(result) or 0) >> 2)
    return mark(result) if sensitive else result
