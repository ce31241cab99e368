"""Modules and blocks as they exist once `for_each` and `count` are known, and the names their expressions see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..lang import ast
from ..lang.convert import ConversionError, convert
from ..lang.evaluate import evaluate
from ..lang.explain import values_in_scope
from ..lang.files import FileAccess
from ..lang.references import Reference
from ..lang.scope import Budget, Namespace, Scope
from ..lang.types import BOOL, NUMBER, STRING, Type
from ..lang.values import (
    BlockValue,
    MapValue,
    ObjectValue,
    SetValue,
    TupleValue,
    Value,
    deep_marked,
    is_null,
    mark,
    type_of,
    unmark,
)
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import SourceRange
from .files import Files
from .graph import Graph, Node, State
from .module import Declaration, Module, references_of
from .report import Report
from .schema import BLOCKS, VALUE_KINDS
from .text import problem
from .variables import Given, Variable

Key = str | int | None
MAX_INSTANCES: Final = 100_000
WHOLE_KINDS: Final = ("agent", "boundary", "control_owner", "tool")
_DROPPED: Final = "this"


def key_text(key: Key) -> str:
    """An instance key as an address writes it: `["a"]`, `[0]`, or nothing."""
    return "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"


class Exposed(Mapping[str, Value]):
    """What expressions may read of a block (`agent.x.name`), each computed when it is asked for."""

    __slots__ = ("_extra", "_names", "_read")

    def __init__(
        self, names: tuple[str, ...], read: Callable[[str], Value], extra: Mapping[str, Value] | None = None
    ) -> None:
        self._names = names
        self._read = read
        self._extra: Mapping[str, Value] = {} if extra is None else extra

    def __getitem__(self, name: str) -> Value:
        if name in self._names:
            return self._read(name)
        return self._extra[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names or name in self._extra

    def __iter__(self) -> Iterator[str]:
        yield from self._names
        yield from self._extra

    def __len__(self) -> int:
        return len(self._names) + len(self._extra)


class BlockInstance:
    """One domain block of one module instance. `name` is the default one; `value` stands for it in expressions."""

    __slots__ = ("_attributes", "address", "declaration", "key", "module", "name", "scope", "value")

    def __init__(self, module: ModuleInstance, declaration: Declaration, key: Key, each: Value) -> None:
        self.module = module
        self.declaration = declaration
        self.key = key
        own = f"{declaration.kind}.{declaration.label}" if declaration.label else declaration.kind
        self.address = f"{module.prefix}{own}{key_text(key)}"
        self.name = joined_name((*module.names, declaration.label, key))
        self.scope = repeated_scope(module.scope, key, each)
        self._attributes: dict[str, AttributeNode] = {}
        exposed = ("address", "name", *BLOCKS[declaration.kind].exposes)
        self.value = BlockValue(declaration.kind, self.address, Exposed(exposed, self._exposed), self)

    @property
    def range(self) -> SourceRange:
        return self.declaration.range

    def _exposed(self, name: str) -> Value:
        if name == "address":
            return self.address
        if name == "name" and name not in self.declaration.block.body.attributes:
            return self.name
        node = self._attributes.get(name)
        if node is None:
            node = self._attributes[name] = AttributeNode(self, name)
        value: Value = self.module.run.graph.value(node)
        return value


def joined_name(parts: tuple[Key, ...]) -> str:
    """A name from module keys, label and instance key; `this` says nothing and is dropped."""
    kept = [str(part) for part in parts if part not in (None, "", _DROPPED)]
    return "_".join(kept) or _DROPPED


def repeated_scope(scope: Scope, key: Key, each: Value) -> Scope:
    """The scope of one instance: `each` or `count` added."""
    if key is None:
        return scope
    if isinstance(key, int):
        return scope.child({"count": ObjectValue({"index": key})})
    return scope.child({"each": ObjectValue({"key": key, "value": each})})


@dataclass(eq=False)
class Run:
    """What all module instances of one load share. `exposed` names what each cloud's provider blocks show."""

    graph: Graph
    report: Report
    files: Files
    budget: Budget
    exposed: Mapping[str, Mapping[str, Type]]
    variables: dict[int, dict[str, Variable]]
    instances: int = 0

    def declared_variables(self, module: Module) -> dict[str, Variable]:
        """The module's variables, their types read once."""
        known = self.variables.get(id(module))
        if known is None:
            known = {name: Variable(d, self.report) for name, d in module.variables.items()}
            self.variables[id(module)] = known
        return known

    def count_instances(self, number: int, subject: SourceRange) -> None:
        """Refuse more instances than any workspace has. Raises DiagnosticError."""
        self.instances += number
        if self.instances > MAX_INSTANCES:
            detail = f"The configuration repeats blocks more than {MAX_INSTANCES} times. Split the workspace."
            raise DiagnosticError.of("E-BUDGET", "Too many instances", detail, subject)


