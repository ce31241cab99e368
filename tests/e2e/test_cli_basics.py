"""The installed command as a person meets it: help, bad options, streams, exit codes."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "provisioner"
QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}


@pytest.fixture
def quickstart(tmp_path: Path) -> Path:
    return Path(shutil.copytree(QUICKSTART, tmp_path / "agents"))


def run(*argv: str, environ: dict[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *argv],
        env=environ,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_loads_nothing_heavy(environ: dict[str, str]) -> None:
    """What makes start-up slow is imports; the time itself is measured in benchmarks/."""
    code = (
        "import sys; sys.argv = ['provisioner', '-help']\n"
        "from provisioner.cli.main import main\n"
        "assert main() == 0\n"
        "heavy = {'typer', 'rich', 'boto3', 'botocore', 'msgspec', 'yaml', 'cryptography', 'deepdiff', 'pydantic'}\n"
        "loaded = heavy & {name.partition('.')[0] for name in sys.modules}\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: provisioner")


def test_help_goes_to_standard_output(environ: dict[str, str]) -> None:
    done = run("-help", environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert run(environ=environ).returncode == 1


@pytest.mark.parametrize("argv", [["plann"], ["plan", "-outt", "x"], ["plan", "-out"], ["show"], ["show", "a", "b"]])
def test_bad_usage_exits_1_without_traceback(argv: list[str], environ: dict[str, str]) -> None:
    done = run(*argv, environ=environ)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_chdir(environ: dict[str, str], quickstart: Path, tmp_path: Path) -> None:
    done = run(f"-chdir={quickstart}", "test", environ=environ, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pass" in done.stdout
    assert run("test", environ=environ, cwd=tmp_path).returncode == 1


def test_failing_boundary_tests_exit_4(environ: dict[str, str], quickstart: Path) -> None:
    file = quickstart / "tests.hcl"
    file.write_text(file.read_text().replace('expect  = "allowed"', 'expect  = "denied"'))
    done = run("test", environ=environ, cwd=quickstart)
    assert done.returncode == 4
    assert "FAIL" in done.stdout
    document = json.loads(run("test", "-json", environ=environ, cwd=quickstart).stdout)
    assert (document["exit_code"], document["conditions"]) == (4, ["blocked"])
    assert document["failed"] == 1


@pytest.mark.parametrize("command", ["test", "plan", "drift", "init"])
def test_broken_configuration(command: str, environ: dict[str, str], quickstart: Path) -> None:
    (quickstart / "broken.hcl").write_text('agent "x" {\n  purpos = "y"\n')
    done = run(command, environ=environ, cwd=quickstart)
    assert (done.returncode, done.stdout) == (1, "")
    assert "broken.hcl line" in done.stderr
    assert "Traceback" not in done.stderr
    document = json.loads(run(command, "-json", environ=environ, cwd=quickstart).stdout)
    assert document["conditions"] == ["error"]
    assert document["diagnostics"][0]["range"]["filename"] == "broken.hcl"


@pytest.mark.parametrize("command", ["show", "status", "apply", "publish", "sign"])
def test_a_plan_that_is_none(command: str, environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "first.plan.json"
    path.write_bytes(b'{"format":"provisioner.planfile/1"}')
    key = ["-key", str(tmp_path / "key")] if command == "sign" else []
    done = run(command, str(path), *key, environ=environ, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is no plan that can be trusted" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_quiet(environ: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [COMMAND, "-help"], env=environ, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert done.returncode == 141
    assert done.stderr == ""


@pytest.fixture
def runner(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment whose runner file names a cloud on this machine; nothing listens there."""
    path = tmp_path / "runner.toml"
    path.write_text('[provider.aws]\nendpoint = "http://127.0.0.1:9"\ncredentials = "sandbox"\n')
    path.chmod(0o600)
    return {**environ, "PROVISIONER_RUNNER": str(path)}


