"""Modules and blocks as they exist once `for_each` and `count` are known, and the names their expressions see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..lang import ast
from ..lang.evaluate import evaluate
from ..lang.files import FileAccess
from ..lang.references import Reference
from ..lang.scope import Budget, Namespace, Scope
from ..lang.types import Type
from ..lang.values import (
    BlockValue,
    ObjectValue,
    Value,
)
from ..model.diagnostics import DiagnosticError
from ..model.source import SourceRange
from .calls import Call
from .files import Files
from .graph import Graph, Node, State
from .module import Declaration, Module, references_of
from .moved import MODULE, MOVABLE, Address
from .moves import Moves
from .names import Key, joined_name, key_text, module_name
from .nodes import AttributeNode, BodyNode, LocalNode, OutputNode, ProviderAttribute, VariableNode, WholeNode
from .repetition import MAX_INSTANCES, keyed, repeat, too_many
from .report import Report
from .schema import BLOCKS, VALUE_KINDS
from .scopes import absent, namespace, undeclared
from .variables import Given, Variable

WHOLE_KINDS: Final = ("agent", "boundary", "control_owner", "tool")


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
        self.name = self._default_name()
        self.scope = repeated_scope(module.scope, key, each)
        self._attributes: dict[str, AttributeNode] = {}
        exposed = ("address", "name", *BLOCKS[declaration.kind].exposes)
        self.value = BlockValue(declaration.kind, self.address, Exposed(exposed, self._exposed), self)

    @property
    def range(self) -> SourceRange:
        return self.declaration.range

    def _default_name(self) -> str:
        module, declaration = self.module, self.declaration
        if not module.run.moves.any or declaration.kind not in MOVABLE:
            return joined_name((*module.names, declaration.label, self.key))
        address = (*module.path, (declaration.kind, declaration.label, self.key))
        return module.run.moves.default_name(address, declaration.range)

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


def repeated_scope(scope: Scope, key: Key, each: Value) -> Scope:
    """The scope of one instance: `each` or `count` added."""
    if key is None:
        return scope
    if isinstance(key, int):
        return scope.child({"count": ObjectValue({"index": key})})
    return scope.child({"each": ObjectValue({"key": key, "value": each})})


def _no_path(name: str) -> tuple[str, str]:
    return f"No path.{name} here", (
        f"A module from git sees its own repository only, so there is no path.{name}. Use path.module, or have the "
        "caller pass what the module needs through a variable."
    )


@dataclass(eq=False)
class Run:
    """What all module instances of one load share. `exposed` names what each cloud's provider blocks show."""

    graph: Graph
    report: Report
    files: Files
    budget: Budget
    exposed: Mapping[str, Mapping[str, Type]]
    variables: dict[int, dict[str, Variable]]
    moves: Moves
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
            raise too_many(subject)


