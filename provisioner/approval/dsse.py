"""DSSE envelopes (https://github.com/secure-systems-lab/dsse, v1): one statement, one OpenSSH signature.

The signature is an SSHSIG blob over the pre-authentication encoding, in our own namespace.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .. import canonical
from . import sshsig
from . import statement as statements
from .keys import PublicKey
from .statement import Statement, StatementError
from .wire import WireError, base64

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES: Final = 1 << 20


class EnvelopeError(ValueError):
    """An envelope that counts for nothing; `code` tells a malformed one from a wrong signature."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Opened:
    """A statement whose signature was verified, and the key that made it. Whose key it is, is not yet judged."""

    statement: Statement
    key: PublicKey


def pae(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """The pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def message(statement: Statement) -> bytes:
    """What a signer's key signs."""
    return pae(statements.encode(statement))


def envelope(statement: Statement, armored: str) -> dict[str, Any]:
    """The envelope for a statement and the signature over `message(statement)`. Raises EnvelopeError."""
    return envelope_of(statements.encode(statement), armored)


def envelope_of(payload: bytes, armored: str) -> dict[str, Any]:
    """The envelope for any payload and the signature over `pae(payload)`. Raises EnvelopeError."""
    try:
        blob = sshsig.dearmor(armored)
        key = sshsig.verify_blob(blob, pae(payload))
    except sshsig.SignatureError as error:
        raise EnvelopeError("E-SIGNATURE", str(error)) from error
    return {
        "payload": b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key.fingerprint, "sig": b64encode(blob).decode()}],
    }


def open_envelope(value: Mapping[str, Any]) -> Opened:
    """Check the form and the signature. Raises EnvelopeError.

    The payload is parsed only after its signature was found good: nothing unsigned reaches the parser.
    """
    payload, key = open_payload(value)
    try:
        return Opened(statements.decode(payload), key)
    except StatementError as error:
        raise EnvelopeError("E-STATEMENT", f"the statement cannot be taken: {error}") from error


def open_payload(value: Mapping[str, Any]) -> tuple[bytes, PublicKey]:
    """The bytes that an envelope carries, and the key that verifiably signed them. Raises EnvelopeError."""
    payload, blob, keyid = _fields(value)
    try:
        key = sshsig.verify_blob(blob, pae(payload))
    except sshsig.SignatureError as error:
        raise EnvelopeError("E-SIGNATURE", f"the signature does not count: {error}") from error
    if keyid != key.fingerprint:
        raise EnvelopeError("E-ENVELOPE", "the key id is not that of the key that signed")
    return payload, key


def parse_file(data: bytes) -> dict[str, Any]:
    """The envelope in a file that `sign -out` wrote. Raises EnvelopeError."""
    if len(data) > MAX_ENVELOPE_BYTES:
        raise EnvelopeError("E-ENVELOPE", "the file is too large for a sign-off")
    try:
        value = canonical.loads(data.removesuffix(b"\n"))
    except canonical.CanonicalError as error:
        raise EnvelopeError("E-ENVELOPE", str(error)) from error
    if not isinstance(value, dict):
        raise EnvelopeError("E-ENVELOPE", "this is JSON, but no envelope")
    _fields(value)
    return value


def _fields(value: Mapping[str, Any]) -> tuple[bytes, bytes, str]:
    """Payload, signature blob and key id of a well-formed envelope."""
    if set(value) != {"payload", "payloadType", "signatures"}:
        raise EnvelopeError("E-ENVELOPE", "fields of the envelope are missing or unknown")
    if value["payloadType"] != PAYLOAD_TYPE:
        raise EnvelopeError("E-ENVELOPE", f"the payload type is not {PAYLOAD_TYPE}")
    signatures = value["signatures"]
    if not isinstance(signatures, list | tuple) or len(signatures) != 1:
        raise EnvelopeError("E-ENVELOPE", "an envelope carries exactly one signature")
    signature = signatures[0]
    if not isinstance(signature, Mapping) or set(signature) != {"keyid", "sig"}:
        raise EnvelopeError("E-ENVELOPE", "fields of the signature are missing or unknown")
    texts = (value["payload"], signature["sig"], signature["keyid"])
    if not all(isinstance(text, str) and len(text) <= MAX_ENVELOPE_BYTES for text in texts):
        raise EnvelopeError("E-ENVELOPE", "a field of the envelope is not a text, or is too long")
    try:
        return base64(texts[0], "the payload"), base64(texts[1], "the signature"), texts[2]
    except WireError as error:
        raise EnvelopeError("E-ENVELOPE", str(error)) from error
