"""YAML as the language reads and writes it: YAML 1.1 words for bools, 1.2 octals, no merge lists, one document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from re import compile as _compile
from typing import Any

import yaml

from .. import arithmetic
from ..scope import MAX_WEIGHT, too_big
from ..types import STRING
from ..values import ObjectValue, TupleValue, Value, object_of, text, type_of, weigh
from .jsoncodec import MAX_DEPTH
from .registry import FunctionError, Param, function
from .yamlwriter import write

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE = frozenset(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"))
_FALSE = frozenset(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"))
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_FLOAT = _compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED = _compile(r"0(?:x[0-9a-fA-F]+|o[0-7]+)")
_DATE = _compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d?):(\d\d?)(?:\.(\d*))?[ \t]*(Z|[-+]\d\d?(?::\d\d)?)?)?", 256
)
_INFINITE = frozenset(s + w for s in ("", "+", "-") for w in (".inf", ".Inf", ".INF"))
_NAN = frozenset((".nan", ".NaN", ".NAN"))
_TAG = "tag:yaml.org,2002:"
_RESOLVED = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "timestamp"))


@function("yamldecode", Param("src", STRING))
def _yamldecode(source: str) -> Value:
    try:
        events = yaml.parse(source, Loader=_LOADER)
        return _Reader(events).document()
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        problem = err.problem or err.context or "invalid YAML"
        where = f"on line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise FunctionError(f"{where}{problem}") from err
    except yaml.YAMLError as err:
        raise FunctionError(str(err).replace("\n", " ")) from err


class _Reader:
    """Builds a value from parser events; anchored values are shared, so that aliases cost nothing."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Value] = {}
        self._open: set[str] = set()

    def document(self) -> Value:
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise FunctionError("on line 1, column 1: missing start of document")
        value = self._node(next(self._events), 0)
        next(self._events)
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._error(event, "unexpected extra content after value")
        if weigh(value) > MAX_WEIGHT:
            raise too_big(f"The YAML document stands for more than {MAX_WEIGHT} elements.")
        return value

    def _error(self, event: Any, message: str) -> FunctionError:
        mark = event.start_mark
        return FunctionError(f"on line {mark.line + 1}, column {mark.column + 1}: {message}")

    def _node(self, event: Any, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise self._error(event, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in self._open:
                raise self._error(event, f'cannot refer to anchor "{event.anchor}" from inside its own definition')
            if event.anchor not in self._anchors:
                raise self._error(event, f'reference to undefined anchor "{event.anchor}"')
            return self._anchors[event.anchor]
        anchor = event.anchor
        if anchor:
            self._open.add(anchor)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(event, depth)
        else:
            value = self._mapping(event, depth)
        if anchor:
            self._open.discard(anchor)
            self._anchors[anchor] = value
        return value

    def _sequence(self, event: Any, depth: int) -> Value:
        if event.tag not in (None, "!", _TAG + "seq"):
            raise self._error(event, f"can't interpret sequence as {event.tag}")
        items: list[Value] = []
        while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(inner, depth + 1))
        return TupleValue(tuple(items))

    def _mapping(self, event: Any, depth: int) -> Value:
        if event.tag not in (None, "!", _TAG + "map"):
            raise self._error(event, f"can't interpret mapping as {event.tag}")
        entries: dict[str, Value] = {}
        while not isinstance(inner := next(self._events), yaml.MappingEndEvent):
            if isinstance(inner, yaml.ScalarEvent) and inner.value == "<<" and inner.implicit[0]:
                merged = self._node(next(self._events), depth + 1)
                if not isinstance(merged, ObjectValue):
                    raise self._error(inner, f"cannot merge {type_of(merged).friendly} into mapping")
                entries.update(merged.entries)
                continue
            key = self._key(inner, self._node(inner, depth + 1))
            entries[key] = self._node(next(self._events), depth + 1)
        return object_of(entries)

    def _key(self, event: Any, key: Value) -> str:
        if isinstance(key, str):
            return key
        if key is None:
            raise self._error(event, "mapping key cannot be null")
        if isinstance(key, bool):
            return "true" if key else "false"
        if isinstance(key, (TupleValue, ObjectValue)):
            raise self._error(event, "only strings are allowed as mapping keys")
        return arithmetic.text_of(key)  # type: ignore[arg-type]

    def _scalar(self, event: Any) -> Value:
        raw: str = event.value
        tag = event.tag
        if tag is None or tag == "!":
            return self._plain(event, raw) if event.implicit[0] and tag is None else text(raw)
        plain = not event.style
        if tag in (_TAG + "str", _TAG + "binary") or (tag in _RESOLVED and not plain):
            return text(raw)
        if tag == _TAG + "null":
            return None
        if tag == _TAG + "bool" and raw in _TRUE | _FALSE:
            return raw in _TRUE
        if tag in (_TAG + "int", _TAG + "float"):
            number = self._number(event, raw)
            if number is not None:
                return number
        if tag == _TAG + "timestamp" and (stamp := _timestamp(raw)) is not None:
            return stamp
        if not tag.startswith(_TAG):
            raise self._error(event, f'unsupported tag "{tag}"')
        raise self._error(event, f'cannot parse "{raw}" as {tag}')

    def _plain(self, event: Any, raw: str) -> Value:
        if raw in _NULL:
            return None
        first = raw[0]
        if first.isdigit() or first in "+-.":
            number = self._number(event, raw)
            if number is not None:
                return number
            return _timestamp(raw) or text(raw)
        if raw in _TRUE:
            return True
        if raw in _FALSE:
            return False
        return text(raw)

    def _number(self, event: Any, raw: str) -> Value:
        if raw in _INFINITE:
            raise self._error(event, "infinite numbers are not supported")
        if raw in _NAN:
            raise self._error(event, "floating point NaN is not supported")
        if _BASED.fullmatch(raw):
            if len(raw) > arithmetic.MAX_DIGITS // 2:
                raise self._error(event, "the number has too many digits")
            return int(raw, 0)
        if not _FLOAT.fullmatch(raw):
            return None
        number = arithmetic.parse(raw)
        if number is None:
            raise self._error(event, "the number has too many digits")
        return number


def _timestamp(raw: str) -> str | None:
    """A YAML timestamp in RFC 3339; None when `raw` is none."""
    match = _DATE.fullmatch(raw)
    if match is None:
        return None
    parts = [int(match[i] or 0) for i in range(1, 7)]
    zone = match[8] or "Z"
    offset = UTC
    if zone != "Z":
        hours, _, minutes = zone[1:].partition(":")
        delta = timedelta(hours=int(hours), minutes=int(minutes or 0))
        if delta >= timedelta(days=1):
            return None
        offset = timezone(-delta if zone[0] == "-" else delta)
    try:
        moment = datetime(*parts, tzinfo=offset)  # type: ignore[arg-type, misc]
    except ValueError:
        return None
    stamp = moment.isoformat()  # without the fraction of the second, which Terraform drops too
    return stamp.removesuffix("+00:00") + ("Z" if stamp.endswith("+00:00") else "")


@function("yamlencode", Param("value", null=True))
def _yamlencode(value: Value) -> Value:
    return write(value)
