"""A ledger in an object store, through obstore: what S3 and Google Cloud Storage have in common.

Writing is one conditional create. A request that is repeated after a lost answer meets its own object: every write
carries a random token as metadata, so that a writer can tell its object from another's.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .clock import StoreClock
from .errors import LedgerError
from .store import Listed, Stored

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Obstore

MARK = "provisioner-write"
"""Metadata key of the token: x-amz-meta-… and x-goog-meta-…."""

WORKERS = 16
"""Requests under way at once while a ledger is read."""
RETRIES: Any = {
    "max_retries": 6,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=4), "base": 2},
}
"""Repeats of a throttled or failing request: over well before half of a lease."""

CLIENT: Any = {"timeout": timedelta(seconds=15), "connect_timeout": timedelta(seconds=5)}

_CONFLICTS = 5
_CREDENTIALS = (
    "Credentials are taken from the cloud's own environment variables (AWS: for a profile,"
    " `eval $(aws configure export-credentials --format env)`; Google: application default credentials) or from the"
    " machine's role."
)


class ObjectStore:
    """One prefix of one bucket. `location` is the URL that the trust root binds."""

    kind = "object store"
    permissions = ""

    def __init__(self, store: Obstore, location: str, clock: StoreClock) -> None:
        self._store = store
        self._location = location
        self.clock = clock

    @property
    def location(self) -> str:
        return self._location

    def put_if_absent(self, name: str, data: bytes) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        token = secrets.token_hex(16)
        for attempt in range(_CONFLICTS):
            try:
                obstore.put(self._store, name, data, mode="create", attributes={MARK: token}, use_multipart=False)
            except AlreadyExistsError:
                found = self._look(name)
                if found is not None:
                    return found == (token, data)
                time.sleep(0.05 * 2**attempt)  # another's write was under way, and has come to nothing
            except (BaseError, OSError) as error:
                if self._landed(name, (token, data)):
                    return True
                raise self._failure("write", name, error) from error
            else:
                return True
        raise LedgerError.because(
            "E-LEDGER-WRITE",
            f"Cannot write {name} in the ledger at {self.location}: the store says that it is there, and shows none",
            "Nothing goes on without the ledger. Look whether it has a delete marker; then run the command again.",
        )

    def get(self, name: str) -> Stored | None:
        import obstore
        from obstore.exceptions import BaseError

        try:
            found = obstore.get(self._store, name)
            data = bytes(found.bytes())
        except FileNotFoundError as error:
            self._demand_bucket(error)
            return None
        except (BaseError, OSError) as error:
            raise self._failure("read", name, error) from error
        stored_at = found.meta["last_modified"].astimezone(UTC).replace(microsecond=0)
        self.clock.saw(stored_at)
        return Stored(data, stored_at)

    def fetch(self, names: Sequence[str]) -> Iterable[Stored | None]:
        if len(names) < 2:
            yield from map(self.get, names)
            return
        with ThreadPoolExecutor(min(WORKERS, len(names))) as pool:
            try:
                yield from pool.map(self.get, names)
            finally:
                pool.shutdown(cancel_futures=True)

    def listing(self, after: str = "") -> tuple[Listed, ...]:
        import obstore
        from obstore.exceptions import BaseError

        out = []
        try:
            for chunk in obstore.list(self._store, offset=after or None):
                out += [_listed(meta["path"], str(meta.get("e_tag") or ""), meta["last_modified"]) for meta in chunk]
        except (BaseError, OSError) as error:
            raise self._failure("read", "the listing", error) from error
        return tuple(sorted((found for found in out if found.name > after), key=lambda found: found.name))

    def names(self) -> tuple[str, ...]:
        return tuple(found.name for found in self.listing())

    def now(self) -> datetime:
        return self.clock.now()

    def _landed(self, name: str, mine: tuple[str, bytes]) -> bool:
        """Whether a write whose answer was lost has arrived after all."""
        try:
            return self._look(name) == mine
        except LedgerError:
            return False  # the failure of the write itself is the one to tell

    def _look(self, name: str) -> tuple[str, bytes] | None:
        import obstore
        from obstore.exceptions import BaseError

        try:
            found = obstore.get(self._store, name)
            return str(found.attributes.get(MARK, "")), bytes(found.bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise self._failure("read", name, error) from error

    def _demand_bucket(self, error: BaseException) -> None:
        if "NoSuchBucket" in str(error):
            raise self._failure("read", "anything", error)

    def _failure(self, verb: str, name: str, error: BaseException) -> LedgerError:
        cause, way_out = self._cause(str(error))
        return LedgerError.because(
            f"E-LEDGER-{verb.upper()}",
            f"Cannot {verb} {name} in the ledger at {self.location}: {cause}",
            f"Nothing goes on without the ledger. {way_out}",
        )

    def _cause(self, said: str) -> tuple[str, str]:
        if "NoSuchBucket" in said or "bucket does not exist" in said.lower():
            return "there is no such bucket", "Make it (versioned, without public access), or name the right one."
        if "169.254." in said or "metadata.google" in said:
            return "there are no credentials", f"{_CREDENTIALS} It needs {self.permissions} on the prefix."
        if re.search(r"\b(401|403)\b|Forbidden|Unauthor|AccessDenied|credential", said):
            return (
                "the store refuses these credentials",
                f"This runner needs {self.permissions} on the prefix. {_CREDENTIALS}",
            )
        if re.search(r"\b(429|503)\b|SlowDown|TooManyRequests", said):
            return "the store is throttling", "Run the command again in a minute."
        if re.search(r"\b5\d\d\b", said):
            return "the store answers with an error of its own", "Run the command again in a minute."
        return _short(said), "Check the network and the endpoint, then run the command again."


def _listed(name: str, tag: str, modified: datetime) -> Listed:
    return Listed(name, f"{tag} {modified}", modified.astimezone(UTC).replace(microsecond=0))


def _short(said: str) -> str:
    """The first line of a library's message, without the dump of its internals."""
    line = said.strip().splitlines()[0] if said.strip() else "no reason given"
    return line[:200]
