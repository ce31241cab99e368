"""Reads what a drift run is to set aside: `ignore` blocks of a file of their own, each with a reason and an end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from ..lang import ast
from ..lang.parser import parse_file
from ..lang.scope import Scope
from ..lang.suggest import suggestion
from ..model.configuration import Settings
from ..model.diagnostics import Diagnostic
from ..model.drift import Difference, DriftKind
from ..model.source import Source, SourceRange
from ..sdk.schema import AttributeSchema, BlockSchema
from . import times
from .decode import Decoder
from .files import Files
from .module import block_type_range, name_range
from .report import Report
from .text import problem

IGNORE_FILE: Final = ".provisioner.ignore.hcl"
KINDS: Final = tuple(str(kind) for kind in DriftKind if kind is not DriftKind.INCOMPLETE)
"""What can be ignored. What was not read cannot: nobody knows what it is."""
_SCHEMA: Final = BlockSchema(
    "Differences that a drift run sets aside.",
    {
        "address": AttributeSchema("string", "provider:target:kind:name as drift -json gives it; * is any text."),
        "agent": AttributeSchema("string", "An agent's name; * is any text."),
        "kind": AttributeSchema("string", "Only differences of this kind.", choices=KINDS),
        "reason": AttributeSchema("string", "Why.", required=True),
        "expires": AttributeSchema("string", "The day on which it ends, in UTC.", required=True),
    },
)


@dataclass(frozen=True, slots=True)
class Ignore:
    """One block. `address` and `agent` are patterns, one of them at least; `expires` is the day on which it ends."""

    range: SourceRange
    reason: str
    expires: date
    address: str | None = None
    agent: str | None = None
    kind: DriftKind | None = None

    def covers(self, difference: Difference) -> bool:
        """Whether everything that the block names fits. What was not read is never covered."""
        if difference.kind is DriftKind.INCOMPLETE or self.kind not in (None, difference.kind):
            return False
        address = "" if difference.address is None else str(difference.address)
        return all(
            pattern is None or fits(pattern, text)
            for pattern, text in ((self.address, address), (self.agent, difference.agent or ""))
        )


@dataclass(frozen=True, slots=True)
class Ignores:
    """The blocks in source order, what is wrong with the file, and its text for showing that."""

    blocks: tuple[Ignore, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    sources: Mapping[str, Source] | None = None


def load_ignores(root: Path, path: Path) -> Ignores:
    """Read the file at `path`. Never raises for what is in it; blocks with errors are left out."""
    report = Report()
    files = Files(root, report)
    source = files.source(path)
    if source is None:
        return Ignores((), report.ordered(), {})
    body, problems = parse_file(source)
    report.extend(problems)
    if problems:  # half a block would only be wrong in more ways
        return Ignores((), report.ordered(), files.sources)
    for attribute in body.attributes.values():
        detail = "This file holds ignore { … } blocks only. Put it into one of them, or remove it."
        report.error("E-ARGUMENT", "Unsupported argument", detail, name_range(attribute))
    found = [_block(block, report) for block in body.blocks]
    return Ignores(tuple(item for item in found if item is not None), report.ordered(), files.sources)


def _block(block: ast.Block, report: Report) -> Ignore | None:
    if block.type != "ignore":
        fix = suggestion(block.type, ("ignore",)) or " This file holds ignore { … } blocks only."
        detail = f'Blocks of type "{block.type}" are not expected here.{fix}'
        report.error("E-BLOCK", "Unsupported block type", detail, block_type_range(block))
        return None
    decoder = Decoder(report, Scope({}), {})
    if block.labels:
        decoder.error("E-LABEL", "Extraneous label for ignore", "An ignore block takes no labels.", block.header)
    settings = decoder.settings(block, _SCHEMA)
    if decoder.failed:
        return None
    expires = _end(decoder, settings)
    address, agent = _pattern(decoder, settings, "address"), _pattern(decoder, settings, "agent")
    if address is None and agent is None and not decoder.failed:
        detail = "It would set aside whatever anybody does. Name an address or an agent; kind alone does not do."
        decoder.error("E-IGNORE", "This block names nothing to ignore", detail, block.header)
    reason = str(settings.get("reason", ""))
    if not reason.strip() or problem(reason) is not None:
        why = problem(reason) or "it is empty"
        detail = f"The reason is shown in every report, and {why}. Say in one line why this may be."
        decoder.error("E-IGNORE", "Invalid reason", detail, settings.range_of("reason"))
    if decoder.failed or expires is None:
        return None
    kind = settings.get("kind")
    return Ignore(block.header, reason, expires, address, agent, None if kind is None else DriftKind(kind))


def _end(decoder: Decoder, settings: Settings) -> date | None:
    written = str(settings.get("expires", ""))
    found = times.day(written)
    if found is None:
        detail = f'"{written}" is not a date. Write year, month and day: "2027-02-01".'
        decoder.error("E-TIME", "Invalid expires", detail, settings.range_of("expires"))
        return None
    return date.fromisoformat(found)


def _pattern(decoder: Decoder, settings: Settings, name: str) -> str | None:
    pattern: str | None = settings.get(name)
    if pattern is None or pattern.strip("*: "):
        return pattern
    detail = f'{name} = "{pattern}" fits everything, also what somebody does tomorrow. Name what is known and accepted.'
    decoder.error("E-IGNORE", "A pattern that fits everything", detail, settings.range_of(name))
    return None


def fits(pattern: str, text: str) -> bool:
    """Whether `text` is `pattern`, in which `*` stands for any text, also none. Takes linear time."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True
