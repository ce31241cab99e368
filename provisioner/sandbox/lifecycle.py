"""`sandbox up`, `down`, `status` and `reset`."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..model.diagnostics import DiagnosticError
from ..runner import ENVIRONMENT, SANDBOX, Runner, load_runner, write_providers
from .cloud import HostedCloud, SandboxCloud
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
    """`up_all` for one cloud."""
    return up_all([(cloud, keys)], environ)[0]


def up_all(wanted: Sequence[tuple[SandboxCloud, Sequence[str]]], environ: Mapping[str, str]) -> list[Sandbox]:
    """Have the clouds running and the runner file pointing to each under its provider keys. What does not run yet is
    started as one process.

    Raises DiagnosticError (E-SANDBOX) when it does not start or when a key is the user's own in the runner file.
    """
    folder = sandbox_folder(environ)
    path = runner_file(environ, folder)
    with locked(folder):
        runner = _runner(path)
        for _, keys in wanted:
            _refuse_own_entries(runner, path, keys)
        before = {cloud.name: load_state(folder, cloud.name) for cloud, _ in wanted}
        for cloud, _ in wanted:
            state = before[cloud.name]
            if state is not None and not cloud.healthy(state.port, state.token):
                _stop(cloud, state)
                _forget(folder, state)
        missing = [cloud for cloud, _ in wanted if load_state(folder, cloud.name) is None]
        fresh = _start_all(missing, environ, folder, path)
        found = []
        for cloud, keys in wanted:
            state = fresh.get(cloud.name) or load_state(folder, cloud.name)
            if state is not None:
                found.append(_pointed(cloud, state, before[cloud.name], keys, path, folder, cloud.name in fresh))
    return found


def _pointed(
    cloud: SandboxCloud,
    state: SandboxState,
    before: SandboxState | None,
    keys: Sequence[str],
    path: Path,
    folder: Path,
    started: bool,
) -> Sandbox:
    """The running cloud, with the runner file pointing to it: under these keys, and under those that did before."""
    known = before.keys if before is not None and before.runner == str(path) else ()
    state = SandboxState(cloud.name, state.pid, state.port, state.token, str(path), tuple(sorted({*known, *keys})))
    save_state(folder, state)
    settings, runner = dict(cloud.settings(state.port)), _runner(path)
    wanted = {key: settings for key in state.keys if _may_write(runner, key)}
    if any(runner.providers.get(key) != settings for key in wanted):
        write_providers(path, wanted)
    return Sandbox(cloud.name, "running", state.port, state.pid, state.runner, state.keys, started)


def down(cloud: SandboxCloud, environ: Mapping[str, str]) -> bool:
    """`down_all` for one cloud; what shares its process ends with it."""
    return down_all([cloud], environ)[cloud.name]


def down_all(clouds: Sequence[SandboxCloud], environ: Mapping[str, str]) -> dict[str, bool]:
    """Stop the clouds; what is in them is gone. False for one that was not running. The runner file keeps its entries,
    so that a later command says «the sandbox is not running» instead of going to a real cloud."""
    folder = sandbox_folder(environ)
    with locked(folder):
        states = {cloud.name: load_state(folder, cloud.name) for cloud in clouds}
        stopped = {name: state is not None and is_ours(state.pid, state.token) for name, state in states.items()}
        for cloud in clouds:
            state = states[cloud.name]
            if state is not None:
                _stop(cloud, state)
                _forget(folder, state)
            forget_state(folder, cloud.name)  # a file that is no state goes too
    return stopped


def _forget(folder: Path, state: SandboxState) -> None:
    """Forget a cloud that was stopped, and the others that were in its process."""
    for path in folder.glob("*.json"):
        other = load_state(folder, path.stem)
        if other is not None and other.pid == state.pid:
            forget_state(folder, path.stem)


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


def _start_all(
    clouds: Sequence[SandboxCloud], environ: Mapping[str, str], folder: Path, path: Path
) -> dict[str, SandboxState]:
    """One process for all that can share one, one for each that cannot."""
    hosted = [cloud for cloud in clouds if isinstance(cloud, HostedCloud)]
    alone = [cloud for cloud in clouds if not isinstance(cloud, HostedCloud)]
    groups: list[Sequence[SandboxCloud]] = [hosted] if hosted else []
    groups += [[cloud] for cloud in alone]
    return {name: state for group in groups for name, state in _start(group, environ, folder, path).items()}


def _start(
    clouds: Sequence[SandboxCloud], environ: Mapping[str, str], folder: Path, path: Path
) -> dict[str, SandboxState]:
    names = " and ".join(cloud.name for cloud in clouds)
    log = folder / f"{clouds[0].name if len(clouds) == 1 else 'sandbox'}.log"
    for attempt in range(ATTEMPTS):
        places = [
            (cloud, port, secrets.token_hex(16)) for cloud, port in zip(clouds, _free_ports(len(clouds)), strict=True)
        ]
        with log.open("wb") as stream:
            child = subprocess.Popen(  # noqa: S603 - the command is the provider's own, or ours
                _command(places),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(environ),
                start_new_session=True,
            )
        states = {c.name: SandboxState(c.name, child.pid, port, token, str(path), ()) for c, port, token in places}
        for state in states.values():
            save_state(folder, state)  # before it is up: an interrupted `up` leaves nothing that `down` cannot find
        if _wait(clouds, child, states):
            child.returncode = 0  # it outlives this process; nothing here is to wait for it
            return states
        child.kill()
        child.wait()
        for name in states:
            forget_state(folder, name)
        if attempt + 1 < ATTEMPTS and "ddress already in use" in _tail(log):
            continue
        break
    raise DiagnosticError.of(
        "E-SANDBOX",
        f"The {names} sandbox did not start",
        f"The end of its log, {log}:\n{_tail(log)}\n"
        "Where a module is missing: pip install 'agent-provisioner[sandbox]'.",
    )


def _command(places: Sequence[tuple[SandboxCloud, int, str]]) -> Sequence[str]:
    """A cloud's own command line where it is alone, else the one that serves them all."""
    if len(places) == 1:
        cloud, port, token = places[0]
        return cloud.command(port, token)
    rest = [text for cloud, port, token in places for text in (cloud.name, str(port), token)]
    return (sys.executable, "-m", "provisioner.sandbox", *rest)


def _wait(clouds: Sequence[SandboxCloud], child: subprocess.Popen[bytes], states: Mapping[str, SandboxState]) -> bool:
    """Until all answer, the process ends, or time is up."""
    end = time.monotonic() + START_SECONDS
    waiting = list(clouds)
    while child.poll() is None and time.monotonic() < end:
        waiting = [one for one in waiting if not one.healthy(states[one.name].port, states[one.name].token)]
        if not waiting:
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


def _free_ports(count: int) -> list[int]:
    """So many ports, no two the same: each is held until all are known."""
    with ExitStack() as held:
        found = [held.enter_context(socket.socket()) for _ in range(count)]
        for free in found:
            free.bind((HOST, 0))
        return [int(free.getsockname()[1]) for free in found]


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-_LOG_LINES:])
