"""The calls under way: each in a thread of its own, a bounded number at once, all ended before a run is over."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Calls(Generic[T]):
    """With `most` 1 a call is made on the spot, in the caller's own thread: nothing then runs beside it.

    A `with` block waits for every call at its end, so nothing of a run is still going on once its lease is given back.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="apply") if most > 1 else None
        self._running: dict[Future[T], int] = {}
        self._ended: list[tuple[int, Future[T]]] = []

    def __enter__(self) -> Calls[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def full(self) -> bool:
        return len(self._running) + len(self._ended) >= self._most

    @property
    def any(self) -> bool:
        """Whether a call is under way or has an answer that was not taken."""
        return bool(self._running or self._ended)

    def start(self, at: int, call: Callable[[], T]) -> None:
        """Begin a call that is known by `at`. Raises what a call made on the spot raises."""
        if self._pool is None:
            future: Future[T] = Future()
            future.set_result(call())
            self._ended.append((at, future))
        else:
            self._running[self._pool.submit(call)] = at

    def take(self) -> tuple[int, T]:
        """Wait for an answer and take it; of several the first by `at`. Raises what the call raised."""
        if not self._ended:
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            self._ended = sorted(((self._running.pop(future), future) for future in done), key=lambda item: item[0])
        at, future = self._ended.pop(0)
        return at, future.result()
