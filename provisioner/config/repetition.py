"""`for_each` and `count`: from a value to the keys of instances, by Terraform's rules."""

from __future__ import annotations

from typing import Final

from ..lang import ast
from ..lang.explain import values_in_scope
from ..lang.scope import Scope
from ..lang.types import NUMBER, STRING
from ..lang.values import MapValue, ObjectValue, SetValue, TupleValue, Value, deep_marked, is_null, type_of, unmark
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import SourceRange
from .names import Key
from .nodes import converted
from .text import problem

MAX_INSTANCES: Final = 100_000


def keyed(values: dict[Key, Value]) -> Value:
    """One value, an object by key, or a tuple by index."""
    if None in values:
        return values[None]
    if values and all(isinstance(key, int) for key in values):
        return TupleValue(tuple(values.values()))
    return ObjectValue({str(key): value for key, value in sorted(values.items(), key=lambda item: str(item[0]))})


def repeat(attribute: ast.Attribute, value: Value, scope: Scope) -> list[tuple[Key, Value]]:
    """Keys of the instances, each with its `each.value`. Raises DiagnosticError (E-REPEAT).

    `attribute` is the `for_each` or `count` argument, `value` what it came to in `scope`.
    """
    if attribute.name == "count":
        return [(index, None) for index in range(_count(attribute.expr, value, scope))]
    return _each(attribute.expr, value, scope)


def _count(expr: ast.Expr, value: Value, scope: Scope) -> int:
    if deep_marked(value):
        raise _unsuitable("count", expr, scope, "is sensitive, and the number of instances shows in every plan")
    number = converted(value, NUMBER, expr)
    if is_null(number):
        raise _unsuitable("count", expr, scope, "is null; a whole number is required")
    if not isinstance(number, int) or number < 0:
        raise _unsuitable("count", expr, scope, "must be a whole number, zero or more")
    if number > MAX_INSTANCES:
        raise too_many(expr.range)
    return number


def _each(expr: ast.Expr, value: Value, scope: Scope) -> list[tuple[Key, Value]]:
    if deep_marked(value) and (unmark(value) is not value or not isinstance(value, MapValue | ObjectValue)):
        raise _unsuitable(
            "for_each",
            expr,
            scope,
            "is sensitive, and the keys of instances show in every plan; use nonsensitive() "
            "where the keys are not secret",
        )
    if is_null(value):
        raise _unsuitable("for_each", expr, scope, "is null; use a map, or set of strings, and {} for none")
    found: dict[str, Value]
    if isinstance(value, MapValue | ObjectValue):
        found = value.entries
    elif isinstance(value, SetValue) and (value.element is STRING or not value.items):
        if any(not isinstance(item, str) for item in value.items):
            raise _unsuitable("for_each", expr, scope, "is a set that holds a null; every key must be a string")
        found = {str(item): item for item in value.items}
    else:
        have = type_of(value).friendly
        fix = "; write toset([…]) around a list of strings" if isinstance(value, TupleValue) else ""
        raise _unsuitable("for_each", expr, scope, f"is of type {have}, and must be a map or a set of strings{fix}")
    for key in found:
        wrong = problem(key)
        if wrong is not None or key == "":
            why = "it is empty" if wrong is None else wrong
            raise _unsuitable("for_each", expr, scope, f"has a key that cannot stand in an address: {why}")
    return list(found.items())


def _unsuitable(argument: str, expr: ast.Expr, scope: Scope, why: str) -> DiagnosticError:
    return DiagnosticError(
        [
            Diagnostic(
                "E-REPEAT",
                f"Invalid {argument} argument",
                f'The given "{argument}" argument value {why}.',
                subject=expr.range,
                values=values_in_scope(expr, scope),
            )
        ]
    )


def too_many(subject: SourceRange) -> DiagnosticError:
    """The error for more instances than any workspace has."""
    detail = f"The configuration repeats blocks more than {MAX_INSTANCES} times. Split the workspace."
    return DiagnosticError.of("E-BUDGET", "Too many instances", detail, subject)
