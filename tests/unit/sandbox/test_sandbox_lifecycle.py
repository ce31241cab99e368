"""Life cycle of a sandbox, on a small real server in a real child process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.model.diagnostics import DiagnosticError
from provisioner.runner import load_runner
from provisioner.sandbox.cloud import SandboxCloud
from provisioner.sandbox.lifecycle import down, down_all, reset, status, up, up_all
from provisioner.sandbox.state import is_ours, load_state, sandbox_folder

SERVER = textwrap.dedent(
    """
    import sys
    from http.server import BaseHTTPRequestHandler, HTTPServer
    port, token = int(sys.argv[1]), sys.argv[2]
    class Handler(BaseHTTPRequestHandler):
        count = 0
        def log_message(self, *a): pass
        def do_GET(self):
            self.send_response(200); self.end_headers(); self.wfile.write(f"{token} {Handler.count}".encode())
        def do_POST(self):
            Handler.count = 0 if self.path == "/reset" else Handler.count + 1
            self.do_GET()
    HTTPServer(("127.0.0.1", port), Handler).serve_forever()
    """
)


@dataclass
class SmallCloud:
    """As a provider's own, without a cloud in it."""

    code: str = SERVER
    name: str = "small"

    def command(self, port: int, token: str) -> tuple[str, ...]:
        return (sys.executable, "-S", "-c", self.code, str(port), token)

    def settings(self, port: int) -> dict[str, str]:
        return {"endpoint": f"http://127.0.0.1:{port}", "credentials": "sandbox"}

    def healthy(self, port: int, token: str) -> bool:
        return ask("GET", port, "/").split(" ")[0] == token

    def reset(self, port: int) -> bool:
        return ask("POST", port, "/reset").endswith(" 0")


