from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from provisioner.approval import keys
from provisioner.approval.keys import KeyRefused
from provisioner.approval.wire import string

POINT = bytes(range(1, 33))


def line(*fields: bytes, kind: str | None = None) -> str:
    blob = b"".join(string(field) for field in fields)
    return f"{kind or fields[0].decode()} {b64encode(blob).decode()}"


def keygen(folder: Path, *options: str) -> Path:
    path = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", path, *options], check=True)
    return path.with_name("key.pub")


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ed25519"),
        ("-t", "ecdsa", "-b", "256"),
        ("-t", "ecdsa", "-b", "384"),
        ("-t", "ecdsa", "-b", "521"),
        ("-t", "rsa", "-b", "3072"),
    ],
    ids=" ".join,
)
def test_real_keys_are_taken_with_the_fingerprint_that_ssh_keygen_prints(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    path = keygen(tmp_path, *options)
    key = keys.parse(path.read_text())
    printed = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True).stdout
    assert key.fingerprint == printed.split()[1]
    assert key.line == " ".join(path.read_text().split()[:2])
    assert keys.parse(key.line) == key
    assert not key.hardware


def test_security_keys_are_taken() -> None:
    key = keys.parse(line(b"sk-ssh-ed25519@openssh.com", POINT, b"ssh:") + " alice@laptop")
    assert key.hardware
    assert keys.material(key).application == b"ssh:"


def test_small_rsa_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="at least 3072 bits, and this has 2048"):
        keys.parse(keygen(tmp_path, "-t", "rsa", "-b", "2048").read_text())


def test_certificates_are_refused(tmp_path: Path) -> None:
    path = keygen(tmp_path, "-t", "ed25519")
    subprocess.run(["ssh-keygen", "-q", "-s", tmp_path / "key", "-I", "id", "-n", "x", path], check=True)
    with pytest.raises(KeyRefused, match="is a certificate; name the plain public key"):
        keys.parse((tmp_path / "key-cert.pub").read_text())


P = 2**255 - 19


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a public key line has a type"),
        ("ssh-ed25519", "a public key line has a type"),
        ("-----BEGIN OPENSSH PRIVATE KEY----- AAAA", "private key"),
        ("ssh-dss AAAA", "DSA keys are broken"),
        ("ssh-ed448 AAAA", "not a key type that is taken"),
        ("no-touch-required ssh-ed25519 AAAA", "not a key type that is taken"),
        ("ssh-ed25519 AAAA\nssh-ed25519 AAAA", "several lines"),
        ("ssh-ed25519 AA!A", "is not base64"),
        ("ssh-ed25519 AAB=", "canonical form"),
        ("ssh-ed25519 AAAA", "cut short"),
        (line(b"ssh-ed25519", POINT[:-1]), "32 bytes, and this has 31"),
        (line(b"ssh-ed25519", POINT, b"more"), "do not belong there"),
        (line(b"ssh-ed25519", POINT, kind="ssh-rsa"), "its data holds a key of type ssh-ed25519"),
        (line(b"ssh-ed25519", bytes(32)), "degenerate"),
        (line(b"ssh-ed25519", b"\x01" + bytes(30) + b"\x80"), "degenerate"),
        (line(b"ssh-ed25519", (P - 1).to_bytes(32, "little")), "degenerate"),
        (line(b"ssh-ed25519", (P + 3).to_bytes(32, "little")), "degenerate"),
        (line(b"sk-ssh-ed25519@openssh.com", POINT), "cut short"),
        (line(b"sk-ssh-ed25519@openssh.com", POINT, b"https://evil.example"), 'does not start with "ssh:"'),
        (line(b"sk-ssh-ed25519@openssh.com", POINT, b"ssh:\x1b[2J"), "not printable"),
        (line(b"ecdsa-sha2-nistp256", b"nistp384", b"\x04" + bytes(64)), "names another curve"),
        (line(b"ecdsa-sha2-nistp256", b"nistp256", b"\x04" + b"\x01" * 64), "not on the curve"),
        (line(b"ecdsa-sha2-nistp256", b"nistp256", b"\x02" + b"\x01" * 32), "uncompressed"),
        (line(b"ecdsa-sha2-nistp256", b"nistp256", b"\x00"), "uncompressed"),
        (line(b"ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * 383 + b"\x00"), "impossible"),
        (line(b"ssh-rsa", b"\x01\x00\x00", b"\x00" + b"\xff" * 384), "impossible"),
        (line(b"ssh-rsa", b"\x01", b"\x00" + b"\xff" * 384), "impossible"),
        (line(b"ssh-rsa", b"\x01\x00\x01", b"\x00\x00" + b"\xff" * 384), "shortest form"),
        (line(b"ssh-rsa", b"\x01\x00\x01", b"\xff" * 384), "positive number"),
        (line(b"ssh-rsa", b"", b"\x00" + b"\xff" * 384), "positive number"),
        (line(b"ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * 4096), "more than 16384 bits"),
        (line(b"ssh-rsa", b"\x01" * 12 + b"\x01", b"\x00" + b"\xff" * 384), "so large an exponent"),
    ],
)
def test_what_is_no_key_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(KeyRefused, match=reason):
        keys.parse(text)


def test_every_point_of_small_order_is_refused() -> None:
    """The eight torsion points, computed here from the curve itself (RFC 8032, section 5.1)."""
    d = -121665 * pow(121666, -1, P) % P
    root_minus_one = pow(2, (P - 1) // 4, P)

    def x_of(y: int) -> int | None:
        square = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
        x = pow(square, (P + 3) // 8, P)
        if (x * x - square) % P:
            x = x * root_minus_one % P
        return x if (x * x - square) % P == 0 else None

    def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        product = d * a[0] * b[0] * a[1] * b[1] % P
        x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, P) % P
        y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P) % P
        return x, y

    order = 2**252 + 27742317777372353535851937790883648493
    found = set()
    y = 2
    while len(found) < 8:
        y += 1
        x = x_of(y)
        if x is None:
            continue
        point, power, scalar = (0, 1), (x, y), order
        while scalar:
            point = add(point, power) if scalar & 1 else point
            power, scalar = add(power, power), scalar >> 1
        multiple = (0, 1)
        for _ in range(8):
            multiple = add(multiple, point)
            found.add(multiple)
    assert len(found) == 8
    for x, y in found:
        encoded = (y | (x & 1) << 255).to_bytes(32, "little")
        with pytest.raises(KeyRefused, match="degenerate"):
            keys.parse(line(b"ssh-ed25519", encoded))
