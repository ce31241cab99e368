"""What a module instance computes: variables, locals, outputs, attributes that expressions read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..lang import ast
from ..lang.convert import ConversionError, convert
from ..lang.evaluate import evaluate
from ..lang.scope import Scope
from ..lang.types import BOOL, STRING, Type
from ..lang.values import Value, deep_marked, mark
from ..model.diagnostics import DiagnosticError
from ..model.source import SourceRange
from .graph import Node
from .module import Declaration, references_of
from .schema import BLOCKS
from .variables import Given, Variable

if TYPE_CHECKING:
    from .instances import BlockInstance, ModuleInstance


class VariableNode(Node):
    """The value of one variable in one module instance."""

    __slots__ = ("given", "module", "variable")

    def __init__(self, module: ModuleInstance, variable: Variable, given: Given | None) -> None:
        super().__init__()
        self.module = module
        self.variable = variable
        self.given = given

    @property
    def title(self) -> str:
        return f"{self.module.prefix}var.{self.variable.name}"

    @property
    def range(self) -> SourceRange:
        return self.variable.range

    def needs(self) -> Iterator[Node]:
        call = self.module.call
        argument = None if call is None else call.argument(self.variable.name)
        if call is not None and argument is not None:
            yield from call.parent.nodes(references_of([argument.expr]))

    def compute(self) -> Value:
        variable = self.variable
        if variable.failures:
            raise DiagnosticError(variable.failures)
        call = self.module.call
        if call is not None:
            argument = call.argument(variable.name)
            if argument is not None:
                value = call.parent.evaluate(argument.expr, call.scope)
                return variable.accept(value, argument.expr.range)
            if variable.default is None:
                raise call.missing(variable)
        elif self.given is not None:
            if self.given.source is not None:
                return variable.from_text(self.given.text or "", self.given.source)
            assert self.given.expr is not None
            return variable.accept(evaluate(self.given.expr, Scope({})), self.given.expr.range)
        elif variable.default is None:
            raise variable.missing()
        return variable.from_default()


class LocalNode(Node):
    """The value of one local in one module instance."""

    __slots__ = ("attribute", "module", "name")

    def __init__(self, module: ModuleInstance, name: str, attribute: ast.Attribute) -> None:
        super().__init__()
        self.module = module
        self.name = name
        self.attribute = attribute

    @property
    def title(self) -> str:
        return f"{self.module.prefix}local.{self.name}"

    @property
    def range(self) -> SourceRange:
        return self.attribute.range

    def needs(self) -> Iterator[Node]:
        return self.module.nodes(references_of([self.attribute.expr]))

    def compute(self) -> Value:
        return self.module.evaluate(self.attribute.expr)


class OutputNode(Node):
    """The value of one output in one module instance."""

    __slots__ = ("block", "module", "name")

    def __init__(self, module: ModuleInstance, name: str, block: ast.Block) -> None:
        super().__init__()
        self.module = module
        self.name = name
        self.block = block

    @property
    def title(self) -> str:
        return f"{self.module.prefix}output.{self.name}"

    @property
    def range(self) -> SourceRange:
        return self.block.header

    def needs(self) -> Iterator[Node]:
        attributes = self.block.body.attributes.values()
        return self.module.nodes(references_of(attribute.expr for attribute in attributes))

    def compute(self) -> Value:
        attributes = self.block.body.attributes
        attribute = attributes.get("value")
        if attribute is None:
            detail = "It has no value argument."
            raise DiagnosticError.of("E-REQUIRED", "Missing required argument", detail, self.range)
        value = self.module.evaluate(attribute.expr)
        flag = attributes.get("sensitive")
        sensitive = False
        if flag is not None:
            sensitive = converted(self.module.evaluate(flag.expr), BOOL, flag.expr) is True
        if sensitive:
            return mark(value)
        if self.module.module.is_root and deep_marked(value):
            detail = (
                "The value of this output comes from a sensitive value. If showing that it exists is wanted, add "
                "sensitive = true."
            )
            raise DiagnosticError.of("E-SENSITIVE", "Output refers to sensitive values", detail, attribute.expr.range)
        return value


class AttributeNode(Node):
    """One attribute of a block that some expression reads."""

    __slots__ = ("instance", "name")

    def __init__(self, instance: BlockInstance, name: str) -> None:
        super().__init__()
        self.instance = instance
        self.name = name

    @property
    def title(self) -> str:
        return f"{self.instance.address}.{self.name}"

    @property
    def _attribute(self) -> ast.Attribute | None:
        return self.instance.declaration.block.body.attributes.get(self.name)

    @property
    def range(self) -> SourceRange:
        attribute = self._attribute
        return self.instance.range if attribute is None else attribute.range

    def needs(self) -> Iterator[Node]:
        attribute = self._attribute
        exprs = [] if attribute is None else [attribute.expr]
        return self.instance.module.nodes(references_of(exprs))

    def compute(self) -> Value:
        instance = self.instance
        schema = BLOCKS[instance.declaration.kind].schema.attributes.get(self.name)
        attribute = self._attribute
        if attribute is None:
            default = None if schema is None else schema.default
            return default if isinstance(default, str) else None
        value = instance.module.evaluate(attribute.expr, instance.scope)
        return value if schema is None or schema.type != "string" else converted(value, STRING, attribute.expr)


class ProviderAttribute(Node):
    """One attribute of a provider block that some expression reads."""

    __slots__ = ("declaration", "module", "name", "type")

    def __init__(self, module: ModuleInstance, declaration: Declaration, name: str, ty: Type) -> None:
        super().__init__()
        self.module = module
        self.declaration = declaration
        self.name = name
        self.type = ty

    @property
    def title(self) -> str:
        return f"provider.{self.declaration.label}.{self.name}"

    @property
    def range(self) -> SourceRange:
        attribute = self.declaration.block.body.attributes.get(self.name)
        return self.declaration.range if attribute is None else attribute.range

    def needs(self) -> Iterator[Node]:
        attribute = self.declaration.block.body.attributes.get(self.name)
        return self.module.nodes(references_of([] if attribute is None else [attribute.expr]))

    def compute(self) -> Value:
        attribute = self.declaration.block.body.attributes.get(self.name)
        if attribute is None:
            return None
        return converted(self.module.evaluate(attribute.expr), self.type, attribute.expr)


class WholeNode(Node):
    """Every block of one kind, for `tool[each.value]` and `keys(agent)`."""

    __slots__ = ("kind", "module")

    def __init__(self, module: ModuleInstance, kind: str) -> None:
        super().__init__()
        self.module = module
        self.kind = kind

    @property
    def title(self) -> str:
        return f"{self.module.prefix}{self.kind}"

    def needs(self) -> Iterator[Node]:
        return iter(self.module.blocks.get(self.kind, {}).values())

    def compute(self) -> None:
        return None


class BodyNode(Node):
    """What the body of a block needs, so that decoding an instance only evaluates."""

    __slots__ = ("declaration", "module")

    def __init__(self, module: ModuleInstance, declaration: Declaration) -> None:
        super().__init__()
        self.module = module
        self.declaration = declaration

    @property
    def title(self) -> str:
        return f"{self.module.prefix}{self.declaration.kind}.{self.declaration.label}"

    @property
    def range(self) -> SourceRange:
        return self.declaration.range

    def needs(self) -> Iterator[Node]:
        return self.module.nodes(self.declaration.body_references)

    def compute(self) -> None:
        return None


def converted(value: Value, ty: Type, expr: ast.Expr) -> Value:
    """`value` as a type. Raises DiagnosticError about the expression that it came from."""
    try:
        return convert(value, ty)
    except ConversionError as error:
        detail = f"Inappropriate value: {error.located}. Write a value of type {ty.constraint}."
        raise DiagnosticError.of("E-TYPE", "Incorrect attribute value type", detail, expr.range) from error
