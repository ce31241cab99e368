"""Texts that must not stand in a configuration: secrets, and characters that deceive a reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_SECRETS: Final = {
    "an AWS access key id": r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?:[^-]{0,20000}-----END [A-Z0-9 ]*PRIVATE KEY-----)?",
    "a GitHub token": r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})",
    "a GitLab token": r"(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,}",
    "a Slack token": r"(?<![A-Za-z0-9])xox[abprs]-[A-Za-z0-9-]{10,}",
    "a Google API key": r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])",
    "an API key of a model provider": r"(?<![A-Za-z0-9])sk-(?:ant-|proj-)[A-Za-z0-9_-]{20,}",
}
_ANY_SECRET: Final = re.compile("|".join(f"({pattern})" for pattern in _SECRETS.values()))
_NAMES: Final = tuple(_SECRETS)

_DECEIVING: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e01ef]"
)


def secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of everything in `text` that looks like a secret."""
    for match in _ANY_SECRET.finditer(text):
        yield match.start(), match.end(), _NAMES[(match.lastindex or 1) - 1]


def holds_secret(text: str) -> bool:
    """Whether something in `text` looks like a secret."""
    return _ANY_SECRET.search(text) is not None


def masked(text: str) -> str:
    """`text` with everything that looks like a secret written as asterisks, in the same places."""
    return _ANY_SECRET.sub(lambda match: re.sub(r"[^\n]", "*", match.group()), text)


@lru_cache(maxsize=1 << 16)
def problem(text: str) -> str | None:
    """Why `text` may not stand in what people sign, as a sentence part; None when it may.

    Control, invisible and bidirectional characters make a text look like another one on a signer's screen.
    """
    if not text.isascii() or not text.isprintable():
        found = _DECEIVING.search(text)
        if found is not None:
            return f"it holds the character {_name(found.group())} at position {found.start() + 1}"
    if len(text) >= 15:
        for _, _, kind in secrets(text):
            return f"it looks like {kind}"
    return None


def _name(character: str) -> str:
    common = {"\n": "line feed", "\r": "carriage return", "\t": "tab", "\0": "NUL"}
    code = f"U+{ord(character):04X}"
    return f"{code} ({common[character]})" if character in common else code
