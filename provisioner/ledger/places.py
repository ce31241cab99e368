"""Where ledgers can be, as URLs: the form that the trust root binds, the pin covers and the runner's file holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from .errors import LedgerError

if TYPE_CHECKING:
    from .objects import ObjectStore

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_SCHEMES = ("s3://", "gs://")


def is_remote(location: str) -> bool:
    """Whether a location is one in an object store."""
    return location.startswith(_SCHEMES)


def location(kind: str, settings: Mapping[str, Any]) -> str:
    """The URL for a `ledger` block of the kind `s3` or `gcs`. Raises LedgerError for names that no cloud would take."""
    bucket, prefix = str(settings["bucket"]), str(settings.get("prefix") or "").strip("/")
    url = f"{'s3' if kind == 's3' else 'gs'}://{bucket}" + (f"/{prefix}" if prefix else "")
    if kind == "s3":
        url += f"?region={settings['region']}"
    _parts(url)
    return url


def open_remote(url: str, endpoint: str | None = None, sandbox: bool = False) -> ObjectStore:
    """The store at a location. `endpoint` replaces the cloud's own; `sandbox` stands for an emulator's credentials.

    Raises LedgerError for a URL that names no place.
    """
    bucket, prefix, region = _parts(url)
    if region is None:
        from .gcs import GcsStore

        return GcsStore(bucket, prefix, endpoint, sandbox=sandbox)
    from .s3 import Place, S3Store

    credentials = {"access_key_id": "sandbox", "secret_access_key": "sandbox"} if sandbox else None
    return S3Store(Place(bucket, prefix, region, endpoint), credentials)


def _parts(url: str) -> tuple[str, str, str | None]:
    """Bucket, prefix, and the region, which S3 alone has."""
    parts = urlsplit(url)
    bucket, prefix, query = parts.netloc, parts.path.strip("/"), parse_qs(parts.query)
    if not _BUCKET.fullmatch(bucket):
        raise _wrong(url, f"{bucket!r} is no bucket name")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise _wrong(url, "its prefix may hold letters, digits, '.', '_', '-', and single '/' between them")
    if parts.scheme != "s3":
        if parts.query or parts.fragment:
            raise _wrong(url, "a bucket of Google Cloud Storage takes nothing after its prefix")
        return bucket, prefix, None
    if set(query) != {"region"} or len(query["region"]) != 1 or parts.fragment:
        raise _wrong(url, "it must name the bucket's region, and nothing else")
    if not _REGION.fullmatch(query["region"][0]):  # it becomes part of a host name
        raise _wrong(url, f"{query['region'][0]!r} is no AWS region")
    return bucket, prefix, query["region"][0]


def _wrong(url: str, why: str) -> LedgerError:
    return LedgerError.because(
        "E-LEDGER-PLACE",
        f"{url} is no place for a ledger: {why}",
        "Write s3://BUCKET/PREFIX?region=REGION or gs://BUCKET/PREFIX in the runner's own file; in the ledger block,"
        " bucket, prefix and (for S3) region.",
    )
