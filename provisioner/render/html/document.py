"""The frame of every page: one style, one script, and a policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from .markup import Child, Html, join, tag


@cache
def asset(name: str) -> Html:
    """A file of this package, as it goes into the page. It holds no `</`, so that nothing ends its element early."""
    return Html(resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip())


@cache
def content_policy() -> str:
    """The content-security policy: this very style and this very script by their hashes, and nothing else."""
    style, script = _hash(asset("page.css")), _hash(asset("page.js"))
    return f"default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"


def document(title: str, header: Sequence[Child], main: Sequence[Child], nav: Child = None) -> str:
    """A whole page. `title` names the tab; `header` holds the only h1."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=content_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", asset("page.css")),
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", class_="skip", href="#main"),
        tag("header", *header),
        nav,
        tag("main", *main, id="main", tabindex="-1"),
        tag("footer", tag("p", _FOOT)),
        tag("script", asset("page.js")),
    )
    return "<!DOCTYPE html>\n" + tag("html", head, Html("\n"), body, lang="en") + "\n"


_FOOT = (
    "Provisioning bounds what a hijacked agent can do; it does not stop prompt injection. This page decides nothing:"
    " a sign-off is a signature made with the command."
)


def section(heading: str, anchor: str, *children: Child) -> Html:
    """A part of the page under an h2, named by it."""
    return join(
        [
            Html("\n"),
            tag(
                "section",
                tag("h2", heading, id=f"{anchor}-heading"),
                *children,
                id=anchor,
                aria_labelledby=f"{anchor}-heading",
            ),
        ]
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
