"""A remote store's clock, as far as it can be seen from here.

The store says the time in the Date header of every answer. It is asked once; from then on this machine's count of
seconds since boot is added, so that nobody who sets this machine's clock moves it, and no request is spent on it.
What the store itself dated (an object's time) is never in its future.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from .errors import LedgerError

_AGAIN = 900.0
"""Seconds after which the store is asked again."""

_TIMEOUT = 20.0


def since_boot() -> float:
    """Seconds that pass also while the machine sleeps, where the system can say so."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class StoreClock:
    """`url` is the store's endpoint: anything that answers there, even a refusal, carries a Date."""

    def __init__(self, url: str, passed: Callable[[], float] = since_boot) -> None:
        self._url = url
        self._passed = passed
        self._told: tuple[datetime, float] | None = None
        self._seen = datetime.fromtimestamp(0, UTC)

    def heard(self, date: str | None) -> bool:
        """Take a Date header; False for one that is none."""
        try:
            time_ = parsedate_to_datetime(date or "")
        except ValueError:
            return False
        self._told = (time_.replace(tzinfo=UTC) if time_.tzinfo is None else time_.astimezone(UTC), self._passed())
        return True

    def saw(self, stored: datetime) -> None:
        """Take the time that the store gave an object."""
        self._seen = max(self._seen, stored)

    def now(self) -> datetime:
        """The store's time (aware, UTC), good to about a second. Raises LedgerError when it cannot be learnt."""
        if self._told is None or self._passed() - self._told[1] > _AGAIN:
            self._ask()
        assert self._told is not None
        told, at = self._told
        return max(told + timedelta(seconds=self._passed() - at), self._seen)

    def _ask(self) -> None:
        request = urllib.request.Request(self._url, method="HEAD")  # noqa: S310 - https, or loopback: runner.py
        why = "it answers without a Date"
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                date = answer.headers.get("Date")
        except urllib.error.HTTPError as error:
            date = error.headers.get("Date")
            error.close()
        except OSError as error:
            date, why = None, str(getattr(error, "reason", error))
        if not self.heard(date):
            raise LedgerError.because(
                "E-LEDGER-CLOCK",
                f"The ledger's store does not say what time it is: {why}",
                f"Sign-offs and leases are measured by the store's clock. Check that {self._url} can be reached.",
            )
