"""Where a module comes from: `./folder`, or `git::https://host/org/repo.git//sub/dir?ref=v1.2.0`. Pure text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

from .text import problem

GIT: Final = "git::"
_SCHEMES: Final = ("https", "ssh", "file", "http")
_REF: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+/-]{0,199}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SCP: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^-:/\s][^\s]*")
_SHORTHANDS: Final = ("github.com/", "gitlab.com/", "bitbucket.org/")
_REMOTE: Final = re.compile(r"[a-z0-9]+::|[a-z][a-z0-9+.-]*://|[^/\s]+@[^/\s]+:")


class SourceError(Exception):
    """A source that cannot be used; the message is whole sentences that end with the way out."""


@dataclass(frozen=True, slots=True)
class GitSource:
    """A folder of a git repository. `url` is what git is given, `ref` a tag, branch or commit, None for the default
    branch; `subdir` is `/` separated, empty for the top; `protocol` one of https, ssh, file, http."""

    url: str
    ref: str | None
    subdir: str
    protocol: str

    @property
    def key(self) -> str:
        """What a lock file names it by: all folders of one repository at one ref are pinned together."""
        return f"{GIT}{self.url}" + (f"?ref={self.ref}" if self.ref is not None else "")

    @property
    def is_commit(self) -> bool:
        """Whether the ref is a whole commit id, which cannot move."""
        return self.ref is not None and _COMMIT.fullmatch(self.ref) is not None


def is_local(text: str) -> bool:
    """Whether a source is a folder beside the module that names it."""
    return text.startswith(("./", "../"))


def git_source(text: str) -> GitSource:
    """Read a source that is not local. Raises SourceError."""
    hidden = problem(text)
    if hidden is not None:
        raise SourceError(f"The source cannot be used: {hidden}. Take it out.")
    if not text.startswith(GIT):
        raise SourceError(_other(text))
    address, question, query = text.removeprefix(GIT).partition("?")
    url, subdir = _divided(address)
    return GitSource(url, _ref(query, text) if question else None, _subdir(subdir), _protocol(url))


def _other(text: str) -> str:
    """What to say of a source that is neither local nor `git::`."""
    whole = text.partition("?")
    if text.startswith(_SHORTHANDS):
        repository, slashes, subdir = whole[0].partition("//")
        written = f"{GIT}https://{repository.removesuffix('.git')}.git{slashes}{subdir}{whole[1]}{whole[2]}"
        return f'"{text}" is a short form that Terraform knows. Write it out: source = "{written}".'
    if _SCP.fullmatch(whole[0]) or (text.startswith(("https://", "ssh://")) and ".git" in text):
        return f'A git repository is marked as one: write source = "{GIT}{text}".'
    if _REMOTE.match(text):
        return (
            f'"{text}" is not a kind of module source that exists here: modules come from a local folder or from git. '
            f'Write source = "./folder" or source = "{GIT}https://host/org/repository.git//folder?ref=v1.0.0".'
        )
    return (
        f'"{text}" is not a local path, and there is no registry of modules. Start a path with ./ or ../, relative to '
        f"the module's folder; a git repository with {GIT}."
    )


def _divided(address: str) -> tuple[str, str]:
    """URL and folder in the repository: the first `//` after the scheme divides them."""
    start = address.find("://") + 3 if "://" in address else 1
    at = address.find("//", start)
    return (address, "") if at < 0 else (address[:at], address[at + 2 :])


def _subdir(text: str) -> str:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts or any(part.lower() == ".git" for part in parts):
        raise SourceError(f'"{text}" is no folder of the repository. Name it from the top, without "..".')
    return "/".join(parts)


def _ref(query: str, text: str) -> str:
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name != "ref" or name in found:
            raise SourceError(f'"?{query}" is not understood: the one argument is ref, once. Write {_with_ref(text)}.')
        found[name] = unquote(value)
    ref = found["ref"]
    if (
        _REF.fullmatch(ref) is None
        or ref.endswith(("/", ".", ".lock"))
        or any(bad in ref for bad in ("..", "//", "@{", "/."))
    ):
        raise SourceError(f'"{ref}" is no name of a tag, branch or commit. Write {_with_ref(text)}.')
    return ref


def _with_ref(text: str) -> str:
    return f'source = "{text.partition("?")[0]}?ref=v1.0.0"'


def _protocol(url: str) -> str:
    if url.startswith("/"):
        return "file"
    if "://" not in url:
        if _SCP.fullmatch(url) is not None:
            return "ssh"
        raise SourceError(
            f'"{url}" is no address of a repository. Write {GIT}https://host/org/repository.git, {GIT}ssh://git@host/… '
            "or the absolute path of a repository on this machine."
        )
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise SourceError(f'"{url}" is no URL. Correct it.') from None
    if parts.scheme not in _SCHEMES:
        raise SourceError(f'git is not run with "{parts.scheme}://" here. Use https, ssh or file.')
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise SourceError(
            "The URL holds a user name or password, and everybody reads this file. Take it out: git's own credential "
            "helper on each machine supplies it."
        )
    if parts.fragment or re.search(r"\s", url):
        raise SourceError(f'"{url}" holds a space or "#". Write it as %20 or %23.')
    if parts.scheme != "file" and (not host or host.startswith("-")):
        raise SourceError(f'"{url}" names no host. Write {GIT}https://host/org/repository.git.')
    if parts.scheme == "file" and host not in ("", "localhost"):
        raise SourceError(f'"{url}" names a host, and file:// is this machine. Write file:///absolute/path.')
    if parts.scheme == "http" and not _is_loopback(host):
        raise SourceError("http carries a module unprotected over the network. Use https or ssh.")
    return parts.scheme


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
