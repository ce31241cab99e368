"""Functions that read files of the configuration, and those of paths.

Every path is relative to the module's folder and must stay inside the root module's folder.
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Callable
from re import compile as _compile
from re import escape

from ..files import FileAccess, FileError
from ..scope import Scope
from ..types import STRING
from ..values import Value, set_of
from .digests import based64, hexadecimal
from .registry import FunctionError, Param, function

_PATH = Param("path", STRING)


def _files(scope: Scope) -> FileAccess:
    if scope.files is None:
        raise FunctionError("there is no folder to read files from here")
    return scope.files


def _read(scope: Scope, path: str) -> bytes:
    try:
        return _files(scope).read_bytes(path)
    except FileError as err:
        raise FunctionError(str(err), 0) from err


def _read_text(scope: Scope, path: str) -> str:
    try:
        return _read(scope, path).decode()
    except UnicodeDecodeError as err:
        raise FunctionError(
            f'contents of "{path}" are not valid UTF-8; use the filebase64 function to obtain the Base64 encoded '
            "contents or the other file functions (e.g. filemd5, filesha256) to obtain file hashing results instead"
        ) from err


@function("file", _PATH, scoped=True)
def _file(scope: Scope, path: str) -> Value:
    return _read_text(scope, path)


@function("filebase64", _PATH, scoped=True)
def _filebase64(scope: Scope, path: str) -> Value:
    return base64.b64encode(_read(scope, path)).decode("ascii")


def _hashed(name: str, digest: Callable[[str, bytes], str], algorithm: str) -> None:
    @function(name, _PATH, scoped=True)
    def _digest(scope: Scope, path: str) -> Value:
        return digest(algorithm, _read(scope, path))


for _algorithm in ("md5", "sha1", "sha256", "sha512"):
    _hashed(f"file{_algorithm}", hexadecimal, _algorithm)
for _algorithm in ("sha256", "sha512"):
    _hashed(f"filebase64{_algorithm}", based64, _algorithm)


@function("fileexists", _PATH, scoped=True)
def _fileexists(scope: Scope, path: str) -> Value:
    try:
        return _files(scope).exists(path)
    except FileError as err:
        raise FunctionError(str(err), 0) from err


@function("fileset", _PATH, Param("pattern", STRING), scoped=True)
def _fileset(scope: Scope, path: str, pattern: str) -> Value:
    if ".." in pattern.split("/"):
        raise FunctionError("the pattern must not hold `..`; name another folder in the first argument", 1)
    matcher = _compile(_glob(posixpath.normpath(pattern)))
    try:
        names = _files(scope).walk(path)
    except FileError as err:
        raise FunctionError(str(err), 0) from err
    return set_of((name for name in names if matcher.fullmatch(name)), STRING)


def _glob(pattern: str) -> str:
    """A glob as a regular expression: `**` any folders, `*` and `?` within a name, `{a,b}`, `[a-z]`, `\\x`."""
    out: list[str] = []
    i = depth = 0
    while i < len(pattern):
        c = pattern[i]
        i += 1
        if c == "*":
            if pattern.startswith("*/", i) and (i == 1 or pattern[i - 2] in "/{,"):
                out.append("(?:[^/]+/)*")
                i += 2
            elif pattern.startswith("*", i):
                out.append(".*" if i + 1 == len(pattern) else "[^/]*")
                i += 1
            else:
                out.append("[^/]*")
        elif c == "?":
            out.append("[^/]")
        elif c == "{":
            depth += 1
            out.append("(?:")
        elif c == "}" and depth:
            depth -= 1
            out.append(")")
        elif c == "," and depth:
            out.append("|")
        elif c == "[":
            end = pattern.find("]", i + 1)
            if end < 0:
                raise FunctionError(f'failed to glob pattern "{pattern}": syntax error in pattern', 1)
            inner = pattern[i:end]
            negated = inner[:1] in ("^", "!")
            body = (inner[1:] if negated else inner).replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[{'^/' if negated else ''}{body}]")
            i = end + 1
        elif c == "\\" and i < len(pattern):
            out.append(escape(pattern[i]))
            i += 1
        else:
            out.append(escape(c))
    if depth:
        raise FunctionError(f'failed to glob pattern "{pattern}": syntax error in pattern', 1)
    return "".join(out)


@function("templatefile", _PATH, Param("vars"), scoped=True)
def _templatefile(scope: Scope, path: str, variables: Value) -> Value:
    from .rendering import inside_template, render  # needs the parser

    if inside_template(scope):
        raise FunctionError("cannot recursively call templatefile from inside another template function")
    return render(_read_text(scope, path), path, variables, scope, nested=True)


@function("basename", _PATH)
def _basename(path: str) -> Value:
    if not path:
        return "."
    return posixpath.basename(path.rstrip("/")) or "/"


@function("dirname", _PATH)
def _dirname(path: str) -> Value:
    return _clean(posixpath.dirname(path) or ("/" if path.startswith("/") else "."))


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(path)
    return "/" + cleaned.lstrip("/") if cleaned.startswith("/") else cleaned


@function("abspath", _PATH)
def _abspath(path: str) -> Value:
    if not path.startswith("/"):
        raise FunctionError(
            "the absolute path of a relative one differs between machines, and a signed plan must be reproducible; "
            "use path.module or path.root",
            0,
        )
    return _clean(path)


@function("pathexpand", _PATH)
def _pathexpand(path: str) -> Value:
    if path.startswith("~"):
        raise FunctionError(
            "a home folder differs between machines and lies outside the root module's folder; name a path inside it", 0
        )
    return path
