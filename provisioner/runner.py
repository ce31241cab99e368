"""The runner's own file: what HCL may never say, because a pull request could change it.

`runner.toml` holds, per provider key, how this machine reaches a cloud, and per workspace the pin of the trust root.
It is `$PROVISIONER_RUNNER`, else `provisioner/runner.toml` in the user's config folder. Every error names the file
and, where it can, the line.

    [provider."aws.prod"]
    profile    = "agents-prod"          # a profile of the cloud's own configuration
    plan_role  = "arn:aws:iam::…:role/provisioner-plan"
    apply_role = "arn:aws:iam::…:role/provisioner-apply"   # several with commas: each assumed with the one before
    external_id  = "…"                  # for the last role
    session_name = "…"                  # what audit logs call the session
    web_identity = "github"             # or "env:NAME", "file:/path": the CI job's token assumes the first role

    [workspace.acme-agents-prod]
    root_pin = "sha256:…"               # written by `provisioner init`
    ledger   = "/srv/ledger"            # or s3://bucket/prefix?region=…, gs://bucket/prefix; for who has no checkout
    ledger_endpoint = "https://…"       # only for a store that is not AWS's or Google's own
    checkpoint_key  = "~/.ssh/ledger"   # signs checkpoints after an apply; the trust root names its public half
    person   = "dana"                   # who plans here; this person may then not sign
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from .lang.suggest import suggestion
from .model.diagnostics import DiagnosticError
from .model.source import Position, SourceRange

ENVIRONMENT = "PROVISIONER_RUNNER"
ROOT_PIN_ENVIRONMENT = "PROVISIONER_ROOT_PIN"
PROVIDER_KEYS = (
    "profile",
    "plan_role",
    "apply_role",
    "external_id",
    "session_name",
    "web_identity",
    "impersonate",
    "endpoint",
    "credentials",
)
WORKSPACE_KEYS = ("root_pin", "ledger", "person", "ledger_endpoint", "ledger_credentials", "checkpoint_key")
SANDBOX = "sandbox"

_PIN = re.compile(r"sha256:[0-9a-f]{64}")
_PROVIDER_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_-]*)?")


@dataclass(frozen=True, slots=True)
class WorkspaceRunner:
    """What this runner knows of a workspace. `ledger` is an absolute path or a URL; `memory` a file of this machine
    where the newest ledger head seen may be kept. `ledger_endpoint` and `ledger_credentials` (only "sandbox") say how a
    ledger in an object store is reached, `checkpoint_key` which SSH key signs checkpoints, `cache` is a folder for
    what was verified before (None: no cache)."""

    name: str
    root_pin: str | None
    ledger: str | None
    person: str | None
    memory: Path
    ledger_endpoint: str | None = None
    ledger_credentials: str | None = None
    checkpoint_key: Path | None = None
    cache: Path | None = None


@dataclass(frozen=True, slots=True)
class Runner:
    """The parsed file. `path` is where it is or would be."""

    path: Path
    providers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    workspaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    root_pin: str | None = None
    cache: Path | None = None

    def connection_settings(self, provider_key: str) -> Mapping[str, str]:
        """The settings for a provider key (`aws` or `aws.prod`); empty when the file says nothing about it."""
        return MappingProxyType(dict(self.providers.get(provider_key, {})))

    def workspace(self, name: str) -> WorkspaceRunner:
        """What the file says of a workspace; the pin of the environment goes before the file's."""
        entry = self.workspaces.get(name, {})
        ledger = entry.get("ledger")
        if ledger is not None and "://" not in ledger:
            ledger = str((self.path.parent / Path(ledger).expanduser()).absolute())
        memory = self.path.parent / "memory" / f"{_file_name(name)}.json"
        key = entry.get("checkpoint_key")
        return WorkspaceRunner(
            name,
            self.root_pin or entry.get("root_pin"),
            ledger,
            entry.get("person"),
            memory,
            entry.get("ledger_endpoint"),
            entry.get("ledger_credentials"),
            (self.path.parent / Path(key).expanduser()).absolute() if key else None,
            self.cache,
        )


def runner_path(environ: Mapping[str, str]) -> Path:
    """Where the runner's own file is, whether it exists or not."""
    if given := environ.get(ENVIRONMENT):
        return Path(given).expanduser().absolute()
    base = environ.get("XDG_CONFIG_HOME", "")
    if not Path(base).is_absolute():
        base = str(Path(environ.get("HOME") or "~").expanduser() / ".config")
    return Path(base) / "provisioner" / "runner.toml"


