"""Module blocks: where a child's inputs and providers come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lang import ast
from ..lang.scope import Scope
from ..lang.values import (
    BlockValue,
    Value,
)
from ..model.diagnostics import DiagnosticError
from .module import Declaration
from .variables import Variable

if TYPE_CHECKING:
    from .instances import ModuleInstance


class Call:
    """A module block of one parent instance: where a child's inputs and providers come from."""

    __slots__ = ("declaration", "parent", "scope")

    def __init__(self, parent: ModuleInstance, declaration: Declaration, scope: Scope) -> None:
        self.parent = parent
        self.declaration = declaration
        self.scope = scope

    def argument(self, name: str) -> ast.Attribute | None:
        """The expression given for a variable."""
        return self.declaration.block.body.attributes.get(name)

    def missing(self, variable: Variable) -> DiagnosticError:
        """The error for a required variable that the call does not set."""
        detail = (
            f'The argument "{variable.name}" is required by this module (declared at {variable.range}), but no '
            "definition was found. Add it to the module block."
        )
        return DiagnosticError.of("E-REQUIRED", "Missing required argument", detail, self.declaration.range)

    def providers(self) -> dict[str, Value]:
        """The providers that the child sees: those passed, or else the default one of each cloud."""
        attribute = self.declaration.block.body.attributes.get("providers")
        if attribute is None:
            return {key: value for key, value in self.parent.providers.items() if "." not in key}
        if not isinstance(attribute.expr, ast.ObjectCons):
            detail = "providers is an object written out: providers = { aws = provider.aws.prod }."
            raise DiagnosticError.of("E-TYPE", "Invalid providers argument", detail, attribute.expr.range)
        found: dict[str, Value] = {}
        for item in attribute.expr.items:
            key = _provider_key(item.key)
            value = self.parent.evaluate(item.value, self.scope)
            if not isinstance(value, BlockValue) or value.kind != "provider":
                detail = "Each value is a provider block: provider.aws, or provider.aws.prod for one with an alias."
                raise DiagnosticError.of("E-TYPE", "Invalid providers argument", detail, item.value.range)
            if key is None or key.partition(".")[0] != str(value.payload).partition(".")[0]:
                detail = (
                    "Each key is the cloud's name, alone or with the alias that the module uses, and the value is a "
                    "provider of that cloud: providers = { aws.audit = provider.aws.prod }."
                )
                raise DiagnosticError.of("E-TYPE", "Invalid providers argument", detail, item.key.range)
            found[key] = value
        return found


def _provider_key(expr: ast.Expr) -> str | None:
    if isinstance(expr, ast.Variable):
        return expr.name
    if isinstance(expr, ast.String):
        return expr.value
    if isinstance(expr, ast.GetAttr) and isinstance(expr.target, ast.Variable):
        return f"{expr.target.name}.{expr.name}"
    return None
