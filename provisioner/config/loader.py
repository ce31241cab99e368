"""Loads a root module: files → declarations → values → the typed Configuration."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ..lang import ast
from ..lang.explain import values_in_scope
from ..lang.parser import parse_file
from ..lang.scope import Budget, Scope
from ..lang.suggest import suggestion
from ..lang.types import Type
from ..lang.values import BlockValue, Value, deep_marked, to_python, unmark
from ..model.configuration import Configuration
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import Source, SourceRange
from ..sdk.schema import ProviderSchema
from . import authority, checks, governance, moves, rules, waivers
from .blocks import Blocks
from .files import Files
from .graph import Graph
from .instances import ModuleInstance, Run
from .module import CALL_ARGUMENTS, Declaration, Module, Reader, name_range, references_of
from .moves import Moves
from .packages import Package, Packages
from .plain import type_named
from .report import Report
from .schema import provider_block
from .sources import SourceError, git_source, is_local
from .variables import ENVIRONMENT_PREFIX, Given, Values, refuse_secrets

MAX_DEPTH: Final = 30
_DOTTED_KEYS: Final = frozenset({("module", "providers")})
SENSITIVE: Final = "(sensitive value)"
Schemas = Callable[[str], ProviderSchema | None]
_NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load gave. `configuration` is None exactly when a diagnostic is an error.

    `sources` holds the text of every file read, and of values given as text, for showing the diagnostics.
    """

    configuration: Configuration | None
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]

    @property
    def ok(self) -> bool:
        return self.configuration is not None


def load(
    root: Path,
    *,
    var_files: Sequence[Path] = (),
    variables: Mapping[str, str] = _NOTHING,
    environ: Mapping[str, str] = _NOTHING,
    providers: Schemas,
    edited: Mapping[str, str] = _NOTHING,
) -> Loaded:
    """Read the root module in folder `root`. Bad input gives diagnostics, never an exception.

    `var_files` are the files of -var-file in order, `variables` the values of -var by name, `environ` the
    environment (only `PROVISIONER_VAR_*` is read). `providers` gives the schema of a provider by name; it is asked
    only for those that provider blocks name. `edited` stands for the text of files by their name from the root, to
    see what an edit would mean before it is written.
    """
    report = Report()
    files = Files(root, report)
    files.sources.update({name: Source(name, text) for name, text in edited.items()})
    configuration = None
    # Syntax trees are large and hold no cycles: the collector would walk them again and again (40 % of a large load).
    collecting = gc.isenabled()
    gc.disable()
    try:
        configuration = _Load(files, report, providers).run(var_files, variables, environ)
    except DiagnosticError as error:
        report.extend(error.diagnostics)
    except RecursionError:
        detail = "Something in the configuration is nested too deeply to be read. Make it flatter."
        report.error("E-DEPTH", "Configuration is nested too deeply", detail, None)
    finally:
        if collecting:
            gc.enable()
    diagnostics = report.ordered()
    return Loaded(configuration if report.errors == 0 else None, diagnostics, files.sources)


def read_modules(files: Files, report: Report, packages: Packages) -> None:
    """Read the declarations of a root module and of every module that it calls; nothing is evaluated."""
    _Load(files, report, lambda _: None, packages).read()


@dataclass(frozen=True, slots=True)
class Opened:
    """The names of a root module. `scope` is None exactly when a diagnostic is an error; values are computed when an
    expression asks for them, and what stops that is raised then."""

    scope: Scope | None
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]