class ModuleInstance:
    """One use of a module. `prefix` starts its addresses (`module.a["x"].`), `names` its blocks' default names."""

    def __init__(
        self,
        run: Run,
        module: Module,
        prefix: str = "",
        names: tuple[Key, ...] = (),
        given: Mapping[str, Given] | None = None,
        call: Call | None = None,
        providers: Mapping[str, Value] | None = None,
    ) -> None:
        self.run = run
        self.module = module
        self.prefix = prefix
        self.names = names
        self.call = call
        declared = run.declared_variables(module)
        self.variables = {name: VariableNode(self, v, (given or {}).get(name)) for name, v in declared.items()}
        self.locals = {name: LocalNode(self, name, attribute) for name, attribute in module.locals.items()}
        self.outputs = {name: OutputNode(self, name, block) for name, block in module.outputs.items()}
        self.calls = {name: ExpansionNode(self, declaration) for name, declaration in module.calls.items()}
        self.blocks: dict[str, dict[str, ExpansionNode]] = {
            kind: {label: ExpansionNode(self, declaration) for label, declaration in group.items()}
            for kind, group in module.blocks.items()
        }
        self.bodies: dict[int, BodyNode] = {}
        self.whole = {kind: WholeNode(self, kind) for kind in WHOLE_KINDS}
        self.providers = self._own_providers() if providers is None else dict(providers)
        self.scope = self._scope()

    def children(self) -> Iterator[ModuleInstance]:
        """The instances of the modules that this one calls; those whose expansion failed are left out."""
        for node in self.calls.values():
            if self.run.graph.settle(node):
                yield from node.value.values()

    def instances(self, kind: str) -> Iterator[BlockInstance]:
        """The instances of one kind of block in this module."""
        for node in self.blocks.get(kind, {}).values():
            if self.run.graph.settle(node):
                yield from node.value.values()

    def body(self, declaration: Declaration) -> BodyNode:
        """What the body of a block needs: settled once for all its instances."""
        node = self.bodies.get(id(declaration))
        if node is None:
            node = self.bodies[id(declaration)] = BodyNode(self, declaration)
        return node

    def evaluate(self, expr: ast.Expr, scope: Scope | None = None) -> Value:
        """The value of an expression whose needs are settled. Raises DiagnosticError."""
        if type(expr) is ast.String:
            return expr.value
        return evaluate(expr, self.scope if scope is None else scope)

    def nodes(self, references: list[Reference]) -> Iterator[Node]:
        """What these references need, as far as can be told before evaluating."""
        for reference in references:
            yield from self._nodes(reference)

    def _nodes(self, reference: Reference) -> Iterator[Node]:
        root, path = reference.root, reference.path
        first = path[0] if path else None
        node: Node | None
        if root == "var":
            node = self.variables.get(str(first))
            if node is not None:
                yield node
        elif root == "local":
            node = self.locals.get(str(first))
            if node is not None:
                yield node
        elif root == "module":
            yield from self._module_nodes(path)
        elif root in self.blocks:
            if first is None:
                if root in self.whole:
                    yield self.whole[root]
            elif (node := self.blocks[root].get(str(first))) is not None:
                yield node

    def _module_nodes(self, path: tuple[str | int, ...]) -> Iterator[Node]:
        call = self.calls.get(str(path[0])) if path else None
        if call is None:
            return
        yield call
        if call.state is not State.DONE:
            return
        instances: dict[Key, ModuleInstance] = call.value
        rest = path[1:]
        if None not in instances and rest:
            if rest[0] in instances:
                instances = {rest[0]: instances[rest[0]]}
            rest = rest[1:]
        for instance in instances.values():
            if rest and str(rest[0]) in instance.outputs:
                yield instance.outputs[str(rest[0])]
            elif not rest:
                yield from instance.outputs.values()

    def _own_providers(self) -> dict[str, Value]:
        return {key: self._provider(key, declaration) for key, declaration in self.module.providers.items()}

    def _provider(self, key: str, declaration: Declaration) -> BlockValue:
        types = self.run.exposed.get(declaration.label, {})
        nodes = {name: ProviderAttribute(self, declaration, name, ty) for name, ty in types.items()}
        graph = self.run.graph

        def read(name: str) -> Value:
            value: Value = graph.value(nodes[name])
            return value

        extra: dict[str, Value] = {}
        if key == declaration.label:
            aliases = (k for k in self.module.providers if k.startswith(f"{key}."))
            extra = {k.partition(".")[2]: self._provider(k, self.module.providers[k]) for k in aliases}
        return BlockValue("provider", f"provider.{key}", Exposed(tuple(nodes), read, extra), key)

    def _provider_value(self, name: str) -> Value:
        if name in self.providers:
            return self.providers[name]
        start = f"{name}."
        return ObjectValue({k.removeprefix(start): v for k, v in sorted(self.providers.items()) if k.startswith(start)})

    def _scope(self) -> Scope:
        graph = self.run.graph
        where = "the root module" if self.module.is_root else "this module"
        root = self.run.files.root
        variables: dict[str, Value | Namespace] = {
            "var": _namespace(graph, "var", self.variables, "input variable", where, 'variable "{}" {{}}'),
            "local": _namespace(graph, "local", self.locals, "local value", where, "locals {{ {} = … }}"),
            "module": Namespace("module", self._call_value, lambda: self.calls, _undeclared("module", where)),
            "provider": Namespace(
                "provider",
                self._provider_value,
                lambda: {key.partition(".")[0] for key in self.providers},
                self._no_provider,
            ),
            "path": ObjectValue(
                {
                    "cwd": ".",
                    "module": self.run.files.name(self.module.directory),
                    "root": ".",
                }
            ),
            "each": _absent("each", "for_each"),
            "count": _absent("count", "count"),
        }
        for kind in VALUE_KINDS:
            nodes = self.blocks.get(kind, {})
            variables[kind] = Namespace(
                kind,
                lambda label, nodes=nodes: _instances_value(graph.value(nodes[label])),  # type: ignore[misc]
                lambda nodes=nodes: nodes,  # type: ignore[misc]
                self._no_block(kind, where),
                whole=kind in WHOLE_KINDS,
            )
        return Scope(
            variables, files=FileAccess(self.module.directory, root, self.run.files.read), budget=self.run.budget
        )

    def _call_value(self, name: str) -> Value:
        instances: dict[Key, ModuleInstance] = self.run.graph.value(self.calls[name])
        values: dict[Key, Value] = {key: instance.output_object() for key, instance in instances.items()}
        return _keyed(values)

    def output_object(self) -> Value:
        """All outputs as one object."""
        graph = self.run.graph
        return ObjectValue({name: graph.value(node) for name, node in sorted(self.outputs.items())})

    def _no_provider(self, name: str) -> tuple[str, str]:
        if self.module.is_root:
            return (
                "Reference to undeclared provider",
                f'The root module declares no provider "{name}". Correct the name, or declare it.',
            )
        return "Reference to undeclared provider", (
            f'This module was given no provider "{name}". Pass it in the module block: providers = {{ {name} = … }}.'
        )

    def _no_block(self, kind: str, where: str) -> Callable[[str], tuple[str, str]]:
        if BLOCKS[kind].root_only and not self.module.is_root:
            return lambda label: (
                f"Reference to undeclared {kind}",
                f'{kind} "{label}" can only be declared in the root module. Pass it to this module through a variable '
                f"with type = {kind}.",
            )
        return _undeclared(kind, where)


