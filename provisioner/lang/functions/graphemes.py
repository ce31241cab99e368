"""User-perceived characters: what string functions count, cut and reverse by."""

from __future__ import annotations


def graphemes(value: str) -> list[str]:
    """The grapheme clusters of a string, by UAX #29."""
    if value.isascii() and "\r" not in value:
        return list(value)
    import regex  # slow to import and seldom needed

    found: list[str] = regex.findall(r"\X", value)
    return found
