"""`access evaluate` and `access compare`: plain policy documents, judged by the cloud's own provider.

No configuration, no ledger, no network. Every function here is pure but for the loading of a provider's package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.requests import Decision
from ..model.source import Source
from ..registry import Registry
from ..sdk.documents import DocumentComparer, DocumentComparison, DocumentEvaluator

CODE = "E-ACCESS-REQUEST"
POLICY_CODE = "E-ACCESS-POLICY"
USUAL_CLOUD = "aws"
MAX_LINE = 16_000_000
"""Bytes of one request, and of one policy file."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One line of `access evaluate`: the request's own `id` (None: it has none), and a decision or what is wrong."""

    id: Any
    decision: Decision | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def evaluate_lines(lines: Iterable[bytes], registry: Registry) -> Iterator[Answered]:
    """Answer each line that is not blank. Never raises for what a line says: it is answered with diagnostics."""
    judges: dict[str, DocumentEvaluator] = {}
    read = _Reading()
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        given: Any = None
        try:
            given = read.request(line, number)
            cloud = given.get("cloud", USUAL_CLOUD)
            judge = judges.get(cloud) if isinstance(cloud, str) else None
            if judge is None:
                judge = _judge(cloud, registry)
                judges[cloud] = judge
            yield Answered(given.get("id"), judge.evaluate_document(given))
        except DiagnosticError as error:
            name = given.get("id") if isinstance(given, Mapping) else None
            yield Answered(name, diagnostics=tuple(_on_line(item, number) for item in error.diagnostics))


def _on_line(diagnostic: Diagnostic, number: int) -> Diagnostic:
    """The same, saying which line of the input it is about."""
    if diagnostic.summary.startswith("line "):
        return diagnostic
    return Diagnostic(diagnostic.code, f"line {number}: {diagnostic.summary}", diagnostic.detail, diagnostic.severity)


class _Reading:
    """Reads requests. Policies that stand in many lines in the same words are read once, and are one object then."""

    def __init__(self) -> None:
        self._policies: dict[bytes, Any] = {}

    def request(self, line: bytes, number: int) -> dict[str, Any]:
        """One line as JSON. Raises DiagnosticError."""
        found = self._cut(line)
        if found is None:
            return _request(line, number)
        start, end = found
        request = _request(line[:start] + b"null" + line[end:], number)
        text = line[start:end]
        policies = self._policies.get(text)
        if policies is None:
            policies = MappingProxyType(_request(b'{"policies":' + text + b"}", number)["policies"])
            if len(self._policies) >= _REMEMBERED:
                self._policies.clear()
            self._policies[text] = policies
        request["policies"] = policies
        return request

    def _cut(self, line: bytes) -> tuple[int, int] | None:
        """Where the value of the one member `policies` stands; None where that is not plain to see."""
        if len(line) > MAX_LINE or line.count(b'"policies"') != 1:
            return None
        import msgspec

        try:
            raw = msgspec.json.decode(line, type=dict[str, msgspec.Raw]).get("policies")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if raw is None:
            return None
        text = bytes(raw)
        at = line.index(b'"policies"') + len(b'"policies"')
        while line[at : at + 1] in (b" ", b":", b"\t"):
            at += 1
        return (at, at + len(text)) if text.startswith(b"{") and line.startswith(text, at) else None


_REMEMBERED = 256


