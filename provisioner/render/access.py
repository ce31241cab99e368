"""Comparisons of plain policies, as text and as JSON. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from ..model.changes import Effect
from ..sdk.documents import DocumentComparison
from .escape import escape

_VERDICTS = {
    Effect.WIDER: "WIDER      {new} allows what {old} does not",
    Effect.NARROWER: "NARROWER   {new} allows nothing that {old} does not, and less",
    Effect.EQUAL: "EQUAL      {new} allows what {old} does, no more and no less",
    Effect.UNKNOWN: "UNKNOWN    counts as wider: nobody proved that {new} allows no more than {old}",
}


def comparison_document(found: DocumentComparison) -> dict[str, Any]:
    """`effect`, `can`, `cannot`, `reason`, `witness` (a request that `access evaluate` takes), `alone`."""
    return {
        "effect": found.effect.value,
        "can": list(found.can),
        "cannot": list(found.cannot),
        "reason": found.reason,
        "witness": dict(found.witness) if found.witness is not None else None,
        "witness_words": found.witness_words,
        "alone": found.alone,
    }


def comparison_text(found: DocumentComparison, old: str, new: str, width: int) -> str:
    """The verdict first, then what becomes possible and what no longer is, then an example."""
    return "\n".join(_lines(found, escape(old), escape(new), width)) + "\n"


def _lines(found: DocumentComparison, old: str, new: str, width: int) -> Iterator[str]:
    yield _VERDICTS[found.effect].format(old=old, new=new)
    for label, sentences in (("can:", found.can), ("can no longer:", found.cannot)):
        for sentence in sentences:
            yield from _wrapped(f"{label} {sentence}", width)
    if found.witness_words:
        yield from _wrapped(f"for example: {found.witness_words}", width)
        if not found.alone:
            text = f"{old} denies this whatever else allows it; {new} does not, so another policy may allow it"
            yield from _wrapped(text, width)
    if found.reason:
        yield from _wrapped(found.reason, width)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(escape(text), width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
