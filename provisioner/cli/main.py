"""The entry point: finds the command, loads only its module, turns what goes wrong into words and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from .arguments import HELP, Globals, UsageProblem, normalise, split_globals
from .commands import COMMANDS, root_help
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PROGRAM = "provisioner"
COMPLETE = "_PROVISIONER_COMPLETE"
INTERRUPTED = 130
BROKEN_PIPE = 141


def main() -> int:
    """Run the command line of this process; returns the exit code."""
    # A job that is cancelled ends like one that is interrupted: leases are released, nothing is left half-written.
    signal.signal(signal.SIGTERM, _interrupt)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this: nobody wants to read it
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")
    try:
        code = run(sys.argv[1:], os.environ)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; keep the interpreter from complaining when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command line; returns the exit code. Raises only KeyboardInterrupt and BrokenPipeError."""
    session = Session(environ, Path())
    try:
        if COMPLETE in environ:
            return _complete(())
        given = split_globals(argv)
        session.no_color = given.no_color
        return _dispatch(session, given)
    except UsageProblem as problem:
        return _usage(session, argv, problem)
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place that may: nothing else stands between it and the user
        from .failures import explain

        return explain(session, error)


def _dispatch(session: Session, given: Globals) -> int:
    if given.completion:
        return _complete(given.rest)
    if given.version:
        from .version import text

        session.print(text())
        return 0
    if given.help or not given.rest:
        (session.print if given.help else session.note)(root_help())
        return 0 if given.help else 1
    if given.chdir is not None:
        session.root = _folder(given.chdir)
    name, *args = given.rest
    if name == "help":
        name, args = (args[0], ["-help"]) if args else ("", [])
        if not name:
            session.print(root_help())
            return 0
    if name not in COMMANDS:
        raise UsageProblem(*_unknown_command(name, COMMANDS, PROGRAM))
    return _invoke(session, name, args)


def _folder(path: str) -> Path:
    """The folder to work in; the process goes there, so that relative paths mean what they say."""
    folder = Path(path)
    try:
        os.chdir(folder)
    except OSError as error:
        raise UsageProblem(f"-chdir={path}: {error.strerror}", "name a folder that exists") from error
    return Path()


def _unknown_command(name: str, known: Mapping[str, Any], path: str) -> tuple[str, str]:
    from ..lang.suggest import nearest

    near = nearest(name, known)
    return f"there is no command {name}", f"did you mean {path} {near}?" if near else f"{path} -help lists them"


def module_of(name: str) -> str:
    """The module of a command, relative to this package. `import` is a word of Python's."""
    return ".importing" if name == "import" else f".{name.replace('-', '_')}"


def _invoke(session: Session, name: str, args: list[str]) -> int:
    """Load the command's module, read the arguments, call it."""
    from .binding import Binding

    app, path = import_module(module_of(name), __package__).app, f"{PROGRAM} {name}"
    functions = {info.name or info.callback.__name__: info.callback for info in app.registered_commands}
    if len(functions) > 1 or app.registered_callback is not None:
        if not args or args[0].startswith("-"):
            return _group_help(session, app, path, args, functions)
        sub, args = args[0], args[1:]
        if sub not in functions:
            raise UsageProblem(*_unknown_command(sub, functions, path))
        name, path = sub, f"{path} {sub}"
    binding = Binding(functions[name])
    given = normalise(args, binding.options)
    session.no_color = session.no_color or given.no_color
    session.command = path.removeprefix(f"{PROGRAM} ")
    session.json = "--json" in given.arguments[: given.arguments.index("--")]
    if given.help:
        session.print(_help(app, path, name))
        return 0
    try:
        values = binding.values(given.arguments)
    except UsageProblem as problem:
        raise UsageProblem(str(problem), f"{path} -help") from None
    return binding.function(SimpleNamespace(obj=session), **values)


def _help(app: Any, path: str, name: str | None) -> str:
    """Typer's own help text; of one command of a group where `name` is one, of the whole where it is None."""
    import typer

    command: Any = typer.main.get_command(app)
    if name is not None and hasattr(command, "commands"):
        command = command.commands[name]
    return str(command.get_help(command.context_class(command, info_name=path)))


def _group_help(session: Session, app: Any, path: str, args: list[str], names: Iterable[str]) -> int:
    """`provisioner sandbox` alone, or with -help."""
    asked = bool(args) and args[0].lstrip("-") in HELP
    if args and not asked:
        raise UsageProblem(f"the option {args[0]} goes after one of {', '.join(names)}", f"{path} -help")
    (session.print if asked else session.note)(_help(app, path, None))
    return 0 if asked else 1


def _usage(session: Session, argv: Sequence[str], problem: UsageProblem) -> int:
    """A command line that cannot be understood: nothing was done."""
    if any(argument.lstrip("-") == "json" and argument.startswith("-") for argument in argv):
        from ..model.diagnostics import Diagnostic
        from ..render.conditions import Condition

        diagnostic = Diagnostic("E-USAGE", str(problem), problem.hint)
        session.document("", {}, (Condition.ERROR,), (diagnostic,))
        return 1
    from ..render.escape import escape

    session.note(f"Error: {escape(str(problem))}")
    if problem.hint:
        session.note(f"  {escape(problem.hint)}")
    return 1


def _complete(args: Sequence[str]) -> int:
    """Shell completion needs every command's options, so here every module is loaded."""
    import typer

    from .completion import answer

    root = typer.Typer(name=PROGRAM, rich_markup_mode=None, add_completion=True)
    root.callback()(lambda: None)
    for name, summary in COMMANDS.items():
        app = import_module(module_of(name), __package__).app
        if len(app.registered_commands) == 1 and app.registered_callback is None:
            root.command(name, short_help=summary)(app.registered_commands[0].callback)
        else:
            root.add_typer(app, name=name, short_help=summary)
    if COMPLETE in os.environ:
        return answer(root, os.environ)
    result = typer.main.get_command(root).main(
        args=list(args), prog_name=PROGRAM, complete_var=COMPLETE, standalone_mode=False
    )
    return int(result or 0)
