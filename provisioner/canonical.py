"""Canonical JSON (RFC 8785) and domain-separated digests.

Everything that is signed, chained or compared by digest goes through here, so that one meaning has one sequence of
bytes. Floats are refused: two programs may print the same float in two ways.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

Json = Any  # None | bool | int | str | list | tuple | Mapping[str, Json]; never float

MAX_SAFE_INTEGER = 2**53 - 1


class CanonicalError(ValueError):
    """Bytes or values that have no canonical form; the message says which and where."""


def dumps(value: Json) -> bytes:
    """The RFC 8785 form of `value`. Raises CanonicalError for floats, foreign types and unpaired surrogates."""
    import rfc8785

    try:
        plain = _plain(value, "$")
        # For pure ASCII the two agree to the byte (RFC 8785 orders keys by UTF-16); this one is three times as fast.
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if text.isascii():
            return text.encode("ascii")
        return rfc8785.dumps(plain)
    except RecursionError as error:
        raise CanonicalError("nested too deeply") from error
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise CanonicalError(str(error)) from error


def loads(data: bytes) -> Json:
    """Parse canonical JSON. Anything but the one canonical form is refused: duplicate keys, white space, floats."""
    try:
        value = json.loads(data.decode("utf-8"), parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError) as error:
        raise CanonicalError(f"not canonical JSON: {error}") from error
    if dumps(value) != data:
        raise CanonicalError(
            "not in canonical form: keys out of order or repeated, extra white space, or an unusual escape"
        )
    return value


def digest(domain: str, value: Json) -> str:
    """`sha256:` and the hex digest over a domain-separation prefix and the canonical form of `value`."""
    return digest_bytes(domain, dumps(value))


def digest_bytes(domain: str, data: bytes) -> str:
    """As `digest`, over bytes that are canonical already. The NUL keeps a domain from running into the data."""
    return "sha256:" + hashlib.sha256(b"provisioner/" + domain.encode() + b"\x00" + data).hexdigest()


def _no_float(text: str) -> Any:
    raise ValueError(f"the number {text} is not an integer")


def _plain(value: Json, path: str) -> Json:
    """Copy into what rfc8785 takes, naming the place of what it cannot."""
    if value is None or value is True or value is False or type(value) is str:
        return value
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise CanonicalError(f"{path}: the integer {value} is larger than JSON carries exactly")
        return int(value)
    if isinstance(value, Mapping):
        out = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise CanonicalError(f"{path}: the key {key!r} is not a string")
            out[str(key)] = _plain(item, f"{path}.{key}")
        return out
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{at}]") for at, item in enumerate(value)]
    raise CanonicalError(f"{path}: a {type(value).__name__} has no canonical form")