def _undeclared(kind: str, where: str) -> Callable[[str], tuple[str, str]]:
    return lambda name: (
        f"Reference to undeclared {kind}",
        (f'A {kind} "{name}" has not been declared in {where}. Correct the name, or declare it.'),
    )


def _namespace(graph: Graph, name: str, nodes: Mapping[str, Node], noun: str, where: str, how: str) -> Namespace:
    def undeclared(missing: str) -> tuple[str, str]:
        article = "An" if noun[0] in "aeiou" else "A"
        return f"Reference to undeclared {noun}", (
            f'{article} {noun} with the name "{missing}" has not been declared in {where}. '
            f"Declare it with {how.format(missing)}."
        )

    return Namespace(name, lambda key: graph.value(nodes[key]), lambda: nodes, undeclared)


def _absent(name: str, argument: str) -> Namespace:
    def undeclared(_: str) -> tuple[str, str]:
        return f'Reference to "{name}" in context without {argument}', (
            f'The "{name}" object can be used only in blocks where the "{argument}" argument is set.'
        )

    def resolve(key: str) -> Value:
        raise KeyError(key)

    return Namespace(name, resolve, tuple, undeclared)


def _instances_value(instances: dict[Key, BlockInstance]) -> Value:
    return _keyed({key: instance.value for key, instance in instances.items()})