def _cache_path(environ: Mapping[str, str]) -> Path:
    """The user's cache folder, by the XDG rules."""
    base = environ.get("XDG_CACHE_HOME", "")
    if not Path(base).is_absolute():
        base = str(Path(environ.get("HOME") or "~").expanduser() / ".cache")
    return Path(base) / "provisioner"


def load_runner(environ: Mapping[str, str]) -> Runner:
    """Read the runner's own file; no file is an empty one, unless $PROVISIONER_RUNNER names it.

    Raises DiagnosticError (E-RUNNER) for a file that cannot be read or that says anything this version cannot honour.
    """
    path = runner_path(environ)
    pin = environ.get(ROOT_PIN_ENVIRONMENT) or None
    if pin is not None and not _PIN.fullmatch(pin):
        raise DiagnosticError.of("E-RUNNER", f"{ROOT_PIN_ENVIRONMENT} is no pin", _PIN_FIX)
    text = _read(path, required=bool(environ.get(ENVIRONMENT)))
    providers, workspaces = _parse(path, text)
    return Runner(path, providers, workspaces, pin, _cache_path(environ))


def write_workspace(path: Path, workspace: str, values: Mapping[str, str]) -> None:
    """Record what this runner knows of a workspace (`root_pin`, `ledger`, `person`): atomically, for the user's eyes
    only, everything else kept as it is.

    Raises DiagnosticError when the file, as it is or as it would be, is not one, or cannot be written.
    """
    edit(path, lambda document: _set(document, "workspace", workspace, values))


def write_providers(path: Path, entries: Mapping[str, Mapping[str, str]]) -> None:
    """Replace whole provider entries; used for sandbox entries only. Raises as `write_workspace`."""

    def change(document: Any) -> None:
        for key, settings in entries.items():
            document.get("provider", {}).pop(key, None)
            _set(document, "provider", key, settings)

    edit(path, change)


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Apply `change` to the TOML document at `path`, check the result, replace the file atomically with mode 0600."""
    import tomlkit

    text = _read(path, required=False)
    _parse(path, text)
    document = tomlkit.parse(text)
    change(document)
    result = tomlkit.dumps(document)
    _parse(path, result)
    real = Path(os.path.realpath(path))
    try:
        real.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(real, result)
    except OSError as error:
        raise _error(path, f"cannot be written: {error.strerror}", "Check the folder and its permissions.") from error


def is_loopback(url: str) -> bool:
    """True for a URL whose host is this machine, by address or as `localhost`."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


_PIN_FIX = "A pin is sha256: and 64 hex digits, as `provisioner init` prints it."


def _replace(path: Path, text: str) -> None:
    """Write beside the file, flush, rename: a reader sees the old or the new content, never a part."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".runner-", suffix=".tmp")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - the same call, with a str
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def _set(document: Any, table: str, name: str, values: Mapping[str, str]) -> None:
    import tomlkit

    parent = document.get(table)
    if parent is None:
        parent = tomlkit.table(is_super_table=True)
        document[table] = parent
        parent = document[table]
    if name not in parent:
        parent[name] = tomlkit.table()
    for key, value in values.items():
        parent[name][key] = value


def _read(path: Path, required: bool) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _error(path, "is not a regular file", f"Point {ENVIRONMENT} at a TOML file.")
        if os.name == "posix" and status.st_mode & 0o022:
            raise _error(
                path,
                "may be written by others",
                "Whoever can write it chooses the trust root and the credentials of this runner.\n"
                f"Run: chmod go-w {path}",
            )
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        if required:
            fix = f"{ENVIRONMENT} names it. Create it, or unset the variable; `provisioner sandbox up` writes one."
            raise _error(path, "does not exist", fix) from error
        return ""
    except UnicodeDecodeError as error:
        raise _error(path, "is not UTF-8", "Save the file as UTF-8 text.") from error
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}", "Check the path and its permissions.") from error


Tables = Mapping[str, Mapping[str, str]]


def _parse(path: Path, text: str) -> tuple[Tables, Tables]:
    """The provider and workspace tables, checked. Raises DiagnosticError."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        raise _error(path, f"is not TOML: {error}", "Mend the line.", int(found[1]) if found else None) from error
    for name, value in document.items():
        if name not in ("provider", "workspace"):
            near = suggestion(name, ("provider", "workspace"))
            fix = f"The file holds [provider.KEY] and [workspace.NAME] tables.{near}"
            raise _error(path, f'has an unknown key "{name}"', fix, _line(text, name))
        if not isinstance(value, dict):
            raise _error(path, f'"{name}" is not a table', f"Write [{name}.NAME].", _line(text, name))
    providers = {}
    for key, entry in document.get("provider", {}).items():
        settings = _entry(path, text, "provider", key, entry, PROVIDER_KEYS)
        _check_provider(path, text, key, settings)
        providers[key] = settings
    workspaces = {}
    for name, entry in document.get("workspace", {}).items():
        settings = _entry(path, text, "workspace", name, entry, WORKSPACE_KEYS)
        if "root_pin" in settings and not _PIN.fullmatch(settings["root_pin"]):
            raise _error(path, f'the root_pin of workspace "{name}" is no pin', _PIN_FIX, _line(text, "root_pin", name))
        _check_access(path, text, "workspace", name, settings, "ledger_")
        workspaces[name] = settings
    return providers, workspaces


