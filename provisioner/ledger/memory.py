"""A store in memory: the double for tests, with a clock that they can move."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from .store import Listed, Stored


class MemoryStore:
    """Same promises as any store, among the threads of one process."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or (lambda: datetime.now(UTC))
        self._objects: dict[str, Stored] = {}
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        return f"memory://{id(self):x}"

    def put_if_absent(self, name: str, data: bytes) -> bool:
        with self._lock:
            if name in self._objects:
                return False
            self._objects[name] = Stored(data, self._clock())
            return True

    def get(self, name: str) -> Stored | None:
        return self._objects.get(name)

    def names(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(self._objects))

    def fetch(self, names: Sequence[str]) -> Iterable[Stored | None]:
        return map(self.get, names)

    def listing(self, after: str = "") -> tuple[Listed, ...]:
        return tuple(Listed(name) for name in self.names() if name > after)

    def now(self) -> datetime:
        return self._clock()
