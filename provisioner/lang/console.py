"""The engine of `provisioner console`: one expression in, one value or its diagnostics out.

`run_lines` is `console -json`: a JSON object a line, `{"expr": "…", "vars": {…}}`, to a JSON object a line,
`{"value": …, "type": "…"}` or `{"diagnostics": […]}` in the shape of `validate -json`. A sensitive value is withheld:
`{"sensitive": true, "type": "…"}`. `render_value` prints values as the interactive console does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import Source
from . import arithmetic
from .evaluate import evaluate
from .functions.jsoncodec import JSONError, decode, encode
from .functions.registry import FunctionError
from .parser import parse_expression
from .scope import MAX_STRING, Budget, Namespace, Scope
from .types import DYNAMIC, ListType, MapType, ObjectType, SetType, TupleType, Type
from .values import (
    BlockValue,
    ListValue,
    MapValue,
    ObjectValue,
    Sensitive,
    SetValue,
    TupleValue,
    TypeValue,
    Value,
    deep_marked,
    is_null,
    object_of,
    type_of,
)

FILENAME = "<console-input>"
_LINE_STEPS = 5_000_000


def evaluate_text(text: str, scope: Scope) -> Value:
    """The value of an expression given as text. Raises DiagnosticError with ranges in `<console-input>`."""
    expr, diagnostics = parse_expression(Source(FILENAME, text))
    errors = [d for d in diagnostics if d.is_error]
    if expr is None or errors:
        raise DiagnosticError(errors or diagnostics)
    return evaluate(expr, scope)


def run_lines(lines: Iterable[str], scope: Scope | None = None) -> Iterator[str]:
    """Answer each line; a line that is not a request gets a diagnostic and the next one is read.

    `scope` holds the configuration's names, if there is a configuration; `vars` of a line come before its `var`.
    Blank lines are passed over.
    """
    for line in lines:
        if line.strip():
            yield _answer(line, scope)


def _dumped(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _answer(line: str, scope: Scope | None) -> str:
    text = ""
    try:
        text, variables = _request(line)
        value = evaluate_text(text, _line_scope(variables, scope))
        if deep_marked(value):
            return _dumped({"sensitive": True, "type": type_of(value).constraint})
        if isinstance(value, TypeValue):
            return _dumped({"value": value.of.constraint, "type": "type"})
        try:
            written = encode(value)
        except FunctionError as err:
            reason = str(err)
            raise DiagnosticError.of(
                "E-CONSOLE", "Value cannot be shown as JSON", f"{reason[0].upper()}{reason[1:]}."
            ) from err
        # Not through Python's JSON writer: it would make floats of exact numbers.
        return f'{{"value":{written},"type":{json.dumps(type_of(value).constraint, ensure_ascii=False)}}}'
    except DiagnosticError as err:
        return _dumped({"diagnostics": [diagnostic_json(d, Source(FILENAME, text)) for d in err.diagnostics]})


def _request(line: str) -> tuple[str, ObjectValue]:
    if len(line) > MAX_STRING:
        raise _bad_request(f"The line is longer than {MAX_STRING} characters.")
    try:
        data = decode(line)
    except JSONError as err:
        raise _bad_request(f"The line is not JSON: {err} (column {err.offset + 1}).") from err
    if not isinstance(data, ObjectValue):
        raise _bad_request("The line is JSON, but not an object.")
    unknown = [name for name in data.entries if name not in ("expr", "vars")]
    if unknown:
        raise _bad_request(f'There is no field "{unknown[0]}".')
    text, variables = data.entries.get("expr"), data.entries.get("vars", object_of({}))
    if not isinstance(text, str):
        raise _bad_request('The field "expr" is missing or not a string.')
    if not isinstance(variables, ObjectValue):
        raise _bad_request('The field "vars" is not an object.')
    return text, variables


def _bad_request(detail: str) -> DiagnosticError:
    way_out = 'Write one JSON object a line: {"expr": "upper(var.a)", "vars": {"a": "x"}}.'
    return DiagnosticError.of("E-CONSOLE", "Invalid request line", f"{detail} {way_out}")


def _line_scope(variables: ObjectValue, scope: Scope | None) -> Scope:
    given = variables.entries
    if scope is None:
        return Scope({"var": _given_names(given)}, budget=Budget(_LINE_STEPS))
    if not given:
        return Scope({}, scope, budget=Budget(_LINE_STEPS))
    outer = scope.variables.get("var")
    if isinstance(outer, Namespace):
        known = outer
        names = frozenset(given) | frozenset(known.names())
        merged = Namespace("var", lambda n: given[n] if n in given else known.get(n), lambda: names, known.missing)
    else:
        merged = _given_names(given)
    return Scope({"var": merged}, scope, budget=Budget(_LINE_STEPS))


def _given_names(given: Mapping[str, Value]) -> Namespace:
    def undeclared(name: str) -> tuple[str, str]:
        detail = f'An input variable with the name "{name}" has not been declared. Give it in "vars".'
        return "Reference to undeclared input variable", detail

    return Namespace("var", given.__getitem__, lambda: given, undeclared)


def diagnostic_json(diagnostic: Diagnostic, source: Source) -> dict[str, Any]:
    """A diagnostic in the shape of Terraform's `validate -json`, with our code. `source` is what its range is in."""
    made: dict[str, Any] = {
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
    }
    subject = diagnostic.subject
    if subject is None:
        return made
    made["range"] = {
        "filename": subject.filename,
        "start": {"line": subject.start.line, "column": subject.start.column, "byte": subject.start.byte},
        "end": {"line": subject.end.line, "column": subject.end.column, "byte": subject.end.byte},
    }
    if subject.filename == source.filename:
        last = min(subject.end.line, subject.start.line + 5)
        code = "\n".join(source.line(n) for n in range(subject.start.line, last + 1))
        start = subject.start.column - 1
        width = len(source.text.encode()[subject.start.byte : subject.end.byte].decode("utf-8", "replace"))
        made["snippet"] = {
            "context": None,
            "code": code,
            "start_line": subject.start.line,
            "highlight_start_offset": start,
            "highlight_end_offset": min(start + max(width, 1), max(len(code), start + 1)),
            "values": [{"traversal": v.traversal, "statement": v.statement} for v in diagnostic.values],
        }
    return made