def open_scope(
    root: Path,
    *,
    var_files: Sequence[Path] = (),
    variables: Mapping[str, str] = _NOTHING,
    environ: Mapping[str, str] = _NOTHING,
    providers: Schemas,
) -> Opened:
    """What expressions of the root module in folder `root` see, for the console; arguments as those of `load`.

    Declarations are read and values from outside collected, but nothing is decoded or checked, so that a
    configuration which is not finished can be looked at. A folder without *.hcl files is an empty module.
    """
    report = Report()
    files = Files(root, report)
    scope = None
    try:
        scope = _Load(files, report, providers).scope(var_files, variables, environ)
    except DiagnosticError as error:
        report.extend(error.diagnostics)
    except RecursionError:
        detail = "Something in the configuration is nested too deeply to be read. Make it flatter."
        report.error("E-DEPTH", "Configuration is nested too deeply", detail, None)
    return Opened(scope if report.errors == 0 else None, report.ordered(), files.sources)


class _Load:
    def __init__(self, files: Files, report: Report, providers: Schemas, packages: Packages | None = None) -> None:
        self._files = files
        self._report = report
        self._providers = providers
        self._modules: dict[tuple[Path, Path | None], Module] = {}
        self._packages = Packages(files, report) if packages is None else packages

    def run(
        self, var_files: Sequence[Path], variables: Mapping[str, str], environ: Mapping[str, str]
    ) -> Configuration | None:
        root = self._module(self._files.root, True, ())
        values = Values(root, self._files, self._report)
        given = values.collect(var_files, variables, environ)
        if self._report.errors:
            # What could not be read is missing everywhere: anything said about the rest would be noise.
            return None
        schemas = self._schemas(root)
        run = self._run(schemas, root)
        instances = list(_tree(ModuleInstance(run, root, given=given)))
        self._settle(instances)
        moves.check_instances(instances, self._report)
        checks.unused(self._modules.values(), self._report)
        return self._build(run, instances, schemas, given)

    def scope(
        self, var_files: Sequence[Path], variables: Mapping[str, str], environ: Mapping[str, str]
    ) -> Scope | None:
        """The root module's scope, nothing evaluated yet; None when something was reported."""
        directory = self._files.root
        empty = directory.is_dir() and not self._files.configuration(directory)
        root = Module(directory, True) if empty else self._module(directory, True, ())
        given = Values(root, self._files, self._report).collect(var_files, variables, environ)
        schemas = self._schemas(root)
        return None if self._report.errors else ModuleInstance(self._run(schemas, root), root, given=given).scope

    # Reading

    def read(self) -> None:
        """Only the declarations, for their module blocks."""
        self._module(self._files.root, True, ())

    def _module(
        self, directory: Path, is_root: bool, above: tuple[Path, ...], package: Package | None = None
    ) -> Module:
        real = Path(os.path.realpath(directory))
        key = (real, None if package is None else package.folder)
        known = self._modules.get(key)
        if known is not None:
            return known
        module = Module(directory, is_root, package)
        self._modules[key] = module
        reader = Reader(module, self._report)
        paths = self._files.configuration(directory)
        if not paths and not self._report.errors:
            detail = f'"{self._files.name(directory)}" holds no *.hcl file. Name a folder that holds a configuration.'
            self._report.error("E-FILE", "No configuration files", detail, None)
        for path in paths:
            source = self._files.source(path, within=directory, pinned=package is not None)
            if source is not None:
                reader.body(self._parsed(source))
        for label, declaration in module.calls.items():
            child = self._child(module, declaration, (*above, real))
            if child is not None:
                module.children[label] = child
                self._check_arguments(declaration, child)
        moves.check_declared(module, self._report)
        return module

    def _parsed(self, source: Source) -> ast.Body:
        refuse_secrets(source, self._files, self._report)
        body, diagnostics = parse_file(source, _DOTTED_KEYS)
        self._report.extend(diagnostics)
        return body

    def _child(self, module: Module, declaration: Declaration, above: tuple[Path, ...]) -> Module | None:
        attribute = declaration.block.body.attributes.get("source")
        error = self._report.error
        if attribute is None:
            detail = 'The argument "source" is required, but no definition was found. Add source = "./folder".'
            error("E-REQUIRED", "Missing required argument", detail, declaration.range)
            return None
        subject = attribute.expr.range
        if not isinstance(attribute.expr, ast.String):
            detail = "A module's source is a literal string: it is read before anything is evaluated."
            error("E-MODULE", "Invalid module source", detail, subject)
            return None
        place = self._place(module, attribute.expr.value, subject)
        if place is None:
            return None
        directory, package = place
        if not directory.is_dir():
            detail = f'There is no folder "{self._files.name(directory)}". Correct the path.'
            error("E-MODULE", "Unreadable module directory", detail, subject)
            return None
        if Path(os.path.realpath(directory)) in above or len(above) > MAX_DEPTH:
            detail = "The module contains itself, directly or through another, without end. Remove one of the calls."
            error("E-MODULE", "Module includes itself", detail, subject)
            return None
        return self._module(directory, False, above, package)

    def _place(self, module: Module, text: str, subject: SourceRange) -> tuple[Path, Package | None] | None:
        """The folder that a source names, and the repository it is in; None, reported, when there is none."""
        if is_local(text):
            directory = Path(os.path.normpath(module.directory / text))
            package = module.package
            if package is not None and package.folder not in (directory, *directory.parents):
                detail = f'"{text}" leads out of the repository that this module is part of. Name a folder inside it.'
                self._report.error("E-MODULE", "Module outside its repository", detail, subject)
                return None
            return directory, package
        try:
            source = git_source(text)
        except SourceError as problem:
            self._report.error("E-MODULE", "Invalid module source", str(problem), subject)
            return None
        package = self._packages.package(source, subject)
        return None if package is None else (package.folder / source.subdir, package)

    def _check_arguments(self, declaration: Declaration, child: Module) -> None:
        for attribute in declaration.block.body.attributes.values():
            name = attribute.name
            if name in ("version", "depends_on", "lifecycle"):
                detail = (
                    "A version belongs to modules of a registry, and there is none. Remove it."
                    if name == "version"
                    else "The order of changes is derived from what they do. Remove it."
                )
                self._report.error("E-ARGUMENT", "Unsupported argument", detail, name_range(attribute))
            elif name not in child.variables and name not in CALL_ARGUMENTS:
                fix = suggestion(name, child.variables) or " Declare the variable in the module, or remove the line."
                detail = f'The module has no variable named "{name}".{fix}'
                self._report.error("E-ARGUMENT", "Unsupported argument", detail, name_range(attribute))
        for inner in declaration.block.body.blocks:
            detail = f"A module block holds no blocks. To pass a value, write {inner.type} = {{ … }}."
            self._report.error("E-BLOCK", "Unsupported block type", detail, inner.header)

    # Evaluating

    def _schemas(self, root: Module) -> dict[str, ProviderSchema]:
        schemas: dict[str, ProviderSchema] = {}
        for declaration in root.providers.values():
            name = declaration.label
            if name in schemas:
                continue
            schema = self._providers(name)
            if schema is None:
                detail = f'No provider "{name}" is installed. Correct the name, or install the package that brings it.'
                subject = declaration.block.labels[0].range
                self._report.error("E-PROVIDER", f'Unknown provider "{name}"', detail, subject)
            else:
                schemas[name] = schema
        return schemas

    def _run(self, schemas: Mapping[str, ProviderSchema], root: Module) -> Run:
        exposed: dict[str, dict[str, Type]] = {
            name: {attr: type_named(s.type) for attr, s in provider_block(schema).attributes.items()}
            for name, schema in schemas.items()
        }
        return Run(Graph(self._report), self._report, self._files, Budget(), exposed, {}, Moves(root))

    def _settle(self, instances: Sequence[ModuleInstance]) -> None:
        """Compute every variable, local and output, used or not, so that each error shows."""
        for module in instances:
            graph = module.run.graph
            for nodes in (module.variables, module.locals, module.outputs):
                for node in nodes.values():
                    graph.settle(node)
            self._validate(module)

    def _validate(self, module: ModuleInstance) -> None:
        graph = module.run.graph
        for node in module.variables.values():
            for block in node.variable.declaration.validations:
                exprs = [attribute.expr for attribute in block.body.attributes.values()]
                settled = [graph.settle(need) for need in module.nodes(references_of(exprs))]
                if graph.settle(node) and all(settled):
                    self._validation(module, node.variable.name, block)

    def _validation(self, module: ModuleInstance, name: str, block: ast.Block) -> None:
        condition = block.body.attributes["condition"].expr
        message = block.body.attributes["error_message"].expr
        try:
            result = module.evaluate(condition)
            if unmark(result) is True:
                return
            if not isinstance(unmark(result), bool):
                detail = "The condition of a validation must be true or false. Use ==, can(…) or another test."
                self._report.error("E-TYPE", "Invalid variable validation result", detail, condition.range)
                return
            text = module.evaluate(message)
        except DiagnosticError as error:
            self._report.extend(error.diagnostics)
            return
        said = unmark(text) if isinstance(unmark(text), str) and not deep_marked(text) else "The value is not accepted."
        node = module.variables[name]
        given = module.call.argument(name) if module.call is not None else None
        subject = given.expr.range if given is not None else node.range
        if given is None and node.given is not None:
            source = node.given.source
            if source is not None:
                subject = source.range(0, len(source.text))
            elif node.given.expr is not None:
                subject = node.given.expr.range
        detail = f"{said}\n\nThis was checked by the validation rule at {block.header}. Give var.{name} another value."
        values = values_in_scope(condition, module.scope)
        self._report.error("E-VALIDATION", "Invalid value for variable", detail, subject, values=values)

    # Building

    def _build(
        self,
        run: Run,
        instances: Sequence[ModuleInstance],
        schemas: Mapping[str, ProviderSchema],
        given: Mapping[str, Given],
    ) -> Configuration | None:
        blocks = Blocks(run, instances, schemas)
        configs = blocks.providers()
        workspace = governance.workspace(blocks)
        people = governance.people(blocks)
        owners = governance.owners(blocks, people)
        built = authority.build(blocks, configs)
        pending = rules.rules(blocks)
        own = [rule.name for _, rule, _ in pending]
        exceptions = waivers.exceptions(blocks, own)
        baselines = waivers.baselines(blocks, built.names, own)
        imports = waivers.imports(blocks, built.names, built.agents)
        removed = waivers.removed(instances, self._report)
        if workspace is None or not blocks.complete or self._report.errors:
            return None
        configuration = Configuration(
            workspace,
            configs,
            people,
            owners,
            built.boundaries,
            built.tools,
            built.agents,
            built.grants,
            built.tests,
            _outputs(instances[0]),
            tuple(sorted(self._files.read)),
            tuple(sorted(name for name, value in given.items() if value.outside)),
            tuple(blocks.protection.addresses()),
            run.moves.moved,
            built.federations,
            built.delegations,
            exceptions,
            baselines,
            {},
            imports,
            removed,
        )
        checks.surfaces(configuration, self._report)
        checks.ownership(configuration, self._report)
        return replace(configuration, rules=rules.judged(pending, configuration)) if pending else configuration


def _tree(root: ModuleInstance) -> Iterator[ModuleInstance]:
    """A module instance and all below it, parents first."""
    pending = [root]
    while pending:
        module = pending.pop(0)
        yield module
        pending.extend(module.children())


def _outputs(root: ModuleInstance) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    for name, node in root.outputs.items():
        value: Value = node.value
        outputs[name] = SENSITIVE if deep_marked(value) else _shown(to_python(value))
    return outputs


def _shown(value: Any) -> Any:
    """An output as JSON data: blocks by their address, fractions as text."""
    if isinstance(value, BlockValue):
        return value.address
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    return value


__all__ = ["ENVIRONMENT_PREFIX", "Loaded", "Opened", "load", "open_scope"]
