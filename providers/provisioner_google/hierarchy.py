"""What stands above a project: its folders and its organization, read once for all projects of a run.

Policies are inherited: what a folder's policy grants counts in every project below it. So the chain is read upwards
from the project, and each policy on it. Where the reader may not look further, the rest is not known, which is said.
Sources: «Resource hierarchy», Resource Manager; REST reference v3 (projects.get, folders.get: `parent`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from provisioner.sdk.errors import CloudError

from . import table
from .client import RESOURCE_MANAGER, Json, Project
from .faults import CallError, Fault

T = TypeVar("T")

DEEPEST = 12
"""Folders nest ten deep. Source: «Quotas and limits», Resource Manager."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """What is above a project: full names, the nearest first. `unread` says what is further up and could not be read,
    `error` why; both empty where the chain is whole."""

    number: str
    ancestors: tuple[str, ...] = ()
    unread: str = ""
    error: CallError | None = None


class Shared:
    """Answers that serve several projects of one read, each asked for once. `projects` are the ids and numbers of
    those that are read: a mark counts in these alone, since anybody can write one in a project of his own."""

    def __init__(self, projects: Iterable[str] = ()) -> None:
        self.projects = frozenset(projects)
        self._lock = threading.Lock()
        self._known: dict[tuple[Any, ...], Future[Any]] = {}

    def once(self, project: Project, what: str, ask: Callable[[], T]) -> T:
        """The answer to `what` for everybody with the same way in; whoever is first asks. Raises what asking raises."""
        key = (*project.way_in, what)
        with self._lock:
            waiting = self._known.get(key)
            mine = waiting is None
            future: Future[T] = self._known.setdefault(key, Future())
        if mine:
            try:
                future.set_result(ask())
            except (CallError, CloudError, ValueError) as error:
                future.set_exception(error)
            finally:
                future.cancel()  # nobody waits for ever for an answer that a bug has eaten
        return future.result()


def lineage(project: Project, shared: Shared) -> Lineage:
    """The chain above a project. Raises CallError where the project itself cannot be read."""
    described = project.described()
    number = str(described.get("name", "")).removeprefix("projects/")
    above: list[str] = []
    parent = str(described.get("parent") or "")
    while parent and len(above) < DEEPEST:
        above.append(table.full_name(parent))
        if not parent.startswith("folders/"):
            break
        try:
            parent = str(shared.once(project, parent, _asking(project, parent)).get("parent") or "")
        except CallError as error:
            if error.fault not in (Fault.DENIED, Fault.ABSENT):
                raise
            return Lineage(number, tuple(above), f"what is above {parent}", error)
    return Lineage(number, tuple(above))


def _asking(project: Project, folder: str) -> Callable[[], Json]:
    return lambda: project.get(RESOURCE_MANAGER, f"/v3/{folder}")
