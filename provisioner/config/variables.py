"""Values that reach a root module from outside: files of values, the command line, the environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..lang import ast
from ..lang.convert import ConversionError, conform, path_text
from ..lang.evaluate import evaluate
from ..lang.parser import parse_expression, parse_file
from ..lang.references import children
from ..lang.scope import Scope
from ..lang.suggest import suggestion
from ..lang.types import DYNAMIC, PrimitiveType, TypeConstraint, parse_type
from ..lang.values import Value, is_null, mark
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import Source, SourceRange
from .files import Files
from .module import Module, VariableDeclaration, name_range
from .report import Report
from .text import masked, secrets

ENVIRONMENT_PREFIX: Final = "PROVISIONER_VAR_"
_EMPTY: Final[Mapping[str, Value]] = {}


@dataclass(frozen=True, slots=True)
class Given:
    """A value for a variable: an expression from a file of values, or the text of an option or the environment.

    `outside` tells that no author of a file in the root module's folder can be held to it.
    """

    expr: ast.Expr | None
    text: str | None
    source: Source | None
    outside: bool


class Values:
    """Collects the values for a root module's variables; later ones replace earlier ones."""

    def __init__(self, module: Module, files: Files, report: Report) -> None:
        self._module = module
        self._files = files
        self._report = report
        self.given: dict[str, Given] = {}

    def collect(
        self, var_files: Sequence[Path], variables: Mapping[str, str], environ: Mapping[str, str]
    ) -> dict[str, Given]:
        """Environment, `*.auto.vars.hcl`, `-var-file`, `-var`, in that order."""
        for name in self._module.variables:
            text = environ.get(ENVIRONMENT_PREFIX + name)
            if text is not None:
                self._text(name, text, f"<environment {ENVIRONMENT_PREFIX}{name}>")
        for path in self._files.automatic_values():
            self._file(path, within=self._files.root)
        for path in var_files:
            self._file(path)
        for name, text in variables.items():
            if name not in self._module.variables:
                self._unknown_option(name)
            else:
                self._text(name, text, f"<value for -var {name}>")
        return self.given

    def _text(self, name: str, text: str, filename: str) -> None:
        if not _is_text(text):
            detail = f"The bytes given as {filename.strip('<>')} are not UTF-8. Set it again, in UTF-8."
            self._report.error("E-VARIABLE", "Value is not text", detail, None)
            return
        source = Source(filename, text)
        if not _declared_sensitive(self._module.variables[name]):
            self._files.sources[filename] = source
        refuse_secrets(source, self._files, self._report)
        self.given[name] = Given(None, text, source, outside=True)

    def _file(self, path: Path, within: Path | None = None) -> None:
        source = self._files.source(path, within)
        if source is None:
            return
        refuse_secrets(source, self._files, self._report)
        body, diagnostics = parse_file(source)
        self._report.extend(diagnostics)
        outside = self._files.real_root not in Path(path).resolve().parents
        for block in body.blocks:
            detail = "A file of values holds only name = value. Move the block to another file."
            self._report.error("E-BLOCK", "Unexpected block in a file of values", detail, block.header)
        for name, attribute in body.attributes.items():
            if name not in self._module.variables:
                self._undeclared(name, attribute)
            elif constant(attribute.expr, self._report, "a file of values"):
                self.given[name] = Given(attribute.expr, None, None, outside)

    def _unknown_option(self, name: str) -> None:
        meant = suggestion(name, self._module.variables)
        detail = (
            f'A value for "{name}" was given with -var, but the root module declares no variable of that name.{meant}'
            f' Declare it with variable "{name}" {{}}, or leave the option out.'
        )
        self._report.error("E-VARIABLE", "Value for undeclared variable", detail, None)

    def _undeclared(self, name: str, attribute: ast.Attribute) -> None:
        meant = suggestion(name, self._module.variables)
        detail = (
            f'The root module declares no variable named "{name}", so this value is not used.{meant} '
            f'Declare it with variable "{name}" {{}}, or remove the line.'
        )
        self._report.warning("W-VARIABLE", "Value for undeclared variable", detail, name_range(attribute))


def constant(expr: ast.Expr, report: Report, where: str) -> bool:
    """Whether an expression has neither references nor calls; reports the first that it has."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call):
            detail = f"Functions may not be called in {where}. Write the value itself, or compute it in a local."
            report.error("E-REFERENCE", "Function calls not allowed", detail, node.range)
            return False
        if isinstance(node, ast.Variable | ast.ForExpr | ast.Splat):
            detail = f"Variables may not be used in {where}. Write the value itself, or compute it in a local."
            report.error("E-REFERENCE", "Variables not allowed", detail, node.range)
            return False
        stack.extend(inner for inner, _ in children(node))
    return True


def refuse_secrets(source: Source, files: Files, report: Report) -> None:
    """Report what looks like a secret, and show its text as asterisks from now on."""
    for start, end, kind in secrets(source.text):
        detail = (
            f"This text looks like {kind}. Secrets never stand in a configuration: files are read by many, and a plan "
            "carries what it reads. Remove it, and revoke it if it was committed."
        )
        report.error("E-SECRET", "A secret stands in the configuration", detail, source.range(start, end))
        if source.filename in files.sources:
            files.sources[source.filename] = Source(source.filename, masked(source.text))


def _is_text(text: str) -> bool:
    """Whether a string of the environment came from UTF-8: Python carries other bytes as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _declared_sensitive(declaration: VariableDeclaration) -> bool:
    """Whether values of the variable must not be shown, not even in an error about them."""
    flag = declaration.arguments.get("sensitive")
    return flag is not None and not (isinstance(flag.expr, ast.Literal) and flag.expr.value is False)


