"""Our signatures and ssh-keygen's, both ways, with real keys, a real agent, a real passphrase."""

from __future__ import annotations

import hashlib
import os
import pty
import select
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import scenario
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from provisioner.approval import keys, signing, sshsig
from provisioner.approval.sshsig import NAMESPACE, SignatureError
from provisioner.approval.wire import string
from provisioner.model.diagnostics import DiagnosticError

MESSAGE = b"DSSEv1 the bytes that are signed\n"
KINDS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa521": ("-t", "ecdsa", "-b", "521"),
    "rsa": ("-t", "rsa", "-b", "3072"),
}


def keygen(path: Path, *options: str, passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-N", passphrase, "-f", path, "-C", "someone", *options], check=True)
    return path


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: keygen(folder / name, *options) for name, options in KINDS.items()}


def ssh_verifies(folder: Path, line: str, armored: str, message: bytes = MESSAGE, namespace: str = NAMESPACE) -> bool:
    allowed, signature = folder / "allowed", folder / "signature"
    allowed.write_text(f"someone {line}\n")
    signature.write_text(armored)
    command = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "someone", "-n", namespace, "-s", signature]
    return subprocess.run(command, input=message, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", KINDS)
def test_what_ssh_keygen_signs_we_accept(name: str, key_files: dict[str, Path], tmp_path: Path) -> None:
    armored = signing.sign(MESSAGE, key_files[name])
    key = keys.parse(key_files[name].with_suffix(".pub").read_text())
    assert sshsig.verify(armored, MESSAGE) == key
    assert sshsig.verify(armored.encode(), MESSAGE) == key
    assert sshsig.armor(sshsig.dearmor(armored)) == armored
    assert ssh_verifies(tmp_path, key.line, armored)
    with pytest.raises(SignatureError, match="does not fit"):
        sshsig.verify(armored, MESSAGE + b" ")
    with pytest.raises(SignatureError, match=r'made for "provisioner\.signoff@v1", not for "git"'):
        sshsig.verify(armored, MESSAGE, "git")


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_both_hashes_of_ssh_keygen_are_taken(hash_name: str, key_files: dict[str, Path]) -> None:
    done = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-O", f"hashalg={hash_name}", "-f", key_files["ed25519"], "-n", NAMESPACE],
        input=MESSAGE, capture_output=True, check=True,
    )  # fmt: skip
    assert sshsig.parse(sshsig.dearmor(done.stdout)).hash_name == hash_name
    sshsig.verify(done.stdout, MESSAGE)


@pytest.mark.parametrize("name", ["alice", "bob-sk"])
def test_what_we_accept_ssh_keygen_accepts(name: str, tmp_path: Path) -> None:
    """The signatures that the attacks are built from are real ones, those of security keys too."""
    blob = scenario.signature(name, MESSAGE)
    assert sshsig.verify_blob(blob, MESSAGE).line == scenario.key_line(name)
    assert ssh_verifies(tmp_path, scenario.key_line(name), sshsig.armor(blob))


def test_a_touchless_signature_passes_ssh_keygen_and_not_us(tmp_path: Path) -> None:
    blob = scenario.signature("bob-sk", MESSAGE, flags=0)
    assert ssh_verifies(tmp_path, scenario.key_line("bob-sk"), sshsig.armor(blob))
    with pytest.raises(SignatureError, match="nobody touched"):
        sshsig.verify_blob(blob, MESSAGE)


@dataclass
class EcdsaToken:
    """A security key of type sk-ecdsa, played by software."""

    private: ec.EllipticCurvePrivateKey

    @property
    def blob(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        return b"".join(string(part) for part in (keys.SK_ECDSA.encode(), b"nistp256", point, b"ssh:"))

    def sign(self, message: bytes, flags: int) -> bytes:
        fields = [NAMESPACE.encode(), b"", b"sha512", hashlib.sha512(message).digest()]
        signed = b"SSHSIG" + b"".join(string(field) for field in fields)
        tail = bytes([flags]) + (300).to_bytes(4, "big")
        data = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(signed).digest()
        numbers = decode_dss_signature(self.private.sign(data, ec.ECDSA(SHA256())))
        mpints = b"".join(string(n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers)
        inner = string(keys.SK_ECDSA.encode()) + string(mpints) + tail
        head = b"SSHSIG" + (1).to_bytes(4, "big") + string(self.blob)
        return head + b"".join(string(field) for field in fields[:3]) + string(inner)


@pytest.mark.parametrize(("flags", "ours"), [(0x01, True), (0x05, True), (0x00, False), (0x04, False)])
def test_ecdsa_security_keys(flags: int, ours: bool, tmp_path: Path) -> None:
    token = EcdsaToken(ec.generate_private_key(ec.SECP256R1()))
    blob = token.sign(MESSAGE, flags)
    line = keys.from_blob(token.blob).line
    assert ssh_verifies(tmp_path, line, sshsig.armor(blob))
    if ours:
        assert sshsig.verify_blob(blob, MESSAGE).line == line
    else:
        with pytest.raises(SignatureError, match="nobody touched"):
            sshsig.verify_blob(blob, MESSAGE)


def test_old_rsa_with_sha1_is_refused(key_files: dict[str, Path]) -> None:
    blob = sshsig.dearmor(signing.sign(MESSAGE, key_files["rsa"]))
    at = blob.rindex(string(b"rsa-sha2-512")) - 4
    inner = string(b"ssh-rsa") + blob[at + 4 + len(string(b"rsa-sha2-512")) :]
    with pytest.raises(SignatureError, match="ssh-rsa does not go with a key of type ssh-rsa"):
        sshsig.verify_blob(blob[:at] + string(inner), MESSAGE)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-2],
        lambda text: "\n" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text + "more\n",
        lambda text: text.replace("U1NIU0lH", "U1NIU0l H"),
        lambda text: text.replace("SSH SIGNATURE", "PGP SIGNATURE"),
        lambda text: "é" + text,
        lambda text: "",
    ],
)
def test_bent_armor_is_refused(spoil: object, key_files: dict[str, Path]) -> None:
    assert callable(spoil)
    armored = signing.sign(MESSAGE, key_files["ed25519"])
    with pytest.raises(SignatureError, match=r"malformed|not an armored"):
        sshsig.verify(spoil(armored), MESSAGE)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A real ssh-agent, with the environment that leads to it."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if socket.exists():
                break
            select.select([], [], [], 0.01)
        yield {**os.environ, "SSH_AUTH_SOCK": str(socket)}
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("name", ["ed25519", "ecdsa256", "rsa"])
def test_the_agent_signs_with_only_the_public_key_at_hand(
    name: str, agent: dict[str, str], key_files: dict[str, Path], tmp_path: Path
) -> None:
    subprocess.run(["ssh-add", "-q", key_files[name]], env=agent, check=True)
    public = tmp_path / "only.pub"
    public.write_text(key_files[name].with_suffix(".pub").read_text())
    armored = signing.sign(MESSAGE, public, environ=agent)
    assert sshsig.verify(armored, MESSAGE) == signing.public_key(public)


