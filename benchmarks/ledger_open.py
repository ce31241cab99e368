"""Opening a ledger of 10,000 entries: on local disk, and on moto's S3 entry by entry, cold (packs) and warm (cache).

    .venv/bin/python benchmarks/ledger_open.py [ENTRIES]

Aims: S3 cold under 20 s, warm under 2 s. moto answers one request at a time and copies its whole index for a listing
of versions; a real bucket does neither. Entries are written straight into the stores, since the clock is for opening.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import boto3

from provisioner.canonical import digest_bytes
from provisioner.ledger import packs
from provisioner.ledger.cache import Cache
from provisioner.ledger.entries import ENTRY_DOMAIN, Kind, encode, entry_name
from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger
from provisioner.ledger.places import open_remote

TESTS = Path(__file__).parents[1] / "tests" / "unit" / "ledger" / "object_stores.py"
URL = "s3://ledgers/bench?region=eu-central-1"


def entries(count: int) -> Iterator[tuple[str, bytes]]:
    """A journal of intents and outcomes, like an apply's."""
    previous, now = "", datetime.now(UTC)
    plan = "sha256:" + "a" * 64
    for index in range(1, count + 1):
        if index % 2:
            kind, body = Kind.INTENT, {"plan": plan, "operation": f"o{index}", "holder": "bench-0123456789abcdef"}
        else:
            kind = Kind.OUTCOME
            body = {"plan": plan, "operation": f"o{index - 1}", "status": "done", "detail": "", "live": plan}
        data = encode(index, previous, kind, "bench", now, body)
        previous = digest_bytes(ENTRY_DOMAIN, data)
        yield entry_name(index), data


def measure(label: str, count: int, work: Callable[[], Ledger]) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    ledger = work()
    assert len(ledger.history) == count
    wall, own = time.perf_counter() - start, time.process_time() - cpu
    print(f"{label:<13} {count} entries  {wall:6.2f} s wall  {own:6.2f} s CPU of ours  load {os.getloadavg()[0]:.1f}")


def main() -> None:
    given = sys.argv[1:2] or ["10000"]
    if not given[0].isdecimal() or int(given[0]) < 1:
        sys.exit(f"usage: python -m benchmarks.ledger_open [ENTRIES]; {given[0]!r} is no number of entries")
    count = int(given[0])
    spec = importlib.util.spec_from_file_location("object_stores", TESTS)
    assert spec is not None and spec.loader is not None
    stores = sys.modules["object_stores"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stores)
    made = list(entries(count))
    with tempfile.TemporaryDirectory() as folder, stores.moto_s3() as endpoint:
        local = LocalStore.create(Path(folder) / "ledger")
        for name, data in made:
            (Path(local.location) / name).write_bytes(data)
        measure("local", count, lambda: Ledger.open(local, "bench"))
        client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-central-1"
        )
        client.create_bucket(Bucket="ledgers", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        client.put_bucket_versioning(Bucket="ledgers", VersioningConfiguration={"Status": "Enabled"})
        store = open_remote(URL, endpoint, sandbox=True)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda pair: store.put_if_absent(*pair), made))
        measure("s3, unpacked", count, lambda: Ledger.open(store, "bench", packed=False))
        packs.write(store, "bench", Ledger.open(local, "bench").history, count)
        cache = Path(folder) / "cache"
        measure("s3, cold", count, lambda: Ledger.open(store, "bench", Cache(cache)))
        for _ in range(2):
            measure("s3, warm", count, lambda: Ledger.open(store, "bench", Cache(cache)))


if __name__ == "__main__":
    main()