def _keyed(values: dict[Key, Value]) -> Value:
    """One value, an object by key, or a tuple by index."""
    if None in values:
        return values[None]
    if values and all(isinstance(key, int) for key in values):
        return TupleValue(tuple(values.values()))
    return ObjectValue({str(key): value for key, value in sorted(values.items(), key=lambda item: str(item[0]))})


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
            sensitive = _converted(self.module.evaluate(flag.expr), BOOL, flag.expr) is True
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
        return value if schema is None or schema.type != "string" else _converted(value, STRING, attribute.expr)


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
        return _converted(self.module.evaluate(attribute.expr), self.type, attribute.expr)


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


class ExpansionNode(Node):
    """The instances of one block or module call, by key."""

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
        yield from self.module.nodes(self.declaration.repetition_references)
        providers = self.declaration.block.body.attributes.get("providers")
        if self.declaration.kind == "module" and providers is not None:
            yield from self.module.nodes(references_of([providers.expr]))

    def compute(self) -> dict[Key, Any]:
        keys = self._keys()
        self.module.run.count_instances(len(keys), self.range)
        if self.declaration.kind == "module":
            return {key: self._module(key, each) for key, each in keys}
        return {key: BlockInstance(self.module, self.declaration, key, each) for key, each in keys}

    def _module(self, key: Key, each: Value) -> ModuleInstance:
        call = Call(self.module, self.declaration, repeated_scope(self.module.scope, key, each))
        label = self.declaration.label
        names = (*self.module.names, label if key is None else key if isinstance(key, str) else f"{label}_{key}")
        prefix = f"{self.module.prefix}module.{label}{key_text(key)}."
        child = self.module.module.children.get(label)
        if child is None:
            detail = "Its source has errors."
            raise DiagnosticError.of("E-MODULE", f"module.{label} cannot be read", detail, self.range)
        return ModuleInstance(self.module.run, child, prefix, names, call=call, providers=call.providers())

    def _keys(self) -> list[tuple[Key, Value]]:
        attribute = self.declaration.repetition
        if attribute is None:
            return [(None, None)]
        value = self.module.evaluate(attribute.expr)
        if attribute.name == "count":
            return [(index, None) for index in range(self._count(attribute.expr, value))]
        return self._each(attribute.expr, value)

    def _count(self, expr: ast.Expr, value: Value) -> int:
        if deep_marked(value):
            raise self._unsuitable("count", expr, "is sensitive, and the number of instances shows in every plan")
        number = _converted(value, NUMBER, expr)
        if is_null(number):
            raise self._unsuitable("count", expr, "is null; a whole number is required")
        if not isinstance(number, int) or number < 0:
            raise self._unsuitable("count", expr, "must be a whole number, zero or more")
        if number > MAX_INSTANCES:
            self.module.run.count_instances(number, expr.range)
        return number

    def _each(self, expr: ast.Expr, value: Value) -> list[tuple[Key, Value]]:
        if deep_marked(value) and (unmark(value) is not value or not isinstance(value, MapValue | ObjectValue)):
            raise self._unsuitable(
                "for_each",
                expr,
                "is sensitive, and the keys of instances show in every plan; use nonsensitive() "
                "where the keys are not secret",
            )
        if is_null(value):
            raise self._unsuitable("for_each", expr, "is null; use a map, or set of strings, and {} for none")
        found: dict[str, Value]
        if isinstance(value, MapValue | ObjectValue):
            found = value.entries
        elif isinstance(value, SetValue) and (value.element is STRING or not value.items):
            if any(not isinstance(item, str) for item in value.items):
                raise self._unsuitable("for_each", expr, "is a set that holds a null; every key must be a string")
            found = {str(item): item for item in value.items}
        else:
            have = type_of(value).friendly
            fix = "; write toset([…]) around a list of strings" if isinstance(value, TupleValue) else ""
            raise self._unsuitable("for_each", expr, f"is of type {have}, and must be a map or a set of strings{fix}")
        for key in found:
            wrong = problem(key)
            if wrong is not None or key == "":
                why = "it is empty" if wrong is None else wrong
                raise self._unsuitable("for_each", expr, f"has a key that cannot stand in an address: {why}")
        return list(found.items())

    def _unsuitable(self, argument: str, expr: ast.Expr, why: str) -> DiagnosticError:
        return DiagnosticError(
            [
                Diagnostic(
                    "E-REPEAT",
                    f"Invalid {argument} argument",
                    f'The given "{argument}" argument value {why}.',
                    subject=expr.range,
                    values=values_in_scope(expr, self.module.scope),
                )
            ]
        )


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


def _converted(value: Value, ty: Type, expr: ast.Expr) -> Value:
    try:
        return convert(value, ty)
    except ConversionError as error:
        detail = f"Inappropriate value: {error.located}. Write a value of type {ty.constraint}."
        raise DiagnosticError.of("E-TYPE", "Incorrect attribute value type", detail, expr.range) from error
