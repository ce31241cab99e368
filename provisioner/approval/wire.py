"""The SSH wire encoding (RFC 4251 section 5), read strictly: no short field, no trailing byte, one form of a number."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode


class WireError(ValueError):
    """Bytes that are not what they should be; the message is a sentence part."""


class Wire:
    """Reads fields one after the other; `end` demands that nothing is left."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int, what: str) -> bytes:
        """The next `length` bytes."""
        end = self._at + length
        if end > len(self._data):
            raise WireError(f"{what} is cut short")
        part = self._data[self._at : end]
        self._at = end
        return part

    def byte(self, what: str) -> int:
        return self.take(1, what)[0]

    def uint32(self, what: str) -> int:
        return int.from_bytes(self.take(4, what), "big")

    def string(self, what: str) -> bytes:
        return self.take(self.uint32(what), what)

    def text(self, what: str) -> str:
        """A string of printable ASCII."""
        data = self.string(what)
        if not all(0x20 <= byte < 0x7F for byte in data):
            raise WireError(f"{what} is not printable text")
        return data.decode("ascii")

    def mpint(self, what: str) -> int:
        """A positive number in its shortest form."""
        data = self.string(what)
        if not data or data[0] & 0x80 or (data[0] == 0 and (len(data) == 1 or not data[1] & 0x80)):
            raise WireError(f"{what} is not a positive number in its shortest form")
        return int.from_bytes(data, "big")

    def end(self, what: str) -> None:
        """Refuse what follows."""
        if self._at != len(self._data):
            raise WireError(f"{what} is followed by {len(self._data) - self._at} bytes that do not belong there")


def string(data: bytes) -> bytes:
    """A length-prefixed string."""
    return len(data).to_bytes(4, "big") + data


def base64(text: str, what: str) -> bytes:
    """Standard base64 with padding, in its one canonical form. Raises WireError."""
    try:
        data = b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise WireError(f"{what} is not base64") from error
    if b64encode(data).decode() != text:
        raise WireError(f"{what} is not base64 in its canonical form")
    return data