def render_value(value: Value, indent: int = 0) -> str:
    """A value as the interactive console prints it: `tolist([…])`, heredocs for lines, `(sensitive value)`."""
    if isinstance(value, Sensitive):
        return "(sensitive value)"
    if isinstance(value, TypeValue):
        return render_type(value.of, indent)
    if is_null(value):
        return _null_text(type_of(value))
    if isinstance(value, str):
        return _multiline(value, indent) if "\n" in value else quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return arithmetic.text_of(value)
    if isinstance(value, BlockValue):
        return value.address
    pad = " " * (indent + 2)
    if isinstance(value, (ObjectValue, MapValue)):
        lines = [f"{pad}{quote(k)} = {render_value(v, indent + 2)}\n" for k, v in value.entries.items()]
        text = "{\n" + "".join(lines) + " " * indent + "}" if lines else "{}"
        return f"tomap({text})" if isinstance(value, MapValue) else text
    assert isinstance(value, (TupleValue, ListValue, SetValue))
    lines = [f"{pad}{render_value(item, indent + 2)},\n" for item in value.items]
    text = "[\n" + "".join(lines) + " " * indent + "]" if lines else "[]"
    if isinstance(value, ListValue):
        return f"tolist({text})"
    return f"toset({text})" if isinstance(value, SetValue) else text


def _null_text(ty: Type) -> str:
    if ty is DYNAMIC:
        return "null"
    if isinstance(ty, (ListType, SetType, MapType)):
        return f"to{ty.word}(null) /* of {ty.element.friendly} */"
    if isinstance(ty, (ObjectType, TupleType)) or ty.friendly not in ("string", "number", "bool"):
        return f"null /* {ty.friendly} */"
    return f"to{ty.friendly}(null)"


def _multiline(value: str, indent: int) -> str:
    lines = value.split("\n")
    delimiter = "EOT"
    while any(line.strip() == delimiter for line in lines):
        delimiter += "_"
    pad = " " * indent
    body = "".join(f"\n{pad}{line}" for line in lines)
    return f"<<{'-' if indent else ''}{delimiter}{body}\n{pad}{delimiter}"


_SHORT = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def quote(value: str) -> str:
    """A string in quotes, with what cannot be printed escaped (Go's `strconv.Quote`)."""
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    out: list[str] = []
    for c in value:
        code = ord(c)
        if code in _SHORT:
            out.append(_SHORT[code])
        elif c.isprintable():
            out.append(c)
        elif code < 0x80:
            out.append(f"\\x{code:02x}")
        else:
            out.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return '"' + "".join(out) + '"'


def render_type(ty: Type, indent: int = 0) -> str:
    """A type as `type(x)` prints it in the console, one attribute a line."""
    pad = " " * (indent + 4)
    if isinstance(ty, ObjectType):
        lines = [f"{pad}{name}: {render_type(inner, indent + 4)},\n" for name, inner in ty.attributes.items()]
        return "object({\n" + "".join(lines) + " " * indent + "})" if lines else "object({})"
    if isinstance(ty, TupleType):
        lines = [f"{pad}{render_type(inner, indent + 4)},\n" for inner in ty.elements]
        return "tuple([\n" + "".join(lines) + " " * indent + "])" if lines else "tuple([])"
    if isinstance(ty, (ListType, SetType, MapType)):
        return f"{ty.word}({_element_type(ty.element, indent)})"
    return ty.friendly


def _element_type(ty: Type, indent: int) -> str:
    if isinstance(ty, (ObjectType, TupleType)):
        return f"\n{' ' * (indent + 4)}{render_type(ty, indent + 4)},\n{' ' * indent}"
    return render_type(ty, indent)
