"""docs/reference/commands.md is what the commands themselves say; UPDATE_GOLDEN=1 writes it anew."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from provisioner.cli.commands import COMMANDS
from provisioner.cli.main import module_of

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "commands.md"
HEAD = """\
# Commands

Every command, its arguments and options. This page is made from the commands themselves; a test compares.

Long options work with one dash or two, with `=` or a space. Every command also takes `-no-color` and `-help`; before
the command stand `-chdir=DIR`, `-no-color`, `-version` and `-help`. Exit codes: 0 fine, 1 error, 2 changes
(`-detailed-exitcode`), 3 sign-off missing, 4 rules or tests block, 5 out-of-band drift, 6 incomplete.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Each command's words and what Typer makes of it."""
    for name in COMMANDS:
        app = import_module(module_of(name), "provisioner.cli").app
        made = typer.main.get_command(app)
        if hasattr(made, "commands"):
            yield from ((f"{name} {sub}", made.commands[sub]) for sub in made.commands)
        else:
            yield name, made


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def section(words: str, made: Any) -> str:
    arguments = [one for one in made.params if one.param_type_name == "argument"]
    options = [one for one in made.params if one.param_type_name == "option" and one.name != "help"]
    named = []
    for one in arguments:
        label = one.metavar or one.name.upper()
        named.append(f"{label}{'...' if one.nargs == -1 else ''}" if one.required else f"[{label}]")
    usage = " ".join(["provisioner", words, *named, *(["[OPTIONS]"] if options else [])])
    lines = [f"## {words}", "", f"```\n{usage}\n```", "", re.sub(r"[ \t]+", " ", made.help.strip())]
    rows = [(f"`{(one.metavar or one.name.upper()).replace('|', ' | ')}`", one.help or "") for one in arguments]
    for one in options:
        value = (
            ""
            if one.is_flag
            else f" {(one.metavar or ('NUMBER' if isinstance(one.default, int) else 'VALUE')).replace('|', ' | ')}"
        )
        many = "" if not one.multiple or "repeated" in (one.help or "") else " May be repeated."
        rows.append((f"`-{one.opts[0].lstrip('-')}{value}`", f"{one.help or ''}{many}"))
    lines += ["", "| | |", "|---|---|", *(f"| {cell(left)} | {cell(right)} |" for left, right in rows)]
    lines += ["", f"{made.epilog.split(': ', 1)[0]}: `{made.epilog.split(': ', 1)[1]}`"]
    return "\n".join(lines)


def test_the_page_says_what_the_commands_say() -> None:
    wanted = "\n\n".join([HEAD.strip(), *(section(words, made) for words, made in commands())]) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(wanted)
    assert PAGE.read_text() == wanted


@pytest.mark.parametrize(("words", "made"), [pytest.param(*one, id=one[0]) for one in commands()])
def test_every_command_explains_itself(words: str, made: Any) -> None:
    assert made.help and made.epilog.startswith("Example: ") and f"provisioner {words}" in made.epilog
    silent = [one.name for one in made.params if not (one.help or "").strip() and one.name != "help"]
    assert not silent, "every argument and option says what it is"
    json = [one for one in made.params if one.name == "json"]
    assert json or words.startswith(("review serve",)), "-json everywhere"
