"""How fast one account may be called: found out from its own answers, shared by every thread.

Until AWS throttles nothing is held back. A throttled answer halves the rate at which calls were sent just before; each
second without one lets it grow again, quickly at first, and after a while the limit is gone. IAM's limits are per
account and are not published, so there is no number to start from.
Source: AWS Architecture Blog, «Exponential Backoff And Jitter»; the idea of additive increase, multiplicative decrease.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

SLOWEST = 1.0
"""Calls a second that are always allowed."""

WINDOW_SECONDS = 2.0
SHORTEST_SECONDS = 0.1
"""Over how long the rate is measured: the calls of the last two seconds, or since the first of them."""

GROWTH = 1.1
"""By which the rate grows with each second that passes without a throttled answer."""

SETTLE_SECONDS = 0.25
"""Throttled answers that come so soon after one another speak of the same burst: they halve the rate once."""

CALM_SECONDS = 60.0
"""After so long without a throttled answer nothing is held back any more."""


class Limiter:
    """A token bucket of one call, whose rate adapts. `clock` and `sleep` are for tests."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._rate: float | None = None
        self._sent: deque[float] = deque()
        self._next = 0.0
        self._throttled_at = 0.0
        self._grown_at = 0.0

    @property
    def rate(self) -> float | None:
        """Calls a second, None where nothing is held back."""
        with self._lock:
            self._grow(self._clock())
            return self._rate

    def before_call(self) -> None:
        """Wait for this call's turn."""
        with self._lock:
            now = self._clock()
            self._grow(now)
            due = now
            if self._rate is not None:
                due = max(now, self._next)
                self._next = due + 1 / self._rate
            self._sent.append(due)
        if due > now:
            self._sleep(due - now)

    def throttled(self) -> None:
        """AWS has answered that calls come too fast."""
        with self._lock:
            now = self._clock()
            if self._rate is not None and now - self._throttled_at < SETTLE_SECONDS:
                return
            measured = self._measured(now)
            current = measured if self._rate is None else min(self._rate, max(measured, SLOWEST))
            self._rate = max(current / 2, SLOWEST)
            self._throttled_at = self._grown_at = now
            self._next = max(self._next, now + 1 / self._rate)

    def _measured(self, now: float) -> float:
        while self._sent and self._sent[0] < now - WINDOW_SECONDS:
            self._sent.popleft()
        if not self._sent:
            return 0.0
        return len(self._sent) / max(now - self._sent[0], SHORTEST_SECONDS)

    def _grow(self, now: float) -> None:
        self._measured(now)
        if self._rate is None:
            return
        if now - self._throttled_at >= CALM_SECONDS:
            self._rate = None
            return
        seconds = now - self._grown_at
        if seconds > 0:
            self._rate *= GROWTH**seconds
            self._grown_at = now
