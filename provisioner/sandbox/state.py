"""What is remembered of a running sandbox between two commands: one small file per cloud."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ..model.diagnostics import DiagnosticError

ENVIRONMENT = "PROVISIONER_SANDBOX"


@dataclass(frozen=True, slots=True)
class SandboxState:
    """A server that was started. `token` tells it from another program that got its port or its process id later;
    `keys` are the provider keys that point to it in the runner file `runner`."""

    cloud: str
    pid: int
    port: int
    token: str
    runner: str
    keys: tuple[str, ...]


def sandbox_folder(environ: Mapping[str, str]) -> Path:
    """Where state and log are: `$PROVISIONER_SANDBOX`, else in the user's state folder."""
    if given := environ.get(ENVIRONMENT):
        return Path(given).expanduser().absolute()
    base = environ.get("XDG_STATE_HOME", "")
    if not Path(base).is_absolute():
        base = str(Path(environ.get("HOME") or "~").expanduser() / ".local" / "state")
    return Path(base) / "provisioner" / "sandbox"


def load_state(folder: Path, cloud: str) -> SandboxState | None:
    """The state of one cloud; None when there is none or when the file is not one (it is then written anew)."""
    try:
        value = json.loads((folder / f"{cloud}.json").read_text(encoding="utf-8"))
        state = SandboxState(**{**value, "keys": tuple(value["keys"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    right = isinstance(state.pid, int) and isinstance(state.port, int) and isinstance(state.token, str)
    return state if right and state.pid > 1 and 0 < state.port < 65536 and state.token else None


def save_state(folder: Path, state: SandboxState) -> None:
    """Write the state of one cloud: atomically, for the user's eyes only."""
    temporary = folder / f".{state.cloud}.{os.getpid()}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(asdict(state), stream)
    temporary.replace(folder / f"{state.cloud}.json")


def forget_state(folder: Path, cloud: str) -> None:
    """Remove the state of one cloud, if there is one."""
    (folder / f"{cloud}.json").unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One life-cycle command at a time; a second one waits for the first."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DiagnosticError.of(
            "E-SANDBOX",
            f"The sandbox's folder {folder} cannot be used: {error.strerror}",
            f"Name another one in {ENVIRONMENT}.",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_ours(pid: int, token: str) -> bool:
    """True when the process of that id runs our server: its command line holds the token. A process id alone proves
    nothing, since the system hands it out again."""
    try:
        return token.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    except OSError:
        return False
    listed = subprocess.run(  # noqa: S603 - a number, and systems without /proc have ps
        ["ps", "-ww", "-p", str(pid), "-o", "command="],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return token in listed.stdout