def at_a_terminal(cwd: Path, environ: dict[str, str], answer: Callable[[subprocess.Popen[bytes], int], None]) -> int:
    """Run `init` with a terminal as standard input; `answer` acts when the question is there."""
    controller, terminal = pty.openpty()
    child = subprocess.Popen(
        [COMMAND, "init"], env=environ, cwd=cwd, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert child.stderr is not None
        said = b""
        while not said.endswith(b"Type yes: "):
            byte = child.stderr.read(1)
            assert byte, said.decode()
            said += byte
        answer(child, controller)
        child.communicate(timeout=30)
    finally:
        child.kill()
        child.wait()
        os.close(controller)
        os.close(terminal)
    return child.returncode


def test_interruption_writes_nothing(runner: dict[str, str], quickstart: Path) -> None:
    before = Path(runner["PROVISIONER_RUNNER"]).read_text()
    code = at_a_terminal(quickstart, runner, lambda child, _: child.send_signal(signal.SIGINT))
    assert code == 130
    assert not (quickstart / ".provisioner").exists()
    assert Path(runner["PROVISIONER_RUNNER"]).read_text() == before


@pytest.mark.parametrize(("answer", "code", "written"), [("no", 1, False), ("", 1, False), ("yes", 0, True)])
def test_init_asks_a_person(answer: str, code: int, written: bool, runner: dict[str, str], quickstart: Path) -> None:
    ended = at_a_terminal(quickstart, runner, lambda _, terminal: os.write(terminal, f"{answer}\n".encode()))
    assert ended == code
    assert (quickstart / ".provisioner").exists() == written
    assert ("root_pin" in Path(runner["PROVISIONER_RUNNER"]).read_text()) == written


def test_init_without_a_person_writes_nothing(runner: dict[str, str], quickstart: Path) -> None:
    done = run("init", environ=runner, cwd=quickstart)
    assert done.returncode == 1
    assert "nobody said yes" in done.stderr
    assert not (quickstart / ".provisioner").exists()
    assert run("init", "-json", environ=runner, cwd=quickstart).returncode == 1


def test_init_twice(runner: dict[str, str], quickstart: Path) -> None:
    assert run("init", "-yes", environ=runner, cwd=quickstart).returncode == 0
    done = run("init", environ=runner, cwd=quickstart)
    assert done.returncode == 0
    assert "Nothing to do" in done.stdout
    document = json.loads(run("init", "-json", environ=runner, cwd=quickstart).stdout)
    assert document["pin"] in Path(runner["PROVISIONER_RUNNER"]).read_text()
    assert document["pinned_before"]


def test_a_cloud_that_is_not_there(runner: dict[str, str], quickstart: Path) -> None:
    assert run("init", "-yes", environ=runner, cwd=quickstart).returncode == 0
    for command in ("plan", "drift"):
        done = run(command, environ=runner, cwd=quickstart)
        assert (done.returncode, done.stdout) == (1, "")
        assert "provisioner sandbox up" in done.stderr


def test_output_survives_a_plain_terminal(environ: dict[str, str], quickstart: Path) -> None:
    done = run("test", environ={**environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}, cwd=quickstart)
    assert done.returncode == 0


def test_version(environ: dict[str, str]) -> None:
    done = run("version", "-json", environ=environ)
    document = json.loads(done.stdout)
    assert "aws" in document["providers"]
    assert run("--version", environ=environ).stdout == f"provisioner {document['version']}\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("provisioner pla", "plan"),
        ("provisioner plan --detai", "--detailed-exitcode"),
        ("provisioner plan -detai", "-detailed-exitcode"),
        ("provisioner plan -var x=1 -ou", "-out"),
        ("provisioner sandbox u", "up"),
        ("provisioner explain PRV-", "PRV-1"),
        ("provisioner completion f", "fish"),
    ],
)
def test_shell_completion(words: str, found: str, environ: dict[str, str]) -> None:
    at = str(len(words.split()) - 1)
    bash = {"_PROVISIONER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": at}
    done = run(environ={**environ, **bash})
    assert done.returncode == 0 and found in done.stdout.splitlines(), done.stderr
    others = {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = run(environ={**environ, **others, "_PROVISIONER_COMPLETE": "complete_fish"})
    assert done.returncode == 0 and found in [line.split("\t")[0] for line in done.stdout.splitlines()]
    done = run(environ={**environ, **others, "_PROVISIONER_COMPLETE": "complete_zsh"})
    assert done.returncode == 0 and f'"{found}"' in done.stdout


BASH = """
eval "$(provisioner completion bash)"
COMP_WORDS=(provisioner plan -ou) COMP_CWORD=2 COMPREPLY=()
"$(complete -p provisioner | sed 's/.*-F \\([^ ]*\\) .*/\\1/')" provisioner
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = "provisioner completion fish | source; complete -C 'provisioner plan -ou' | string split -f1 \\t"


@pytest.mark.parametrize(("shell", "script"), [("bash", BASH), ("fish", FISH)])
def test_the_printed_script_completes_in_the_shell_itself(shell: str, script: str, environ: dict[str, str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not on this machine")
    path = f"{COMMAND.parent}:{environ['PATH']}"
    argv = [shell, *(["--norc"] if shell == "bash" else ["--no-config"]), "-c", script]
    done = subprocess.run(argv, env={**environ, "PATH": path}, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["-out"], done.stderr


def test_no_script_for_another_shell(environ: dict[str, str]) -> None:
    done = run("completion", "tcsh", environ=environ)
    assert done.returncode == 1 and "Name bash, zsh, fish" in done.stderr
