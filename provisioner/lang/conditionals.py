"""`condition ? then : otherwise`: which arm, and the type that both arms have in common."""

from __future__ import annotations

from ..model.diagnostics import DiagnosticError
from . import ast
from .calls import is_static
from .convert import ConversionError, convert, unify
from .dispatch import EVAL
from .explain import fail
from .scope import BudgetError, Scope
from .types import BOOL, DYNAMIC, ObjectType, TupleType, Type, is_collection
from .values import Sensitive, Value, is_null, mark, null_of, type_of


def condition(expr: ast.Expr, whole: ast.Expr, scope: Scope) -> tuple[bool, bool]:
    """The truth of a condition, and whether it is sensitive."""
    value = EVAL[type(expr)](expr, scope)
    if value is True or value is False:
        return value, False
    sensitive = isinstance(value, Sensitive)
    if isinstance(value, Sensitive):
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
        return EVAL[type(expr)](expr, scope), None
    except BudgetError:
        raise
    except DiagnosticError as err:
        if is_static(err):
            raise
        return None, err


def conditional(expr: ast.Conditional, scope: Scope) -> Value:
    # Both arms are evaluated, since the result has a type that both can become; errors count in the chosen arm only.
    chosen, sensitive = condition(expr.condition, expr, scope)
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
            f"The true and false result expressions must have consistent types. {_describe_mismatch(left, right)}.",
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
