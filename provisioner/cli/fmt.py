"""`provisioner fmt`."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .arguments import UsageProblem
from .declare import Json, command, session_of

if TYPE_CHECKING:
    from ..model.diagnostics import Diagnostic
    from ..model.source import Source
    from .session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

STDIN = "-"
STDIN_NAME = "<stdin>"
SUFFIX = ".hcl"
MAX_BYTES = 16_000_000
CONTEXT = 3

Paths: Any = typer.Argument(metavar="DIR|FILE|-", help="What to format; the current folder when left out.")
Check: Any = typer.Option(
    "--check", help="Write nothing; exit 2 when a file is not in the canonical layout.", show_default=False
)
Diff: Any = typer.Option("--diff", help="Show what changes, as a unified diff.", show_default=False)
Recursive: Any = typer.Option("--recursive", help="Folders inside the given ones too.", show_default=False)
Write: Any = typer.Option("--write", metavar="BOOL", help="-write=false leaves the files as they are.")
Listed: Any = typer.Option("--list", metavar="BOOL", help="-list=false does not name the files that change.")


@command(app, "provisioner fmt -check -diff -recursive")
def fmt(
    ctx: typer.Context,
    paths: Annotated[list[str] | None, Paths] = None,
    check: Annotated[bool, Check] = False,
    diff: Annotated[bool, Diff] = False,
    recursive: Annotated[bool, Recursive] = False,
    write: Annotated[str, Write] = "true",
    list_: Annotated[str, Listed] = "true",
    json: Annotated[bool, Json] = False,
) -> int:
    """Rewrite *.hcl files in the canonical layout, byte for byte that of terraform fmt.

    Names the files that change. A file with a syntax error stays as it is and is reported; the others are formatted.
    `-` formats standard input to standard output. Exit 2 with -check when something would change, 1 for an error.
    """
    from ..render.conditions import Condition, exit_code

    session = session_of(ctx)
    wanted = paths or ["."]
    if STDIN in wanted and len(wanted) > 1:
        raise UsageProblem("- stands for standard input, and goes with no other path", "provisioner fmt -")
    from_stdin = wanted == [STDIN]
    show = _Show(list=_truth("list", list_) and not from_stdin, diff=diff)
    writes = _truth("write", write) and not check and not from_stdin
    run = _Run()
    if from_stdin:
        run.text(STDIN_NAME, sys.stdin.buffer.read(MAX_BYTES + 1))
    else:
        run.files(wanted, recursive)
        if writes:
            run.write()
    conditions = [Condition.ERROR] if run.diagnostics else []
    if check and run.changed:
        conditions.append(Condition.CHANGES)
    if json:
        session.document("fmt", _body(run, diff, from_stdin), conditions, run.diagnostics, run.sources)
        return exit_code(conditions)
    plain = not (show.list or show.diff or writes or check)
    for one in run.results:
        _print(session, one, show, plain)
    session.diagnostics(run.diagnostics, run.sources)
    return exit_code(conditions)


def _truth(name: str, given: str) -> bool:
    """A flag that is on unless it is said otherwise."""
    if given.lower() in ("true", "t", "1"):
        return True
    if given.lower() in ("false", "f", "0"):
        return False
    raise UsageProblem(f"-{name}={given} is neither true nor false", f"-{name}=false")


# Reading and formatting


@dataclass(frozen=True, slots=True)
class _Result:
    """One source that was formatted. `place` is the file to write, None for standard input."""

    name: str
    place: Path | None
    status: os.stat_result | None
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(slots=True)
class _Run:
    """What was formatted and what went wrong, in the order of the arguments."""

    results: list[_Result] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    _done: set[Path] = field(default_factory=set)

    @property
    def changed(self) -> list[_Result]:
        return [one for one in self.results if one.changed]

    def error(self, summary: str, fix: str) -> None:
        from ..model.diagnostics import Diagnostic

        self.diagnostics.append(Diagnostic("E-FILE", summary, fix))

    def text(self, name: str, data: bytes, place: Path | None = None, status: os.stat_result | None = None) -> None:
        """Format one source, or report why not."""
        from ..lang.fmt import format_text
        from ..model.source import Source

        if len(data) > MAX_BYTES:
            self.error(f"{name} is larger than {MAX_BYTES // 1_000_000} MB", "Split it.")
            return
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            byte = data[error.start]
            self.error(
                f"{name} is not UTF-8", f"The byte 0x{byte:02x} on line {line} starts no character. Save it as UTF-8."
            )
            return
        source = Source(name, text)
        after, found = format_text(source)
        if found:
            self.sources[name] = source
            self.diagnostics.extend(found)
            return
        self.results.append(_Result(name, place, status, text, after))

    def files(self, wanted: Sequence[str], recursive: bool) -> None:
        """Format what the paths name; each file once, however often it is named."""
        for name in wanted:
            path = Path(name)
            try:
                status = path.stat()
            except OSError as error:
                self.error(f"{name}: {error.strerror}", "Name a folder or a *.hcl file that exists.")
                continue
            if stat.S_ISDIR(status.st_mode):
                inside = Path(os.path.realpath(path))
                for found in self._found(path, recursive):
                    self._file(found, inside)
            elif not path.name.endswith(SUFFIX):
                self.error(f"{name} is not a *{SUFFIX} file", f"Only *{SUFFIX} files are formatted. Name one.")
            else:
                self._file(path, None)

    def _found(self, folder: Path, recursive: bool) -> list[Path]:
        """The *.hcl files of a folder, by name; symbolic links to folders are not followed."""
        pending, found = [folder], []
        while pending:
            current = pending.pop()
            try:
                entries = list(os.scandir(current))
            except OSError as error:
                self.error(f"{current}: {error.strerror}", "Check that you may list the folder.")
                continue
            for entry in entries:
                if _ignored(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if recursive:
                        pending.append(current / entry.name)
                elif entry.name.endswith(SUFFIX):
                    found.append(current / entry.name)
        return sorted(found, key=lambda path: path.parts)

    def _file(self, path: Path, inside: Path | None) -> None:
        """Format one file. A symbolic link is followed when it was named, or stays in the folder that was named."""
        real = Path(os.path.realpath(path))
        if real in self._done or (inside is not None and inside not in real.parents):
            return
        self._done.add(real)
        try:
            status = real.stat()
            if inside is not None and stat.S_ISDIR(status.st_mode):
                return
            if not stat.S_ISREG(status.st_mode):
                self.error(f"{path} is not a regular file", "Replace it by one, or leave it out.")
                return
            with real.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            self.error(f"{path}: {error.strerror}", "Check that it exists and that you may read it.")
            return
        self.text(str(path), data, real, status)

    def write(self) -> None:
        """Write the files that change; one that cannot be written is reported and the next one tried."""
        from ..model.diagnostics import DiagnosticError
        from .files import write_file

        for one in self.changed:
            assert one.place is not None
            if not os.access(one.place, os.W_OK):
                self.error(f"{one.name} is write-protected", "Allow writing to it, or leave it out.")
                self.results.remove(one)
                continue
            try:
                write_file(one.place, one.after.encode(), one.status)
            except DiagnosticError as error:
                self.diagnostics.extend(error.diagnostics)
                self.results.remove(one)


def _ignored(name: str) -> bool:
    """Hidden files, and those that editors leave beside the real ones."""
    return name.startswith(".") or name.endswith("~") or (name.startswith("#") and name.endswith("#"))


# Showing


@dataclass(frozen=True, slots=True)
class _Show:
    list: bool
    diff: bool


def _body(run: _Run, diff: bool, from_stdin: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"changed": [one.name for one in run.changed]}
    if diff:
        body["diffs"] = {one.name: "".join(unified(one.name, one.before, one.after)) for one in run.changed}
    if from_stdin and run.results:
        body["formatted"] = run.results[0].after
    return body


def _print(session: Session, one: _Result, show: _Show, plain: bool) -> None:
    from ..render.escape import escape, escape_block

    if show.list and one.changed:
        session.print(escape(one.name))
    if show.diff and one.changed:
        lines = unified(one.name, one.before, one.after)
        if session.out.isatty():
            # On a terminal the text of a stranger's file must not do what it likes; a pipe gets the bytes.
            lines = (_painted(escape_block(line), session.color()) for line in lines)
        session.raw("".join(lines))
    elif plain:
        session.raw(one.after if one.after.endswith("\n") else one.after + "\n")


def _painted(line: str, color: bool) -> str:
    paint = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}.get(line[:1])
    return f"{paint}{line.rstrip(chr(10))}\x1b[0m\n" if color and paint else line


def unified(name: str, before: str, after: str) -> Iterator[str]:
    """The lines of `diff -u`, each with its line end, as terraform fmt -diff shows them."""
    old, new = _whole_lines(before), _whole_lines(after)
    yield f"--- old/{name}\n"
    yield f"+++ new/{name}\n"
    for group in _hunks(_edits(old, new)):
        (first, _, below, _), (_, last, _, end) = group[0], group[-1]
        start, stop = max(first - CONTEXT, 0), min(last + CONTEXT, len(old))
        lead, tail = first - start, stop - last
        yield f"@@ -{_span(start, stop)} +{_span(below - lead, end + tail)} @@\n"
        at = start
        for low, high, left, right in group:
            yield from _lines(" ", old[at:low])
            yield from _lines("-", old[low:high])
            yield from _lines("+", new[left:right])
            at = high
        yield from _lines(" ", old[at:stop])


_Edit = tuple[int, int, int, int]


def _edits(old: list[str], new: list[str]) -> Iterator[_Edit]:
    """Ranges of lines that differ: old[a:b] becomes new[c:d].

    Layout keeps almost every line apart from its spaces, so the lines are walked in step; where they are other lines
    the nearest place is looked for at which they are the same again. That is linear, whatever the file holds.
    """
    left, right = [_squeezed(line) for line in old], [_squeezed(line) for line in new]
    a = c = 0
    while a < len(old) or c < len(new):
        if a < len(old) and c < len(new) and old[a] == new[c]:
            a, c = a + 1, c + 1
            continue
        b, d = a, c
        while (b < len(old) or d < len(new)) and not (b < len(old) and d < len(new) and old[b] == new[d]):
            skip, take = _step(left, right, b, d)
            b, d = b + skip, d + take
        yield a, b, c, d
        a, c = b, d


def _step(left: list[str], right: list[str], b: int, d: int) -> tuple[int, int]:
    """How many lines of each side to pass until both are at the same line again, spaces aside."""
    if b < len(left) and d < len(right) and left[b] == right[d]:
        return 1, 1
    for skip, take in _NEAR:
        if b + skip < len(left) and d + take < len(right) and left[b + skip] == right[d + take]:
            return skip, take
    return min(1, len(left) - b), min(1, len(right) - d)


_REACH = 12
_NEAR = sorted(
    ((skip, take) for skip in range(_REACH) for take in range(_REACH) if skip or take),
    key=lambda pair: (pair != (1, 1), sum(pair)),
)


def _squeezed(line: str) -> str:
    return "".join(line.split())


def _hunks(edits: Iterator[_Edit]) -> Iterator[list[_Edit]]:
    """Edits whose context would touch stand in one hunk."""
    group: list[_Edit] = []
    for edit in edits:
        if group and edit[0] - group[-1][1] > 2 * CONTEXT:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _whole_lines(text: str) -> list[str]:
    """Lines with their line ends; unlike splitlines, only a line feed ends one."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _span(start: int, stop: int) -> str:
    count = stop - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _lines(sign: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"
