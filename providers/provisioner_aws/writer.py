"""Executes signed operations, one by one or many together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from provisioner.model.changes import Operation, Outcome, Status
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection

from .batch import Batch, no_session
from .client import READ_SECONDS
from .execution import READ_TRIES, WRITE_TRIES, Execution
from .reader import AWSReader
from .view import View

__all__ = ["READ_TRIES", "WRITE_TRIES", "AWSWriter"]

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0


class AWSWriter(AWSReader):
    """A reader that can execute. `sleep` and `read_seconds` (time-out of one call) are for tests."""

    role_setting = "apply_role"

    parallel = 10
    """Operations that may be under way at once. They share one `Limiter` an account."""

    batch_most = 500
    """Operations of one batch: more would only make what is open after a crash more to read."""

    def __init__(
        self,
        connections: Sequence[Connection],
        sleep: Callable[[float], None] = time.sleep,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        super().__init__(connections, read_seconds)
        self._sleep = sleep
        self._latest: dict[str, View] = {}

    def execute(self, operation: Operation, proceed: Callable[[], None]) -> Outcome:
        """Carry out one operation. What the cloud answers is in the Outcome; only `proceed` raises."""
        account = self._accounts.get(operation.address.target)
        if account is None:
            detail = f"this runner has no connection to account {operation.address.target}; nothing was written"
            return Outcome(operation.id, Status.FAILED, detail)
        execution = Execution(operation, account, proceed, self._pause)
        try:
            return execution.run()
        except CloudError as error:
            return no_session(operation, error, execution.attempts)

    def batch(self, operations: Sequence[Operation]) -> Batch:
        """See `provisioner.sdk.provider.Batching`."""
        return Batch(self.execute, operations, self._accounts, self._pause, self.parallel, self._latest)

    def _pause(self, attempt: int) -> None:
        """Doubling, and spread so that many agents do not come back at the same moment."""
        self._sleep(min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * (0.5 + random.random() / 2))  # noqa: S311
