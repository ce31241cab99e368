"""YAML as `yamlencode` writes it: block style, keys and strings in double quotes, lines as literal blocks.

Byte for byte what Terraform's emitter (libyaml's rules) writes, so that a document does not change by moving here.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from .. import arithmetic
from ..values import ListValue, MapValue, Null, ObjectValue, SetValue, TupleValue, Value, type_of
from .jsoncodec import MAX_DEPTH
from .registry import FunctionError

_WIDTH = 80
_MAX_SIMPLE_KEY = 126
_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r",
    "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip


def write(value: Value) -> str:
    """A value as one YAML document with its final line end. Raises FunctionError for blocks."""
    if isinstance(value, str):
        return _string(value, 2, 0) + ("" if value.endswith("\n") and _literal_allowed(value) else "\n")
    scalar = _plain(value)
    if scalar is not None:
        return f"{scalar}\n...\n"
    return "\n".join(_block(value, 0, 0)) + "\n"


def _plain(value: Value) -> str | None:
    """The text of a number, bool or null."""
    if value is None or isinstance(value, Null):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return arithmetic.text_of(value)
    return None


def _block(value: Value, indent: int, depth: int) -> Iterator[str]:
    """The lines of a collection; the first carries no indentation, for it may stand after a `- `."""
    if depth > MAX_DEPTH:
        raise FunctionError(f"the value is nested more than {MAX_DEPTH} levels deep")
    pad = " " * indent
    if isinstance(value, (TupleValue, ListValue, SetValue)):
        if not value.items:
            yield "[]"
        for i, item in enumerate(value.items):
            lines = _item(item, indent, depth, 2)
            yield f"{pad if i else ''}- {next(lines)}"
            yield from lines
    elif isinstance(value, (ObjectValue, MapValue)):
        if not value.entries:
            yield "{}"
        for i, (name, item) in enumerate(value.entries.items()):
            yield from _pair(pad if i else "", name, item, indent, depth)
    else:
        raise FunctionError(f"a {type_of(value).friendly} cannot be written as YAML; name one of its attributes")


def _item(item: Value, indent: int, depth: int, column: int) -> Iterator[str]:
    """The lines of what stands after `- ` or `key: `; `column` is how far that is from the indentation."""
    if isinstance(item, str):
        yield from _string(item, indent + 2, indent + column).removesuffix("\n").split("\n")
        return
    scalar = _plain(item)
    if scalar is not None:
        yield scalar
    else:
        yield from _block(item, indent + 2, depth + 1)


def _pair(lead: str, name: str, item: Value, indent: int, depth: int) -> Iterator[str]:
    key = _quoted(name, 0, 0, fold=False)
    pad = " " * indent
    if len(name.encode()) > _MAX_SIMPLE_KEY:
        yield f"{lead}? {key}"
        lines = _item(item, indent, depth, 2)
        yield f"{pad}: {next(lines)}"
        yield from lines
        return
    filled = (isinstance(item, (ObjectValue, MapValue)) and item.entries) or (
        isinstance(item, (TupleValue, ListValue, SetValue)) and item.items
    )
    if not filled:
        lines = _item(item, indent, depth, len(key) + 2)
        yield f"{lead}{key}: {next(lines)}"
        yield from lines
        return
    yield f"{lead}{key}:"
    inner = indent if isinstance(item, (TupleValue, ListValue, SetValue)) else indent + 2
    first = " " * inner
    for line in _block(item, inner, depth + 1):
        yield first + line
        first = ""


def _string(value: str, indent: int, column: int) -> str:
    if "\n" in value and _literal_allowed(value):
        return _literal(value, indent)
    return _quoted(value, indent, column, fold=True)


def _printable(c: str) -> bool:
    code = ord(c)
    return c == "\n" or 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xD7FF or (0xE000 <= code <= 0xFFFD and code != 0xFEFF)


def _literal_allowed(value: str) -> bool:
    """True when a literal block keeps the value: nothing to escape, no blank before a line end or at the end."""
    return not value.endswith(" ") and " \n" not in value and all(map(_printable, value))


def _literal(value: str, indent: int) -> str:
    hint = "2" if value[0] in " \n" else ""
    chomp = "-" if value[-1] != "\n" else "+" if value == "\n" or value[-2] == "\n" else ""
    pad = " " * indent
    body = "\n".join(pad + line if line else "" for line in value.split("\n"))
    return f"|{hint}{chomp}\n{body}"


def _quoted(value: str, indent: int, column: int, fold: bool) -> str:
    """A double-quoted scalar; a line that has passed column 80 is folded at the next blank."""
    out = ['"']
    column += 1
    last = len(value) - 1
    spaces = False
    for i, c in enumerate(value):
        if c in _ESCAPES or not _printable(c):
            code = ord(c)
            wide = f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
            piece = _ESCAPES.get(c, wide)
            spaces = False
        elif c == " ":
            if fold and not spaces and column > _WIDTH and 0 < i < last:
                piece = "\n" + " " * indent + ("\\" if value[i + 1] == " " else "")
                column = indent - (len(piece) - (1 if piece.endswith("\\") else 0))
            else:
                piece = " "
            spaces = True
        else:
            piece = c
            spaces = False
        out.append(piece)
        column += len(piece)
    out.append('"')
    return "".join(out)
