"""HTML that cannot be broken out of: text is escaped when it goes in, and only `Html` goes in as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape as entities
from typing import Final

from ..escape import escape, escape_block

_VOID: Final = frozenset({"input", "meta", "br"})


class Html(str):
    """A piece of finished HTML."""

    __slots__ = ()


Child = str | None
"""A piece of HTML, a text to escape, or nothing."""


def text(value: str) -> Html:
    """One line of text between tags: characters that hide or move others are made visible."""
    return Html(entities(escape(value), quote=False))


def block(value: str) -> Html:
    """Text whose line ends stay."""
    return Html(entities(escape_block(value), quote=False))


def join(children: Iterable[Child], between: str = "") -> Html:
    """Pieces one after the other."""
    return Html(between.join(_safe(child) for child in children if child is not None))


def tag(element: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """One element. `class_` and `for_` are class and for; `data_x` is data-x; True is an attribute without a value,
    None and False none at all. The names come from this package only."""
    given = "".join(
        f" {_attribute(key)}" if value is True else f' {_attribute(key)}="{entities(escape(str(value)))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if element in _VOID:
        return Html(f"<{element}{given}>")
    return Html(f"<{element}{given}>{join(children)}</{element}>")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Child]], class_: str | None = None) -> Html:
    """A table that scrolls by itself where it is too wide, its first column being the rows' headers.

    The caption is for who cannot see that a heading stands right above.
    """
    top = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = [
        tag("tr", *(tag("th", cell, scope="row") if at == 0 else tag("td", cell) for at, cell in enumerate(row)))
        for row in rows
    ]
    inner = tag(
        "table", tag("caption", caption, class_="hidden"), tag("thead", top), tag("tbody", *body), class_=class_
    )
    return scrolled(f"{caption}, table", inner)


def scrolled(label: str, inner: Child) -> Html:
    """A region of its own that may be wider than the page; reached by keyboard, so that it can be scrolled by it."""
    return tag("div", inner, class_="wide", role="region", tabindex="0", aria_label=label)


def items(children: Iterable[Child], class_: str | None = None) -> Html:
    """A list; nothing where there is nothing to list."""
    found = [tag("li", child) for child in children]
    return tag("ul", *found, class_=class_) if found else Html("")


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _safe(child: str) -> str:
    return child if isinstance(child, Html) else text(child)
