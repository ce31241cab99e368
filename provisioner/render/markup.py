"""Text that somebody else chose, made safe in Markdown: it cannot mark up, link, mention or break a table."""

from __future__ import annotations

import re

from .escape import escape

_MARKUP = re.compile(r"[\\`*_\[\]#|~$^]|:(?=[\w+-]+:)")
_REFERENCE = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"})


def md(text: str) -> str:
    """Plain text. `@name` notifies nobody, `#1` refers to nothing, a link is no link."""
    safe = _MARKUP.sub(lambda match: "\\" + match.group(), escape(text).translate(_REFERENCE))
    return re.sub(r"(?i)\b(https?|www)(?=[\\.])", r"\1&#8203;", safe)


def code(text: str, table: bool = False) -> str:
    """A code span. Inside of tables a pipe ends the cell even here, so that it is escaped."""
    safe = escape(text) or " "
    longest = max((len(run) for run in re.findall(r"`+", safe)), default=0)
    fence = "`" * (longest + 1)
    space = " " if safe.startswith("`") or safe.endswith("`") else ""
    return f"{fence}{space}{safe.replace('|', chr(92) + '|') if table else safe}{space}{fence}"


def fenced(text: str, language: str = "") -> list[str]:
    """A block of code whose fence nothing inside can close. `text` is escaped line by line by the caller."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.split("\n"), fence]
