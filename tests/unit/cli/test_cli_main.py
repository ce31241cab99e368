"""The entry point without a subprocess: dispatch, usage errors, unexpected ones."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer

from provisioner.cli import main as entry
from provisioner.cli.arguments import UsageProblem
from provisioner.cli.binding import Binding
from provisioner.cli.commands import COMMANDS
from provisioner.cli.failures import diagnostics_of
from provisioner.cli.session import Session
from provisioner.model.diagnostics import DiagnosticError
from provisioner.sdk.errors import CloudError


def run(capsys: pytest.CaptureFixture[str], *argv: str, **environ: str) -> tuple[int, str, str]:
    code = entry.run(argv, {"HOME": "/nonexistent"} | environ)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "-help")
    assert code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in out
    assert "Example:" in out
    assert run(capsys, "help")[1] == out


@pytest.mark.parametrize(("given", "width"), [("", 100), ("80", 80), ("7", 60), ("9999", 100), ("²", 100), ("-1", 100)])
def test_width_without_a_terminal(given: str, width: int) -> None:
    assert Session({"PROVISIONER_WIDTH": given}, Path(), out=io.StringIO()).width == width


def test_no_command_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys)
    assert (code, out) == (1, "")
    assert "Usage:" in err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, name, "-help")
    assert (code, err) == (0, "")
    (example,) = [line for line in out.splitlines() if "Example: " in line]
    assert f"provisioner {name}" in example
    assert run(capsys, "help", name)[1] == out
    if name not in ("access", "audit", "review", "sandbox"):
        assert "--json" in out


@pytest.mark.parametrize("name", ["up", "down", "status", "reset"])
def test_subcommands_have_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "sandbox", name, "--help")
    assert code == 0
    assert f"Example: provisioner sandbox {name}" in out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["plann"], "did you mean provisioner plan?"),
        (["\x1b[2J"], "there is no command \\x1b[2J"),
        (["sandbox", "upp"], "did you mean provisioner sandbox up?"),
        (["sandbox", "-provider"], "goes after one of"),
        (["version", "-jsn"], "did you mean -json?"),
        (["version", "extra"], "unexpected argument extra"),
        (["-chdir=/does/not/exist", "version"], "No such file"),
    ],
)
def test_usage_errors(argv: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *argv)
    assert (code, out) == (1, "")
    assert says in err
    assert "\x1b" not in err


def test_usage_errors_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "plann", "-json")
    document = json.loads(out)
    assert (code, err) == (1, "")
    assert document["conditions"] == ["error"]
    assert document["diagnostics"][0]["code"] == "E-USAGE"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "version", "-json")
    document = json.loads(out)
    assert code == 0
    assert document["format_version"] == "1.0"
    assert (document["exit_code"], document["conditions"]) == (0, [])
    assert run(capsys, "-version")[1] == f"provisioner {document['version']}\n"


def test_a_bug_is_said_to_be_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise KeyError("x\x1b[2J")

    monkeypatch.setattr(entry, "_invoke", broken)
    code, out, err = run(capsys, "version")
    assert (code, out) == (1, "")
    assert "This is a bug in provisioner" in err
    assert "PROVISIONER_TRACE=1" in err
    assert "Traceback" not in err
    assert "\x1b" not in err
    assert "Traceback" in run(capsys, "version", PROVISIONER_TRACE="1")[2]


def test_interruption(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "run", interrupted)
    monkeypatch.setattr(entry.sys, "stdout", _Reconfigurable())
    monkeypatch.setattr(entry.sys, "stderr", _Reconfigurable())
    assert entry.main() == 130


class _Reconfigurable:
    def reconfigure(self, **_: object) -> None: ...
    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None: ...


def test_expected_errors_become_diagnostics(tmp_path: Path) -> None:
    (one,) = diagnostics_of(CloudError("111122223333", "no permission", "cause", "the way out", "E-DENIED"))
    assert (one.code, one.summary, one.detail) == ("E-DENIED", "111122223333: no permission", "cause\nthe way out")
    (two,) = diagnostics_of(DiagnosticError.of("E-X", "y", "z"))
    assert two.code == "E-X"
    with pytest.raises(OSError) as caught:
        (tmp_path / "none").read_text()
    (three,) = diagnostics_of(caught.value)
    assert three.code == "E-IO"
    assert "none" in three.summary


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b"\xff\x00", b'{"format":1}', b"{" * 5000])
@pytest.mark.parametrize("command", ["show", "status", "apply", "publish"])
def test_a_plan_that_is_none(
    command: str, content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "first.plan.json"
    if content is not None:
        path.write_bytes(content)
    code, out, err = run(capsys, command, str(path), HOME=str(tmp_path))
    assert (code, out) == (1, "")
    assert "[E-PLAN-FILE]" in err


def several(one: Annotated[str, typer.Argument()], rest: Annotated[list[str] | None, typer.Argument()] = None) -> int:
    return len(one) + len(rest or ())


def test_arguments_that_repeat() -> None:
    binding = Binding(several)
    assert binding.values(["--", "a"]) == {"one": "a"}
    assert binding.values(["--", "a", "b", "-c"]) == {"one": "a", "rest": ["b", "-c"]}
    with pytest.raises(UsageProblem, match="the argument ONE is missing"):
        binding.values(["--"])


def test_closed_streams_are_no_error() -> None:
    script = "import sys; sys.stdout = sys.stderr = None; sys.argv = ['provisioner', 'version']\n"
    script += "from provisioner.cli.main import main; raise SystemExit(main())"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0
