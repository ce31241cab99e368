"""What protects a ledger's entries, as far as can be seen from here, and the probe that a store keeps its promise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

from ..model.diagnostics import Diagnostic, Severity
from .entries import entry_name
from .errors import LedgerError
from .gcs import GcsStore
from .s3 import S3Store
from .store import Store


def require_create_once(store: Store, index: int) -> None:
    """Try to write an entry that is there a second time, with its own bytes. Raises LedgerError when that works.

    So the probe leaves nothing behind, and does no harm in a store that fails it.
    """
    name = entry_name(index)
    stored = store.get(name)
    if stored is None:
        raise LedgerError.because(
            "E-LEDGER-PROBE",
            f"The store at {store.location} took {name} and does not show it",
            "Nothing was pinned. A ledger needs a store that shows what it took at once: use another one.",
        )
    if store.put_if_absent(name, stored.data):
        raise LedgerError.because(
            "E-LEDGER-PROBE",
            f"The store at {store.location} does not honour conditional writes",
            "It overwrote an entry that was there, so two appliers could not be told apart. Nothing was pinned. Use a"
            " store that honours If-None-Match on PUT (S3) or x-goog-if-generation-match (Google), and an empty"
            " prefix.",
        )


def lacks(store: Store) -> tuple[Diagnostic, ...]:
    """Warnings: what does not protect the entries, or could not be looked at. Reads only; raises LedgerError."""
    if isinstance(store, S3Store):
        return tuple(_s3(store))
    if isinstance(store, GcsStore):
        return (
            _warning(
                "W-LEDGER-UNSEEN",
                f"What protects the bucket {store.bucket} was not looked at",
                "A retention policy keeps entries from being overwritten or deleted; set one and lock it:\n"
                f"  gcloud storage buckets update gs://{store.bucket} --retention-period=10y",
            ),
        )
    return (
        _warning(
            "W-LEDGER-LOCAL",
            f"Whoever has this user's rights on this machine can rewrite the ledger at {store.location}",
            "That is found out by who remembers it: this runner, and every sign-off. A team keeps its ledger in a"
            ' versioned bucket: ledger "s3" or ledger "gcs".',
        ),
    )


def _s3(store: S3Store) -> Iterator[Diagnostic]:
    bucket = store.place.bucket
    versioning = _setting(store, "versioning")
    if versioning is None:
        yield _unseen(bucket, "versioning", "s3:GetBucketVersioning")
    elif _text(versioning, "Status") != "Enabled":
        yield _warning(
            "W-LEDGER-VERSIONING",
            f"The bucket {bucket} keeps no versions",
            "An entry that is overwritten or deleted is then gone. Enable versioning:\n"
            f"  aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled",
        )
    lock = _setting(store, "object-lock")
    if lock is None:
        yield _unseen(bucket, "object lock", "s3:GetBucketObjectLockConfiguration")
    elif _text(lock, "ObjectLockEnabled") != "Enabled" or _text(lock, "Mode") is None:
        yield _warning(
            "W-LEDGER-LOCK",
            f"The bucket {bucket} has no object lock with a default retention",
            "Whoever may delete versions can then take entries away for good. Set a default retention in compliance"
            " mode; object lock needs versioning.",
        )
    policy = store.ask("GET", {"policy": ""})
    if policy.status not in (200, 404):
        yield _unseen(bucket, "the bucket's policy", "s3:GetBucketPolicy")
        return
    denials = _denials(policy.body if policy.status == 200 else b"{}")
    if not any("if-none-match" in json.dumps(item.get("Condition", {})).lower() for item in denials):
        yield _warning(
            "W-LEDGER-POLICY",
            f"The policy of the bucket {bucket} does not demand conditional writes",
            "Deny s3:PutObject where the condition key s3:if-none-match is Null, so that no writer can overwrite.",
        )
    if not any("s3:deleteobject" in json.dumps(item.get("Action", "")).lower() for item in denials):
        yield _warning(
            "W-LEDGER-DELETE",
            f"The policy of the bucket {bucket} does not deny deletion",
            "Deny s3:DeleteObject and s3:DeleteObjectVersion on the ledger's prefix to everybody.",
        )


def _setting(store: S3Store, name: str) -> ET.Element | None:
    """One of the bucket's settings; an empty element where it was never set, None where it may not be read."""
    answer = store.ask("GET", {name: ""})
    if answer.status == 404:
        return ET.Element("none")
    if answer.status != 200:
        return None
    try:
        return ET.fromstring(answer.body)  # noqa: S314 - as in s3.py
    except ET.ParseError:
        return None


def _text(root: ET.Element, name: str) -> str | None:
    return next((item.text for item in root.iter() if item.tag.rpartition("}")[2] == name), None)


def _denials(policy: bytes) -> list[dict[str, Any]]:
    try:
        statements = json.loads(policy).get("Statement", [])
    except (ValueError, AttributeError):
        return []
    listed = statements if isinstance(statements, list) else [statements]
    return [item for item in listed if isinstance(item, dict) and item.get("Effect") == "Deny"]


def _unseen(bucket: str, what: str, permission: str) -> Diagnostic:
    return _warning(
        "W-LEDGER-UNSEEN",
        f"Whether {what} protects the bucket {bucket} could not be seen",
        f"Give this runner {permission} for `init`, or look by hand.",
    )


def _warning(code: str, summary: str, detail: str) -> Diagnostic:
    return Diagnostic(code, summary, detail, severity=Severity.WARNING)
