"""A ledger in Google Cloud Storage.

obstore sees no generations but the live one, so an overwritten entry is found out by the chain, the witnesses and the
runner's memory only; a retention policy on the bucket is what prevents it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .clock import StoreClock
from .objects import CLIENT, RETRIES, ObjectStore

_ENDPOINT = "https://storage.googleapis.com"


class GcsStore(ObjectStore):
    """Credentials are the application default ones, unless `sandbox` says that `endpoint` is an emulator."""

    kind = "Google Cloud Storage"
    permissions = "storage.objects.get, storage.objects.create and storage.objects.list"

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None, sandbox: bool = False) -> None:
        from obstore.store import GCSStore as Backend

        self.bucket, self.prefix = bucket, prefix
        base = (endpoint or _ENDPOINT).rstrip("/")
        config: Any = {"base_url": base, **({"bearer_token": "sandbox"} if sandbox else {})}
        client: Mapping[str, Any] = {**CLIENT, "allow_http": base.startswith("http://")}
        options: Any = client
        backend = Backend(bucket, prefix=prefix or None, config=config, client_options=options, retry_config=RETRIES)
        location = f"gs://{bucket}/{prefix}" if prefix else f"gs://{bucket}"
        super().__init__(backend, location, StoreClock(base))
