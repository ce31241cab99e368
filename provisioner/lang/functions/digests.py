"""Hashes and name-based UUIDs."""

from __future__ import annotations

import base64
import hashlib
import uuid

from ..types import STRING
from ..values import Value
from .registry import FunctionError, Param, function

_STR = Param("str", STRING)


def hexadecimal(algorithm: str, data: bytes) -> str:
    """The digest in lower-case hexadecimal."""
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def based64(algorithm: str, data: bytes) -> str:
    """The digest in base64."""
    return base64.b64encode(hashlib.new(algorithm, data, usedforsecurity=False).digest()).decode("ascii")


@function("md5", _STR)
def _md5(value: str) -> Value:
    return hexadecimal("md5", value.encode())


@function("sha1", _STR)
def _sha1(value: str) -> Value:
    return hexadecimal("sha1", value.encode())


@function("sha256", _STR)
def _sha256(value: str) -> Value:
    return hexadecimal("sha256", value.encode())


@function("sha512", _STR)
def _sha512(value: str) -> Value:
    return hexadecimal("sha512", value.encode())


@function("base64sha256", _STR)
def _base64sha256(value: str) -> Value:
    return based64("sha256", value.encode())


@function("base64sha512", _STR)
def _base64sha512(value: str) -> Value:
    return based64("sha512", value.encode())


_NAMESPACES = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}


@function("uuidv5", Param("namespace", STRING), Param("name", STRING))
def _uuidv5(namespace: str, name: str) -> Value:
    space = _NAMESPACES.get(namespace)
    if space is None:
        try:
            space = uuid.UUID(namespace)
        except ValueError as err:
            raise FunctionError(
                f'uuidv5() doesn\'t support namespace "{namespace}": use "dns", "url", "oid", "x500" or a UUID'
            ) from err
    return str(uuid.uuid5(space, name))
