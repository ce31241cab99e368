"""The runner's own memory of a ledger: the newest entry that it has seen, in a file of this machine.

A ledger that does not hold that entry any more was rolled back or rewritten, however well its chain fits together.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from ..canonical import CanonicalError, dumps, loads
from .errors import LedgerError
from .log import Witness

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


def recall(path: Path, identity: str) -> Witness | None:
    """What was remembered of the ledger `identity` (its location and pin); None where nothing is.

    Raises LedgerError for a file that is damaged: what it knew must not be lost without a word.
    """
    try:
        value = loads(path.read_bytes())
        if not isinstance(value, dict) or set(value) != {"ledger", "index", "digest"}:
            raise CanonicalError("its fields are not those of a memory")
        if type(value["index"]) is not int or value["index"] < 1 or not isinstance(value["digest"], str):
            raise CanonicalError("it names no entry")
    except FileNotFoundError:
        return None
    except (CanonicalError, OSError) as error:
        raise LedgerError.because(
            "E-LEDGER-MEMORY",
            f"What this runner remembers of the ledger cannot be read: {path}: {error}",
            "It guards against a ledger that was rolled back. Compare the ledger's newest entry with a colleague's"
            " (`provisioner audit verify`), then remove the file.",
        ) from error
    return Witness(value["index"], value["digest"]) if value["ledger"] == identity else None


def remember(path: Path, identity: str, head: Witness) -> bool:
    """Replace what is remembered, atomically; False where this user may not write there. Raises LedgerError."""
    data = dumps({"ledger": identity, "index": head.index, "digest": head.digest})
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".memory-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        if error.errno in _READ_ONLY:
            return False
        raise LedgerError.because(
            "E-LEDGER-MEMORY",
            f"Cannot remember the ledger's newest entry in {path}: {error.strerror}",
            "Nothing in the ledger is lost. Mend that, then run the command again.",
        ) from error
    return True