def ask(method: str, port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request(method, path)
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


@pytest.fixture
def cloud() -> SmallCloud:
    return SmallCloud()


@pytest.fixture
def environ(tmp_path: Path, cloud: SmallCloud) -> Iterator[dict[str, str]]:
    values = {"PROVISIONER_SANDBOX": str(tmp_path / "box"), "PATH": os.environ["PATH"]}
    yield values
    down(cloud, values)


def own_runner(environ: dict[str, str]) -> Path:
    return sandbox_folder(environ) / "runner.toml"


def test_the_cloud_is_one(cloud: SmallCloud) -> None:
    assert isinstance(cloud, SandboxCloud)


def test_up_twice_is_one(cloud: SmallCloud, environ: dict[str, str]) -> None:
    assert status(cloud, environ).state == "stopped"
    first = up(cloud, environ, ["aws"])
    assert first.started
    assert first.port
    ask("POST", first.port, "/add")
    second = up(cloud, environ, ["aws.prod"])
    assert not second.started
    assert (second.port, second.pid) == (first.port, first.pid)
    assert second.keys == ("aws", "aws.prod")
    assert ask("GET", first.port, "/").endswith(" 1"), "its state survives"
    assert status(cloud, environ).state == "running"
    runner = load_runner({"PROVISIONER_RUNNER": str(own_runner(environ))})
    assert runner.connection_settings("aws") == runner.connection_settings("aws.prod") == cloud.settings(first.port)


def test_files_are_the_users_own(cloud: SmallCloud, environ: dict[str, str]) -> None:
    up(cloud, environ, ["aws"])
    folder = sandbox_folder(environ)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("small.json", "runner.toml"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_reset_empties(cloud: SmallCloud, environ: dict[str, str]) -> None:
    port = up(cloud, environ, ["aws"]).port
    assert port
    ask("POST", port, "/add")
    reset(cloud, environ)
    assert ask("GET", port, "/").endswith(" 0")
    assert status(cloud, environ).port == port


def test_down_stops_and_keeps_the_runner_entry(cloud: SmallCloud, environ: dict[str, str]) -> None:
    """An entry that went away would send the next plan to a real cloud."""
    found = up(cloud, environ, ["aws"])
    assert down(cloud, environ)
    assert found.port
    assert ask("GET", found.port, "/") == ""
    assert not down(cloud, environ)
    assert status(cloud, environ).state == "stopped"
    assert "endpoint" in load_runner({"PROVISIONER_RUNNER": str(own_runner(environ))}).connection_settings("aws")
    with pytest.raises(DiagnosticError, match="not running"):
        reset(cloud, environ)


def test_a_stale_one_is_noticed_and_replaced(cloud: SmallCloud, environ: dict[str, str]) -> None:
    first = up(cloud, environ, ["aws"])
    assert first.pid
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    assert status(cloud, environ).state == "stale"
    with pytest.raises(DiagnosticError, match="not running"):
        reset(cloud, environ)
    second = up(cloud, environ, ["aws"])
    assert second.started
    assert second.pid != first.pid
    assert second.port
    runner = load_runner({"PROVISIONER_RUNNER": str(own_runner(environ))})
    assert runner.connection_settings("aws") == cloud.settings(second.port)


def test_another_process_is_never_stopped(cloud: SmallCloud, environ: dict[str, str]) -> None:
    """The process id in the state file is now somebody else's: ours, here."""
    up(cloud, environ, ["aws"])
    path = sandbox_folder(environ) / "small.json"
    original = path.read_text()
    value = json.loads(original)
    path.write_text(json.dumps({**value, "pid": os.getpid()}))
    assert not is_ours(os.getpid(), value["token"])
    assert not down(cloud, environ)
    path.write_text(original)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1}', '{"keys": 1}'])
def test_a_broken_state_file_is_no_state(text: str, cloud: SmallCloud, environ: dict[str, str]) -> None:
    folder = sandbox_folder(environ)
    folder.mkdir()
    (folder / "small.json").write_text(text)
    assert load_state(folder, "small") is None
    assert status(cloud, environ).state == "stopped"


def test_a_state_that_would_signal_everybody_is_no_state(environ: dict[str, str]) -> None:
    folder = sandbox_folder(environ)
    folder.mkdir()
    state = {"cloud": "small", "pid": -1, "port": 80, "token": "t", "runner": "", "keys": []}
    (folder / "small.json").write_text(json.dumps(state))
    assert load_state(folder, "small") is None


def test_what_does_not_start_says_why(environ: dict[str, str]) -> None:
    broken = SmallCloud(code="import no_such_module_here")
    with pytest.raises(DiagnosticError) as caught:
        up(broken, environ, ["aws"])
    assert "No module named 'no_such_module_here'" in caught.value.diagnostics[0].detail
    assert status(broken, environ).state == "stopped"
    assert not own_runner(environ).exists(), "nothing points to what does not run"


def test_entries_of_the_user_stay(cloud: SmallCloud, environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "runner.toml"
    text = '[provider.aws]\nprofile = "mine"\n'
    path.write_text(text)
    path.chmod(0o600)
    environ["PROVISIONER_RUNNER"] = str(path)
    with pytest.raises(DiagnosticError, match="entry of yours"):
        up(cloud, environ, ["aws"])
    assert path.read_text() == text
    assert status(cloud, environ).state == "stopped"
    found = up(cloud, environ, ["aws.box"])
    assert found.runner == str(path)
    assert path.read_text().startswith(text)
    assert not own_runner(environ).exists()


def test_a_runner_file_that_is_not_there_yet_is_made(
    cloud: SmallCloud, environ: dict[str, str], tmp_path: Path
) -> None:
    environ["PROVISIONER_RUNNER"] = str(tmp_path / "new" / "runner.toml")
    up(cloud, environ, ["aws"])
    assert "aws" in load_runner(environ).providers


def test_two_at_once_are_one(cloud: SmallCloud, environ: dict[str, str]) -> None:
    found = []
    threads = [threading.Thread(target=lambda: found.append(up(cloud, environ, ["aws"]))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert {one.pid for one in found} == {found[0].pid}
    assert sorted(one.started for one in found) == [False, True]


def test_where_it_is(tmp_path: Path) -> None:
    assert sandbox_folder({"PROVISIONER_SANDBOX": "/x"}) == Path("/x")
    assert sandbox_folder({"XDG_STATE_HOME": "/s"}) == Path("/s/provisioner/sandbox")
    assert sandbox_folder({"HOME": "/h"}) == Path("/h/.local/state/provisioner/sandbox")


def test_a_cloud_that_fails_takes_the_shared_process_with_it() -> None:
    """Its port is taken: the process ends, and says why, so that `up` tries other ports."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = (sys.executable, "-m", "provisioner.sandbox", "google", str(taken.getsockname()[1]), "token")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "ddress already in use" in done.stderr


def test_clouds_that_cannot_share_a_process_have_one_each(cloud: SmallCloud, environ: dict[str, str]) -> None:
    other = SmallCloud(name="other")
    first, second = up_all([(cloud, ["aws"]), (other, ["google"])], environ)
    assert first.pid != second.pid and first.port != second.port
    assert down_all([cloud, other], environ) == {"small": True, "other": True}
    assert down_all([cloud, other], environ) == {"small": False, "other": False}
