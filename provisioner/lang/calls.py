"""Function calls: finding the function, preparing its arguments, and saying exactly what was wrong with them."""

from __future__ import annotations

from typing import NoReturn

from ..model.diagnostics import Diagnostic, DiagnosticError, ValueInScope
from ..model.source import SourceRange
from . import ast
from .convert import ConversionError, convert
from .dispatch import EVAL
from .explain import fail
from .functions.registry import NAMES, REFUSED, Function, FunctionError, Param, lookup
from .scope import BudgetError, Scope
from .suggest import suggestion
from .types import DYNAMIC
from .values import (
    ListValue,
    MapValue,
    ObjectValue,
    Sensitive,
    SetValue,
    TupleValue,
    Value,
    deep_marked,
    is_null,
    length,
    mark,
    text,
    unmark_deep,
    weigh,
)


def call(expr: ast.Call, scope: Scope) -> Value:
    """The value of a function call."""
    name = expr.name.removeprefix("core::")
    if name in ("try", "can"):
        return _lazy(name, expr, scope)
    found = lookup(name)
    if found is None:
        _unknown(expr, name)
    scope.budget.spend(1)
    sources, values = _arguments(expr, found, scope)
    return _run(found, expr, sources, values, scope)


def _lazy(name: str, expr: ast.Call, scope: Scope) -> Value:
    sources = list(expr.args)
    given: list[Value] = []
    if expr.expand:
        given = _expand(sources.pop(), expr, _LAZY[name], scope)
    count = len(sources) + len(given)
    if name == "can" and count != 1:
        _check_count(expr, _LAZY[name], sources + list(expr.args[-1:]) * len(given))
    if not count:
        detail = 'Call to function "try" failed: at least one argument is required.'
        fail("E-FUNCTION", "Error in function call", detail, expr)
    errors: list[Diagnostic] = []
    for arg in sources:
        try:
            value = EVAL[type(arg)](arg, scope)
            return True if name == "can" else value
        except BudgetError:
            raise
        except DiagnosticError as err:
            if is_static(err):
                raise
            errors.extend(err.diagnostics)
    if name == "can":
        return bool(given)
    if given:
        return given[0]
    listed = "".join(f"\n- {d.summary}{_at(d)}\n  {d.detail}" for d in errors)
    detail = (
        'Call to function "try" failed: no expression succeeded:'
        f"{listed}\n\nAt least one expression must produce a successful result."
    )
    fail("E-FUNCTION", "Error in function call", detail, _name_range(expr), context=expr, about=expr, scope=scope)


_LAZY = {
    "can": Function("can", (Param("expression"),), lambda value: value),
    "try": Function("try", (), lambda *values: values, variadic=Param("expressions")),
}


def is_static(error: DiagnosticError) -> bool:
    """True when the program itself is wrong (an undeclared name, an unknown function), whatever its values are:
    neither `try` and `can` nor the arm of a conditional that is not chosen hide that."""
    return any(d.code in ("E-REFERENCE", "E-UNKNOWN-FUNCTION") for d in error.diagnostics)


def _at(diagnostic: Diagnostic) -> str:
    where = diagnostic.subject
    if where is None:
        return ""
    return f" (at {where.filename}:{where.start.line},{where.start.column}-{where.end.column})"


def _name_range(expr: ast.Call) -> SourceRange:
    return expr.source.range(expr.start, expr.name_end + 1)


def _unknown(expr: ast.Call, name: str) -> NoReturn:
    where = expr.source.range(expr.start, expr.name_end)
    reason = REFUSED.get(name)
    if reason is not None:
        detail = f'The function "{name}" is not available: {reason}.'
        fail("E-UNKNOWN-FUNCTION", "Function is not available", detail, where, context=expr)
    if "::" in expr.name:
        detail = (
            f'There is no function named "{expr.name}": providers define no functions. '
            'Only the built-in functions exist, with or without the prefix "core::".'
        )
        fail("E-UNKNOWN-FUNCTION", "Call to unknown function", detail, where, context=expr)
    detail = f'There is no function named "{expr.name}".{suggestion(name, NAMES)}'
    fail("E-UNKNOWN-FUNCTION", "Call to unknown function", detail, where, context=expr)


