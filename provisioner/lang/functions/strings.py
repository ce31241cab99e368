"""Functions of strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..arithmetic import Number
from ..scope import MAX_STRING, Scope, too_big
from ..types import NUMBER, STRING, ListType, ObjectType, TupleType, Type
from ..values import ListValue, Null, TupleValue, Value, object_of, string_list
from .graphemes import graphemes
from .numeric import whole
from .patterns import compile_pattern, matches, replace_all
from .registry import FunctionError, Param, function

_STR = Param("str", STRING)
# What Go's unicode.IsSpace takes; Python's str.strip() takes the separators \x1c-\x1f too.
_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000"
)


def _simple(change: Callable[[str], str], value: str) -> str:
    """Case by character: a change that makes several characters of one is not made (Go's simple mapping)."""
    value = value.replace("\u0130", "i") if change is str.lower else value
    changed = change(value)
    if value.isascii() or len(changed) == len(value):
        return changed
    return "".join(c if len(new := change(c)) != 1 else new for c in value)


@function("upper", _STR)
def _upper(value: str) -> Value:
    return _simple(str.upper, value)


@function("lower", _STR)
def _lower(value: str) -> Value:
    return _simple(str.lower, value)


@function("title", _STR)
def _title(value: str) -> Value:
    out: list[str] = []
    inside = False
    for c in value:
        word = c.isalnum() or c == "_" if c.isascii() else not c.isspace() if not c.isalnum() else True
        new = c if inside or not word else c.title()
        out.append(new if len(new) == 1 else c)
        inside = word
    return "".join(out)


@function("chomp", _STR)
def _chomp(value: str) -> Value:
    return value.rstrip("\r\n")


@function("trimspace", _STR)
def _trimspace(value: str) -> Value:
    return value.strip(_SPACES)


@function("trim", _STR, Param("cutset", STRING))
def _trim(value: str, cutset: str) -> Value:
    return value.strip(cutset) if cutset else value


@function("trimprefix", _STR, Param("prefix", STRING))
def _trimprefix(value: str, prefix: str) -> Value:
    return value.removeprefix(prefix)


@function("trimsuffix", _STR, Param("suffix", STRING))
def _trimsuffix(value: str, suffix: str) -> Value:
    return value.removesuffix(suffix)


@function("startswith", _STR, Param("prefix", STRING))
def _startswith(value: str, prefix: str) -> Value:
    return value.startswith(prefix)


@function("endswith", _STR, Param("suffix", STRING))
def _endswith(value: str, suffix: str) -> Value:
    return value.endswith(suffix)


@function("strcontains", _STR, Param("substr", STRING))
def _strcontains(value: str, substr: str) -> Value:
    return substr in value


@function("strrev", _STR)
def _strrev(value: str) -> Value:
    return "".join(reversed(graphemes(value)))


@function("substr", _STR, Param("offset", NUMBER), Param("length", NUMBER))
def _substr(value: str, offset: Number, length: Number) -> Value:
    start, count = whole(offset, 1), whole(length, 2)
    parts = graphemes(value)
    if start < 0:
        start = max(start + len(parts), 0)
    return "".join(parts[start:] if count < 0 else parts[start : start + count])


@function("indent", Param("spaces", NUMBER), _STR)
def _indent(spaces: Number, value: str) -> Value:
    width = whole(spaces, 0)
    if width < 0:
        raise FunctionError("the number of spaces must not be negative", 0)
    if width * (value.count("\n") + 1) + len(value) > MAX_STRING:
        raise too_big(f"A string would be longer than {MAX_STRING} characters.")
    return value.replace("\n", "\n" + " " * width)


@function("join", Param("separator", STRING), variadic=Param("lists", ListType(STRING)))
def _join(separator: str, *lists: ListValue) -> Value:
    if not lists:
        raise FunctionError("at least one list is required")
    parts: list[str] = []
    for number, one in enumerate(lists):
        for i, item in enumerate(one.items):
            if not isinstance(item, str):
                where = f"element {i} of list {number + 1}" if len(lists) > 1 else f"element {i}"
                raise FunctionError(f"{where} is null; cannot concatenate null values", number + 1)
            parts.append(item)
    if sum(map(len, parts)) + len(separator) * len(parts) > MAX_STRING:
        raise too_big(f"A string would be longer than {MAX_STRING} characters.")
    return separator.join(parts)


@function("split", Param("separator", STRING), _STR)
def _split(separator: str, value: str) -> Value:
    return string_list(value.split(separator) if separator else value)


@function("replace", _STR, Param("substr", STRING), Param("replace", STRING))
def _replace(value: str, substr: str, new: str) -> Value:
    if len(substr) > 1 and substr[0] == substr[-1] == "/":
        return replace_all(compile_pattern(substr[1:-1], 1), value, new)
    if len(value) + value.count(substr) * (len(new) - len(substr)) > MAX_STRING:
        raise too_big(f"A string would be longer than {MAX_STRING} characters.")
    return value.replace(substr, new)


_PATTERN = (Param("pattern", STRING), Param("string", STRING))


def _shape(pattern: Any) -> Type:
    names = pattern.groupindex
    if not pattern.groups:
        return STRING
    if not names:
        return TupleType((STRING,) * pattern.groups)
    if len(names) < pattern.groups:
        raise FunctionError("invalid regexp pattern: cannot mix both named and unnamed capture groups", 0)
    return ObjectType(dict.fromkeys(names, STRING))


def _captured(pattern: Any, match: Any) -> Value:
    def one(group: str | int) -> Value:
        found = match.group(group)
        return Null(STRING) if found is None else found

    if not pattern.groups:
        whole_match: str = match.group(0)
        return whole_match
    if pattern.groupindex:
        return object_of({name: one(name) for name in pattern.groupindex})
    return TupleValue(tuple(one(i) for i in range(1, pattern.groups + 1)))


@function("regex", *_PATTERN)
def _regex(pattern: str, value: str) -> Value:
    compiled = compile_pattern(pattern, 0)
    _shape(compiled)
    match = compiled.search(value)
    if match is None:
        raise FunctionError("pattern did not match any part of the given string")
    return _captured(compiled, match)


@function("regexall", *_PATTERN)
def _regexall(pattern: str, value: str) -> Value:
    compiled = compile_pattern(pattern, 0)
    shape = _shape(compiled)
    return ListValue(tuple(_captured(compiled, match) for match in matches(compiled, value)), shape)


@function("templatestring", Param("template", STRING), Param("vars"), scoped=True)
def _templatestring(scope: Scope, template: str, variables: Value) -> Value:
    from .rendering import render  # needs the parser

    return render(template, "<templatestring argument>", variables, scope)
