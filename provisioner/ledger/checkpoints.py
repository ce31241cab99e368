"""Checkpoints: a signed Merkle root over the ledger's first entries. What is signed and recorded; not by whom.

Whoever holds one can tell, with nothing else, whether a ledger still begins with what it covered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..canonical import dumps
from .entries import Entry, History, Kind, format_time
from .merkle import tree_text

DOMAIN = "provisioner/ledger-checkpoint/1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`size` entries, the digest of the last of them, the Merkle root over them, and when it was signed (RFC 3339)."""

    size: int
    head: str
    tree: str
    issued: str

    def signed_bytes(self, workspace: str, location: str) -> bytes:
        """What the checkpoint key signs: it binds workspace and place too."""
        return dumps(
            {
                "type": DOMAIN,
                "workspace": workspace,
                "ledger": location,
                "size": self.size,
                "head": self.head,
                "tree": self.tree,
                "issued": self.issued,
            }
        )

    def body(self, signature: str) -> dict[str, Any]:
        """The entry's body; `signature` is the SSHSIG blob in base64."""
        return {
            "size": self.size,
            "head": self.head,
            "tree": self.tree,
            "issued": self.issued,
            "signature": signature,
        }


def checkpoint_of(history: History, now: datetime) -> Checkpoint:
    """The checkpoint over everything read so far; the history must not be empty."""
    size = len(history)
    return Checkpoint(size, history[-1].digest, tree_text(history, size), format_time(now))


def parse(body: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint in an entry's body, whose shape `entries` has checked."""
    return Checkpoint(body["size"], body["head"], body["tree"], body["issued"])


def recorded(history: History) -> tuple[Entry, ...]:
    """The checkpoint entries, in order. Nothing of them is believed yet."""
    return tuple(history.of(Kind.CHECKPOINT))


def contradiction(history: History, checkpoint: Checkpoint, before: int | None = None) -> str | None:
    """Why a ledger is not what a checkpoint says, as a sentence part; None where it is.

    `before` is the index of the entry that holds it: a checkpoint covers only what came before.
    """
    limit = len(history) if before is None else before - 1
    if checkpoint.size > limit:
        return f"it covers {checkpoint.size} entries, and there were {limit}"
    if history[checkpoint.size - 1].digest != checkpoint.head:
        return f"entry {checkpoint.size} is another than it says"
    if tree_text(history, checkpoint.size) != checkpoint.tree:
        return f"the first {checkpoint.size} entries are not those that it covers"
    return None
