"""Regular expressions with RE2's syntax and its promise of linear time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from re import compile as _compile
from typing import Any

from .registry import FunctionError

_NAME = _compile(r"\$(?:\$|\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2  # a binary module, seldom needed

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as err:
        message = err.args[0] if err.args else err
        reason = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        said = reason[0].lower() + reason[1:]
        raise FunctionError(f"invalid regexp pattern: {said}") from err


def compile_pattern(pattern: str, argument: int) -> Any:
    """The compiled pattern. Raises FunctionError about the argument."""
    try:
        return _compiled(pattern)
    except FunctionError as err:
        raise FunctionError(str(err), argument) from err


def matches(pattern: Any, value: str) -> Iterator[Any]:
    """Every match that does not overlap; an empty one right after another match does not count (as in Go)."""
    at, last_end = 0, -1
    while at <= len(value):
        match = pattern.search(value, at)
        if match is None:
            return
        start, end = match.span()
        if start == end:
            if start != last_end:
                yield match
            at = end + 1
        else:
            yield match
            at = end
        last_end = end


def replace_all(pattern: Any, value: str, template: str) -> str:
    """Every match replaced; `$1`, `${name}` and `$$` in the template as in Go."""
    out: list[str] = []
    at = 0
    for match in matches(pattern, value):
        out.append(value[at : match.start()])
        out.append(_expand(pattern, match, template))
        at = match.end()
    out.append(value[at:])
    return "".join(out)


def _expand(pattern: Any, match: Any, template: str) -> str:
    def one(found: Any) -> str:
        if found[0] == "$$":
            return "$"
        name = found[1] or found[2]
        if name.isdigit():
            index = int(name) if len(name) < 9 else pattern.groups + 1
            return (match.group(index) or "") if index <= pattern.groups else ""
        return (match.group(name) or "") if name in pattern.groupindex else ""

    return _NAME.sub(one, template)
