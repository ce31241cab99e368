"""Signed checkpoints of the ledger: written after an apply, judged by the root's checkpoint keys."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence

from ..approval import keys, signing, sshsig
from ..approval.root import TrustRoot
from ..approval.wire import WireError, base64
from ..ledger import checkpoints, packs
from ..ledger.entries import Entry, Kind
from ..ledger.log import Ledger
from ..ledger.places import is_remote
from ..model.diagnostics import DiagnosticError
from ..runner import Runner
from .roots import location_of

NAMESPACE = "provisioner.checkpoint@v1"
"""A checkpoint's signature never passes as a sign-off, nor the other way round."""


def write(ledger: Ledger, runner: Runner, root: TrustRoot, environ: Mapping[str, str] | None = None) -> Entry | None:
    """Sign and record a checkpoint over all entries; None without a `checkpoint_key` in the runner's own file.

    Raises DiagnosticError for a key that the root does not name, or that does not sign.
    """
    path = runner.workspace(ledger.workspace).checkpoint_key
    if path is None:
        return None
    key = signing.public_key(path)
    if key.line not in _lines(root):
        raise DiagnosticError.of(
            "E-CHECKPOINT-KEY",
            f"{path} is no checkpoint key of trust root v{root.version}",
            f"Its line is {key.line}. Add it to approval.checkpoint_keys by a governance change, or take"
            f" checkpoint_key out of {runner.path}.",
        )
    ledger.refresh()
    made = checkpoints.checkpoint_of(ledger.history, ledger.store.now())
    message = made.signed_bytes(ledger.workspace, location_of(ledger))
    armored = signing.sign(message, path, NAMESPACE, environ)
    entry = ledger.append(Kind.CHECKPOINT, made.body(b64encode(sshsig.dearmor(armored)).decode()))
    if is_remote(ledger.store.location):
        packs.write(ledger.store, ledger.workspace, ledger.history, made.size)
    return entry


def unsigned(ledger: Ledger, entry: Entry, root: TrustRoot) -> str | None:
    """Why a recorded checkpoint counts for nothing, as a sentence part; None where a key of `root`, the one in force
    when it was recorded, has signed it."""
    found = checkpoints.parse(entry.body)
    try:
        blob = base64(entry.body["signature"], "its signature")
        key = sshsig.verify_blob(blob, found.signed_bytes(ledger.workspace, location_of(ledger)), NAMESPACE)
    except (WireError, sshsig.SignatureError) as error:
        return f"its signature does not count: {error}"
    if key.line not in _lines(root):
        return f"{key.fingerprint} is no checkpoint key of trust root v{root.version}"
    return None


def contradicted(ledger: Ledger, entry: Entry) -> str | None:
    """Why the ledger is not what a recorded checkpoint says of it; None where it is."""
    return checkpoints.contradiction(ledger.history, checkpoints.parse(entry.body), entry.index)


def _lines(root: TrustRoot) -> Sequence[str]:
    return tuple(keys.parse(line).line for line in root.data.approval.checkpoint_keys)
