"""`provisioner graph`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Format: Any = typer.Option("--format", metavar="text|dot|mermaid|svg|json", help="How to draw it.")
Agent: Any = typer.Option("--agent", metavar="AGENT", help="Only this agent and its neighbours; may be repeated.")
Live: Any = typer.Option("--live", help="Read the clouds, and mark what is new, gone or undeclared there.")


@command(app, "provisioner graph -format=svg > graph.svg")
def graph(
    ctx: typer.Context,
    format: Annotated[str, Format] = "text",
    agent: Annotated[list[str] | None, Agent] = None,
    live: Annotated[bool, Live] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Who can become or call whom: workloads, agents, tools, delegations, escalation paths with their steps."""
    from ..model.diagnostics import DiagnosticError
    from ..render import graphs
    from ..workflow.graphing import graph as look

    session = session_of(ctx)
    if format not in graphs.FORMATS:
        raise DiagnosticError.of(
            "E-USAGE", f"There is no format {format!r}", f"Use one of {', '.join(graphs.FORMATS)}."
        )
    found = look(project_of(session, var, var_file), agent or (), live=live)
    if json or format == "json":
        session.document("graph", graphs.graph_json(found))
    elif format == "text":
        session.print(graphs.graph_text(found))
    else:
        draw = {"dot": graphs.graph_dot, "mermaid": graphs.graph_mermaid, "svg": graphs.graph_svg}[format]
        session.raw(draw(found))
    return 0
