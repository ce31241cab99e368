"""Progress at a terminal: how many calls a read has made, how far an apply is. Everywhere else nothing is written.

All of it goes to standard error and is gone when the work is done, so that no report is ever mixed with it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from ..applying.result import Progress, Report
    from ..sdk.provider import Reader
    from .session import Session

PERIOD = 0.2
"""Seconds between two looks at how many calls were made."""


def reading(session: Session) -> Reading | None:
    """Who shows a read; None where nobody would see it."""
    return Reading(session) if _shown(session) else None


@contextmanager
def applying(session: Session) -> Iterator[Report | None]:
    """Who shows an apply; None where nobody would see it. However the apply ends, the bar is gone after it."""
    if not _shown(session):
        yield None
        return
    bar = _Applying(session)
    try:
        yield bar
    finally:
        bar.close()


def _shown(session: Session) -> bool:
    return session.err.isatty() and not session.json and session.environ.get("TERM") != "dumb"


def _console(session: Session) -> Console:
    from rich.console import Console

    return Console(file=session.err, no_color=not session.color(session.err), highlight=False, emoji=False)


class Reading:
    """A line for each provider while it reads: calls so far by its own count, and the time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._readers: dict[str, tuple[TaskID, Reader]] = {}
        self._wake = threading.Event()

    def begun(self, provider: str, reader: Reader) -> None:
        """A read begins: show it."""
        with self._lock:
            if self._bars is None:
                self._bars = _reads(_console(self._session))
                self._bars.start()
                self._wake = threading.Event()
                threading.Thread(target=self._follow, args=(self._bars, self._wake), daemon=True).start()
            self._readers[provider] = self._bars.add_task(f"reading {provider}", total=None, calls=""), reader

    def ended(self, provider: str) -> None:
        """A read is over; after the last one the lines go away."""
        with self._lock:
            task, _ = self._readers.pop(provider)
            if self._bars is None:
                return
            self._bars.remove_task(task)
            if not self._readers:
                self._wake.set()
                self._bars.stop()
                self._bars = None

    def _follow(self, bars: Bars, wake: threading.Event) -> None:
        while not wake.wait(PERIOD):
            with self._lock:
                for task, reader in self._readers.values():
                    bars.update(task, calls=told(reader))


def told(reader: Reader) -> str:
    """How many calls a reader has made, in how many places; "" where it does not count."""
    counted: dict[str, int] = getattr(reader, "calls", {})
    made, places = sum(counted.values()), len(counted)
    where = f" in {places} places" if places > 1 else ""
    return f"{made} call{'s' * (made != 1)}{where}" if counted else ""


def _reads(console: Console) -> Bars:
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    return Bars(*columns, TextColumn("{task.fields[calls]}", markup=False), console=console, transient=True)


class _Applying:
    """One bar over all operations, and what is being done."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def __call__(self, step: Progress) -> None:
        from ..applying.result import Phase
        from ..render.escape import clip

        bars, task = self._shown(step.total)
        if step.phase is Phase.WAITING:
            bars.update(task, doing=clip(f"waiting for the lease of {step.detail}", 40))
        elif step.phase is Phase.STARTED and step.operation is not None:
            bars.update(task, doing=clip(step.operation.verb, 40))
        else:
            bars.update(task, completed=step.number)

    def close(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _shown(self, total: int) -> tuple[Bars, TaskID]:
        if self._bars is None or self._task is None:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bars

            columns = (TextColumn("applying"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
            doing = TextColumn("{task.fields[doing]}", markup=False)
            self._bars = Bars(*columns, doing, console=_console(self._session), transient=True)
            self._bars.start()
            self._task = self._bars.add_task("applying", total=total, doing="")
        return self._bars, self._task