class Variable:
    """One declared variable: its type and flags, read once for all instances of its module.

    `failures` are the errors of the declaration itself, reported already.
    """

    def __init__(self, declaration: VariableDeclaration, report: Report) -> None:
        self.declaration = declaration
        self.name = declaration.name
        self._report = Report()
        arguments = declaration.arguments
        self.type_given = "type" in arguments
        self.constraint = self._type(arguments.get("type"))
        self.sensitive = self._flag("sensitive", False)
        self.nullable = self._flag("nullable", True)
        self._text_only("description")
        self.default = arguments.get("default")
        if self.default is not None:
            constant(self.default.expr, self._report, "a default")
        self.failures = tuple(d for d in self._report.ordered() if d.is_error)
        report.extend(self._report.ordered())

    @property
    def range(self) -> SourceRange:
        return self.declaration.block.header

    def from_default(self) -> Value:
        """The default, as the variable's type. Raises DiagnosticError."""
        assert self.default is not None
        value = evaluate(self.default.expr, Scope(_EMPTY))
        return self._conform(value, self.default.expr.range, "default value", "Invalid default value for variable")

    def from_text(self, text: str, source: Source) -> Value:
        """A value that came as text: as it is for strings and untyped variables, an expression for collections."""
        simple = isinstance(self.constraint.type, PrimitiveType) or not self.type_given
        whole = source.range(0, len(text))
        if simple:
            return self.accept(text, whole)
        expr, diagnostics = parse_expression(source)
        if any(diagnostic.is_error for diagnostic in diagnostics):
            raise DiagnosticError(diagnostics)
        assert expr is not None
        return self.accept(evaluate(expr, Scope(_EMPTY)), whole)

    def accept(self, value: Value, subject: SourceRange) -> Value:
        """A value given from outside the module, as the variable's type. Raises DiagnosticError."""
        if is_null(value) and not self.nullable:
            if self.default is not None:
                return self.from_default()
            detail = f"var.{self.name} has nullable = false, so it cannot be null. Give it a value."
            raise DiagnosticError.of("E-NULL", "Required variable not set", detail, subject)
        return self._conform(value, subject, "given value", "Invalid value for input variable")

    def missing(self) -> DiagnosticError:
        """The error for a root variable that has neither a default nor a value."""
        detail = (
            f'The root module input variable "{self.name}" is not set, and has no default value. Set it with '
            f"-var {self.name}=…, a *.auto.vars.hcl file, or the environment variable {ENVIRONMENT_PREFIX}{self.name}."
        )
        return DiagnosticError.of("E-REQUIRED", "No value for required variable", detail, self.range)

    def _conform(self, value: Value, subject: SourceRange, what: str, summary: str) -> Value:
        try:
            converted = conform(value, self.constraint)
        except ConversionError as error:
            at = f", at var.{self.name}{path_text(error.path)}" if error.path else ""
            detail = (
                f"The {what} is not suitable for var.{self.name} declared at {self.range}{at}: {error}. "
                f"Give a value of type {self.constraint.type.constraint}."
            )
            raise DiagnosticError([Diagnostic("E-TYPE", summary, detail, subject=subject)]) from error
        return mark(converted) if self.sensitive else converted

    def _type(self, attribute: ast.Attribute | None) -> TypeConstraint:
        if attribute is None:
            return TypeConstraint(DYNAMIC)
        try:
            return parse_type(attribute.expr, lambda expr: evaluate(expr, Scope(_EMPTY)))
        except DiagnosticError as error:
            self._report.extend(error.diagnostics)
            return TypeConstraint(DYNAMIC)

    def _flag(self, name: str, default: bool) -> bool:
        attribute = self.declaration.arguments.get(name)
        if attribute is None:
            return default
        if isinstance(attribute.expr, ast.Literal) and isinstance(attribute.expr.value, bool):
            return attribute.expr.value
        detail = f"{name} is true or false, written out: other parts of the tool read it before anything is evaluated."
        self._report.error("E-TYPE", "Invalid argument", detail, attribute.expr.range)
        return default

    def _text_only(self, name: str) -> None:
        attribute = self.declaration.arguments.get(name)
        if attribute is not None and not isinstance(attribute.expr, ast.String):
            detail = f"{name} is a literal string. Write the text in quotes."
            self._report.error("E-TYPE", "Invalid argument", detail, attribute.expr.range)
