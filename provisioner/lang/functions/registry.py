"""What a function is, and where each one lives.

A function declares its parameters; the evaluator converts, refuses nulls, takes sensitive marks off and puts them back
on the result, as go-cty does. The implementation gets plain values and returns one, or raises FunctionError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from ..types import DYNAMIC, Type


class FunctionError(Exception):
    """A call failed; `str()` is a sentence part. `argument` is the index of the argument at fault, if one is."""

    def __init__(self, message: str, argument: int | None = None) -> None:
        super().__init__(message)
        self.argument = argument


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter. `null` lets nulls in; `marked` hands sensitive marks to the implementation."""

    name: str
    type: Type = DYNAMIC
    null: bool = False
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language. With `scoped`, the implementation gets the caller's Scope first."""

    name: str
    params: tuple[Param, ...]
    call: Callable[..., Any]
    variadic: Param | None = None
    scoped: bool = False

    @property
    def signature(self) -> str:
        """`split(separator, string)`"""
        names = [p.name for p in self.params]
        if self.variadic is not None:
            names.append(f"{self.variadic.name}...")
        return f"{self.name}({', '.join(names)})"


_LOADED: dict[str, Function] = {}


def function(
    name: str, *params: Param, variadic: Param | None = None, scoped: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register an implementation under a name."""

    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        _LOADED[name] = Function(name, params, call, variadic, scoped)
        return call

    return register


_MODULES: Final = {
    "numeric": "abs ceil floor log max min parseint pow signum sum",
    "formatting": "format formatlist",
    "strings": (
        "chomp endswith indent join lower replace regex regexall split startswith strcontains "
        "strrev substr templatestring title trim trimprefix trimspace trimsuffix upper"
    ),
    "collections": (
        "alltrue anytrue chunklist coalesce coalescelist compact concat contains distinct element flatten index keys "
        "length lookup matchkeys merge one range reverse setintersection setproduct setsubtract setunion "
        "slice sort transpose values zipmap"
    ),
    "conversion": "issensitive nonsensitive sensitive tobool tolist tomap tonumber toset tostring type",
    "encoding": (
        "base64decode base64encode base64gzip csvdecode jsondecode jsonencode textdecodebase64 "
        "textencodebase64 urlencode"
    ),
    "yamlcodec": "yamldecode yamlencode",
    "digests": "base64sha256 base64sha512 md5 sha1 sha256 sha512 uuidv5",
    "dates": "formatdate timeadd timecmp",
    "network": "cidrhost cidrnetmask cidrsubnet cidrsubnets",
    "filesystem": (
        "abspath basename dirname file filebase64 filebase64sha256 filebase64sha512 fileexists filemd5 fileset "
        "filesha1 filesha256 filesha512 pathexpand templatefile"
    ),
}
_WHERE: Final = {name: module for module, names in _MODULES.items() for name in names.split()}

NAMES: Final = frozenset(_WHERE) | {"can", "try"}
"""Every function that can be called."""

_IRREPRODUCIBLE = "its result differs from run to run, and a signed plan must be reproducible"
REFUSED: Final = {
    "timestamp": f"{_IRREPRODUCIBLE}. Pass the time in as a variable, or use timeadd on a fixed one",
    "plantimestamp": f"{_IRREPRODUCIBLE}. Pass the time in as a variable",
    "uuid": f"{_IRREPRODUCIBLE}. Use uuidv5, which derives a UUID from a name",
    "bcrypt": f"{_IRREPRODUCIBLE} (it salts with random bytes). Hash the value outside and pass it in",
    "rsadecrypt": "it needs a private key in the configuration. Decrypt outside and pass the value in",
    "ephemeralasnull": "there are no ephemeral values here. Leave the call out",
}
"""Functions known from Terraform that are not offered, with the reason and the way out."""


def lookup(name: str) -> Function | None:
    """The function of a name (without `core::`), or None."""
    found = _LOADED.get(name)
    if found is None and name in _WHERE:
        import_module(f".{_WHERE[name]}", __package__)
        found = _LOADED.get(name)
    return found
