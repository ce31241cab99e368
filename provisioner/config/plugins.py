"""Rules written in Python: functions that an installed package offers by an entry point.

A `rule` block names one (`check = "naming"`), so that its severity and surface are the trust root's like those of any
other rule; installing a package alone judges nothing.

    [project.entry-points."provisioner.rules"]
    naming = "acme_rules:naming"

    def naming(block: Mapping[str, Any], blocks: Mapping[str, Sequence[Mapping[str, Any]]]) -> str | None:
        \"\"\"A sentence for a block that breaks the rule, None for one that does not.\"\"\"

A sentence is one line of at most MOST characters: what is beyond is cut off, since people sign it.
`block` has the fields that `self` has in a condition; `blocks` has all blocks by kind (`agent`, `tool`, `grant`, …).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ..lang.suggest import nearest

GROUP = "provisioner.rules"
MOST = 400
"""Characters of a sentence, and of what is told of a failure."""
Function = Callable[[Mapping[str, Any], Mapping[str, Sequence[Mapping[str, Any]]]], str | None]


class PluginError(Exception):
    """A check that cannot be used, or that failed: a sentence for people."""


@dataclass(frozen=True, slots=True)
class Check:
    """A function by its entry point. `text` says which, with the package that brings it and its version: the trust
    root holds that, so that another version is governance's to accept."""

    text: str
    function: Function

    def message(self, block: Mapping[str, Any], blocks: Mapping[str, Sequence[Mapping[str, Any]]]) -> str | None:
        """What the check says of a block. Raises PluginError where it fails, or answers with something else."""
        try:
            said = self.function(block, blocks)
        except (Exception, SystemExit) as error:  # somebody else's code: whatever it raises, the rule did not judge
            raise PluginError(f"it raised {_told(error)}") from error
        if said is None:
            return None
        sentence = _line(said) if isinstance(said, str) else ""
        if not sentence:
            what = "an empty text" if isinstance(said, str) else type(said).__name__
            raise PluginError(f"it answered with {what}, and not with a sentence or None")
        return sentence


def check(name: str) -> Check:
    """The check of that name. Raises PluginError where none is installed, several are, or it cannot be loaded."""
    known: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        known.setdefault(point.name, []).append(point)
    found = known.get(name, [])
    if not found:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else f"install the package that offers it in {GROUP}"
        raise PluginError(f"no installed package offers it: {hint}")
    if len(found) > 1:
        raise PluginError(f"several packages offer it: {', '.join(sorted(map(_package, found)))}")
    (point,) = found
    try:
        function = point.load()
    except (Exception, SystemExit) as error:  # the same: an import runs the package's own code
        raise PluginError(f"{_package(point)} cannot be loaded: {_told(error)}") from error
    if not callable(function):
        raise PluginError(f"{point.value} of {_package(point)} is no function")
    return Check(f"check {name} of {_package(point)}", function)


def _line(text: str) -> str:
    """A text as one line that can be written anywhere: no half characters, no controls, and bounded."""
    whole = str.__str__(text)[: 4 * MOST].encode("utf-8", "replace").decode("utf-8")
    shown = " ".join("".join(c if c.isprintable() else " " for c in whole).split())
    return shown if len(shown) <= MOST else shown[: MOST - 1] + "…"


def _told(error: BaseException) -> str:
    """An exception in words; one that cannot even say what it is, by its type."""
    try:
        said = _line(str(error))
    except Exception:  # noqa: BLE001 - its own __str__ failed
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