def _arguments(expr: ast.Call, found: Function, scope: Scope) -> tuple[list[ast.Expr], list[Value]]:
    """Argument expressions and their converted values, one for one."""
    sources = list(expr.args)
    expanded: list[Value] = []
    if expr.expand:
        last = sources.pop()
        expanded = _expand(last, expr, found, scope)
        sources.extend([last] * len(expanded))
    _check_count(expr, found, sources)
    _check_template(expr, found, sources)
    values: list[Value] = []
    errors: list[Diagnostic] = []
    plain = len(sources) - len(expanded)
    for i, source in enumerate(sources):
        param = _param(found, i)
        try:
            value = EVAL[type(source)](source, scope) if i < plain else expanded[i - plain]
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


def _check_count(expr: ast.Call, found: Function, sources: list[ast.Expr]) -> None:
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


def _check_template(expr: ast.Call, found: Function, sources: list[ast.Expr]) -> None:
    """`templatestring` takes only a reference: a template written in place would be evaluated twice."""
    if found.name != "templatestring":
        return
    at = source = sources[0]
    while isinstance(at, (ast.GetAttr, ast.Index)):
        at = at.target
    if isinstance(at, ast.Variable):
        return
    why = (
        "must be a direct reference to a single string from elsewhere, containing valid template syntax"
        if not isinstance(source, (ast.String, ast.Template, ast.TemplateWrap))
        else "templatestring is only for rendering templates retrieved dynamically from elsewhere, and so does not "
        "support providing a literal template; consider using a template string expression instead"
    )
    detail = f'Invalid value for "template" parameter: invalid template expression: {why}.'
    fail("E-ARGUMENT", "Invalid function argument", detail, source, context=expr)


def _param(found: Function, i: int) -> Param:
    if i < len(found.params):
        return found.params[i]
    assert found.variadic is not None
    return found.variadic


def _expand(last: ast.Expr, expr: ast.Call, found: Function, scope: Scope) -> list[Value]:
    value = EVAL[type(last)](last, scope)
    sensitive = isinstance(value, Sensitive)
    if isinstance(value, Sensitive):
        value = value.value
    if not isinstance(value, (TupleValue, ListValue, SetValue)):
        why = "must not be null" if is_null(value) else "must be of a tuple, list, or set type"
        detail = f"The expanding argument (indicated by ...) {why}."
        fail(
            "E-FUNCTION",
            "Invalid expanding argument value",
            detail,
            last,
            context=expr,
            about=last,
            scope=scope,
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
        if type(value) is str:
            if len(value) > 1000:
                scope.budget.spend(len(value) >> 6)
            continue
        param = _param(found, i)
        if not param.null and is_null(value):
            _bad_argument(found, expr, sources[i], param, "argument must not be null", scope)
        if not param.marked and deep_marked(value):
            sensitive = True
            values[i] = unmark_deep(value)
    for value in values:
        if type(value) in _CONTAINERS:
            scope.budget.spend(weigh(value) >> 6)
    try:
        result: Value = found.call(scope, *values) if found.scoped else found.call(*values)
    except FunctionError as err:
        at = err.argument
        # A message may quote what it was given, in whole or in part.
        reason = "the reason is withheld, because an argument is sensitive" if sensitive else str(err)
        if at is not None and at < len(sources):
            _bad_argument(found, expr, sources[at], _param(found, at), reason, scope)
        fail(
            "E-FUNCTION",
            "Error in function call",
            f'Call to function "{expr.name}" failed: {reason}.',
            _name_range(expr),
            context=expr,
            about=expr,
            scope=scope,
            values=_while(found),
        )
    if type(result) is str:
        if len(result) > 1000:
            scope.budget.spend(len(result) >> 4)
        result = text(result)
    else:
        scope.budget.spend((length(result) or 0) >> 2)
    return mark(result) if sensitive else result


_CONTAINERS = frozenset((TupleValue, ListValue, SetValue, MapValue, ObjectValue))
