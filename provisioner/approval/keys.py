"""OpenSSH public keys: which are taken, and the verification that each kind needs.

Formats: RFC 4253 section 6.6 (RSA), RFC 5656 (ECDSA), RFC 8709 (Ed25519), OpenSSH's PROTOCOL.u2f (sk- keys).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .wire import Wire, WireError, base64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

MIN_RSA_BITS: Final = 3072
MAX_RSA_BITS: Final = 16384

ED25519: Final = "ssh-ed25519"
RSA: Final = "ssh-rsa"
SK_ED25519: Final = "sk-ssh-ed25519@openssh.com"
SK_ECDSA: Final = "sk-ecdsa-sha2-nistp256@openssh.com"
ECDSA: Final = {"ecdsa-sha2-nistp256": "nistp256", "ecdsa-sha2-nistp384": "nistp384", "ecdsa-sha2-nistp521": "nistp521"}
TYPES: Final = (ED25519, *ECDSA, RSA, SK_ED25519, SK_ECDSA)

_P25519: Final = 2**255 - 19
_SMALL_ORDER: Final = frozenset(
    {
        0,
        1,
        _P25519 - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    }
)
"""The y coordinates of Ed25519's eight points of small order: under such a key anybody can make signatures."""


class KeyRefused(ValueError):
    """Not a public key that is taken here; the message is a sentence part that says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key. `blob` is the SSH wire form, `fingerprint` `SHA256:…` as `ssh-keygen -l` prints it."""

    type: str
    blob: bytes
    fingerprint: str

    @property
    def line(self) -> str:
        """The public key line, without a comment."""
        return f"{self.type} {b64encode(self.blob).decode()}"

    @property
    def hardware(self) -> bool:
        """Whether the private half is in a security key, whose signatures say if somebody touched it."""
        return self.type in (SK_ED25519, SK_ECDSA)


def parse(line: str) -> PublicKey:
    """A public key line (`type base64 [comment]`). Raises KeyRefused."""
    if "PRIVATE KEY" in line:
        raise KeyRefused("this is a private key; the public half stands in the file that ends in .pub")
    if len(line.splitlines()) > 1:
        raise KeyRefused("one line is one key; these are several lines")
    parts = line.split()
    if len(parts) < 2:
        raise KeyRefused("a public key line has a type and base64 data, like a line of `ssh-keygen -y`")
    _refuse_type(parts[0])
    try:
        blob = base64(parts[1], "the key's data")
    except WireError as error:
        raise KeyRefused(str(error)) from error
    key = from_blob(blob)
    if key.type != parts[0]:
        raise KeyRefused(f"the line says {parts[0]}, but its data holds a key of type {key.type}")
    return key


def from_blob(blob: bytes) -> PublicKey:
    """A public key from its wire form. Raises KeyRefused."""
    try:
        kind, _material = _decode(blob)
    except WireError as error:
        raise KeyRefused(str(error)) from error
    digest = b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return PublicKey(kind, bytes(blob), f"SHA256:{digest}")


@dataclass(frozen=True, slots=True)
class Material:
    """What verification needs of a key: the fields that its type has."""

    point: bytes = b""
    modulus: int = 0
    exponent: int = 0
    application: bytes = b""


def material(key: PublicKey) -> Material:
    """The fields of a key that `parse` or `from_blob` has checked."""
    return _decode(key.blob)[1]


def ed25519_key(fields: Material) -> ed25519.Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(fields.point)


def ecdsa_key(curve: str, point: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a NIST curve; raises WireError for a point that is not on it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    curves: dict[str, ec.EllipticCurve] = {
        "nistp256": ec.SECP256R1(),
        "nistp384": ec.SECP384R1(),
        "nistp521": ec.SECP521R1(),
    }
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curves[curve], point)
    except ValueError as error:
        raise WireError(f"the key's point is not on the curve {curve}") from error


def rsa_key(fields: Material) -> rsa.RSAPublicKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    return RSAPublicNumbers(fields.exponent, fields.modulus).public_key()


def _refuse_type(kind: str) -> None:
    if kind in TYPES:
        return
    shown = kind if len(kind) <= 60 and kind.isascii() and kind.isprintable() else "this"
    if "-cert-" in kind:
        raise KeyRefused(f"{shown} is a certificate; name the plain public key that it certifies")
    if kind == "ssh-dss":
        raise KeyRefused("DSA keys are broken; make a new one with `ssh-keygen -t ed25519`")
    raise KeyRefused(f"{shown} is not a key type that is taken ({', '.join(TYPES)})")


def _decode(blob: bytes) -> tuple[str, Material]:
    wire = Wire(blob)
    kind = wire.text("the key's type")
    _refuse_type(kind)
    if kind in (ED25519, SK_ED25519):
        found = Material(point=_edwards(wire.string("the key's point")), application=_application(wire, kind))
    elif kind == RSA:
        exponent, modulus = wire.mpint("the RSA exponent"), wire.mpint("the RSA modulus")
        _check_rsa(exponent, modulus)
        found = Material(modulus=modulus, exponent=exponent)
    else:
        curve = wire.text("the curve's name")
        if curve != ECDSA.get(kind, "nistp256"):
            raise WireError(f"the key of type {kind} names another curve")
        point = wire.string("the key's point")
        if point[:1] != b"\x04":
            raise WireError("the key's point is not in uncompressed form")
        ecdsa_key(curve, point)
        found = Material(point=point, application=_application(wire, kind))
    wire.end("the key")
    return kind, found


def _application(wire: Wire, kind: str) -> bytes:
    if kind not in (SK_ED25519, SK_ECDSA):
        return b""
    application = wire.text("the security key's application")
    if not application.startswith("ssh:"):
        raise WireError('the security key\'s application does not start with "ssh:"')
    return application.encode("ascii")


def _edwards(point: bytes) -> bytes:
    if len(point) != 32:
        raise WireError(f"an Ed25519 key has 32 bytes, and this has {len(point)}")
    y = int.from_bytes(point, "little") & (2**255 - 1)
    if y >= _P25519 or y in _SMALL_ORDER:
        raise WireError("this Ed25519 key is degenerate: anybody can sign under it")
    return point


def _check_rsa(exponent: int, modulus: int) -> None:
    bits = modulus.bit_length()
    if bits < MIN_RSA_BITS:
        raise WireError(f"an RSA key needs at least {MIN_RSA_BITS} bits, and this has {bits}")
    if bits > MAX_RSA_BITS or exponent.bit_length() > 64:
        raise WireError(f"an RSA key of more than {MAX_RSA_BITS} bits, or with so large an exponent, is not taken")
    if exponent < 3 or not exponent & 1 or not modulus & 1:
        raise WireError("the RSA key's numbers are impossible")