def test_an_agent_without_the_key_is_said(agent: dict[str, str], key_files: dict[str, Path], tmp_path: Path) -> None:
    subprocess.run(["ssh-add", "-q", key_files["ecdsa256"]], env=agent, check=True)
    public = tmp_path / "only.pub"
    public.write_text(key_files["ed25519"].with_suffix(".pub").read_text())
    with pytest.raises(DiagnosticError, match="ssh-agent does not hold the private half") as caught:
        signing.sign(MESSAGE, public, environ=agent)
    assert "holds 1 keys" in caught.value.diagnostics[0].detail


def test_no_agent_is_said(key_files: dict[str, Path], tmp_path: Path) -> None:
    public = tmp_path / "only.pub"
    public.write_text(key_files["ed25519"].with_suffix(".pub").read_text())
    environ = {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
    with pytest.raises(DiagnosticError, match="no ssh-agent answers"):
        signing.sign(MESSAGE, public, environ=environ)


def test_no_ssh_keygen_is_said(key_files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="ssh-keygen is not on this machine"):
        signing.sign(MESSAGE, key_files["ed25519"], environ={"PATH": str(tmp_path)})


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    return keygen(tmp_path / "locked", "-t", "ed25519", passphrase="correct horse")


def askpass(folder: Path, answer: str) -> dict[str, str]:
    script = folder / "askpass"
    script.write_text(f"#!/bin/sh\necho '{answer}'\n")
    script.chmod(0o700)
    return {**os.environ, "SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force"}


def test_a_passphrase_unlocks(locked: Path, tmp_path: Path) -> None:
    armored = signing.sign(MESSAGE, locked, environ=askpass(tmp_path, "correct horse"))
    assert sshsig.verify(armored, MESSAGE) == signing.public_key(locked)


def test_a_wrong_passphrase_is_said(locked: Path, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="ssh-keygen did not sign") as caught:
        signing.sign(MESSAGE, locked, environ=askpass(tmp_path, "battery staple"))
    assert "The passphrase was wrong" in caught.value.diagnostics[0].detail


def test_the_passphrase_is_asked_for_on_the_terminal(locked: Path) -> None:
    """A child with a terminal of its own signs; we are the person at the keyboard."""
    program = textwrap.dedent(
        f"""
        from pathlib import Path
        from provisioner.approval import signing
        print(signing.sign({MESSAGE!r}, Path({str(locked)!r})))
        """
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.pop("SSH_AUTH_SOCK", None)
        os.execv(sys.executable, [sys.executable, "-c", program])
    shown, answered = b"", False
    while select.select([terminal], [], [], 20)[0]:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
        if b"Enter passphrase" in shown and not answered:
            os.write(terminal, b"correct horse\n")
            answered = True
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    os.close(terminal)
    assert answered
    text = shown.decode().replace("\r\n", "\n")
    armored = text[text.index("-----BEGIN") : text.index("-----END")] + "-----END SSH SIGNATURE-----\n"
    assert sshsig.verify(armored, MESSAGE) == signing.public_key(locked)


def test_the_public_half_is_read_without_a_passphrase(locked: Path) -> None:
    wanted = signing.public_key(locked)
    locked.with_name("locked.pub").unlink()
    assert signing.public_key(locked) == wanted


def test_a_public_file_of_another_key_is_noticed(key_files: dict[str, Path], tmp_path: Path) -> None:
    key = keygen(tmp_path / "mine", "-t", "ed25519")
    key.with_name("mine.pub").write_text(key_files["ed25519"].with_suffix(".pub").read_text())
    with pytest.raises(DiagnosticError, match=r"are not the same key|did not sign"):
        signing.sign(MESSAGE, key)


@pytest.mark.parametrize("content", ["", "not a key", "ssh-dss AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key_is_said(content: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(DiagnosticError, match="cannot be used to sign"):
        signing.public_key(path)


def test_the_public_file_stands_for_the_private_one_beside_it(key_files: dict[str, Path]) -> None:
    public = key_files["ed25519"].with_suffix(".pub")
    assert sshsig.verify(signing.sign(MESSAGE, public), MESSAGE) == signing.public_key(public)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="cannot be read"):
        signing.sign(MESSAGE, tmp_path / "none")


def test_nothing_is_left_behind(key_files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing.tempfile, "tempdir", str(tmp_path))
    signing.sign(MESSAGE, key_files["ed25519"])
    assert list(tmp_path.iterdir()) == []
