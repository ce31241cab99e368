"""Identity tokens of CI platforms: a JSON Web Token (RFC 7519) with RS256 (RFC 7518, 3.3), verified strictly. Pure."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

SKEW: Final = timedelta(minutes=5)
_MAX_TOKEN: Final = 1 << 16
_MIN_BITS: Final = 2048


class TokenError(ValueError):
    """A token that proves nothing; the message is a sentence part that says why."""


def issuer_of(token: str) -> str:
    """Who a token says has made it: where its keys are looked for. Raises TokenError. Nothing of it is believed yet."""
    return _text(_parts(token)[1], "iss")


def verify(
    token: str, keys: Sequence[Mapping[str, Any]], *, issuer: str, audience: str, now: datetime
) -> Mapping[str, Any]:
    """The claims of a token that one of the issuer's `keys` (JSON Web Keys) signed for this audience, now.

    Raises TokenError.
    """
    header, claims, signed, signature = _parts(token)
    if header.get("alg") != "RS256" or "crit" in header:
        raise TokenError("it is not signed with RS256")
    named = [key for key in keys if key.get("kty") == "RSA" and key.get("kid") == header.get("kid")]
    if len(named) != 1:
        raise TokenError("its issuer has no such key")
    _check_signature(named[0], signed, signature)
    if _text(claims, "iss") != issuer:
        raise TokenError("it is of another issuer")
    if claims.get("aud") not in (audience, [audience]):
        raise TokenError("it is for somebody else")
    ends, begins = claims.get("exp"), claims.get("nbf", claims.get("iat"))
    if type(ends) is not int or type(begins) is not int:
        raise TokenError("it does not say how long it is good")
    if now.timestamp() >= ends or now.timestamp() < begins - SKEW.total_seconds():
        raise TokenError("its time is over, or has not come")
    return claims


def _check_signature(key: Mapping[str, Any], signed: bytes, signature: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256

    modulus, exponent = (int.from_bytes(_base64(_text(key, name)), "big") for name in ("n", "e"))
    if modulus.bit_length() < _MIN_BITS:
        raise TokenError("its key is too short")
    try:
        RSAPublicNumbers(exponent, modulus).public_key().verify(signature, signed, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError) as error:
        raise TokenError("its signature is wrong") from error


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes, bytes]:
    """Header, claims, what was signed, signature."""
    pieces = token.split(".")
    if len(token) > _MAX_TOKEN or len(pieces) != 3 or not token.isascii():
        raise TokenError("it is no signed token")
    header, claims = (_object(_base64(piece)) for piece in pieces[:2])
    return header, claims, f"{pieces[0]}.{pieces[1]}".encode("ascii"), _base64(pieces[2])


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TokenError("it holds no JSON") from error
    if not isinstance(value, dict):
        raise TokenError("it holds no JSON object")
    return value


def _base64(text: str) -> bytes:
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise TokenError("it is not base64url") from error
    if urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise TokenError("it is not base64url in its canonical form")
    return data


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise TokenError(f"{name} is missing")
    return found
