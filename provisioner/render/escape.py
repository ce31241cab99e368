"""Text that came from a cloud or a pull request, made safe to show.

A name may hold escape sequences that repaint a terminal, bidirectional controls that reorder a line, or newlines that
forge one. Each becomes its visible escape, so the reader sees what is there.
"""

from __future__ import annotations

import re
import unicodedata

# Cc controls, Cf format characters (bidi, zero width, soft hyphen, tags), Cs lone surrogates, Co private use,
# Zl and Zp separators; also the fillers that show as nothing though Unicode calls them letters or marks.
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_SUSPECT = re.compile(r"[^\x20-\x7e]")


def escape(text: str) -> str:
    """One line of safe text: what is invisible or moves other text becomes `\\n`, `\\x1b`, `\\u202e`.

    A backslash stays as it is: this is for reading, not for parsing back.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SUSPECT.sub(_show, text)


def escape_block(text: str) -> str:
    """As `escape`, but line ends stay: for text that is shown as a block of its own."""
    return "\n".join(escape(line) for line in text.split("\n"))


def clip(text: str, width: int) -> str:
    """Safe text of at most `width` characters; a cut is shown by `…`."""
    text = escape(text)
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def _show(match: re.Match[str]) -> str:
    character = match.group()
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    category = unicodedata.category(character)
    if category not in _HIDDEN and character not in _BLANK_LETTERS and not _is_variation(character):
        if category == "Zs":
            return " " if character == "\u00a0" else _code(character)
        return character
    return _code(character)


def _is_variation(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _code(character: str) -> str:
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
