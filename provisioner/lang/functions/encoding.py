"""Functions that encode and decode text."""

from __future__ import annotations

import base64
import binascii
import codecs
from urllib.parse import quote_plus

from ..types import STRING, ObjectType
from ..values import ListValue, ObjectValue, Value, text
from .jsoncodec import JSONError, decode, encode
from .registry import FunctionError, Param, function

_STR = Param("str", STRING)


@function("jsonencode", Param("val", null=True))
def _jsonencode(value: Value) -> Value:
    return encode(value)


@function("jsondecode", _STR)
def _jsondecode(source: str) -> Value:
    try:
        return decode(source)
    except JSONError as err:
        line = source.count("\n", 0, err.offset) + 1
        column = err.offset - source.rfind("\n", 0, err.offset)
        raise FunctionError(f"{err} (line {line}, column {column})") from err


@function("base64encode", _STR)
def _base64encode(value: str) -> Value:
    return base64.b64encode(value.encode()).decode("ascii")


@function("base64decode", Param("str", STRING, marked=False))
def _base64decode(value: str) -> Value:
    try:
        data = base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError) as err:
        raise FunctionError(f'failed to decode base64 data "{value}"') from err
    try:
        return data.decode()
    except UnicodeDecodeError as err:
        raise FunctionError("the result of decoding the provided string is not valid UTF-8") from err


@function("base64gzip", _STR)
def _base64gzip(value: str) -> Value:
    import gzip  # seldom needed

    return base64.b64encode(gzip.compress(value.encode(), mtime=0)).decode("ascii")


@function("urlencode", _STR)
def _urlencode(value: str) -> Value:
    return quote_plus(value, safe="")


# Only what the IANA index names; Python knows many more codecs, some of which do not encode text.
_ENCODINGS = {
    "utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii", "iso-8859-1", "latin1", "iso-8859-2", "iso-8859-3",
    "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-10", "iso-8859-13",
    "iso-8859-14", "iso-8859-15", "iso-8859-16", "windows-1250", "windows-1251", "windows-1252", "windows-1253",
    "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874", "koi8-r", "koi8-u",
    "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr", "gbk", "gb18030", "gb2312", "hz-gb-2312", "big5", "macintosh",
    "ibm437", "ibm850", "ibm852", "ibm855", "ibm860", "ibm862", "ibm863", "ibm865", "ibm866", "cp437", "cp850",
}  # fmt: skip
_PYTHON_NAME = {"macintosh": "mac-roman", "windows-874": "cp874", "hz-gb-2312": "hz", "utf-16": "utf-16-be"}


def _codec(name: str, argument: int) -> str:
    lower = name.lower()
    if lower not in _ENCODINGS:
        raise FunctionError(f'"{name}" is not a supported IANA encoding name or alias', argument)
    return codecs.lookup(_PYTHON_NAME.get(lower, lower)).name


@function("textencodebase64", Param("string", STRING), Param("encoding", STRING))
def _textencodebase64(value: str, encoding: str) -> Value:
    codec = _codec(encoding, 1)
    try:
        data = value.encode(codec)
    except UnicodeEncodeError as err:
        raise FunctionError(
            f"the given string contains characters that cannot be represented in {encoding}", 0
        ) from err
    if encoding.lower() == "utf-16":
        data = codecs.BOM_UTF16_BE + data
    return base64.b64encode(data).decode("ascii")


@function("textdecodebase64", Param("source", STRING), Param("encoding", STRING))
def _textdecodebase64(source: str, encoding: str) -> Value:
    codec = _codec(encoding, 1)
    try:
        data = base64.b64decode(source, validate=True)
    except (binascii.Error, ValueError) as err:
        raise FunctionError("the given value is not valid base64", 0) from err
    if encoding.lower() == "utf-16":
        codec = "utf-16" if data[:2] in (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE) else codec
    return data.decode(codec, "replace")


@function("csvdecode", _STR)
def _csvdecode(source: str) -> Value:
    rows = _csv_rows(source)
    if not rows:
        raise FunctionError("missing header line")
    header = [text(name) for name in rows[0][1]]
    seen: set[str] = set()
    for name in header:
        if name in seen:
            raise FunctionError(f'duplicate column name "{name}"')
        seen.add(name)
    ty = ObjectType(dict.fromkeys(header, STRING))
    items: list[Value] = []
    for line, fields in rows[1:]:
        if len(fields) != len(header):
            raise FunctionError(f"CSV parse error on line {line}: wrong number of fields")
        entries = dict(zip(header, map(text, fields), strict=True))
        items.append(ObjectValue({name: entries[name] for name in ty.attributes}))
    return ListValue(tuple(items), ty)


def _csv_rows(source: str) -> list[tuple[int, list[str]]]:
    """Line number and fields of each record, by RFC 4180 as Go reads it: blank lines skipped, quotes strict."""
    lines = source.replace("\r\n", "\n").split("\n")
    rows: list[tuple[int, list[str]]] = []
    i = 0
    while i < len(lines):
        line = lines[i]
        start = i
        i += 1
        if not line:
            continue
        if '"' not in line:
            rows.append((start + 1, line.split(",")))
            continue
        fields, i = _csv_quoted(lines, start)
        rows.append((start + 1, fields))
    return rows


def _csv_quoted(lines: list[str], at: int) -> tuple[list[str], int]:
    """One record with quotes in it, and the index of the line after it."""
    line, position = lines[at], 0
    start = at
    fields: list[str] = []
    while True:
        if line[position : position + 1] != '"':
            end = line.find(",", position)
            field = line[position:] if end < 0 else line[position:end]
            if '"' in field:
                raise FunctionError(f'CSV parse error on line {at + 1}: bare " in non-quoted-field')
            fields.append(field)
            if end < 0:
                return fields, at + 1
            position = end + 1
            continue
        position += 1
        parts: list[str] = []
        while True:
            end = line.find('"', position)
            if end < 0:
                parts.append(line[position:])
                at += 1
                if at >= len(lines):
                    raise FunctionError(f'CSV parse error on line {start + 1}: extraneous or missing " in quoted-field')
                parts.append("\n")
                line, position = lines[at], 0
            elif line[end + 1 : end + 2] == '"':
                parts.append(line[position : end + 1])
                position = end + 2
            else:
                parts.append(line[position:end])
                position = end + 1
                break
        fields.append("".join(parts))
        if position >= len(line):
            return fields, at + 1
        if line[position] != ",":
            raise FunctionError(f'CSV parse error on line {at + 1}: extraneous or missing " in quoted-field')
        position += 1
