"""`provisioner version`."""

from __future__ import annotations

from typing import Annotated

import typer

from .declare import Json, command, session_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def text() -> str:
    """Name and version, as `version` and `-version` print it."""
    return f"provisioner {number()}"


def number() -> str:
    """The installed version."""
    from importlib.metadata import version as installed

    return installed("agent-provisioner")


@command(app, "provisioner version -json")
def version(ctx: typer.Context, json: Annotated[bool, Json] = False) -> int:
    """Print the version of provisioner, of Python and of the installed providers."""
    import platform

    from ..registry import Registry

    session = session_of(ctx)
    providers = Registry().names
    if json:
        session.document(
            "version", {"version": number(), "python": platform.python_version(), "providers": list(providers)}
        )
    else:
        session.print(f"{text()}\npython {platform.python_version()}\nproviders {', '.join(providers)}")
    return 0
