"""Changes in an existing file, in place: what is not touched keeps its comments and its layout.

    editor = Editor(source)
    editor.set_attribute(editor.body.blocks[0].body, "expires", "90d")
    editor.append_block(None, NewBlock("agent", ("fixer",)))
    text = editor.text()

All changes are made by offset on the original text, so bodies and blocks stay valid until `text` is called. A file
that was in canonical layout before is in canonical layout after.
"""

from __future__ import annotations

import re

from ..model.diagnostics import DiagnosticError
from ..model.source import Source
from .ast import Attribute, Block, Body
from .fmt import format_source
from .identifiers import is_identifier
from .parser import parse_file
from .writer import NewBlock, Writable, write_expression, write_items

_LEAD_COMMENT = re.compile(r"[ \t]*(?:#|//)")
_LINE_END = re.compile(r"[ \t]*(?:/\*(?:(?!\*/)[^\n])*\*/[ \t]*)*(?:(?:#|//)[^\n]*)?(?:\r?\n|\Z)")


class Editor:
    """Collects changes to one file. Raises DiagnosticError when the file, before or after, is not valid syntax."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.body, diagnostics = parse_file(source)
        if diagnostics:
            raise DiagnosticError(diagnostics)
        self._newline = "\r\n" if "\r\n" in source.text else "\n"
        self._replaced: dict[tuple[int, int], str] = {}
        self._added: dict[int, list[str]] = {}  # by the offset of a body's end: what goes before it
        self._bodies: dict[int, Body] = {}
        self._set: dict[tuple[int, str], str] = {}

    def set_attribute(self, body: Body, name: str, value: Writable) -> None:
        """Gives an attribute of `body` a new value where it stands, or adds it after the last attribute."""
        if not is_identifier(name):
            raise ValueError(f"{name!r} is not a name that HCL has")
        existing = body.attributes.get(name)
        written = write_expression(value)
        if existing is not None:
            indented = self._indent(written, self._indentation(existing.start))
            self._replaced[existing.expr.start, existing.expr.end] = indented
            return
        self._set[self._end(body), name] = written
        self._bodies[self._end(body)] = body

    def remove_attribute(self, body: Body, name: str) -> None:
        """Removes an attribute with its own line, the comment on it and those directly above. KeyError when unset."""
        self._remove(body.attributes[name])

    def append_block(self, body: Body | None, block: NewBlock) -> None:
        """Adds a block at the end of `body`; None is the whole file."""
        inside = self.body if body is None else body
        self._added.setdefault(self._end(inside), []).append(write_items([block]))
        self._bodies[self._end(inside)] = inside

    def remove_block(self, block: Block) -> None:
        """Removes a block with the comments directly above it, and one of the blank lines around it."""
        self._remove(block)

    def text(self) -> str:
        """The file with all changes made."""
        before = self.source.text
        changes = dict(self._replaced)
        for end, body in self._bodies.items():
            start, stop, new = self._grown(end, body)
            changes[start, stop] = new
        pieces = []
        at = 0
        for (start, end), new in sorted(changes.items()):
            if start < at:
                continue  # inside something that is removed as a whole
            pieces += [before[at:start], new]
            at = end
        after = "".join([*pieces, before[at:]])
        if format_source(before) == before:
            return format_source(after)
        _, diagnostics = parse_file(Source(self.source.filename, after))
        if diagnostics:
            raise DiagnosticError(diagnostics)
        return after

    def _end(self, body: Body) -> int:
        return body.end if body is self.body else body.end - 1

    def _grown(self, end: int, body: Body) -> tuple[int, int, str]:
        """The text that goes into a body: the offsets that it replaces, and the text itself."""
        text, newline = self.source.text, self._newline
        whole = body is self.body
        margin = "" if whole else self._indentation(body.start)
        inner = margin if whole else self._inner_indentation(body, margin)
        attributes = [f"{name} = {value}" for (at, name), value in self._set.items() if at == end]
        blocks = [block.rstrip("\n") for block in self._added.get(end, [])]
        has_items = bool(body.attributes or body.blocks)
        first = min((item.start for item in (*body.attributes.values(), *body.blocks)), default=end)
        one_line = not whole and "\n" not in text[body.start : first]
        lines = "".join(f"{inner}{self._indent(item, inner)}{newline}" for item in attributes)
        for at, block in enumerate(blocks):
            blank = newline if has_items or attributes or at else ""
            lines += f"{blank}{inner}{self._indent(block, inner)}{newline}"
        if one_line:
            only = next(iter(body.attributes.values()), None)
            kept = "" if only is None else self._as_changed(only)
            kept = f"{inner}{kept}{newline}" if kept else ""
            return body.start + 1, end, f"{newline}{kept}{lines}{margin}"
        if attributes and not blocks and body.attributes:
            after = self._after_line(max(item.end for item in body.attributes.values()))
            return after, after, self._line_break(after) + lines
        start = end if whole else text.rfind("\n", 0, end) + 1
        return start, start, self._line_break(start) + lines

    def _as_changed(self, only: Attribute) -> str:
        """The one attribute of a one-line block as it is after the changes; empty when it is removed."""
        if (only.start, only.end) in self._replaced:
            return ""
        expr = only.expr
        value = self._replaced.get((expr.start, expr.end), self.source.text[expr.start : expr.end])
        return f"{only.name} = {value}"

    def _line_break(self, at: int) -> str:
        """A newline where the text before `at` does not end with one."""
        return self._newline if at > 0 and self.source.text[at - 1] != "\n" else ""

    def _indent(self, written: str, margin: str) -> str:
        """Generated text with its further lines indented; text with heredocs in it is left as it is."""
        if "<<" in written:
            return written.replace("\n", self._newline) if self._newline != "\n" else written
        return written.replace("\n", self._newline + margin)

    def _indentation(self, offset: int) -> str:
        text = self.source.text
        start = text.rfind("\n", 0, offset) + 1
        line = text[start:offset]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _inner_indentation(self, body: Body, margin: str) -> str:
        items = [*body.attributes.values(), *body.blocks]
        if not items or "\n" not in self.source.text[body.start : items[0].start]:
            return f"{margin}  "
        return self._indentation(items[0].start)

    def _after_line(self, end: int) -> int:
        match = _LINE_END.match(self.source.text, end)
        return end if match is None else match.end()

    def _remove(self, item: Attribute | Block) -> None:
        text = self.source.text
        line_start = text.rfind("\n", 0, item.start) + 1
        if text[line_start : item.start].strip() or self._after_line(item.end) == item.end < len(text):
            self._replaced[item.start, item.end] = ""  # in a one-line block: only the item itself
            return
        start = line_start
        while start > 0:
            above = text.rfind("\n", 0, start - 1) + 1
            if not _LEAD_COMMENT.match(text, above, start) or self._inside_item(above):
                break
            start = above
        end = self._after_line(item.end)
        if isinstance(item, Block):
            end = self._over_blank_line(start, end)
        self._replaced[start, end] = ""

    def _inside_item(self, offset: int) -> bool:
        """Whether a line that looks like a comment is in truth part of a heredoc."""
        bodies = [self.body]
        while bodies:
            body = bodies.pop()
            if any(item.start < offset < item.end for item in body.attributes.values()):
                return True
            bodies += [block.body for block in body.blocks if block.start < offset < block.end]
        return False

    def _over_blank_line(self, start: int, end: int) -> int:
        text = self.source.text
        before_is_blank = start == 0 or text[:start].endswith(("\n\n", "\n\r\n"))
        match = re.compile(r"[ \t]*\r?\n").match(text, end)
        return match.end() if match is not None and before_is_blank else end
