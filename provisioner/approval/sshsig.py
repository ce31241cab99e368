"""OpenSSH signatures (SSHSIG, OpenSSH's PROTOCOL.sshsig), verified here and made by `ssh-keygen`.

Stricter than `ssh-keygen -Y verify` in three things: a security key's signature must say that somebody touched it,
numbers have one form, and nothing may follow. Looser in nothing; tests hold both against the real program.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import keys
from .keys import KeyRefused, PublicKey
from .wire import Wire, WireError, base64, string

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

NAMESPACE: Final = "provisioner.signoff@v1"
"""Ours alone: a signature made for git, a file or another tool never passes as a sign-off."""

_MAGIC: Final = b"SSHSIG"
_BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
_END: Final = "-----END SSH SIGNATURE-----"
_HASHES: Final = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
_USER_PRESENT: Final = 0x01
_MAX_BYTES: Final = 16384


class SignatureError(ValueError):
    """A signature that does not count; the message is a sentence part that says why."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The parts of one SSHSIG blob. `flags` and `counter` are a security key's; 0 elsewhere."""

    key: PublicKey
    namespace: str
    hash_name: str
    algorithm: str
    data: bytes
    flags: int = 0
    counter: int = 0


def verify(armored: str | bytes, message: bytes, namespace: str = NAMESPACE) -> PublicKey:
    """The key under which `message` was signed for `namespace`. Raises SignatureError."""
    return verify_blob(dearmor(armored), message, namespace)


def verify_blob(blob: bytes, message: bytes, namespace: str = NAMESPACE) -> PublicKey:
    """As `verify`, for a signature without its armor."""
    signature = parse(blob)
    if signature.namespace != namespace:
        raise SignatureError(f'it was made for "{signature.namespace}", not for "{namespace}"')
    _check(signature, _signed_bytes(signature, message))
    return signature.key


def parse(blob: bytes) -> Signature:
    """Take a blob apart without verifying it. Raises SignatureError."""
    if len(blob) > _MAX_BYTES:
        raise SignatureError("it is too long to be a signature")
    try:
        return _parse(Wire(blob))
    except KeyRefused as error:
        raise SignatureError(f"its key is not taken: {error}") from error
    except WireError as error:
        raise SignatureError(f"it is malformed: {error}") from error


def dearmor(armored: str | bytes) -> bytes:
    """The blob between the BEGIN and END lines. Raises SignatureError."""
    try:
        text = armored.decode("ascii") if isinstance(armored, bytes) else armored
        lines = text.removesuffix("\n").split("\n")
        if len(text) > 2 * _MAX_BYTES or len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
            raise SignatureError("it is not an armored SSH signature")
        return base64("".join(lines[1:-1]), "the armored text")
    except (WireError, UnicodeDecodeError) as error:
        raise SignatureError(f"it is malformed: {error}") from error


def armor(blob: bytes) -> str:
    """The text form that `ssh-keygen` reads and writes."""
    text = b64encode(blob).decode()
    body = "\n".join(text[at : at + 70] for at in range(0, len(text), 70))
    return f"{_BEGIN}\n{body}\n{_END}\n"


def _parse(wire: Wire) -> Signature:
    if wire.take(len(_MAGIC), "the magic") != _MAGIC:
        raise WireError("it does not start with SSHSIG")
    version = wire.uint32("the version")
    if version != 1:
        raise WireError(f"its version is {version}, and only 1 is known")
    key = keys.from_blob(wire.string("the key"))
    namespace = wire.text("the namespace")
    if wire.string("the reserved field"):
        raise WireError("its reserved field is not empty")
    hash_name = wire.text("the hash algorithm")
    if hash_name not in _HASHES:
        raise WireError(f'its hash algorithm is "{hash_name}", and only {" and ".join(_HASHES)} are taken')
    inner = Wire(wire.string("the signature"))
    wire.end("the signature")
    algorithm = inner.text("the signature algorithm")
    data = inner.string("the signature's data")
    flags = inner.byte("the security key's flags") if key.hardware else 0
    counter = inner.uint32("the security key's counter") if key.hardware else 0
    inner.end("the signature's data")
    return Signature(key, namespace, hash_name, algorithm, data, flags, counter)


def _signed_bytes(signature: Signature, message: bytes) -> bytes:
    """What the key signed: the preamble of PROTOCOL.sshsig, wrapped for a security key as PROTOCOL.u2f says."""
    digest = _HASHES[signature.hash_name](message).digest()
    fields = (signature.namespace.encode(), b"", signature.hash_name.encode(), digest)
    signed = _MAGIC + b"".join(string(field) for field in fields)
    if not signature.key.hardware:
        return signed
    application = hashlib.sha256(keys.material(signature.key).application).digest()
    counter = signature.counter.to_bytes(4, "big")
    return application + bytes([signature.flags]) + counter + hashlib.sha256(signed).digest()


def _check(signature: Signature, signed: bytes) -> None:
    from cryptography.exceptions import InvalidSignature

    kind = signature.key.type
    allowed = ("rsa-sha2-256", "rsa-sha2-512") if kind == keys.RSA else (kind,)
    if signature.algorithm not in allowed:
        raise SignatureError(f"its algorithm {signature.algorithm} does not go with a key of type {kind}")
    if signature.key.hardware and not signature.flags & _USER_PRESENT:
        raise SignatureError("nobody touched the security key when it was made")
    try:
        if kind in (keys.ED25519, keys.SK_ED25519):
            _check_ed25519(signature, signed)
        elif kind == keys.RSA:
            _check_rsa(signature, signed)
        else:
            _check_ecdsa(signature, signed)
    except InvalidSignature as error:
        raise SignatureError("it does not fit what it is said to sign, or was changed") from error
    except WireError as error:
        raise SignatureError(f"it is malformed: {error}") from error


def _check_ed25519(signature: Signature, signed: bytes) -> None:
    if len(signature.data) != 64:
        raise WireError(f"an Ed25519 signature has 64 bytes, and this has {len(signature.data)}")
    keys.ed25519_key(keys.material(signature.key)).verify(signature.data, signed)


def _check_rsa(signature: Signature, signed: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256, SHA512

    fields = keys.material(signature.key)
    if len(signature.data) != (fields.modulus.bit_length() + 7) // 8:
        raise WireError("its length is not that of the RSA key")
    hashing: HashAlgorithm = SHA256() if signature.algorithm == "rsa-sha2-256" else SHA512()
    keys.rsa_key(fields).verify(signature.data, signed, PKCS1v15(), hashing)


def _check_ecdsa(signature: Signature, signed: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

    wire = Wire(signature.data)
    r, s = wire.mpint("the number r"), wire.mpint("the number s")
    wire.end("the ECDSA numbers")
    curve = keys.ECDSA.get(signature.key.type, "nistp256")
    hashes: dict[str, HashAlgorithm] = {"nistp256": SHA256(), "nistp384": SHA384(), "nistp521": SHA512()}
    key = keys.ecdsa_key(curve, keys.material(signature.key).point)
    key.verify(encode_dss_signature(r, s), signed, ECDSA(hashes[curve]))
