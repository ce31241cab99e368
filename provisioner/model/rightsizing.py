"""What `provisioner rightsize` found, and what it would write."""

from __future__ import annotations

from dataclasses import dataclass

from .usage import Denied, Window


@dataclass(frozen=True, slots=True)
class ToolNote:
    """One tool in one cloud. `place` is where it stands (`file:line`), `agents` all that hold it.

    `unused` and `loose` are what goes, `kept` says why something stays, `refused` why the tool is not edited at all;
    its detail ends with the way out.
    """

    tool: str
    cloud: str
    place: str
    agents: tuple[str, ...]
    unused: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    refused: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """A live policy that the edit changes, as the plan after it would say: `effect` is `narrower` or `equal`."""

    label: str
    agent: str
    effect: str
    cannot: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One file: its name from the root, the text as it is and as it would be, and their unified diff."""

    name: str
    before: str
    after: str
    diff: str


@dataclass(frozen=True, slots=True)
class Rightsizing:
    """The whole. `windows` are by `cloud target`; `unmapped` are events without a known permission, with their number.

    `edits` is empty where nothing is to be written.
    """

    agents: tuple[str, ...]
    windows: tuple[tuple[str, Window], ...]
    tools: tuple[ToolNote, ...]
    denied: tuple[Denied, ...] = ()
    unmapped: tuple[tuple[str, int], ...] = ()
    compared: tuple[Compared, ...] = ()
    edits: tuple[FileEdit, ...] = ()
