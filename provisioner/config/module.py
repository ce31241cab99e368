"""What the files of one module declare, before anything is evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from ..lang import ast
from ..lang.references import Reference, references
from ..lang.suggest import suggestion
from ..model.source import SourceRange
from .moved import Move, Release, read_move, read_removed
from .packages import Package
from .report import Report
from .schema import BLOCKS, META_ARGUMENTS, OUTPUT, TERRAFORM_ONLY, VARIABLE

CALL_ARGUMENTS: Final = ("source", "version", "providers", "for_each", "count", "depends_on", "lifecycle")
KNOWN: Final = (*BLOCKS, "variable", "locals", "output", "module", "provider", "moved", "removed")


def expressions(body: ast.Body, skip: tuple[str, ...] = ()) -> Iterator[ast.Expr]:
    """Every expression of a body, nested blocks included; `skip` leaves out attributes of the outermost level."""
    stack = [body]
    while stack:
        current = stack.pop()
        for name, attribute in current.attributes.items():
            if current is not body or name not in skip:
                yield attribute.expr
        stack.extend(block.body for block in current.blocks)


def references_of(exprs: Iterable[ast.Expr]) -> list[Reference]:
    """The references in several expressions; plain literals cost nothing."""
    found: list[Reference] = []
    for expr in exprs:
        if type(expr) is not ast.String and type(expr) is not ast.Literal:
            found.extend(references(expr))
    return found


@dataclass(eq=False)
class Declaration:
    """One labelled block: a domain block, a module call or a provider. `kind` is its type."""

    kind: str
    label: str
    block: ast.Block

    @cached_property
    def range(self) -> SourceRange:
        """Its header."""
        return self.block.header

    @cached_property
    def repetition(self) -> ast.Attribute | None:
        """The `for_each` or `count` argument."""
        attributes = self.block.body.attributes
        return attributes.get("for_each") or attributes.get("count")

    @cached_property
    def body_references(self) -> list[Reference]:
        """What the body refers to, without `for_each` and `count`."""
        return references_of(expressions(self.block.body, ("for_each", "count", "providers")))

    @cached_property
    def repetition_references(self) -> list[Reference]:
        """What `for_each` and `count` refer to."""
        return [] if self.repetition is None else references_of([self.repetition.expr])


@dataclass(eq=False)
class VariableDeclaration:
    name: str
    block: ast.Block
    arguments: dict[str, ast.Attribute]
    validations: list[ast.Block]


@dataclass(eq=False)
class Module:
    """The declarations of one folder. `calls` are its module blocks, `children` the modules they lead to by label.

    `package` is the git repository that the folder belongs to; None for folders beside the root module.
    """

    directory: Path
    is_root: bool
    package: Package | None = None
    variables: dict[str, VariableDeclaration] = field(default_factory=dict)
    locals: dict[str, ast.Attribute] = field(default_factory=dict)
    outputs: dict[str, ast.Block] = field(default_factory=dict)
    providers: dict[str, Declaration] = field(default_factory=dict)
    calls: dict[str, Declaration] = field(default_factory=dict)
    children: dict[str, Module] = field(default_factory=dict)
    blocks: dict[str, dict[str, Declaration]] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    removed: list[Release] = field(default_factory=list)

    def used_variables(self) -> set[str]:
        """Names of variables that something other than their own validation refers to."""
        found: set[str] = set()
        if not self.variables:
            return found
        for exprs in self._uses():
            found.update(str(r.path[0]) for r in references_of(exprs) if r.root == "var" and r.path)
        for declaration in self.variables.values():
            for validation in declaration.validations:
                refs = references_of(expressions(validation.body))
                found.update(
                    str(r.path[0]) for r in refs if r.root == "var" and r.path != (declaration.name,) and r.path
                )
        return found

    def _uses(self) -> Iterator[Iterable[ast.Expr]]:
        yield (attribute.expr for attribute in self.locals.values())
        for block in self.outputs.values():
            yield expressions(block.body)
        for group in (self.calls, self.providers, *self.blocks.values()):
            for declaration in group.values():
                yield expressions(declaration.block.body)


def _article(word: str) -> str:
    return "An" if word[0] in "aeiou" else "A"


class Reader:
    """Sorts the blocks of a module's files into a Module, and reports what has no place."""

    def __init__(self, module: Module, report: Report) -> None:
        self._module = module
        self._report = report

    def body(self, body: ast.Body) -> None:
        """Take in one file."""
        for attribute in body.attributes.values():
            self._report.error(
                "E-ARGUMENT",
                "Unsupported argument",
                f'An argument named "{attribute.name}" is not expected at the top of a file. '
                f"Write it inside a block{suggestion(attribute.name, KNOWN)}.",
                name_range(attribute),
            )
        for block in body.blocks:
            self._block(block)

    def _block(self, block: ast.Block) -> None:
        kind = block.type
        if kind in BLOCKS:
            self._domain(block)
        elif kind == "variable":
            self._variable(block)
        elif kind == "locals":
            self._locals(block)
        elif kind == "output":
            self._output(block)
        elif kind == "module":
            self._labelled(block, self._module.calls)
        elif kind == "provider":
            self._provider(block)
        elif kind == "moved":
            move = read_move(block, BLOCKS, self._report)
            if move is not None:
                self._module.moves.append(move)
        elif kind == "removed":
            gone = read_removed(block, BLOCKS, self._report)
            if gone is not None:
                self._module.removed.append(gone)
        else:
            self._unknown(block)

    def _unknown(self, block: ast.Block) -> None:
        kind = block.type
        fix = TERRAFORM_ONLY.get(kind) or suggestion(kind, KNOWN).strip()
        detail = f'Blocks of type "{kind}" are not expected here. {fix}'.strip()
        if not fix:
            detail += " A file holds " + ", ".join(KNOWN[:-1]) + f" and {KNOWN[-1]} blocks."
        self._report.error("E-BLOCK", "Unsupported block type", detail, block_type_range(block))

    def _domain(self, block: ast.Block) -> None:
        core = BLOCKS[block.type]
        if core.root_only and not self._module.is_root:
            detail = (
                f"{_article(block.type)} {block.type} block may stand in the root module only: {core.why}. "
                "Move it to the root module, and pass what the module needs of it through a variable."
            )
            self._report.error("E-ROOT-ONLY", f"{block.type} block in a module", detail, block.header)
            return
        group = self._module.blocks.setdefault(block.type, {})
        if core.schema.labels:
            self._labelled(block, group)
        elif block.labels:
            self._extra_label(block, 0)
        elif core.many:
            self._check_meta(block)
            label = str(len(group) + 1)
            group[label] = Declaration(block.type, label, block)
        elif "" in group:
            self._duplicate(block, group[""].block, block.type)
        else:
            self._check_meta(block)
            group[""] = Declaration(block.type, "", block)

    def _labelled(self, block: ast.Block, group: dict[str, Declaration]) -> None:
        label = self._one_label(block)
        if label is None:
            return
        self._check_meta(block)
        if label in group:
            self._duplicate(block, group[label].block, f'{block.type} "{label}"')
            return
        group[label] = Declaration(block.type, label, block)

    def _check_meta(self, block: ast.Block) -> None:
        for attribute in block.body.attributes.values():
            if attribute.name == "depends_on":
                detail = (
                    "The order of changes is derived from what they do: what narrows authority goes before what widens "
                    "it, a boundary before grants, trust last. A hand-written order could undo that. Remove depends_on."
                )
                self._report.error("E-DEPENDS-ON", "depends_on is not accepted", detail, name_range(attribute))
        both = [attribute for name, attribute in block.body.attributes.items() if name in ("for_each", "count")]
        if len(both) > 1:
            detail = 'The "for_each" and "count" arguments are mutually exclusive. Remove one of them.'
            self._report.error("E-REPEAT", 'Invalid combination of "count" and "for_each"', detail, name_range(both[1]))
        if block.type != "module" and not BLOCKS[block.type].repeats:
            for attribute in both:
                detail = f"There is one {block.type} block in a workspace. Remove {attribute.name}."
                summary = f"{attribute.name} is not accepted here"
                self._report.error("E-REPEAT", summary, detail, name_range(attribute))

    def _provider(self, block: ast.Block) -> None:
        name = self._one_label(block)
        if name is None:
            return
        if not self._module.is_root:
            detail = (
                "A module cannot add an account or project to the run. Declare the provider in the root module; the "
                "module sees the default one of each cloud, and others through providers = {} in its module block."
            )
            self._report.error("E-ROOT-ONLY", "provider block in a module", detail, block.header)
            return
        for attribute in block.body.attributes.values():
            if attribute.name in META_ARGUMENTS:
                detail = (
                    f'A provider block takes no {attribute.name}. Write one block for each target, with an "alias".'
                )
                self._report.error("E-ARGUMENT", "Unsupported argument", detail, name_range(attribute))
        key = name
        alias = block.body.attributes.get("alias")
        if alias is not None:
            if not isinstance(alias.expr, ast.String) or not alias.expr.value.isidentifier():
                detail = 'An alias is a literal name, because other blocks refer to it: alias = "prod".'
                self._report.error("E-TYPE", "Invalid provider alias", detail, alias.expr.range)
                return
            key = f"{name}.{alias.expr.value}"
        if key in self._module.providers:
            fix = " Give one of them another alias." if alias else " Give one of them an alias."
            self._duplicate(block, self._module.providers[key].block, f"provider.{key}", fix)
            return
        self._module.providers[key] = Declaration("provider", name, block)

    def _variable(self, block: ast.Block) -> None:
        name = self._one_label(block)
        if name is None:
            return
        if name in CALL_ARGUMENTS or name == "locals":
            detail = f'The name "{name}" means something of its own in a module block. Choose another name.'
            self._report.error("E-NAME", "Invalid variable name", detail, block.labels[0].range)
            return
        arguments = self._arguments(block, VARIABLE[:-1], blocks=("validation",))
        if name in self._module.variables:
            self._duplicate(block, self._module.variables[name].block, f'variable "{name}"')
            return
        validations = [inner for inner in block.body.blocks if inner.type == "validation"]
        for inner in validations:
            self._arguments(inner, ("condition", "error_message"), required=("condition", "error_message"))
        self._module.variables[name] = VariableDeclaration(name, block, arguments, validations)

    def _locals(self, block: ast.Block) -> None:
        if block.labels:
            self._extra_label(block, 0)
        for inner in block.body.blocks:
            detail = f"Blocks are not allowed in locals. To define a value, write {inner.type} = {{ … }}."
            self._report.error("E-BLOCK", "Unexpected block in locals", detail, inner.header)
        for name, attribute in block.body.attributes.items():
            known = self._module.locals.get(name)
            if known is not None:
                detail = f'A local value named "{name}" was already defined at {known.range}. Rename one of them.'
                self._report.error("E-DUPLICATE", "Duplicate local value definition", detail, name_range(attribute))
            else:
                self._module.locals[name] = attribute

    def _output(self, block: ast.Block) -> None:
        name = self._one_label(block)
        if name is None:
            return
        self._arguments(block, OUTPUT, required=("value",))
        if name in self._module.outputs:
            self._duplicate(block, self._module.outputs[name], f'output "{name}"')
        else:
            self._module.outputs[name] = block

    def _arguments(
        self, block: ast.Block, known: tuple[str, ...], required: tuple[str, ...] = (), blocks: tuple[str, ...] = ()
    ) -> dict[str, ast.Attribute]:
        """The attributes of a block of plain arguments, each checked by name."""
        for attribute in block.body.attributes.values():
            if attribute.name not in known:
                detail = f'An argument named "{attribute.name}" is not expected here.' + (
                    suggestion(attribute.name, known) or f" A {block.type} block takes {', '.join(known)}."
                )
                self._report.error("E-ARGUMENT", "Unsupported argument", detail, name_range(attribute))
        for inner in block.body.blocks:
            if inner.type not in blocks:
                detail = f'Blocks of type "{inner.type}" are not expected here.{suggestion(inner.type, blocks)}'
                self._report.error("E-BLOCK", "Unsupported block type", detail, block_type_range(inner))
        for name in required:
            if name not in block.body.attributes:
                detail = f'The argument "{name}" is required, but no definition was found. Add it.'
                self._report.error("E-REQUIRED", "Missing required argument", detail, block.header)
        return {name: attribute for name, attribute in block.body.attributes.items() if name in known}

    def _one_label(self, block: ast.Block) -> str | None:
        if not block.labels:
            detail = f'All {block.type} blocks must have a name: {block.type} "name" {{ … }}.'
            self._report.error("E-LABEL", f"Missing name for {block.type}", detail, block.header)
            return None
        if len(block.labels) > 1:
            self._extra_label(block, 1)
            return None
        label = block.labels[0]
        if not _is_name(label.value):
            detail = (
                f'"{label.value}" cannot be referred to. A name starts with a letter or underscore and holds only '
                "letters, digits, underscores and hyphens."
            )
            self._report.error("E-NAME", f"Invalid name for {block.type}", detail, label.range)
            return None
        return label.value

    def _extra_label(self, block: ast.Block, expected: int) -> None:
        takes = "no labels" if expected == 0 else "one label, its name"
        detail = f"A {block.type} block takes {takes}. Remove the others."
        self._report.error("E-LABEL", f"Extraneous label for {block.type}", detail, block.labels[expected].range)

    def _duplicate(self, block: ast.Block, known: ast.Block, what: str, fix: str = " Rename or remove one.") -> None:
        detail = f"{what} was already declared at {known.header}.{fix}"
        self._report.error("E-DUPLICATE", f"Duplicate {block.type} block", detail, block.header)


def name_range(attribute: ast.Attribute) -> SourceRange:
    """The range of an attribute's name."""
    return attribute.source.range(attribute.start, attribute.name_end)


def block_type_range(block: ast.Block) -> SourceRange:
    """The range of a block's type."""
    return block.source.range(block.start, block.start + len(block.type))


def _is_name(label: str) -> bool:
    from ..lang.identifiers import is_identifier

    return is_identifier(label)
