"""`provisioner sandbox up|down|status|reset`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, command, session_of

if TYPE_CHECKING:
    from ..sandbox.cloud import SandboxCloud
    from ..sandbox.lifecycle import Sandbox
    from .session import Session

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Start, stop or empty the embedded clouds on this machine.",
    epilog="Example: provisioner sandbox up",
)

Provider: Any = typer.Option(
    "--provider",
    metavar="KEY",
    help="A provider key of the configuration (aws, aws.prod) that is to reach the sandbox; may be repeated.",
    show_default=False,
)


@command(app, "provisioner sandbox up")
def up(
    ctx: typer.Context,
    provider: Annotated[list[str] | None, Provider] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Start the embedded clouds, as one process, and write a runner file that points to them. Running ones stay."""
    from ..sandbox.lifecycle import up_all

    session = session_of(ctx)
    found = up_all(_wanted(session, provider or []), session.environ)
    if json:
        session.document("sandbox up", {"sandboxes": [_document(one) for one in found]})
        return 0
    for one in found:
        word = "started" if one.started else "was running already"
        session.print(f"{one.cloud} sandbox {word}: {one.endpoint}, for provider {', '.join(one.keys)}")
    runner = found[0].runner or ""
    if session.environ.get("PROVISIONER_RUNNER"):
        session.print(f"runner file {runner}")
    else:
        session.print(f"\nNext   export PROVISIONER_RUNNER={shlex.quote(runner)}")
    return 0


@command(app, "provisioner sandbox down")
def down(ctx: typer.Context, json: Annotated[bool, Json] = False) -> int:
    """Stop the embedded clouds; what is in them is gone."""
    from ..sandbox.lifecycle import down_all

    session = session_of(ctx)
    stopped = down_all(list(_clouds().values()), session.environ)
    if json:
        session.document("sandbox down", {"stopped": stopped})
        return 0
    for name, was in stopped.items():
        session.print(f"{name} sandbox {'stopped' if was else 'was not running'}")
    return 0


@command(app, "provisioner sandbox status -json")
def status(ctx: typer.Context, json: Annotated[bool, Json] = False) -> int:
    """Say which embedded clouds run and where. Exit 1 when one is gone, or none runs."""
    from ..render.conditions import Condition
    from ..sandbox.lifecycle import status as look

    session = session_of(ctx)
    found = [look(cloud, session.environ) for cloud in _clouds().values()]
    states = {one.state for one in found}
    held = () if "running" in states and "stale" not in states else (Condition.ERROR,)
    if json:
        session.document("sandbox status", {"sandboxes": [_document(one) for one in found]}, held)
    else:
        for one in found:
            session.print(_line(one))
    return 1 if held else 0


@command(app, "provisioner sandbox reset")
def reset(ctx: typer.Context, json: Annotated[bool, Json] = False) -> int:
    """Empty the running clouds; they keep their addresses."""
    from ..sandbox.lifecycle import reset as empty
    from ..sandbox.lifecycle import status as look

    session = session_of(ctx)
    names = []
    clouds = _clouds()
    started = [name for name, cloud in clouds.items() if look(cloud, session.environ).state != "stopped"]
    for name in started or list(clouds)[:1]:
        empty(clouds[name], session.environ)
        names.append(name)
    if json:
        session.document("sandbox reset", {"emptied": names})
    else:
        session.print("\n".join(f"{name} sandbox emptied" for name in names))
    return 0


def _clouds() -> dict[str, SandboxCloud]:
    from ..registry import Registry
    from ..sandbox.cloud import installed_clouds

    return installed_clouds(Registry())


def _wanted(session: Session, keys: list[str]) -> list[tuple[SandboxCloud, list[str]]]:
    """Each cloud with the provider keys that are to reach it: those asked for, else the provider without alias."""
    from ..model.diagnostics import DiagnosticError

    clouds = _clouds()
    for key in keys:
        if key.partition(".")[0] not in clouds:
            raise DiagnosticError.of(
                "E-SANDBOX",
                f'There is no sandbox for provider "{key}"',
                f"There is one for {', '.join(clouds) or 'none'}, written as {next(iter(clouds), 'aws')} or with an"
                " alias behind a dot.",
            )
    by_cloud = {name: [key for key in keys if key.partition(".")[0] == name] for name in clouds}
    return [(cloud, by_cloud[name] or [name]) for name, cloud in clouds.items() if by_cloud[name] or not keys]


def _document(one: Sandbox) -> dict[str, Any]:
    return {**asdict(one), "endpoint": one.endpoint, "keys": list(one.keys)}


def _line(one: Sandbox) -> str:
    if one.state == "stopped":
        return f"{one.cloud} sandbox is not running; start it with: provisioner sandbox up"
    if one.state == "stale":
        return f"{one.cloud} sandbox is gone (was process {one.pid}); start it again with: provisioner sandbox up"
    return f"{one.cloud} sandbox runs: {one.endpoint}, process {one.pid}, runner file {one.runner}"