class ModuleInstance:
    """One use of a module. `prefix` starts its addresses (`module.a["x"].`), which are `path` in parts; `names` start
    its blocks' default names."""

    def __init__(
        self,
        run: Run,
        module: Module,
        prefix: str = "",
        names: tuple[Key, ...] = (),
        path: Address = (),
        given: Mapping[str, Given] | None = None,
        call: Call | None = None,
        providers: Mapping[str, Value] | None = None,
    ) -> None:
        self.run = run
        self.module = module
        self.prefix = prefix
        self.names = names
        self.path = path
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

    @property
    def passed_providers(self) -> bool:
        """Whether a call on the way to this module says which providers it sees."""
        call = self.call
        return call is not None and (
            "providers" in call.declaration.block.body.attributes or call.parent.passed_providers
        )

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

        return BlockValue("provider", f"provider.{key}", Exposed(tuple(nodes), read), key)

    def _provider_value(self, name: str) -> Value:
        """The default provider of a cloud, with the aliases that this module sees; or just these."""
        start = f"{name}."
        aliases = {k.removeprefix(start): v for k, v in sorted(self.providers.items()) if k.startswith(start)}
        default = self.providers.get(name)
        if not isinstance(default, BlockValue):
            return ObjectValue(aliases)
        own = default.attributes
        return BlockValue(default.kind, default.address, Exposed(tuple(own), own.__getitem__, aliases), default.payload)

    def _scope(self) -> Scope:
        graph = self.run.graph
        where = "the root module" if self.module.is_root else "this module"
        variables: dict[str, Value | Namespace] = {
            "var": namespace(graph, "var", self.variables, "input variable", where, 'variable "{}" {{}}'),
            "local": namespace(graph, "local", self.locals, "local value", where, "locals {{ {} = … }}"),
            "module": Namespace("module", self._call_value, lambda: self.calls, undeclared("module", where)),
            "provider": Namespace(
                "provider",
                self._provider_value,
                lambda: {key.partition(".")[0] for key in self.providers},
                self._no_provider,
            ),
            "path": self._paths(),
            "each": absent("each", "for_each"),
            "count": absent("count", "count"),
        }
        for kind in VALUE_KINDS:
            nodes = self.blocks.get(kind, {})
            variables[kind] = Namespace(
                kind,
                lambda label, nodes=nodes: nodes[label].stands_for(graph),  # type: ignore[misc]
                lambda nodes=nodes: nodes,  # type: ignore[misc]
                self._no_block(kind, where),
                whole=kind in WHOLE_KINDS,
            )
        return Scope(variables, files=self._files(), budget=self.run.budget)

    def _files(self) -> FileAccess:
        """What file functions may read: the root module's folder, or for a module from git its repository alone."""
        package = self.module.package
        if package is not None:
            return FileAccess(self.module.directory, package.folder, place="the module's own repository")
        return FileAccess(self.module.directory, self.run.files.root, self.run.files.read)

    def _paths(self) -> Value | Namespace:
        if self.module.package is not None:
            return Namespace("path", lambda _: ".", lambda: ("module",), _no_path)
        way = self.run.files.way_to_root(self.module.directory)
        return ObjectValue({"cwd": way, "module": ".", "root": way})

    def _call_value(self, name: str) -> Value:
        return self.calls[name].stands_for(self.run.graph)

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
        return undeclared(kind, where)


class ExpansionNode(Node):
    """The instances of one block or module call, by key."""

    __slots__ = ("_stands_for", "declaration", "module")

    def __init__(self, module: ModuleInstance, declaration: Declaration) -> None:
        super().__init__()
        self.module = module
        self.declaration = declaration
        self._stands_for: Value = None

    def stands_for(self, graph: Graph) -> Value:
        """What an expression gets for the block or call as a whole: one value, or one by key, made once."""
        if self._stands_for is None:
            found: dict[Key, Any] = graph.value(self)
            module = self.declaration.kind == "module"
            values = {key: one.output_object() if module else one.value for key, one in found.items()}
            self._stands_for = keyed(values)
        return self._stands_for

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
        attribute = self.declaration.repetition
        keys: list[tuple[Key, Value]] = [(None, None)]
        if attribute is not None:
            keys = repeat(attribute, self.module.evaluate(attribute.expr), self.module.scope)
        self.module.run.count_instances(len(keys), self.range)
        if self.declaration.kind == "module":
            return {key: self._module(key, each) for key, each in keys}
        return {key: BlockInstance(self.module, self.declaration, key, each) for key, each in keys}

    def _module(self, key: Key, each: Value) -> ModuleInstance:
        call = Call(self.module, self.declaration, repeated_scope(self.module.scope, key, each))
        label = self.declaration.label
        names = (*self.module.names, module_name(label, key))
        prefix = f"{self.module.prefix}module.{label}{key_text(key)}."
        child = self.module.module.children.get(label)
        if child is None:
            detail = "Its source has errors."
            raise DiagnosticError.of("E-MODULE", f"module.{label} cannot be read", detail, self.range)
        path = (*self.module.path, (MODULE, label, key))
        return ModuleInstance(self.module.run, child, prefix, names, path, call=call, providers=call.providers())
