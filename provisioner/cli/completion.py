"""`provisioner completion SHELL`, and what the script that it prints asks for while somebody types."""

from __future__ import annotations

import io
import os
import re
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, command, session_of

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PROGRAM = "provisioner"
COMPLETE = "_PROVISIONER_COMPLETE"
SHELLS = ("bash", "zsh", "fish")
_TYPED = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")
_OFFERED = re.compile(r'(?m)(^|")--(?=[a-z])')
_ONE_DASH = re.compile(r"(?<=\s)-(?![-\s])")

Shell: Any = typer.Argument(metavar="bash|zsh|fish", help="The shell.", autocompletion=lambda: list(SHELLS))


@command(app, 'eval "$(provisioner completion bash)"')
def completion(ctx: typer.Context, shell: Annotated[str, Shell], json: Annotated[bool, Json] = False) -> int:
    """Print the script that completes commands and options in a shell. It runs this program while you type.

    bash and zsh: eval it in the shell's start-up file. fish: write it to ~/.config/fish/completions/provisioner.fish.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    from ..model.diagnostics import DiagnosticError

    if shell not in SHELLS:
        raise DiagnosticError.of("E-USAGE", f"There is no completion for {shell!r}", f"Name {', '.join(SHELLS)}.")
    script = get_completion_script(prog_name=PROGRAM, complete_var=COMPLETE, shell=shell)
    session = session_of(ctx)
    if json:
        session.document("completion", {"shell": shell, "script": script})
    else:
        session.print(script)
    return 0


def answer(root: typer.Typer, environ: Mapping[str, str]) -> int:
    """Tell a shell, on standard output, what may follow; returns the exit code that the shell's script asks for.

    Options typed with one dash are completed with one.
    """
    word = _current(environ)
    for name in _TYPED:
        if name in environ:
            os.environ[name] = _ONE_DASH.sub("--", environ[name])  # where the library looks
    out, code = io.StringIO(), 0
    with redirect_stdout(out):
        try:
            typer.main.get_command(root).main(args=[], prog_name=PROGRAM, complete_var=COMPLETE, standalone_mode=False)
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else int(done.code is not None)
    told = out.getvalue()
    sys.stdout.write(_OFFERED.sub(r"\1-", told) if re.match(r"-(?!-)", word) else told)
    return code


def _current(environ: Mapping[str, str]) -> str:
    """The word that is being typed; "" before its first character."""
    typed = next((environ[name] for name in _TYPED if name in environ), "")
    words, at = typed.split(), environ.get("COMP_CWORD", "")
    if at.isdigit():
        return words[int(at)] if int(at) < len(words) else ""
    return words[-1] if words and not typed[-1].isspace() else ""