def _entry(path: Path, text: str, table: str, name: str, entry: Any, known: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(entry, dict):
        raise _error(path, f"{table}.{name} is not a table", f"Write [{table}.{name}].", _line(text, name))
    for key, value in entry.items():
        line = _line(text, key, name)
        if isinstance(value, dict):
            fix = f'An alias is part of the key: write [{table}."{name}.{key}"].' if table == "provider" else ""
            raise _error(path, f"{table}.{name}.{key} is a table", fix or f"{table} entries hold strings.", line)
        if key not in known:
            fix = f"Known keys are {', '.join(known)}.{suggestion(key, known)}"
            raise _error(path, f'unknown key "{key}" in {table}.{name}', fix, line)
        if not isinstance(value, str) or not value:
            raise _error(path, f"{table}.{name}.{key} is not a string with content", "Write it in quotes.", line)
    return dict(entry)


def _check_provider(path: Path, text: str, key: str, settings: Mapping[str, str]) -> None:
    if not _PROVIDER_KEY.fullmatch(key):
        fix = 'A provider key is a provider, or provider and alias: [provider.aws] or [provider."aws.prod"].'
        raise _error(path, f'"{key}" is no provider key', fix, _line(text, key))
    _check_access(path, text, "provider", key, settings)


def _check_access(path: Path, text: str, table: str, key: str, settings: Mapping[str, str], prefix: str = "") -> None:
    """Endpoint and credentials of a provider or, with the prefix `ledger_`, of a workspace's ledger."""
    entry = f"{table}.{key}"
    endpoint = settings.get(f"{prefix}endpoint")
    if endpoint is not None and (problem := _endpoint_problem(endpoint)):
        fix = "Credentials would travel there. Use https, or http to this machine (127.0.0.1, ::1, localhost)."
        line = _line(text, f"{prefix}endpoint", key)
        raise _error(path, f"the {prefix}endpoint of {entry} {problem}", fix, line)
    credentials = settings.get(f"{prefix}credentials")
    if credentials is None:
        return
    line = _line(text, f"{prefix}credentials", key)
    if credentials != SANDBOX:
        fix = f'The only value is "{SANDBOX}". Real credentials come from the cloud\'s own environment or a profile.'
        raise _error(path, f"{entry} has an unknown kind of credentials", fix, line)
    if endpoint is None or not is_loopback(endpoint):
        fix = "Sandbox credentials are for a loopback endpoint: add one, or take the credentials line out."
        raise _error(path, f"{entry} has sandbox credentials without a loopback endpoint", fix, line)


def _endpoint_problem(endpoint: str) -> str | None:
    try:
        parts = urlsplit(endpoint)
        port_is_wrong = parts.port == 0
    except ValueError:
        return "is no URL"
    if parts.scheme not in ("http", "https") or not parts.hostname or port_is_wrong:
        return "is no http or https URL"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or password"
    if parts.scheme == "http" and not is_loopback(endpoint):
        return "is neither https nor on this machine"
    return None


def _line(text: str, key: str, within: str | None = None) -> int | None:
    """The line where a key or table is written, searched from the header that names `within`; None when not found."""
    quoted = f"[\"']?{re.escape(key)}[\"']?"
    assignment = re.compile(rf"\s*{quoted}\s*[=.]|\s*\[+.*{quoted}\s*[].]")
    header = re.compile(rf"\s*\[.*{re.escape(within)}") if within is not None else None
    inside = header is None
    for number, line in enumerate(text.splitlines(), 1):
        if header is not None and line.lstrip().startswith("["):
            inside = bool(header.match(line))
        if inside and assignment.match(line):
            return number
    return None


def _file_name(workspace: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", workspace).lstrip(".") or "_"


def _error(path: Path, what: str, fix: str, line: int | None = None) -> DiagnosticError:
    place = f"{path}:{line}" if line else str(path)
    subject = None
    if line:
        subject = SourceRange(str(path), Position(line, 1, 0), Position(line, 1, 0))
    return DiagnosticError.of("E-RUNNER", f"The runner's own file, {place}: {what}", fix, subject)
