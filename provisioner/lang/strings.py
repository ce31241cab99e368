"""Text as a quoted string of HCL."""

from __future__ import annotations

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def quote(text: str) -> str:
    """`text` between double quotes: what is not printable is escaped, and `${` and `%{` are doubled."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text and "{" not in text:
        return f'"{text}"'
    return f'"{escape(text)}"'


def escape(text: str) -> str:
    """`text` as the inside of a quoted string."""
    out = []
    for at, character in enumerate(text):
        if character in _ESCAPES:
            out.append(_ESCAPES[character])
        elif character in "$%" and text.startswith("{", at + 1):
            out.append(character * 2)
        elif character.isprintable():
            out.append(character)
        else:
            code = ord(character)
            out.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return "".join(out)
