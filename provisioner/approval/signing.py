"""Makes OpenSSH signatures with the user's own `ssh-keygen`: key files, ssh-agent and security keys alike."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..model.diagnostics import DiagnosticError
from . import keys, sshsig
from .keys import KeyRefused, PublicKey
from .wire import Wire, WireError

_PRIVATE_BEGIN: Final = "-----BEGIN OPENSSH PRIVATE KEY-----"
_PRIVATE_END: Final = "-----END OPENSSH PRIVATE KEY-----"
_PRIVATE_MAGIC: Final = b"openssh-key-v1\x00"
_MAX_KEY_FILE: Final = 1 << 16


def public_key(path: Path) -> PublicKey:
    """The public half of a key file, private or `.pub`, without asking for a passphrase. Raises DiagnosticError."""
    beside = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
    text = _read(beside) if beside.exists() else _read(path)
    try:
        return _from_private(text) if text.startswith(_PRIVATE_BEGIN) else keys.parse(text.strip())
    except (KeyRefused, WireError) as error:
        detail = (
            f"{error}. Name an OpenSSH key, or write its public half beside it: ssh-keygen -y -f {path} > {path}.pub"
        )
        raise DiagnosticError.of("E-KEY", f"{path} cannot be used to sign", detail) from error


def sign(message: bytes, key: Path, namespace: str = sshsig.NAMESPACE, environ: Mapping[str, str] | None = None) -> str:
    """An armored signature over `message`, made by `ssh-keygen -Y sign`. Raises DiagnosticError.

    `key` is a private key file, or a `.pub` whose private half ssh-agent or a security key holds. ssh-keygen talks
    to the terminal itself (passphrase, PIN, touch); `environ` replaces the process's environment. The result is
    verified before it is returned.
    """
    program = _program("ssh-keygen", environ)
    wanted = public_key(key)
    named = key
    if key.suffix == ".pub":
        if key.with_suffix("").exists():
            named = key.with_suffix("")
        else:
            _need_agent_key(wanted, key, environ)
    with tempfile.TemporaryDirectory(prefix="provisioner-sign-") as folder:
        file = Path(folder) / "message"
        file.write_bytes(message)
        command = [program, "-Y", "sign", "-f", str(named.absolute()), "-n", namespace, str(file)]
        done = _run(command, environ)
        output = file.with_name("message.sig")
        if done.returncode != 0 or not output.exists():
            said = done.stderr.strip().replace(folder, "…") if done.stderr else ""
            raise DiagnosticError.of("E-SIGN", f"ssh-keygen did not sign with {key}", _advice(said, key))
        armored = output.read_text(encoding="ascii", errors="replace")
    return _checked(armored, message, namespace, wanted, key)


def agent_fingerprints(environ: Mapping[str, str] | None = None) -> frozenset[str] | None:
    """Fingerprints of the keys that ssh-agent holds; None where no agent answers."""
    program = shutil.which("ssh-add", path=(environ or os.environ).get("PATH"))
    if program is None:
        return None
    done = subprocess.run(  # noqa: S603
        [program, "-L"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=_env(environ)
    )
    if done.returncode not in (0, 1):
        return None
    found = set()
    for line in done.stdout.splitlines():
        try:
            found.add(keys.parse(line).fingerprint)
        except KeyRefused:
            continue  # an agent also holds keys, and words, that are nothing to us
    return frozenset(found)


def _checked(armored: str, message: bytes, namespace: str, wanted: PublicKey, key: Path) -> str:
    """The signature, if it would be accepted: better to hear it now than at apply."""
    try:
        made = sshsig.verify(armored, message, namespace)
    except sshsig.SignatureError as error:
        detail = f"{error}. A key made with no-touch-required cannot sign off; other keys need OpenSSH 8.1 or newer."
        raise DiagnosticError.of("E-SIGN", f"the signature made with {key} would not be accepted", detail) from error
    if made != wanted:
        detail = f"It signed with {made.fingerprint}. Write the .pub anew: ssh-keygen -y -f {key.with_suffix('')}"
        raise DiagnosticError.of("E-SIGN", f"{key} and its .pub file are not the same key", detail)
    return armored


def _need_agent_key(wanted: PublicKey, key: Path, environ: Mapping[str, str] | None) -> None:
    held = agent_fingerprints(environ)
    if held is None:
        detail = "Start it and add the key (`eval $(ssh-agent)`, `ssh-add FILE`), or name the private key file."
        raise DiagnosticError.of("E-AGENT", f"{key} is a public key, and no ssh-agent answers", detail)
    if wanted.fingerprint not in held:
        detail = f"The agent holds {len(held)} keys, none of them {wanted.fingerprint}. Add it with `ssh-add FILE`."
        raise DiagnosticError.of("E-AGENT", f"ssh-agent does not hold the private half of {key}", detail)


def _advice(said: str, key: Path) -> str:
    """ssh-keygen's own words where it was not talking to a terminal, and what to do."""
    low = said.lower()
    if "passphrase" in low:
        return f"{said}\nThe passphrase was wrong or could not be asked for. Run it in a terminal, or `ssh-add {key}`."
    if "permissions" in low and "too open" in low:
        return f"{said}\nTake others' rights away: chmod 600 {key}"
    if "agent" in low:
        return f"{said}\nLook at what the agent holds with `ssh-add -l`."
    return f"{said}\nTry the key by hand: echo test | ssh-keygen -Y sign -n test -f {key}".lstrip()


def _run(command: list[str], environ: Mapping[str, str] | None) -> subprocess.CompletedProcess[str]:
    """Standard error is left to the terminal where there is one: that is how a security key asks for a touch."""
    interactive = os.isatty(2)
    return subprocess.run(  # noqa: S603
        command,
        stdout=subprocess.DEVNULL,
        stderr=None if interactive else subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
        env=_env(environ),
    )


def _env(environ: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if environ is None else dict(environ)


def _program(name: str, environ: Mapping[str, str] | None) -> str:
    found = shutil.which(name, path=(environ or os.environ).get("PATH"))
    if found is None:
        detail = "Install the OpenSSH client (package openssh-client or openssh), version 8.1 or newer."
        raise DiagnosticError.of("E-SSH-KEYGEN", f"{name} is not on this machine", detail)
    return found


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_KEY_FILE + 1)
    except OSError as error:
        detail = f"{error.strerror or error}. Give the path of your SSH key, such as ~/.ssh/id_ed25519."
        raise DiagnosticError.of("E-KEY", f"{path} cannot be read", detail) from error
    if len(data) > _MAX_KEY_FILE:
        raise DiagnosticError.of("E-KEY", f"{path} is too large for a key", "Give the path of your SSH key.")
    return data.decode("utf-8", errors="replace")


def _from_private(text: str) -> PublicKey:
    """The public half in an OpenSSH private key file, which stands there unencrypted (OpenSSH's PROTOCOL.key)."""
    body, _end, _rest = text.removeprefix(_PRIVATE_BEGIN).partition(_PRIVATE_END)
    try:
        data = b64decode("".join(body.split()).encode("ascii"), validate=True)
    except ValueError as error:
        raise WireError("the private key file is not base64") from error
    wire = Wire(data)
    if wire.take(len(_PRIVATE_MAGIC), "the private key file") != _PRIVATE_MAGIC:
        raise WireError("it is no OpenSSH private key")
    for field in ("the cipher", "the kdf", "the kdf's options"):
        wire.string(field)
    if wire.uint32("the number of keys") != 1:
        raise WireError("it holds more than one key")
    return keys.from_blob(wire.string("the public key"))
