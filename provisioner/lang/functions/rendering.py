"""Templates that are data: `templatefile` and `templatestring`."""

from __future__ import annotations

from ...model.diagnostics import Diagnostic, DiagnosticError
from ...model.source import Source
from ..identifiers import is_identifier
from ..parser import parse_template
from ..references import references
from ..scope import BudgetError, Namespace, Scope
from ..values import MapValue, ObjectValue, Value
from .registry import FunctionError

_GUARD = "*template"


def render(template: str, filename: str, variables: Value, scope: Scope, nested: bool = False) -> Value:
    """The value of a template that sees only `variables`. Raises FunctionError with what is wrong inside.

    A template file may not call `templatefile` again (`nested`), so that no file includes itself.
    """
    if not isinstance(variables, (ObjectValue, MapValue)):
        raise FunctionError("invalid vars value: must be a map", 1)
    for name in variables.entries:
        if not is_identifier(name):
            raise FunctionError(
                f'invalid template variable name "{name}": must start with a letter, followed by zero or more '
                "letters, digits, and underscores",
                1,
            )
    expr, diagnostics = parse_template(Source(filename, template))
    if expr is None or any(d.is_error for d in diagnostics):
        raise FunctionError(_listed(diagnostics), 0)
    for reference in references(expr):
        if reference.root not in variables.entries:
            raise FunctionError(
                f'vars map does not contain key "{reference.root}", referenced at {_where(reference.expr.range)}', 1
            )
    from ..evaluate import evaluate  # evaluate imports the functions

    names: dict[str, Value | Namespace] = dict(variables.entries)
    if nested:
        names[_GUARD] = True
    try:
        return evaluate(expr, Scope(names, files=scope.files, budget=scope.budget))
    except BudgetError:
        raise
    except DiagnosticError as err:
        raise FunctionError(_listed(err.diagnostics)) from err


def inside_template(scope: Scope) -> bool:
    """True while a template file is being rendered."""
    at: Scope | None = scope
    while at is not None:
        if _GUARD in at.variables:
            return True
        at = at.parent
    return False


def _where(where: object) -> str:
    from ...model.source import SourceRange  # only on the way to an error

    assert isinstance(where, SourceRange)
    start, end = where.start, where.end
    tail = f"{end.column}" if start.line == end.line else f"{end.line},{end.column}"
    return f"{where.filename}:{start.line},{start.column}-{tail}"


def _listed(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> str:
    first = next(d for d in diagnostics if d.is_error)
    where = f"{_where(first.subject)}: " if first.subject else ""
    more = len(diagnostics) - 1
    others = f", and {more} other error{'s' if more > 1 else ''}" if more else ""
    return f"{where}{first.summary}; {first.detail.rstrip('.')}{others}"
