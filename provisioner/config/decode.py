"""From the body of a block to plain values, by its schema. Every error of the body is reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ..lang import ast
from ..lang.convert import ConversionError, convert, path_text
from ..lang.evaluate import evaluate
from ..lang.explain import values_in_scope
from ..lang.references import references
from ..lang.scope import Scope
from ..lang.suggest import suggestion
from ..lang.types import STRING
from ..lang.values import (
    ListValue,
    MapValue,
    ObjectValue,
    Sensitive,
    SetValue,
    TupleValue,
    Value,
    deep_marked,
    is_null,
    type_of,
    unmark,
)
from ..model.configuration import Settings
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import SourceRange
from ..sdk.schema import AttributeSchema, BlockSchema
from .module import block_type_range, name_range
from .plain import Uncarried, plain, plain_raw, type_named
from .report import Report
from .schema import PERSON, PROVISIONER, VALUE_KINDS, ByLabel
from .text import problem

KEY_TEXTS: Final = (PERSON.attributes["keys"], PROVISIONER.blocks["approval"].attributes["checkpoint_keys"])
"""Attributes that hold whole files of text, checked by a format of their own."""


class Ranges(Mapping[str, SourceRange]):
    """The range of each attribute's value, worked out when somebody asks: few ever do."""

    __slots__ = ("_attributes", "_known")

    def __init__(self, body: ast.Body) -> None:
        self._attributes = body.attributes
        self._known: dict[str, SourceRange] = {}

    def __getitem__(self, name: str) -> SourceRange:
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._attributes[name].expr.range
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(eq=False)
class Decoder:
    """Decodes one block body in one scope. `failed` is set once something was reported.

    `origin` tells where in a data file the value of an expression was written.
    """

    report: Report
    scope: Scope
    ranges: dict[int, Mapping[str, SourceRange]]
    origin: Callable[[ast.Expr], SourceRange | None] = lambda _: None
    failed: bool = False

    def settings(self, block: ast.Block, schema: BlockSchema, skip: tuple[str, ...] = ()) -> Settings:
        """The whole block. `skip` names attributes and blocks that belong to somebody else."""
        labels = tuple(label.value for label in block.labels)
        return self.body(block.type, labels, block, block.body, schema, skip)

    def body(
        self,
        kind: str,
        labels: tuple[str, ...],
        block: ast.Block,
        body: ast.Body,
        schema: BlockSchema,
        skip: tuple[str, ...] = (),
    ) -> Settings:
        """A body under a header; `block` is what errors about the whole point to."""
        values = self._attributes(block, body, schema, skip)
        blocks = self._blocks(block, body, schema, skip)
        return Settings(kind, labels, values, tuple(blocks), block.header, self._ranges(body))

    def error(
        self,
        code: str,
        summary: str,
        detail: str,
        subject: SourceRange | None,
        place: SourceRange | None = None,
    ) -> None:
        """Report an error about this block; `place` is the line of a data file behind it."""
        self.failed = True
        self.report.add(Diagnostic(code, summary, detail, subject=subject, origin=place))

    def value(self, expr: ast.Expr) -> Value:
        """The value of an expression. Raises DiagnosticError."""
        if type(expr) is ast.String:
            return expr.value
        return evaluate(expr, self.scope)

    def _ranges(self, body: ast.Body) -> Mapping[str, SourceRange]:
        known = self.ranges.get(id(body))
        if known is None:
            known = self.ranges[id(body)] = Ranges(body)
        return known

    def _attributes(
        self, block: ast.Block, body: ast.Body, schema: BlockSchema, skip: tuple[str, ...]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        written = body.attributes
        for name, attribute in written.items():
            if name in skip:
                continue
            known = schema.attributes.get(name)
            if known is None:
                self._unknown_attribute(block.type, attribute, schema)
                continue
            values[name] = self._attribute(attribute, known)
        for name, known in schema.attributes.items():
            if values.get(name) is not None:
                continue
            if known.required and (name not in written or values[name] is None) and not self._reported(written, name):
                self._missing(name, block, written.get(name))
            values[name] = known.default
        return values

    def _reported(self, written: Mapping[str, ast.Attribute], name: str) -> bool:
        """Whether the attribute is written and its value could not be had: then that was reported."""
        return name in written and id(written[name]) in self._broken

    def __post_init__(self) -> None:
        self._broken: set[int] = set()

    def _attribute(self, attribute: ast.Attribute, schema: AttributeSchema) -> Any:
        expr = attribute.expr
        try:
            value = self.value(expr)
        except DiagnosticError as error:
            self._fail(attribute)
            place = self.origin(expr)
            self.report.extend(replace(d, origin=place) if place else d for d in error.diagnostics)
            return None
        if deep_marked(value):
            detail = (
                f"The value of {attribute.name} comes from a sensitive value, and a plan shows what it holds to "
                "everybody who signs. Use a value that is not sensitive."
            )
            return self._wrong(attribute, "E-SENSITIVE", "Sensitive value in a resource", detail)
        if schema.json and type(value) is str:
            try:
                value = json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False)
            except ValueError as error:
                detail = f"The value of {attribute.name} is a JSON text, and this is none: {error}."
                return self._wrong(attribute, "E-TYPE", "Not a JSON text", detail, show=False)
        try:
            converted = value if schema.type == "string" and type(value) is str else self._convert(value, schema)
            raw = any(schema is known for known in KEY_TEXTS)
            result = plain_raw(converted) if raw else plain(converted)
        except ConversionError as error:
            at = f", at {attribute.name}{path_text(error.path)}" if error.path else ""
            hint = self._instance_hint(expr)
            detail = f'Inappropriate value for attribute "{attribute.name}"{at}: {error}.{hint}'
            return self._wrong(attribute, "E-TYPE", "Incorrect attribute value type", detail)
        except Uncarried as error:
            detail = f"The value of {attribute.name} cannot be signed: {error}."
            return self._wrong(attribute, "E-TEXT", "Value cannot stand in a plan", detail, show=False)
        if schema.choices and result is not None:
            self._choice(attribute, schema, result)
        return result

    @staticmethod
    def _convert(value: Value, schema: AttributeSchema) -> Value:
        ty = STRING if schema.type == "string" else type_named(schema.type)
        converted = convert(value, ty)
        if isinstance(converted, ListValue | SetValue):
            for index, item in enumerate(converted.items):
                if is_null(item):
                    raise ConversionError("null is not allowed here; take the element out", (index,))
        return converted

    def _instance_hint(self, expr: ast.Expr) -> str:
        """What to write where all instances of a repeated block stand in the place of one."""
        for reference in references(expr):
            if reference.root not in VALUE_KINDS or len(reference.path) != 1:
                continue
            try:
                value = self.value(reference.expr)
            except DiagnosticError:  # reported where the whole expression was evaluated
                continue
            block = f"{reference.root}.{reference.path[0]}"
            if isinstance(value, ObjectValue) and value.entries:
                key = json.dumps(next(iter(value.entries)), ensure_ascii=False)
                return f" {block} has for_each: name one instance, {block}[{key}], or all of them, values({block})."
            if isinstance(value, TupleValue):
                return f" {block} has count: name one instance, {block}[0], or all of them, {block}[*]."
        return ""

    def _choice(self, attribute: ast.Attribute, schema: AttributeSchema, result: Any) -> None:
        for item in result if isinstance(result, tuple) else (result,):
            if item not in schema.choices:
                detail = (
                    f'"{item}" is not one of {", ".join(schema.choices)}.{suggestion(str(item), schema.choices)} '
                    "Choose one of them."
                )
                summary = f"Unsupported value for {attribute.name}"
                self._wrong(attribute, "E-CHOICE", summary, detail)

    def _wrong(self, attribute: ast.Attribute, code: str, summary: str, detail: str, show: bool = True) -> None:
        self._fail(attribute)
        values = values_in_scope(attribute.expr, self.scope) if show else ()
        place = self.origin(attribute.expr)
        self.report.add(Diagnostic(code, summary, detail, subject=attribute.expr.range, values=values, origin=place))

    def _fail(self, attribute: ast.Attribute) -> None:
        self.failed = True
        self._broken.add(id(attribute))

    def _missing(self, name: str, block: ast.Block, written: ast.Attribute | None) -> None:
        if written is not None:
            detail = f'The argument "{name}" is required, and its value is null. Give it a value.'
            self.error("E-REQUIRED", "Missing required argument", detail, written.expr.range)
        else:
            detail = f'The argument "{name}" is required, but no definition was found. Add it to the block.'
            self.error("E-REQUIRED", "Missing required argument", detail, block.header)

    def _unknown_attribute(self, kind: str, attribute: ast.Attribute, schema: BlockSchema) -> None:
        name = attribute.name
        if name in schema.blocks:
            fix = f' Did you mean to define a block of type "{name}"? Write {name} {{ … }} without the equals sign.'
        else:
            fix = suggestion(name, schema.attributes)
        if not fix:
            known = ", ".join(sorted(schema.attributes)) or "no arguments"
            fix = f" This block takes {known}."
        detail = f'An argument named "{name}" is not expected here.{fix}'
        self.error("E-ARGUMENT", "Unsupported argument", detail, name_range(attribute))

    def _blocks(self, block: ast.Block, body: ast.Body, schema: BlockSchema, skip: tuple[str, ...]) -> list[Settings]:
        found: list[Settings] = []
        counts: dict[str, int] = {}
        unknown = False
        for inner in body.blocks:
            if inner.type in skip:
                continue
            if inner.type == "dynamic":
                expanded = list(self._dynamic(inner, schema))
            else:
                known = schema.blocks.get(inner.type)
                if known is None:
                    unknown = True
                    self._unknown_block(inner, schema)
                    continue
                labels = tuple(label.value for label in inner.labels)
                one = self._nested(inner.type, labels, inner, inner.body, known)
                expanded = [] if one is None else [one]
                counts.setdefault(inner.type, 0)
            for settings in expanded:
                counts[settings.type] = counts.get(settings.type, 0) + 1
                limit = schema.blocks[settings.type].max
                if limit is not None and counts[settings.type] == limit + 1:
                    detail = (
                        f'No more than {limit} "{settings.type}" block{"s are" if limit > 1 else " is"} allowed here. '
                    )
                    self.error("E-BLOCK", f"Too many {settings.type} blocks", detail + "Remove one.", inner.header)
            found.extend(expanded)
        for kind, known in schema.blocks.items():
            if unknown or kind in skip or self._tried(body, kind):
                continue
            if counts.get(kind, 0) < known.min:
                detail = f'At least {known.min} "{kind}" block{"s are" if known.min > 1 else " is"} required. Add it.'
                self.error("E-BLOCK", f"Insufficient {kind} blocks", detail, block.header)
        return found

    def _tried(self, body: ast.Body, kind: str) -> bool:
        """Whether a block of this type is written and its own errors were reported."""
        return self.failed and any(
            inner.type == kind or (inner.type == "dynamic" and inner.labels and inner.labels[0].value == kind)
            for inner in body.blocks
        )

    def _nested(
        self, kind: str, labels: tuple[str, ...], block: ast.Block, body: ast.Body, schema: BlockSchema
    ) -> Settings | None:
        if not self._labels(kind, labels, block, schema):
            return None
        if isinstance(schema, ByLabel):
            chosen = schema.options.get(labels[0])
            if chosen is None:
                self._unknown_option(kind, labels[0], block, schema)
                return None
            schema = chosen
        return self.body(kind, labels, block, body, schema)

    def _unknown_option(self, kind: str, label: str, block: ast.Block, schema: ByLabel) -> None:
        if schema.options:
            known = ", ".join(sorted(schema.options))
            fix = f"{suggestion(label, schema.options)} The configured providers know {known}.".lstrip()
            if kind == "ledger":
                fix = f"Choose one of {known}."
        else:
            fix = 'No provider is configured. Add a provider block, for example provider "aws".'
        subject = block.labels[0].range if block.type != "dynamic" and block.labels else block.header
        detail = f'There is no {schema.noun} "{label}" here. {fix}'
        self.error("E-BLOCK", f'Unsupported {schema.noun} "{label}"', detail, subject)

    def _labels(self, kind: str, labels: tuple[str, ...], block: ast.Block, schema: BlockSchema) -> bool:
        want = len(schema.labels)
        shape = " ".join([kind, *(f'"{name}"' for name in schema.labels)])
        if len(labels) < want:
            detail = f"All {kind} blocks must have {want} label{'s' if want > 1 else ''} ({', '.join(schema.labels)}): "
            self.error(
                "E-LABEL", f"Missing {schema.labels[len(labels)]} for {kind}", f"{detail}{shape} {{ … }}.", block.header
            )
        elif len(labels) > want:
            takes = f"{want} label{'s' if want > 1 else ''} ({', '.join(schema.labels)})" if want else "no labels"
            subject = block.labels[want].range if block.type != "dynamic" else block.header
            detail = f"A {kind} block takes {takes}. Write {shape} {{ … }}."
            self.error("E-LABEL", f"Extraneous label for {kind}", detail, subject)
        else:
            for at, label in enumerate(labels):
                wrong = problem(label)
                if wrong is not None:
                    subject = block.labels[at].range if block.type != "dynamic" else block.header
                    self.error(
                        "E-TEXT",
                        "Value cannot stand in a plan",
                        f"The label cannot be signed: {wrong}. Take it out.",
                        subject,
                    )
                    return False
            return True
        return False

    def _unknown_block(self, block: ast.Block, schema: BlockSchema) -> None:
        kind = block.type
        if kind in schema.attributes:
            fix = f' Did you mean to define argument "{kind}"? If so, use the equals sign to assign it a value.'
        else:
            fix = suggestion(kind, schema.blocks)
        if not fix:
            known = ", ".join(sorted(schema.blocks))
            fix = f" This block holds {known}." if known else " This block holds no blocks."
        detail = f'Blocks of type "{kind}" are not expected here.{fix}'
        self.error("E-BLOCK", "Unsupported block type", detail, block_type_range(block))

    def _dynamic(self, block: ast.Block, schema: BlockSchema) -> Iterator[Settings]:
        """`dynamic "statement" { for_each, iterator, labels, content }` as the blocks that it makes."""
        shape = self._dynamic_shape(block, schema)
        if shape is None:
            return
        kind, for_each, content, iterator = shape
        try:
            collection = self.value(for_each)
        except DiagnosticError as error:
            self.failed = True
            self.report.extend(error.diagnostics)
            return
        pairs = _pairs(collection)
        if pairs is None:
            detail = (
                f"Cannot use a {type_of(collection).friendly} value in for_each. An iterable collection is required."
            )
            if isinstance(collection, Sensitive):
                detail = "Cannot use a sensitive value in for_each of a dynamic block: its blocks show in every plan."
            self.error("E-REPEAT", "Invalid dynamic for_each value", detail, for_each.range)
            return
        outer = self.scope
        labels = block.body.attributes.get("labels")
        for key, value in pairs:
            self.scope = outer.child({iterator: ObjectValue({"key": key, "value": value})})
            try:
                found = self._dynamic_labels(labels)
                if found is not None:
                    one = self._nested(kind, found, block, content.body, schema.blocks[kind])
                    if one is not None:
                        yield one
            finally:
                self.scope = outer

    def _dynamic_shape(self, block: ast.Block, schema: BlockSchema) -> tuple[str, ast.Expr, ast.Block, str] | None:
        """Type, for_each, content and iterator name of a dynamic block; None, reported, when they are not there."""
        if len(block.labels) != 1:
            detail = 'A dynamic block has one label, the type of block that it makes: dynamic "statement" { … }.'
            self.error("E-LABEL", "Invalid dynamic block", detail, block.header)
            return None
        kind = block.labels[0].value
        if kind not in schema.blocks:
            detail = f'Blocks of type "{kind}" are not expected here.{suggestion(kind, schema.blocks)}'
            self.error("E-BLOCK", "Unsupported block type", detail, block.labels[0].range)
            return None
        attributes = block.body.attributes
        for name, attribute in attributes.items():
            if name not in ("for_each", "iterator", "labels"):
                detail = (
                    f'An argument named "{name}" is not expected in a dynamic block. Move it into its content block.'
                )
                self.error("E-ARGUMENT", "Unsupported argument", detail, name_range(attribute))
                return None
        contents = [inner for inner in block.body.blocks if inner.type == "content"]
        if "for_each" not in attributes or len(contents) != 1 or len(block.body.blocks) != 1:
            detail = "A dynamic block takes for_each and exactly one content block, the body of each block it makes."
            self.error("E-REQUIRED", "Invalid dynamic block", detail, block.header)
            return None
        iterator = kind
        if "iterator" in attributes:
            expr = attributes["iterator"].expr
            if not isinstance(expr, ast.Variable):
                detail = "The iterator is a bare name, without quotes: iterator = item."
                self.error("E-TYPE", "Invalid dynamic iterator name", detail, expr.range)
                return None
            iterator = expr.name
        return kind, attributes["for_each"].expr, contents[0], iterator

    def _dynamic_labels(self, attribute: ast.Attribute | None) -> tuple[str, ...] | None:
        if attribute is None:
            return ()
        schema = AttributeSchema("list(string)", "Labels of each block.")
        labels = self._attribute(attribute, schema)
        return labels if isinstance(labels, tuple) else None


def _pairs(collection: Value) -> list[tuple[Value, Value]] | None:
    """Key and value of each element; None for what a dynamic block cannot repeat over."""
    if isinstance(collection, Sensitive) or is_null(unmark(collection)):
        return None
    if isinstance(collection, TupleValue | ListValue):
        return [(index, item) for index, item in enumerate(collection.items)]
    if isinstance(collection, SetValue):
        return [(item, item) for item in collection.items]
    if isinstance(collection, MapValue | ObjectValue):
        return list(collection.entries.items())
    return None
