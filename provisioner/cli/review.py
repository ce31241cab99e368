"""`provisioner review serve`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Json, command, session_of

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="The ledger's plans as pages, for those who sign them.",
    epilog="Example: provisioner review serve",
)
app.callback()(lambda: None)  # a group, though it has only one command

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")

Port: Any = typer.Option("--port", metavar="N", help="The port to listen on; 0 for a free one.")
Listen: Any = typer.Option("--listen", metavar="ADDRESS", help="The IP address to listen on.")
Proxy: Any = typer.Option(
    "--behind-proxy",
    metavar="HOST",
    help="The name under which a proxy offers it, which has to ask who somebody is; may be repeated."
    " Only with it may -listen be another address than loopback.",
    show_default=False,
)
Workspace: Any = typer.Option("--workspace", metavar="NAME", help="A workspace of the runner's own file.")


@command(app, "provisioner review serve -port 8674")
def serve(
    ctx: typer.Context,
    port: Annotated[int, Port] = 8674,
    listen: Annotated[str, Listen] = "127.0.0.1",
    behind_proxy: Annotated[list[str] | None, Proxy] = None,
    workspace: Annotated[str | None, Workspace] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Show plans, sign-offs, owners, drift runs and the audit in a browser, until Ctrl-C. Read-only: nobody signs here.

    Needs the ledger; no cloud, no configuration.
    """
    from ..model.diagnostics import DiagnosticError
    from ..runner import load_runner
    from ..workflow.serving import open_site
    from .webserver import loopback, start

    session = session_of(ctx)
    names = behind_proxy or []
    if not loopback(listen) and not names:
        raise DiagnosticError.of(
            "E-EXPOSED",
            f"-listen {listen} would show this to everybody who reaches the machine",
            "The server asks nobody who they are. Let a proxy do that, and name it: -behind-proxy review.acme.example.",
        )
    for name in names:
        if not _HOST.fullmatch(name):
            raise DiagnosticError.of(
                "E-USAGE",
                f"-behind-proxy {name!r} is no host name",
                "Write it as browsers send it, with a port if any.",
            )
    site = open_site(load_runner(session.environ), Path.cwd(), workspace)
    with start(listen, port, site.page, names, session.note) as server:
        if json:
            session.document("review serve", {"url": server.url, "workspace": site.workspace})
        else:
            session.print(f"{server.url}   workspace {site.workspace}, read-only; Ctrl-C ends it")
        session.out.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            session.note("stopped")
    return 0
