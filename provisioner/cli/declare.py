"""How commands are declared: options that several share, and an example in every help text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import typer

if TYPE_CHECKING:
    from .session import Session

Function = TypeVar("Function", bound=Callable[..., int])

Json: Any = typer.Option("--json", help="One JSON document instead of text.", show_default=False)
Var: Any = typer.Option("--var", metavar="NAME=VALUE", help="Set a variable; may be repeated.", show_default=False)
VarFile: Any = typer.Option("--var-file", metavar="FILE", help="Read variables from a file; may be repeated.")
Target: Any = typer.Option("--target", metavar="ADDRESS", help="Only this agent or block; may be repeated.")
Usage: Any = typer.Option(
    "--usage", metavar="PATH", help="Audit logs, a file or folder, gzip or not; may be repeated.", show_default=False
)
Detailed: Any = typer.Option("--detailed-exitcode", help="Exit 2 when there are changes.", show_default=False)


def command(app: typer.Typer, example: str, name: str | None = None) -> Callable[[Function], Function]:
    """Register a command whose help ends with one example."""
    return app.command(name, epilog=f"Example: {example}")


def session_of(ctx: typer.Context) -> Session:
    """The session that main gave to the command."""
    return cast("Session", ctx.obj)
