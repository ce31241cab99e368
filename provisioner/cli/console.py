"""`provisioner console`: expressions in, values out; for people, for pipes and, with -json, for programs."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Var, VarFile, command, session_of
from .inputs import inputs_of

if TYPE_CHECKING:
    from ..config import Opened
    from ..lang.scope import Scope
    from .session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PROMPT = "> "
MORE = ": "
HISTORY_LINES = 1_000
MAX_LINE = 64_000_004  # bytes; a line that is cut here is longer than an expression may be, so it is refused
# What may stand around a name. A dot is part of what is completed, and a hyphen may be part of a name.
DELIMITERS = " \t\n()[]{},+*/%!=<>&|?:\"'`;$~"
HELP = """\
Type an expression and press enter to see its value: upper("a"), var.name, [for t in tool : t.purpose].
An expression goes on in the next line while a bracket, an interpolation or a heredoc is open.
Names of the configuration in this folder are known: var, local, module, provider, tool, agent, …
Tab completes names and functions, the arrow keys bring back earlier lines.
To leave, type exit, or press Control-D. Control-C drops what was typed.
"""

Lines: Any = typer.Option(
    "--json",
    help='One JSON object a line in, {"expr": "…", "vars": {…}}, and one a line out.',
    show_default=False,
)


@command(app, """echo 'cidrsubnet("10.0.0.0/8", 8, 2)' | provisioner console""")
def console(
    ctx: typer.Context,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Lines] = False,
) -> int:
    """Evaluate expressions, with the names of the configuration in this folder where there is one.

    Without a terminal, each expression of standard input is answered in turn; the first error ends the run with
    exit 1. With -json every line is answered: {"value": …, "type": "…"}, or {"diagnostics": […]} as in validate -json.
    """
    from ..config import open_scope
    from ..registry import Registry

    session = session_of(ctx)
    given = inputs_of(session, var, var_file)
    opened = open_scope(
        given.root,
        var_files=given.var_files,
        variables=given.variables,
        environ=given.environ,
        providers=Registry().schema,
    )
    if opened.scope is None and json:
        return _refuse_lines(session, opened)
    session.diagnostics(opened.diagnostics, opened.sources)
    if opened.scope is None:
        return 1
    if json:
        return _answer_lines(session, opened.scope)
    answer = _Answer(session, opened, opened.scope)
    return _interactive(session, answer) if sys.stdin.isatty() else _piped(answer)


class Pending:
    """Lines of one expression, until its brackets, interpolations and heredocs are closed."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0  # of plain brackets, where nothing else is open; else 0
        self._in_heredoc = False

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def add(self, line: str) -> bool:
        """Take a line; whether the expression is complete, right or wrong."""
        goes_on = line.endswith("\\") and not line.endswith("\\\\") and not self._in_heredoc
        self._lines.append(line[:-1] if goes_on else line)
        if self._depth and not goes_on:
            # Inside brackets one line is enough to look at, so that a long object is not read again and again.
            alone = _look(line)
            if alone.plain and self._depth + alone.opened > 0:
                self._depth += alone.opened
                return False
        whole = _look(self.text)
        self._depth = whole.opened if whole.plain and whole.opened > 0 else 0
        self._in_heredoc = _HEREDOC in whole.errors
        if goes_on:
            return False
        return not (whole.errors <= _UNFINISHED and (whole.errors or whole.opened > 0))


_HEREDOC = "Unterminated heredoc"
_UNFINISHED = frozenset([_HEREDOC, "Unterminated comment"])


@dataclass(frozen=True, slots=True)
class _Look:
    """How many brackets and interpolations more are opened than closed, whether none of them is an interpolation and
    nothing is wrong, and the summaries of what is wrong."""

    opened: int
    plain: bool
    errors: frozenset[str]


def _look(text: str) -> _Look:
    from ..lang.scanner import scan_expression
    from ..lang.tokens import CONTROL, INTERP, SEQ_END
    from ..model.source import Source

    found = scan_expression(Source("", text + "\n"))
    count = Counter(found.kinds)
    sequences = count[INTERP] + count[CONTROL] - count[SEQ_END]
    brackets = sum(count[kind] for kind in "([{") - sum(count[kind] for kind in ")]}")
    errors = frozenset(diagnostic.summary for diagnostic in found.diagnostics)
    return _Look(brackets + sequences, sequences == 0 and not errors, errors)


class _Answer:
    """Evaluates one expression after the other and prints what comes of it."""

    def __init__(self, session: Session, opened: Opened, scope: Scope) -> None:
        self._session = session
        self._opened = opened
        self.scope = scope

    def __call__(self, text: str) -> bool:
        """Whether there was a value; if not, the diagnostics have been shown."""
        from ..lang.console import FILENAME, evaluate_text, render_value
        from ..model.diagnostics import DiagnosticError
        from ..model.source import Source

        if "<<" in text:
            text += "\n"  # a heredoc's end marker needs one
        try:
            value = evaluate_text(text, _fresh(self.scope))
        except DiagnosticError as error:
            self._session.out.flush()
            sources = {**self._opened.sources, FILENAME: Source(FILENAME, text)}
            self._session.diagnostics(error.diagnostics, sources)
            return False
        shown = render_value(value)
        if self._session.out.isatty():
            from ..render.escape import escape_block

            # Whatever a string holds, it cannot repaint the terminal; a pipe gets it as it is.
            shown = "\t".join(escape_block(part) for part in shown.split("\t"))
        self._session.raw(shown + "\n")
        return True


def _fresh(scope: Scope) -> Scope:
    """The same names with a budget of their own, so that no expression pays for another."""
    from ..lang.scope import Budget, Scope

    return Scope({}, scope, budget=Budget())


# A pipe


