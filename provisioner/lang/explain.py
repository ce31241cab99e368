"""Errors of evaluation: a diagnostic with its range and the values in scope that matter, as Terraform words them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import NoReturn

from ..model.diagnostics import Diagnostic, DiagnosticError, ValueInScope
from ..model.source import SourceRange
from . import arithmetic, ast
from .identifiers import is_identifier
from .references import Reference, references
from .scope import Namespace, Scope
from .types import ObjectType
from .values import (
    BlockValue,
    ListValue,
    MapValue,
    ObjectValue,
    Sensitive,
    TupleValue,
    Value,
    is_null,
    length,
    type_of,
)


def fail(
    code: str,
    summary: str,
    detail: str,
    subject: ast.Node | SourceRange,
    *,
    context: ast.Node | None = None,
    about: ast.Expr | None = None,
    scope: Scope | None = None,
    values: tuple[ValueInScope, ...] = (),
) -> NoReturn:
    """Raise one error. The values shown are those that `about` refers to in `scope`, after `values`."""
    if about is not None and scope is not None:
        values = (*values, *values_in_scope(about, scope))
    where = subject.range if isinstance(subject, ast.Node) else subject
    around = context.range if context is not None else None
    raise DiagnosticError([Diagnostic(code, summary, detail, subject=where, context=around, values=values)])


def values_in_scope(expr: ast.Expr, scope: Scope) -> tuple[ValueInScope, ...]:
    """What the references of `expr` stand for: `each.key` «is "a"». Sensitive values are left out."""
    found: dict[str, ValueInScope] = {}
    for reference in references(expr):
        resolved = _resolve(reference, scope)
        if resolved is None:
            continue
        traversal, value = resolved
        if not isinstance(value, Sensitive):
            found.setdefault(traversal, ValueInScope(traversal, f"is {compact(value)}"))
    return tuple(found[name] for name in sorted(found))


def _resolve(reference: Reference, scope: Scope) -> tuple[str, Value] | None:
    """The longest part of a reference that has a value, and that value."""
    at: Value | Namespace = None
    holder: Scope | None = scope
    while holder is not None and reference.root not in holder.variables:
        holder = holder.parent
    if holder is None:
        return None
    at = holder.variables[reference.root]
    traversal = reference.root
    for step in reference.path:
        if isinstance(at, Namespace):
            if not isinstance(step, str) or not at.has(step):
                break
            try:
                at = at.get(step)
            except DiagnosticError:  # its own error is reported where it is declared
                break
        else:
            inner, ok = _step(at, step)
            if not ok:
                break
            at = inner
        traversal += f".{step}" if isinstance(step, str) and is_identifier(step) else f"[{json.dumps(step)}]"
    return None if isinstance(at, Namespace) else (traversal, at)


def _step(value: Value, step: str | int) -> tuple[Value, bool]:
    if isinstance(value, (ObjectValue, MapValue)) and str(step) in value.entries:
        return value.entries[str(step)], True
    if isinstance(value, BlockValue) and step in value.attributes:
        return value.attributes[str(step)], True
    if isinstance(value, (TupleValue, ListValue)) and isinstance(step, int) and 0 <= step < len(value.items):
        return value.items[step], True
    return None, False


def compact(value: Value) -> str:
    """A value in one short line: primitives whole, the rest by type and size."""
    if isinstance(value, Sensitive):
        return "(sensitive value)"
    if is_null(value):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return arithmetic.general(value, 10)
    if isinstance(value, str):
        shown = value if len(value) <= 200 else value[:200] + "…"
        return json.dumps(shown, ensure_ascii=False)
    if isinstance(value, BlockValue):
        return f"{value.kind} {value.address}"
    ty = type_of(value)
    count = length(value)
    if isinstance(ty, ObjectType):
        if not count:
            return "object with no attributes"
        if count == 1:
            return f'object with 1 attribute "{next(iter(ty.attributes))}"'
        return f"object with {count} attributes"
    if count is None:
        return ty.friendly
    if count == 0:
        return f"empty {ty.friendly}"
    return f"{ty.friendly} with {count} element{'' if count == 1 else 's'}"
