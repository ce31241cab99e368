"""Many operations carried out together: a bulk read stands for the look before each call, another reads all back.

A view may only say that live is as signed, and only while it is young and nothing of this run was written since.
Whatever else it shows, or does not show yet, is settled by the operation's own reads, as if there were no view.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from provisioner.model.changes import ABSENT, Operation, Outcome, Status
from provisioner.sdk.errors import CloudError

from . import schema
from .client import Account
from .execution import Execution
from .faults import ANSWERS
from .view import KINDS, View, view

VIEW_SECONDS = 10.0
"""How old a view may be when a call is made on it; an older one is read again, or each object by itself."""

READS_SAVED = 2
"""Small calls that a view saves for each operation that it stands for, at the least."""

DEAR = 32
"""What a bulk read is taken to cost, in small calls, before there was one. See `Account.bulk_cost`."""


class Views:
    """The views of one account that a batch goes by. Safe to use from several threads."""

    def __init__(self, account: Account, operations: Sequence[Operation], latest: dict[str, View]) -> None:
        """`latest` holds the newest view of each account, for the batch that comes next."""
        seen = [operation for operation in operations if operation.address.kind in KINDS]
        self._account = account
        self._names = frozenset(_role_of(operation) for operation in seen)
        self._left = len(seen)
        self._lock = threading.Lock()
        self._latest = latest
        self._view = latest.get(account.id)
        if self._view is not None and self._view.began <= account.wrote:
            self._view = None
        self._failed = False

    def before(self, operation: Operation) -> View | None:
        """A view that may stand for the look right before the operation's call; None where a single read has to."""
        if operation.address.kind not in KINDS:
            return None
        with self._lock:
            self._left -= 1
            if _removes_principal(operation):
                return None
            if not self._young():
                self._view = None
                if self._pays(self._left + 1):
                    self._read()
                    self._drop_old()
            return self._view

    def after(self, count: int) -> View | None:
        """A view that was begun after everything that this batch has written; None where single reads are cheaper. Of
        what took effect it may tell however long it took."""
        with self._lock:
            self._view = None
            if self._pays(count):
                self._read()
            return self._view

    def _young(self) -> bool:
        if self._view is None or time.monotonic() - self._view.began >= VIEW_SECONDS:
            return False
        return self._names <= self._view.names

    def _drop_old(self) -> None:
        """A read that took so long that it is old at its end stands for nothing, and neither would the next."""
        if not self._young():
            self._view, self._failed = None, True

    def _pays(self, count: int) -> bool:
        cost = self._account.bulk_cost
        return not self._failed and count * READS_SAVED > (DEAR if cost is None else cost)

    def _read(self) -> None:
        """A bulk read that fails is none: then each operation reads, and says, for itself."""
        try:
            self._view = self._latest[self._account.id] = view(self._account, self._names)
        except ANSWERS:
            self._failed = True


def _role_of(operation: Operation) -> str:
    return operation.address.name.partition("/")[0]


def _removes_principal(operation: Operation) -> bool:
    """What cannot be put back as it was is looked at right before its call, whatever that costs."""
    return operation.address.kind == schema.ROLE and operation.after == ABSENT


class Batch:
    """Operations of one writer under way together. See `provisioner.sdk.provider.Batch`."""

    def __init__(
        self,
        execute: Callable[[Operation, Callable[[], None]], Outcome],
        operations: Sequence[Operation],
        accounts: Mapping[str, Account],
        pause: Callable[[int], None],
        parallel: int,
        latest: dict[str, View],
    ) -> None:
        """`execute` carries one operation out by itself; for `latest` see `Views`."""
        self._execute, self._accounts, self._pause, self._parallel = execute, accounts, pause, parallel
        by_account: dict[str, list[Operation]] = defaultdict(list)
        for operation in operations:
            by_account[operation.address.target].append(operation)
        self._views = {id_: Views(accounts[id_], own, latest) for id_, own in by_account.items() if id_ in accounts}
        self._taken: dict[str, list[Execution]] = defaultdict(list)
        self._lock = threading.Lock()

    def execute(self, operation: Operation, proceed: Callable[[], None]) -> Outcome | None:
        """Carry one out. None: AWS took the call, and `read_back` tells the rest."""
        target = operation.address.target
        try:
            seen = self._views[target].before(operation) if target in self._views else None
        except CloudError as error:
            return no_session(operation, error)
        found = seen.found(operation) if seen is not None else None
        if found is None:
            return self._execute(operation, proceed)
        execution = Execution(operation, self._accounts[target], proceed, self._pause)
        try:
            outcome = execution.on(found)
        except CloudError as error:
            return no_session(operation, error, execution.attempts)
        if outcome is None:
            with self._lock:
                self._taken[target].append(execution)
        return outcome

    def read_back(self) -> Iterator[Outcome]:
        """One view for each account; what it does not show is read by itself, and waited for."""
        for target, executions in self._taken.items():
            seen = self._views[target].after(len(executions))
            left = []
            for execution in executions:
                found = seen.found(execution.operation) if seen is not None else None
                outcome = execution.shown(found) if found is not None else None
                if outcome is None:
                    left.append(execution)
                else:
                    yield outcome
            with ThreadPoolExecutor(max_workers=self._parallel, thread_name_prefix="read-back") as pool:
                yield from pool.map(Execution.read_back, left)


def no_session(operation: Operation, error: CloudError, attempts: int = 0) -> Outcome:
    """The outcome where there is no session to call with: nothing is sent any more. `attempts` were before that."""
    if attempts:
        return Outcome(operation.id, Status.UNKNOWN, f"{error.summary}: {error.detail}", attempts=attempts)
    return Outcome(operation.id, Status.FAILED, f"{error.summary}: {error.detail}; nothing was written")
