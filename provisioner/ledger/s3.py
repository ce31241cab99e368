"""A ledger in Amazon S3, or in what speaks its protocol with conditional writes.

Listing goes over versions, with a request that obstore signs and the standard library sends: obstore itself lists no
versions, and an overwritten or deleted entry must not pass for one that is, or never was, there.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from .clock import StoreClock
from .errors import LedgerError
from .objects import CLIENT, RETRIES, ObjectStore
from .store import Listed

if TYPE_CHECKING:
    from obstore.store import S3Store as Signer

_PAGE = 100_000
"""More than S3 ever returns at once (1,000): each store gives what it can."""

_SIGNED_FOR = timedelta(minutes=5)
_PAUSES = (0.2, 0.8, 2.0, 4.0)
_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, a prefix without slashes at its ends, a region, and an endpoint other than AWS's own."""

    bucket: str
    prefix: str
    region: str
    endpoint: str | None = None

    @property
    def base(self) -> str:
        """The endpoint's URL without a slash at its end."""
        if self.endpoint:
            return self.endpoint.rstrip("/")
        suffix = ".cn" if self.region.startswith("cn-") else ""
        return f"https://s3.{self.region}.amazonaws.com{suffix}"

    @property
    def location(self) -> str:
        """`s3://bucket/prefix?region=…`. The endpoint is no part of it: it is the runner's own business."""
        prefix = f"/{self.prefix}" if self.prefix else ""
        return f"s3://{self.bucket}{prefix}?region={self.region}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a signed request brought back."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class S3Store(ObjectStore):
    """Credentials are those of the environment (variables, web identity, container, machine role), unless given."""

    kind = "S3"
    permissions = "s3:GetObject, s3:PutObject, s3:ListBucket and s3:ListBucketVersions"

    def __init__(self, place: Place, credentials: Mapping[str, str] | None = None) -> None:
        from obstore.store import S3Store as Backend

        self.place = place
        self._credentials = dict(credentials or {})
        backend = Backend(
            place.bucket,
            prefix=place.prefix or None,
            config=self._config(place.base),
            client_options=self._client(),
            retry_config=RETRIES,
        )
        super().__init__(backend, place.location, StoreClock(f"{place.base}/{quote(place.bucket)}"))

    def listing(self, after: str = "") -> tuple[Listed, ...]:
        found: dict[str, list[Listed]] = {}
        for version in self._versions(after):
            if version.name > after:
                found.setdefault(version.name, []).append(version)
        for name, versions in found.items():
            tags = [version.tag for version in versions]
            if len(tags) > 1 or not tags[0]:
                what = "a delete marker" if not all(tags) else f"{len(tags)} versions"
                raise LedgerError.because(
                    "E-LEDGER-VERSIONS",
                    f"{name} in the ledger at {self.location} has {what}",
                    "Entries are written once and never taken away, so somebody has overwritten or deleted it. The"
                    " oldest version is the true one: find out who did it, have the later versions and markers"
                    " removed by their version ids, and deny s3:DeleteObject* and unconditional s3:PutObject.",
                )
        return tuple(found[name][0] for name in sorted(found))

    def ask(self, method: str, query: Mapping[str, str]) -> Answer:
        """A signed request on the bucket itself (`?versioning`, `?versions`). Raises LedgerError when none answers."""
        from obstore.exceptions import BaseError

        try:
            url = self._signed(method, query)
        except (BaseError, OSError) as error:
            raise self._failure("read", "the bucket", error) from error
        for pause in (*_PAUSES, None):
            try:
                answer = self._send(method, url)
            except OSError as error:
                if pause is None:
                    raise self._failure("read", "the bucket", error) from error
            else:
                if answer.status < 500 and answer.status != 429:
                    return answer
                if pause is None:
                    raise self._failure("read", "the bucket", OSError(f"{answer.status}"))
            time.sleep(pause)
        raise AssertionError("the last pause is None")

    def _versions(self, after: str) -> Iterator[Listed]:
        prefix = f"{self.place.prefix}/" if self.place.prefix else ""
        query = {"versions": "", "prefix": prefix, "max-keys": str(_PAGE)}
        if after:
            query["key-marker"] = prefix + after
        while True:
            answer = self.ask("GET", query)
            if answer.status != 200:
                raise self._failure("read", "the versions", OSError(f"{answer.status} {answer.body[:300]!r}"))
            self.clock.heard(answer.headers.get("Date"))
            try:
                page = ET.fromstring(answer.body)  # noqa: S314 - expat since 2.4.1 bounds entities; it came over TLS
            except ET.ParseError as error:
                raise self._failure("read", "the versions", error) from error
            for item in page:
                kind = item.tag.rpartition("}")[2]
                if kind in ("Version", "DeleteMarker"):
                    parts = {part.tag.rpartition("}")[2]: part.text or "" for part in item}
                    name = parts.get("Key", "").removeprefix(prefix)
                    tag = f"{parts.get('VersionId')} {parts.get('ETag')} {parts.get('LastModified')}"
                    yield Listed(name, tag if kind == "Version" else "", _time(parts.get("LastModified")))
            texts = {item.tag.rpartition("}")[2]: item.text or "" for item in page}
            if texts.get("IsTruncated") != "true":
                return
            query["key-marker"] = texts.get("NextKeyMarker", "")
            query["version-id-marker"] = texts.get("NextVersionIdMarker", "")

    def _signed(self, method: str, query: Mapping[str, str]) -> str:
        """A URL with a signature in it. obstore signs object paths only, so the query stands in the endpoint, and
        the path that obstore puts after it ends in a parameter that stores do not know."""
        from obstore import sign
        from obstore.store import S3Store as Backend

        text = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in query.items())
        endpoint = f"{self.place.base}/{quote(self.place.bucket)}?{text}&x-ignored="
        config: Any = {**self._config(endpoint), "virtual_hosted_style_request": True}
        signer: Signer = Backend(self.place.bucket, config=config, client_options=self._client())
        verb: Any = method
        return sign(signer, verb, "x", _SIGNED_FOR)

    def _send(self, method: str, url: str) -> Answer:
        request = urllib.request.Request(url, method=method)  # noqa: S310 - https, or loopback: runner.py
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                return Answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), dict(error.headers))

    def _config(self, endpoint: str) -> Any:
        return {"endpoint": endpoint, "region": self.place.region, **self._credentials}

    def _client(self) -> Any:
        return {**CLIENT, "allow_http": self.place.base.startswith("http://")}


def _time(text: str | None) -> datetime | None:
    """When a version was written, as the listing says; None for a form that this program does not know."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC).replace(microsecond=0) if found.tzinfo is not None else None
