"""`fmt` and `console` as installed: streams, pipes, a terminal, and Terraform beside them where it is present."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "provisioner"
TERRAFORM = shutil.which("terraform")
needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="there is no terraform to compare with")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "TERM": "dumb"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def run(
    *argv: str, environ: dict[str, str], cwd: Path, given: bytes = b"", check: int = 0
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [COMMAND, *argv], env=environ, cwd=cwd, input=given, capture_output=True, check=False, timeout=60
    )
    told = (done.stdout + done.stderr).decode()
    assert "Traceback" not in told
    assert done.returncode == check, told
    return done


def terraform(*argv: str, cwd: Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    assert TERRAFORM is not None
    environ = {"PATH": os.environ["PATH"], "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
    return subprocess.run([TERRAFORM, *argv], env=environ, cwd=cwd, input=given, capture_output=True, check=False)


# fmt


def configurations() -> list[Path]:
    """Every configuration that the project itself holds."""
    found = [path for name in ("examples", "modules") for path in (ROOT / name).rglob("*.hcl")]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.parts))


def test_our_own_configurations_are_formatted(environ: dict[str, str]) -> None:
    assert len(configurations()) >= 9
    done = run("fmt", "-check", "-diff", "-recursive", "examples", "modules", environ=environ, cwd=ROOT)
    assert done.stdout == b""


@needs_terraform
def test_our_own_configurations_are_as_terraform_would_have_them(folder: Path) -> None:
    for number, path in enumerate(configurations()):
        shutil.copy(path, folder / f"{number}.tf")
    done = terraform("fmt", "-check", "-diff", cwd=folder)
    assert (done.returncode, done.stdout) == (0, b"")


@needs_terraform
@pytest.mark.parametrize(
    "text",
    ["a=1", "a=1\n", "", "\n\n", "a=1\r\nbb=2\r\n", 'x "y" {\na=1 # c\nlong = [1,2]\n}', 'a = "${\nb\n}"\n'],
)
def test_standard_input_is_answered_as_by_terraform(environ: dict[str, str], folder: Path, text: str) -> None:
    theirs = terraform("fmt", "-", cwd=folder, given=text.encode())
    ours = run("fmt", "-", environ=environ, cwd=folder, given=text.encode())
    assert (theirs.returncode, ours.stdout) == (0, theirs.stdout)


@needs_terraform
@pytest.mark.parametrize("options", [[], ["-check"], ["-diff"], ["-list=false", "-write=false"], ["-write=false"]])
def test_options_do_what_they_do_in_terraform(environ: dict[str, str], tmp_path: Path, options: list[str]) -> None:
    """The same files, once with each ending: the same output, the same files left behind."""
    left: list[tuple[str, dict[str, bytes]]] = []
    for kind in ("tf", "hcl"):
        here = tmp_path / kind
        (here / "sub").mkdir(parents=True)
        for name, text in (("a", "a=1\n"), ("b", "b = 2\n"), ("c", "ccc=3\nd = 1"), ("sub/e", "e=1\n")):
            (here / f"{name}.{kind}").write_text(text)
        if kind == "tf":
            said = terraform("fmt", *options, cwd=here).stdout
        else:
            check = 2 if "-check" in options else 0
            said = run("fmt", *options, environ=environ, cwd=here, check=check).stdout
        after = {path.stem: path.read_bytes() for path in sorted(here.rglob("*.*"))}
        left.append((said.decode().replace(f".{kind}", ""), after))
    assert left[0] == left[1]


def test_a_full_disk_or_a_closed_reader_leaves_the_file_whole(environ: dict[str, str], folder: Path) -> None:
    (folder / "a.hcl").write_text("a=1\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [COMMAND, "fmt", "-diff", "-write=false"],
        env=environ, cwd=folder, stdout=writing, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
    assert (folder / "a.hcl").read_text() == "a=1\n"


# console


@needs_terraform
@pytest.mark.parametrize(
    "expression",
    ['upper("é")', "1/3", '{a = [1, "x", null], b = toset(["q"])}', "true ? 1 : 2", '"a\\nb"', "tolist([])", "null"],
)
def test_a_piped_expression_prints_as_in_terraform(environ: dict[str, str], folder: Path, expression: str) -> None:
    given = f"{expression}\n".encode()
    theirs = terraform("console", cwd=folder, given=given)
    assert theirs.returncode == 0
    assert run("console", environ=environ, cwd=folder, given=given).stdout == theirs.stdout


def test_ten_thousand_lines_in_one_process(environ: dict[str, str], folder: Path) -> None:
    lines = [json.dumps({"expr": 'format("%s-%d", var.a, length(var.l))', "vars": {"a": str(n), "l": [1, n]}})
             for n in range(10_000)]  # fmt: skip
    done = run("console", "-json", environ=environ, cwd=folder, given="\n".join(lines).encode())
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [{"value": f"{n}-2", "type": "string"} for n in range(10_000)]


def test_each_line_is_answered_before_the_next_is_sent(environ: dict[str, str], folder: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "console", "-json"], env=environ, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    with process:
        for n in range(3):
            process.stdin.write(json.dumps({"expr": f"{n} * 2"}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["value"] == 2 * n
        process.stdin.close()
    assert process.returncode == 0


def test_a_reader_that_leaves_is_no_error_message(environ: dict[str, str], folder: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "console", "-json"],
        env=environ, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b'{"expr": "1"}\n')
    process.stdin.flush()
    process.stdout.readline()
    process.stdout.close()
    try:
        process.stdin.write(b'{"expr": "1"}\n' * 100)
        process.stdin.close()
    except BrokenPipeError:
        pass  # it may already have left
    assert process.wait(timeout=30) == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


PROMPT, MORE = "\n> ", "\n: "


class Terminal:
    """A person at a terminal."""

    def __init__(self, environ: dict[str, str], cwd: Path) -> None:
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(COMMAND, [str(COMMAND), "console"], environ)
        self.seen = ""

    def wait(self, text: str) -> str:
        """What was shown until `text` appeared."""
        limit = time.monotonic() + 30
        while text not in self.seen:
            assert time.monotonic() < limit, f"{text!r} did not appear in {self.seen!r}"
            if select.select([self._end], [], [], 0.2)[0]:
                self.seen += os.read(self._end, 65536).decode()
        before, _, self.seen = self.seen.partition(text)
        return before

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def close(self) -> int:
        """The exit code."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self._end)
        return os.waitstatus_to_exitcode(status)


