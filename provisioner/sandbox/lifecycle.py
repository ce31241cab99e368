"""`sandbox up`, `down`, `status` and `reset`."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model.diagnostics import DiagnosticError
from ..runner import ENVIRONMENT, SANDBOX, Runner, load_runner, write_providers
from .cloud import SandboxCloud
from .state import SandboxState, forget_state, is_ours, load_state, locked, sandbox_folder, save_state

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
ATTEMPTS = 3  # a port that was free may be taken before the server has it
_POLL_SECONDS = 0.05
_LOG_LINES = 15


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One cloud as it stands. `state` is `running`, `stale` (it was started and is gone) or `stopped`.

    `started` tells an `up` that started it from one that found it running.
    """

    cloud: str
    state: str
    port: int | None = None
    pid: int | None = None
    runner: str | None = None
    keys: tuple[str, ...] = ()
    started: bool = False

    @property
    def endpoint(self) -> str | None:
        return None if self.port is None else f"http://{HOST}:{self.port}"


def up(cloud: SandboxCloud, environ: Mapping[str, str], keys: Sequence[str]) -> Sandbox:
    """Have the cloud running and the runner file pointing to it under these provider keys.

    Raises DiagnosticError (E-SANDBOX) when it does not start or when a key is the user's own in the runner file.
    """
    folder = sandbox_folder(environ)
    path = runner_file(environ, folder)
    with locked(folder):
        runner = _runner(path)
        _refuse_own_entries(runner, path, keys)
        state = load_state(folder, cloud.name)
        started = state is None or not cloud.healthy(state.port, state.token)
        if state is None or started:
            if state is not None:
                _stop(cloud, state)
                forget_state(folder, cloud.name)
            state = _start(cloud, environ, folder, path)
        known = state.keys if state.runner == str(path) else ()
        state = SandboxState(cloud.name, state.pid, state.port, state.token, str(path), tuple(sorted({*known, *keys})))
        save_state(folder, state)
        settings = dict(cloud.settings(state.port))
        wanted = {key: settings for key in state.keys if _may_write(runner, key)}
        if any(runner.providers.get(key) != settings for key in wanted):
            write_providers(path, wanted)
    return Sandbox(cloud.name, "running", state.port, state.pid, state.runner, state.keys, started)


def down(cloud: SandboxCloud, environ: Mapping[str, str]) -> bool:
    """Stop the cloud; what is in it is gone. False when it was not running. The runner file keeps its entries, so
    that a later command says «the sandbox is not running» instead of going to a real cloud."""
    folder = sandbox_folder(environ)
    with locked(folder):
        state = load_state(folder, cloud.name)
        stopped = state is not None and _stop(cloud, state)
        forget_state(folder, cloud.name)
    return stopped


def reset(cloud: SandboxCloud, environ: Mapping[str, str]) -> None:
    """Empty the running cloud. Raises DiagnosticError (E-SANDBOX) when it is not running."""
    folder = sandbox_folder(environ)
    with locked(folder):
        state = load_state(folder, cloud.name)
        if state is None or not cloud.healthy(state.port, state.token) or not cloud.reset(state.port):
            raise DiagnosticError.of(
                "E-SANDBOX",
                f"The {cloud.name} sandbox is not running",
                "There is nothing to empty. Start it: provisioner sandbox up",
            )


def status(cloud: SandboxCloud, environ: Mapping[str, str]) -> Sandbox:
    """How the cloud stands; changes nothing."""
    state = load_state(sandbox_folder(environ), cloud.name)
    if state is None:
        return Sandbox(cloud.name, "stopped")
    word = "running" if cloud.healthy(state.port, state.token) else "stale"
    return Sandbox(cloud.name, word, state.port, state.pid, state.runner, state.keys)


def runner_file(environ: Mapping[str, str], folder: Path) -> Path:
    """The runner file that the sandbox writes: the one of the environment, else its own, never the user's default."""
    given = environ.get(ENVIRONMENT)
    return Path(given).expanduser().absolute() if given else folder / "runner.toml"


def _runner(path: Path) -> Runner:
    """What the file says now; nothing when it does not exist yet."""
    return load_runner({ENVIRONMENT: str(path)}) if path.exists() else Runner(path)


def _may_write(runner: Runner, key: str) -> bool:
    entry = runner.providers.get(key)
    return entry is None or entry.get("credentials") == SANDBOX


def _refuse_own_entries(runner: Runner, path: Path, keys: Sequence[str]) -> None:
    for key in keys:
        if not _may_write(runner, key):
            raise DiagnosticError.of(
                "E-SANDBOX",
                f'The runner file {path} has an entry of yours for provider "{key}"',
                "The sandbox writes over no entry but its own. Point PROVISIONER_RUNNER at another file, or unset it"
                " and the sandbox uses one of its own.",
            )


def _start(cloud: SandboxCloud, environ: Mapping[str, str], folder: Path, path: Path) -> SandboxState:
    log = folder / f"{cloud.name}.log"
    for attempt in range(ATTEMPTS):
        port = _free_port()
        token = secrets.token_hex(16)
        with log.open("wb") as stream:
            child = subprocess.Popen(  # noqa: S603 - the command is the provider's own
                cloud.command(port, token),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(environ),
                start_new_session=True,
            )
        state = SandboxState(cloud.name, child.pid, port, token, str(path), ())
        save_state(folder, state)  # before it is up: an interrupted `up` leaves nothing that `down` cannot find
        if _wait(cloud, child, state):
            child.returncode = 0  # it outlives this process; nothing here is to wait for it
            return state
        child.kill()
        child.wait()
        forget_state(folder, cloud.name)
        if attempt + 1 < ATTEMPTS and "ddress already in use" in _tail(log):
            continue
        break
    raise DiagnosticError.of(
        "E-SANDBOX",
        f"The {cloud.name} sandbox did not start",
        f"The end of its log, {log}:\n{_tail(log)}\n"
        "Where a module is missing: pip install 'agent-provisioner[sandbox]'.",
    )


def _wait(cloud: SandboxCloud, child: subprocess.Popen[bytes], state: SandboxState) -> bool:
    """Until it answers, ends, or time is up."""
    end = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < end:
        if cloud.healthy(state.port, state.token):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _stop(cloud: SandboxCloud, state: SandboxState) -> bool:
    """End our server, and no other process. False when there was none."""
    if not is_ours(state.pid, state.token):
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(state.pid, number)
        except ProcessLookupError:
            return True
        end = time.monotonic() + STOP_SECONDS
        while time.monotonic() < end:
            if not is_ours(state.pid, state.token):
                return True
            time.sleep(_POLL_SECONDS)
    raise DiagnosticError.of(
        "E-SANDBOX",
        f"The {cloud.name} sandbox, process {state.pid}, does not end",
        "End the process by hand, then run the command again.",
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-_LOG_LINES:])
