"""OpenSSH public key lines: is it one, and its short form.

The format is RFC 4253 section 6.6 and OpenSSH's PROTOCOL.u2f; only the structure is checked here, the approval room
verifies with the key.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Final

MIN_RSA_BITS: Final = 3072
TYPES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_FIELDS: Final = {
    "ssh-ed25519": 2,
    "ssh-rsa": 3,
    "sk-ssh-ed25519@openssh.com": 3,
    "sk-ecdsa-sha2-nistp256@openssh.com": 4,
}
_PRIVATE: Final = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


class KeyFormatError(ValueError):
    """The text is not a public key that can be used; the message is a sentence part."""


def public_key(text: str) -> str:
    """`type base64` of an OpenSSH public key line, its comment cut off. Raises KeyFormatError."""
    if _PRIVATE.search(text):
        raise KeyFormatError("this is a private key; name the .pub file, and keep the private one out of the folder")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1:
        raise KeyFormatError("one OpenSSH public key line is needed" if lines else "the text is empty")
    parts = lines[0].split()
    if len(parts) < 2 or parts[0] not in TYPES:
        named = parts[0] if parts and len(parts[0]) < 40 else "the first word"
        raise KeyFormatError(f'"{named}" is not a key type that is known here ({", ".join(TYPES)})')
    kind, data = parts[0], parts[1]
    try:
        blob = b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeyFormatError("its second word is not base64") from error
    fields = _strings(blob)
    if fields is None or len(fields) != _FIELDS.get(kind, 3) or fields[0] != kind.encode():
        raise KeyFormatError(f"the data does not hold a key of type {kind}")
    _check_strength(kind, fields)
    return f"{kind} {data}"


def _check_strength(kind: str, fields: list[bytes]) -> None:
    if kind == "ssh-rsa":
        bits = int.from_bytes(fields[2], "big").bit_length()
        if bits < MIN_RSA_BITS:
            raise KeyFormatError(f"an RSA key needs at least {MIN_RSA_BITS} bits, and this has {bits}")
    if kind in ("ssh-ed25519", "sk-ssh-ed25519@openssh.com") and len(fields[1]) != 32:
        raise KeyFormatError("an ed25519 key has 32 bytes")


def _strings(blob: bytes) -> list[bytes] | None:
    """The length-prefixed strings that make up `blob`; None when they do not fill it exactly."""
    found = []
    at = 0
    while at < len(blob):
        length = int.from_bytes(blob[at : at + 4], "big")
        at += 4
        if at + length > len(blob):
            return None
        found.append(blob[at : at + length])
        at += length
    return found