def _piped(answer: _Answer) -> int:
    """Answer each expression of standard input; stop at the first error, as terraform console does."""
    from ..model.diagnostics import DiagnosticError

    pending = Pending()
    for number, raw in enumerate(sys.stdin.buffer, 1):
        try:
            line = raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            fix = "Send the expressions in UTF-8."
            raise DiagnosticError.of("E-CONSOLE", f"Line {number} of standard input is not UTF-8", fix) from error
        if not pending.text and not line.strip():
            continue
        if not pending.text and line.strip() == "exit":
            return 0
        if pending.add(line):
            if not answer(pending.text):
                return 1
            pending = Pending()
    return 0 if not pending.text or answer(pending.text) else 1


# Programs


def _refuse_lines(session: Session, opened: Opened) -> int:
    """The configuration cannot be read, so that no line can be answered: say so in one line."""
    import json

    from .diagnose import diagnostics_json

    found = diagnostics_json(opened.diagnostics, opened.sources)
    session.raw(json.dumps({"diagnostics": found}, separators=(",", ":")) + "\n")
    return 1


def _answer_lines(session: Session, scope: Scope) -> int:
    """Answer each line at once, whatever it holds."""
    from ..lang.console import run_lines

    for line in _lines():
        for answer in run_lines([line], scope):
            session.raw(answer + "\n")
    return 0


def _lines() -> Iterator[str]:
    """The lines of standard input. What is not UTF-8 or endless is handed on in part: no JSON, so it is refused."""
    stream = sys.stdin.buffer
    while line := stream.readline(MAX_LINE):
        while len(line) == MAX_LINE and not line.endswith(b"\n") and (rest := stream.readline(MAX_LINE)):
            if rest.endswith(b"\n"):
                break
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            yield line[: error.start].decode("utf-8") + "\\x"


# A terminal


def _interactive(session: Session, answer: _Answer) -> int:
    session.print('An expression gives its value; "help" says more, "exit" leaves.')
    session.out.flush()
    with _line_editing(session, answer.scope):
        while True:
            text = _ask()
            if text is None or text.strip() == "exit":
                return 0
            if text.strip() == "help":
                session.print(HELP)
            elif text.strip():
                try:
                    answer(text)
                except KeyboardInterrupt:
                    session.note("interrupted")
            session.out.flush()


def _ask() -> str | None:
    """One expression, over as many lines as it takes; None at the end of the input."""
    pending = Pending()
    while True:
        try:
            line = input(MORE if pending.text else PROMPT)
        except EOFError:
            print()
            return None
        except KeyboardInterrupt:
            print()
            return ""
        whole = not pending.text and line.strip() in ("", "exit", "help")
        if whole or pending.add(line):
            return line if whole else pending.text


@contextlib.contextmanager
def _line_editing(session: Session, scope: Scope) -> Iterator[None]:
    """History and completion, where this Python has them."""
    try:
        import readline
    except ImportError:
        session.note("This Python has no readline: no history and no completion.")
        yield
        return
    path = history_file(session)
    if path is not None and path.exists():
        _try_history(session, path, readline.read_history_file)
    readline.set_history_length(HISTORY_LINES)
    readline.set_completer_delims(DELIMITERS)
    readline.set_completer(_Completer(scope))
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
    try:
        yield
    finally:
        readline.set_completer(None)
        if path is not None:
            _try_history(session, path, lambda name: _write_history(Path(name), readline.write_history_file))


def history_file(session: Session) -> Path | None:
    """Where history is kept: the user's folder for state. None where there is no such folder."""
    state, home = session.environ.get("XDG_STATE_HOME"), session.environ.get("HOME")
    if state and Path(state).is_absolute():
        return Path(state) / "provisioner" / "console_history"
    return Path(home) / ".local" / "state" / "provisioner" / "console_history" if home else None


def _write_history(path: Path, write: Callable[[str], None]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    write(str(path))


def _try_history(session: Session, path: Path, use: Callable[[str], None]) -> None:
    try:
        use(str(path))
    except OSError as error:
        session.note(f"history: {path}: {error.strerror}")


class _Completer:
    """What readline calls: the candidates are worked out for the first of them and kept for the others."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._found: list[str] = []

    def __call__(self, text: str, state: int) -> str | None:
        if state == 0:
            self._found = candidates(text, self._scope)
        return self._found[state] if state < len(self._found) else None


def candidates(text: str, scope: Scope) -> list[str]:
    """What the dotted name `text` may become, sorted: names in scope, attributes and, at the start, functions."""
    from ..lang.functions.registry import NAMES

    head, dot, start = text.rpartition(".")
    if not dot:
        names = sorted(name for name in scope.names() if name.startswith(start))
        return names + sorted(f"{name}(" for name in NAMES if name.startswith(start))
    return sorted(f"{head}.{name}" for name in _attributes(head, scope) if name.startswith(start))


def _attributes(head: str, scope: Scope) -> list[str]:
    """The names that may stand after `head` and a dot."""
    from ..lang.console import evaluate_text
    from ..lang.identifiers import is_identifier
    from ..lang.scope import Namespace
    from ..lang.values import BlockValue, MapValue, ObjectValue
    from ..model.diagnostics import DiagnosticError

    root: Any = None
    inside: Scope | None = scope
    while inside is not None and root is None:
        root, inside = inside.variables.get(head), inside.parent
    if isinstance(root, Namespace):
        return [name for name in root.names() if is_identifier(name)]
    try:
        value = evaluate_text(head, _fresh(scope))
    except DiagnosticError:
        return []  # a name that has no value has no attributes; pressing enter says why
    if isinstance(value, BlockValue):
        return list(value.attributes)
    return [name for name in value.entries if is_identifier(name)] if isinstance(value, (ObjectValue, MapValue)) else []