def _request(line: bytes, number: int) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise DiagnosticError.of(
            CODE, f"line {number} is longer than {MAX_LINE:,} bytes", "Give the request smaller policies."
        )
    try:
        found = json.loads(line, object_pairs_hook=_unique, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise DiagnosticError.of(
            CODE, f"line {number} is not UTF-8 at byte {error.start}", "Write one request a line, in UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        raise DiagnosticError.of(
            CODE, f"line {number} is not JSON: {error.msg} at column {error.colno}", "Write one JSON object a line."
        ) from error
    except (_NotStrict, ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, _NotStrict) else "a number or a nesting that nobody reads"
        raise DiagnosticError.of(CODE, f"line {number}: {said}", "Write one plain JSON object a line.") from error
    if not isinstance(found, dict):
        raise DiagnosticError.of(CODE, f"line {number} is no JSON object", "Write one JSON object a line.")
    return found


class _NotStrict(Exception):
    """JSON that two readers may take for two things."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _NotStrict(f"{twice!r} stands twice in one object")
    return out


def _refuse(name: str) -> Any:
    raise _NotStrict(f"{name} is no JSON value")


def _judge(cloud: Any, registry: Registry) -> DocumentEvaluator:
    provider = _provider(cloud, registry)
    if not isinstance(provider, DocumentEvaluator):
        raise DiagnosticError.of(CODE, f"the provider {cloud} judges no plain requests", _clouds(registry))
    return provider


def _provider(cloud: Any, registry: Registry) -> object:
    provider = registry.provider(cloud) if isinstance(cloud, str) else None
    if provider is None:
        raise DiagnosticError.of(CODE, f"there is no cloud {cloud!r}", _clouds(registry))
    return provider


def _clouds(registry: Registry) -> str:
    return f"cloud is one of {', '.join(registry.names)}; {USUAL_CLOUD} where it is left out."


def compare(old: Source, new: Source, kind: str | None, cloud: str, registry: Registry) -> DocumentComparison:
    """Compare two policy files. Raises DiagnosticError with the file and line that is wrong."""
    provider = _provider(cloud, registry)
    if not isinstance(provider, DocumentComparer):
        raise DiagnosticError.of(CODE, f"the provider {cloud} compares no plain policies", _clouds(registry))
    kinds = provider.comparison_kinds()
    if kind is not None and kind not in kinds:
        raise DiagnosticError.of(CODE, f"there is no kind of policy {kind!r}", f"-kind is one of {', '.join(kinds)}.")
    documents = [_document(source) for source in (old, new)]
    for source, document in zip((old, new), documents, strict=True):
        try:
            provider.check_document(document, kind or kinds[0])
        except DiagnosticError as error:
            raise DiagnosticError([_in_file(item, source) for item in error.diagnostics]) from error
    return provider.compare_documents(documents[0], documents[1], kind or kinds[0])


def _document(source: Source) -> dict[str, Any]:
    try:
        found = json.loads(source.text, object_pairs_hook=_unique, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise _refused(source, f"this is not JSON: {error.msg}", error.pos) from error
    except (_NotStrict, ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, _NotStrict) else "a number or a nesting that nobody reads"
        raise _refused(source, said, 0) from error
    if not isinstance(found, dict):
        raise _refused(source, "a policy is a JSON object", 0)
    return found


def _refused(source: Source, said: str, offset: int) -> DiagnosticError:
    place = source.range(offset, offset + 1)
    return DiagnosticError.of(POLICY_CODE, f"{source.filename}: {said}", "Give one policy document, as JSON.", place)


def _in_file(diagnostic: Diagnostic, source: Source) -> Diagnostic:
    """The same, with the statement, binding or rule that it speaks of as its place."""
    found = re.search(r"\b(statement|binding|rule) (\d+)", diagnostic.summary)
    start, end = (0, 1) if found is None else _item(source.text, _LISTS[found.group(1)], int(found.group(2)))
    return Diagnostic(
        POLICY_CODE,
        f"{source.filename}: {diagnostic.summary}",
        diagnostic.detail,
        diagnostic.severity,
        source.range(start, end),
    )


_LISTS = {"statement": "statement", "binding": "bindings", "rule": "rules"}
"""The member of a policy that lists what a message speaks of."""


def _item(text: str, listed: str, number: int) -> tuple[int, int]:
    """Where the item of that number, from 1 on, stands in a document that is known to be JSON."""
    decoder = json.JSONDecoder()
    at = _beyond(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        at = _beyond(text, at)
        if name.lower() == listed and text[at] == "[":
            at = _beyond(text, at + 1)
            for _ in range(number - 1):
                at = _beyond(text, decoder.raw_decode(text, at)[1])
            return at, at + 1
        start = at
        at = decoder.raw_decode(text, at)[1]
        if name.lower() == listed:
            return start, start + 1
        at = _beyond(text, at)
    return 0, 1


def _beyond(text: str, at: int) -> int:
    """The next character that is neither white space, a comma nor a colon."""
    while text[at] in " \t\r\n,:":
        at += 1
    return at