def test_a_person_at_a_terminal(environ: dict[str, str], folder: Path) -> None:
    (folder / "main.hcl").write_text('locals { greeting = "hello" }\n')
    terminal = Terminal(environ, folder)
    terminal.wait(PROMPT)
    terminal.type("local.gre\t\n")  # completion
    terminal.wait('"hello"')
    terminal.wait(PROMPT)
    terminal.type("[1 +\n")
    terminal.wait(MORE)
    terminal.type("2]\n")
    terminal.wait("[\r\n  3,\r\n]")
    terminal.wait(PROMPT)
    terminal.type("nope\n")
    terminal.wait("Unknown variable")
    terminal.wait(PROMPT)
    terminal.type("((\n")
    terminal.wait(MORE)
    # Python only notices a Control-C that comes before readline waits when the next key arrives: a person is slower.
    time.sleep(0.5)
    terminal.type("\x03")  # Control-C drops it
    terminal.wait(PROMPT)
    terminal.type('"\\u001b[2J\\n"\n')
    assert "\x1b[2J" not in terminal.wait("\\x1b[2J\r\n\r\nEOT")
    terminal.wait(PROMPT)
    terminal.type("help\n")
    terminal.wait("Control-D")
    terminal.wait(PROMPT)
    terminal.type("\x04")
    assert terminal.close() == 0
    history = folder.parent / "home" / ".local" / "state" / "provisioner" / "console_history"
    assert "local.greeting\n" in history.read_text()
    assert history.stat().st_mode & 0o777 == 0o600
    again = Terminal(environ, folder)
    again.wait(PROMPT)
    again.type("\x1b[A" * 2 + "\n")  # the line before the last one
    again.wait("[2J")
    again.wait(PROMPT)
    again.type("exit\n")
    assert again.close() == 0
