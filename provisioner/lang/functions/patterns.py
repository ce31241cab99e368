"""Regular expressions with RE2's syntax and its promise of linear time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from re import compile as _compile
from typing import Any

from ..scope import MAX_STRING, too_big
from .registry import FunctionError

MAX_WORK = 6_000_000_000
"""How many bytes all searches of one call may have before them: some 10 seconds at worst."""
_CONTINUATION = frozenset(bytes([byte]) for byte in range(0x80, 0xC0))  # bytes inside a character
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


class Found:
    """One match: where it is in the text, in characters, and its groups."""

    __slots__ = ("_match", "end", "start")

    def __init__(self, match: Any, start: int, end: int) -> None:
        self._match = match
        self.start = start
        self.end = end

    def group(self, group: int | str) -> str | None:
        """The text of a group; None where it took no part."""
        found: bytes | None = self._match.group(group)
        return None if found is None else found.decode()


def matches(pattern: Any, value: str) -> Iterator[Found]:
    """Every match that does not overlap; an empty one right after another match does not count (as in Go).

    Raises BudgetError when that would take too long: a search is linear, but a pattern may look at the whole rest of
    the text for each of its matches.
    """
    text = value.encode()  # once: given a string, RE2 would encode it again and again
    work, at, at_byte, last_end = 0, 0, 0, -1
    for match in pattern.finditer(text):
        work += len(text) - match.start()
        if work > MAX_WORK:
            raise too_big("A regular expression matches too often in a string that is too long.")
        first, last = match.span()
        if first == last and (first == last_end or text[first : first + 1] in _CONTINUATION):
            continue
        start = at + len(text[at_byte:first].decode())
        at, at_byte, last_end = start + len(text[first:last].decode()), last, last
        yield Found(match, start, at)


def replace_all(pattern: Any, value: str, template: str) -> str:
    """Every match replaced; `$1`, `${name}` and `$$` in the template as in Go. Raises BudgetError for a huge result."""
    out: list[str] = []
    at = size = 0
    for match in matches(pattern, value):
        expanded = _expand(pattern, match, template)
        size += len(expanded)
        if size > MAX_STRING:
            raise too_big(f"A string would be longer than {MAX_STRING} characters.")
        out.append(value[at : match.start])
        out.append(expanded)
        at = match.end
    out.append(value[at:])
    return "".join(out)


def _expand(pattern: Any, match: Found, template: str) -> str:
    def one(found: Any) -> str:
        if found[0] == "$$":
            return "$"
        name = found[1] or found[2]
        if name.isdigit():
            index = int(name) if len(name) < 9 else pattern.groups + 1
            return (match.group(index) or "") if index <= pattern.groups else ""
        return (match.group(name) or "") if name in pattern.groupindex else ""

    return _NAME.sub(one, template)
