"""Lines, columns and colour: the layout that the text reports share. Pure; nothing here knows what a plan is."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LABEL = 13  # the width of the section names in the left margin
_SEPARATORS = frozenset("-_./:,")
_RESET = "\x1b[0m"
_STYLES = {"bad": "\x1b[31m", "warn": "\x1b[33m", "good": "\x1b[32m", "strong": "\x1b[1m", "faint": "\x1b[2m"}


@dataclass(frozen=True, slots=True)
class Paint:
    """Colour, when wanted. It only ever adds: the text without it says the same."""

    on: bool = False

    def style(self, name: str, text: str) -> str:
        """`text` in one of the styles bad, warn, good, strong, faint; as it is when colour is off or it is blank."""
        if not self.on or not text.strip() or not name:
            return text
        return f"{_STYLES[name]}{text}{_RESET}"


def columns(text: str) -> int:
    """How many terminal columns a safe text takes: wide East Asian characters two, combining ones none."""
    if text.isascii():
        return len(text)
    total = 0
    for character in text:
        if unicodedata.combining(character):
            continue
        total += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return total


def pad(text: str, width: int) -> str:
    """`text` filled with blanks to `width` columns; never cut."""
    return text + " " * max(0, width - columns(text))


def wrap(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Words over lines of at most `width` columns, `first` before the first line and `rest` before the others.

    A word that is longer than a line is broken, so that the width always holds: after a separator, where it has one.
    """
    rest = " " * columns(first) if rest is None else rest
    room = max(10, width - max(columns(first), columns(rest)))
    text = " ".join(_broken(word, room) if columns(word) > room else word for word in text.split(" "))
    lines: list[str] = []
    if text.isascii():
        lines = textwrap.wrap(text, room, break_long_words=True, break_on_hyphens=False)
    else:
        lines = _wrap_wide(text, room)
    return [(first if at == 0 else rest) + line for at, line in enumerate(lines or [""])]


def _broken(word: str, room: int) -> str:
    """A word that no line holds, in pieces that lines do hold. No two of them fit into one line, so that the blanks
    between them are never seen."""
    pieces: list[str] = []
    start = used = cut = before = 0  # `cut` is after the last separator, `before` the columns up to there
    for at, character in enumerate(word):
        step = columns(character)
        if used + step > room:
            soft = before > room // 2  # a shorter piece would leave most of the line empty
            pieces.append(word[start : cut if soft else at])
            start, used = (cut, used - before) if soft else (at, 0)
            before = 0
        used += step
        if character in _SEPARATORS:
            cut, before = at + 1, used
    return " ".join([*pieces, word[start:]])


def _wrap_wide(text: str, room: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if columns(joined) <= room:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if columns(lines[-1] + character) > room:
                lines.append("")
            lines[-1] += character
    return lines


def title(parts: Sequence[str], width: int, paint: Paint) -> list[str]:
    """The first line of a report, its parts three blanks apart; wrapped only where the parts leave no other way."""
    lines: list[str] = []
    for part in parts:
        if lines and columns(lines[-1]) + 3 + columns(part) <= width:
            lines[-1] += f"   {part}"
        else:
            lines += wrap(part, width, "  " if lines else "", "  ")
    return [paint.style("strong", line) for line in lines]


def section(label: str, text: str, width: int) -> list[str]:
    """`LABEL        text`, further lines hanging under the text."""
    return wrap(text, width, pad(label, LABEL), " " * LABEL)


def table(rows: Sequence[Sequence[str]], width: int, flexible: Iterable[int], gap: int = 2) -> list[str]:
    """Rows as columns, the first row being the header. Where they do not fit into `width`, the widest of the
    `flexible` columns get narrower and their cells wrap; where that does not do, the columns move together."""
    widths = [max(columns(row[at]) for row in rows) for at in range(len(rows[0]))]
    bend = tuple(flexible)
    floor = {at: min(widths[at], max(10, columns(rows[0][at]))) for at in bend}
    while sum(widths) + gap * (len(widths) - 1) > width:
        able = [at for at in bend if widths[at] > floor[at]]
        if not able:
            if gap == 1:
                break
            gap = 1
            continue
        widths[max(able, key=lambda at: widths[at])] -= 1
    lines = []
    for row in rows:
        cells = [wrap(cell, widths[at]) if at in bend else [cell] for at, cell in enumerate(row)]
        for line in range(max(map(len, cells))):
            parts = [pad(cell[line] if line < len(cell) else "", widths[at]) for at, cell in enumerate(cells)]
            lines.append((" " * gap).join(parts).rstrip())
    return lines


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 change`, `2 changes`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listing(items: Sequence[str], conjunction: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


def ranges(numbers: Iterable[int]) -> str:
    """Sorted numbers, runs joined: `1-3 5 8-9`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(_run(first, last) for first, last in runs)


def some_ranges(numbers: Sequence[int], limit: int = 12) -> str:
    """As `ranges`, but the middle of a long list left out: `1 3 5 … 79`."""
    if len(ranges(numbers).split()) <= limit:
        return ranges(numbers)
    ordered = sorted(numbers)
    return f"{ranges(ordered[: limit - 1])} … {ordered[-1]}"


def ending(line: str, width: int, paint: Paint) -> list[str]:
    """The last line of a report."""
    return [paint.style("strong", piece) for piece in wrap(line, width, "", "  ")]


def _run(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first} {last}" if last == first + 1 else f"{first}-{last}"


def when(time: str) -> str:
    """An RFC 3339 UTC time for people: `2026-11-23 09:41Z`."""
    day, _, clock = time.partition("T")
    return f"{day} {clock[:5]}Z" if clock else day
