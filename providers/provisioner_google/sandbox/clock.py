"""The emulator's clock: the machine's time plus an offset that a test can move."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch. `advance` moves it forward; it never goes back, as etags and expiry count on that."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since the epoch, as the emulator sees it."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Raises ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("the emulator's clock does not go back")
        with self._lock:
            self._offset += seconds


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with microseconds, as proto3 JSON writes a Timestamp."""
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
