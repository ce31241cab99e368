"""Where a thing was written: files, positions and ranges."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file: `line` and `column` count from 1 (columns in characters), `byte` from 0 (UTF-8)."""

    line: int
    column: int
    byte: int


@dataclass(frozen=True, slots=True, order=True)
class SourceRange:
    """A half-open range of one file; `filename` is relative to the root module's folder, `/` separated."""

    filename: str
    start: Position
    end: Position

    def __str__(self) -> str:
        return f"{self.filename}:{self.start.line}"


@dataclass(frozen=True, eq=False)
class Source:
    """The text of one file. Offsets are indices into `text` (characters); a BOM has been taken off."""

    filename: str
    text: str = field(repr=False)

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        return starts

    def position(self, offset: int) -> Position:
        """The position of a character offset; an offset past the end is the end."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._line_starts, offset)
        start = self._line_starts[line - 1]
        return Position(line, offset - start + 1, self._byte_at(line, start, offset))

    @cached_property
    def _line_bytes(self) -> list[int]:
        """Byte offset of every line's start, for text that is not plain ASCII."""
        total = 0
        offsets = []
        for line in self.text.split("\n"):
            offsets.append(total)
            total += len(line.encode("utf-8", "surrogatepass")) + 1
        return offsets

    @cached_property
    def _ascii(self) -> bool:
        return self.text.isascii()

    def _byte_at(self, line: int, start: int, offset: int) -> int:
        if self._ascii:
            return offset
        return self._line_bytes[line - 1] + len(self.text[start:offset].encode("utf-8", "surrogatepass"))

    def range(self, start: int, end: int) -> SourceRange:
        """The range between two character offsets."""
        return SourceRange(self.filename, self.position(start), self.position(max(start, end)))

    def line(self, number: int) -> str:
        """Line `number` (from 1) without its line end; empty when there is none."""
        starts = self._line_starts
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")
