"""The ledger in S3 (moto) and in Google Cloud Storage (a handler that honours preconditions): one set of promises."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

import boto3
import pytest

from provisioner.ledger import objects, packs
from provisioner.ledger.cache import Cache
from provisioner.ledger.entries import Kind, entry_name
from provisioner.ledger.errors import LedgerError
from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger
from provisioner.ledger.objects import ObjectStore
from provisioner.ledger.places import location, open_remote
from provisioner.ledger.protection import lacks, require_create_once
from provisioner.ledger.s3 import Place, S3Store
from provisioner.ledger.store import Store

_SPEC = importlib.util.spec_from_file_location("object_stores", Path(__file__).with_name("object_stores.py"))
assert _SPEC is not None and _SPEC.loader is not None
stores = importlib.util.module_from_spec(_SPEC)
sys.modules["object_stores"] = stores
_SPEC.loader.exec_module(stores)
if TYPE_CHECKING:
    from object_stores import Gcs

S3_URL = "s3://ledgers/acme/prod?region=eu-central-1"
GCS_URL = "gs://ledgers/acme/prod"
BODY = {"plan": "p", "operation": "1", "holder": "h"}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with stores.moto_s3() as endpoint:
        yield endpoint


@pytest.fixture
def client(moto: str) -> Any:
    stores.reset(moto)
    made = boto3.client(
        "s3", endpoint_url=moto, aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-central-1"
    )
    made.create_bucket(Bucket="ledgers", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    made.put_bucket_versioning(Bucket="ledgers", VersioningConfiguration={"Status": "Enabled"})
    return made


@pytest.fixture
def s3(client: Any, moto: str) -> ObjectStore:
    return open_remote(S3_URL, moto, sandbox=True)


@pytest.fixture
def gcs_server() -> Iterator[Gcs]:
    server = stores.Gcs()
    yield server
    server.close()


@pytest.fixture
def gcs(gcs_server: Gcs) -> ObjectStore:
    return open_remote(GCS_URL, gcs_server.endpoint, sandbox=True)


@pytest.fixture(params=["s3", "gcs"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    found: ObjectStore = request.getfixturevalue(request.param)
    return found


def fill(store: Store, count: int) -> Ledger:
    ledger = Ledger.open(store, "acme")
    for number in range(count):
        ledger.append(Kind.INTENT, {**BODY, "operation": str(number)})
    return ledger


def code(error: pytest.ExceptionInfo[LedgerError]) -> str:
    return error.value.diagnostics[0].code


def test_what_goes_in_comes_out_in_one_order(store: ObjectStore) -> None:
    ledger = fill(store, 5)
    again = Ledger.open(store, "acme")
    assert list(again.history) == list(ledger.history)
    assert store.names() == tuple(entry_name(index) for index in range(1, 6))
    assert [found.name for found in store.listing(entry_name(3))] == [entry_name(4), entry_name(5)]
    assert all(abs((entry.stored_at - entry.time).total_seconds()) < 5 for entry in again.history)


def test_a_name_is_taken_once(store: ObjectStore) -> None:
    assert store.put_if_absent("00000001.json", b"a")
    assert not store.put_if_absent("00000001.json", b"b")
    assert not store.put_if_absent("00000001.json", b"a"), "another's object with the same bytes is not mine"
    found = store.get("00000001.json")
    assert found is not None and found.data == b"a"
    assert store.get("00000002.json") is None


def test_the_probe_tells_a_store_that_overwrites(gcs: ObjectStore, gcs_server: Gcs, s3: ObjectStore) -> None:
    fill(s3, 1)
    require_create_once(s3, 1)
    fill(gcs, 1)
    require_create_once(gcs, 1)
    gcs_server.faults.ignore_conditions = True
    with pytest.raises(LedgerError) as error:
        require_create_once(gcs, 1)
    assert code(error) == "E-LEDGER-PROBE"
    with pytest.raises(LedgerError):
        require_create_once(gcs, 2)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_failing_or_throttling_store_is_asked_again(gcs: ObjectStore, gcs_server: Gcs, status: int) -> None:
    gcs_server.faults.before += [status, status]
    assert fill(gcs, 1).head.index == 1
    gcs_server.faults.before += [status]
    assert Ledger.open(gcs, "acme").head.index == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_write_whose_answer_was_lost_is_known_as_ones_own(gcs: ObjectStore, gcs_server: Gcs, status: int) -> None:
    gcs_server.faults.after += [status]
    ledger = fill(gcs, 1)
    assert [entry.index for entry in ledger.history] == [1]
    assert len(gcs_server.objects) == 1


def test_a_store_that_never_answers_is_an_error_and_no_loss(gcs_server: Gcs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "RETRIES", {"max_retries": 0})
    monkeypatch.setattr("provisioner.ledger.gcs.RETRIES", {"max_retries": 0})
    store = open_remote(GCS_URL, gcs_server.endpoint, sandbox=True)
    ledger = fill(store, 1)
    gcs_server.faults.before += [503] * 3
    with pytest.raises(LedgerError) as error:
        ledger.append(Kind.INTENT, BODY)
    assert code(error) == "E-LEDGER-WRITE" and "throttling" in str(error.value)
    gcs_server.faults.before.clear()
    assert ledger.append(Kind.INTENT, BODY).index == 2


def test_refused_credentials_and_missing_buckets_say_so(
    moto: str, client: Any, gcs: ObjectStore, gcs_server: Gcs
) -> None:
    gcs_server.faults.before += [403] * 5
    with pytest.raises(LedgerError) as error:
        Ledger.open(gcs, "acme")
    assert "storage.objects.list" in error.value.diagnostics[0].detail
    elsewhere = open_remote("s3://nowhere/acme?region=eu-central-1", moto, sandbox=True)
    with pytest.raises(LedgerError) as error:
        Ledger.open(elsewhere, "acme")
    assert "no such bucket" in str(error.value)
    with pytest.raises(LedgerError) as error:
        elsewhere.put_if_absent("00000001.json", b"x")
    assert "no such bucket" in str(error.value)


def test_an_unreachable_store_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.ledger.s3._PAUSES", ())
    store = open_remote(S3_URL, "http://127.0.0.1:9", sandbox=True)
    with pytest.raises(LedgerError) as error:
        Ledger.open(store, "acme")
    assert code(error) == "E-LEDGER-READ"
    with pytest.raises(LedgerError) as error:
        store.now()
    assert code(error) == "E-LEDGER-CLOCK"


def test_a_delete_marker_is_refused(s3: ObjectStore, client: Any, tmp_path: Path) -> None:
    fill(s3, 3)
    cache = Cache(tmp_path / "cache")
    Ledger.open(s3, "acme", cache)
    client.delete_object(Bucket="ledgers", Key="acme/prod/00000003.json")
    for attempt in (None, cache):
        with pytest.raises(LedgerError) as error:
            Ledger.open(s3, "acme", attempt)
        assert code(error) == "E-LEDGER-VERSIONS" and "delete marker" in str(error.value)


def test_a_second_version_is_refused(s3: ObjectStore, client: Any) -> None:
    fill(s3, 3)
    key = "acme/prod/00000002.json"
    data = client.get_object(Bucket="ledgers", Key=key)["Body"].read()
    client.put_object(Bucket="ledgers", Key=key, Body=data)
    with pytest.raises(LedgerError) as error:
        Ledger.open(s3, "acme")
    assert code(error) == "E-LEDGER-VERSIONS" and "2 versions" in str(error.value)


def test_a_foreign_object_and_a_gap_are_refused(s3: ObjectStore, client: Any) -> None:
    fill(s3, 1)
    client.put_object(Bucket="ledgers", Key="acme/prod/00000003.json", Body=b"{}")
    with pytest.raises(LedgerError) as error:
        Ledger.open(s3, "acme")
    assert code(error) == "E-LEDGER-BROKEN" and "missing" in error.value.diagnostics[0].detail
    client.put_object(Bucket="ledgers", Key="acme/prod/notes/readme", Body=b"{}")
    client.put_object(Bucket="ledgers", Key="acme/production", Body=b"of another ledger")
    with pytest.raises(LedgerError) as error:
        Ledger.open(s3, "acme")
    assert code(error) in ("E-LEDGER-BROKEN", "E-LEDGER-FOREIGN")


def test_a_squatted_entry_is_refused(s3: ObjectStore, client: Any) -> None:
    ledger = fill(s3, 1)
    client.put_object(Bucket="ledgers", Key="acme/prod/00000002.json", Body=b'{"kind":"lease"}')
    with pytest.raises(LedgerError) as error:
        ledger.append(Kind.INTENT, BODY)
    assert code(error) == "E-LEDGER-BROKEN"


def test_verified_entries_are_not_fetched_again(
    s3: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(s3, 4)
    cache = Cache(tmp_path / "cache")
    first = Ledger.open(s3, "acme", cache)
    fetched: list[str] = []
    real = s3.get
    monkeypatch.setattr(s3, "get", lambda name: fetched.append(name) or real(name))
    assert list(Ledger.open(s3, "acme", Cache(tmp_path / "cache")).history) == list(first.history)
    assert fetched == []
    first.append(Kind.INTENT, BODY)
    fetched.clear()
    assert Ledger.open(s3, "acme", Cache(tmp_path / "cache")).head.index == 5
    assert fetched == [entry_name(5)]


def test_a_ledger_cut_short_or_rewritten_is_told_by_the_cache(
    gcs: ObjectStore, gcs_server: Gcs, tmp_path: Path
) -> None:
    fill(gcs, 3)
    Ledger.open(gcs, "acme", Cache(tmp_path / "cache"))
    gone = gcs_server.objects.pop("acme/prod/00000003.json")
    with pytest.raises(LedgerError) as error:
        Ledger.open(gcs, "acme", Cache(tmp_path / "cache"))
    assert code(error) == "E-ROLLBACK"
    assert Ledger.open(gcs, "acme").append(Kind.INTENT, {**BODY, "holder": "other"}).index == 3
    with pytest.raises(LedgerError) as error:
        Ledger.open(gcs, "acme", Cache(tmp_path / "cache"))
    assert code(error) == "E-ROLLBACK"
    gcs_server.objects["acme/prod/00000003.json"] = gone
    assert Ledger.open(gcs, "acme", Cache(tmp_path / "cache")).head.index == 3


@pytest.mark.parametrize("at", [10, 70, 200, 400, -2])
def test_a_damaged_cache_costs_time_only(gcs: ObjectStore, tmp_path: Path, at: int) -> None:
    ledger = fill(gcs, 3)
    path = tmp_path / "cache"
    Ledger.open(gcs, "acme", Cache(path))
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert list(Ledger.open(gcs, "acme", Cache(path)).history) == list(ledger.history)
    assert list(Ledger.open(gcs, "acme", Cache(path)).history) == list(ledger.history)


def test_the_clock_is_the_stores(gcs_server: Gcs, monkeypatch: pytest.MonkeyPatch) -> None:
    import time as machine

    gcs_server.faults.clock = 7200.0
    store = open_remote(GCS_URL, gcs_server.endpoint, sandbox=True)
    ahead = store.now().timestamp() - machine.time()
    assert 7190 < ahead < 7210
    before = store.now()
    monkeypatch.setattr(machine, "time", lambda: 0.0)
    assert store.now() >= before, "a machine's clock that is set back moves nothing"
    monkeypatch.undo()
    entry = fill(store, 1).history[0]
    assert abs((entry.stored_at - before).total_seconds()) < 10
    assert store.now() >= entry.stored_at


def test_what_protects_a_bucket_is_seen(s3: ObjectStore, client: Any, gcs: ObjectStore, tmp_path: Path) -> None:
    codes = {item.code for item in lacks(s3)}
    assert codes == {"W-LEDGER-LOCK", "W-LEDGER-POLICY", "W-LEDGER-DELETE"}
    client.put_bucket_policy(
        Bucket="ledgers",
        Policy=stores.policy(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::ledgers/*",
                "Condition": {"Null": {"s3:if-none-match": "true"}},
            },
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                "Resource": "arn:aws:s3:::ledgers/*",
            },
        ),
    )
    client.put_bucket_versioning(Bucket="ledgers", VersioningConfiguration={"Status": "Suspended"})
    assert {item.code for item in lacks(s3)} == {"W-LEDGER-LOCK", "W-LEDGER-VERSIONING"}
    assert {item.code for item in lacks(gcs)} == {"W-LEDGER-UNSEEN"}
    assert {item.code for item in lacks(LocalStore.create(tmp_path / "ledger"))} == {"W-LEDGER-LOCAL"}


@pytest.mark.parametrize(
    "url",
    [
        "s3://ledgers/acme",
        "s3://ledgers/acme?region=eu-central-1.evil.example",
        "s3://ledgers/acme?region=eu-central-1&x=1",
        "s3://LEDGERS/acme?region=eu-central-1",
        "s3:///acme?region=eu-central-1",
        "s3://ledgers/../other?region=eu-central-1",
        "s3://ledgers/a//b?region=eu-central-1",
        "gs://ledgers/acme?region=x",
        "gs://user@ledgers/acme",
    ],
)
def test_a_place_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(LedgerError) as error:
        open_remote(url)
    assert code(error) == "E-LEDGER-PLACE"


def test_places_are_named_as_the_trust_root_binds_them(moto: str) -> None:
    s3 = location("s3", {"bucket": "ledgers", "prefix": "/acme/prod/", "region": "eu-central-1"})
    assert s3 == S3_URL == open_remote(S3_URL, moto, sandbox=True).location
    gcs = location("gcs", {"bucket": "ledgers", "prefix": "acme/prod"})
    assert gcs == GCS_URL == open_remote(GCS_URL, moto, sandbox=True).location


APPENDER = """
import sys
from pathlib import Path
from provisioner.ledger.entries import Kind
from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger
from provisioner.ledger.places import open_remote
place, endpoint, who = sys.argv[1:]
store = open_remote(place, endpoint, sandbox=True) if endpoint else LocalStore(Path(place))
ledger = Ledger.open(store, "acme")
for number in range(6):
    ledger.append(Kind.INTENT, {"plan": "p", "holder": "h", "operation": f"{who}-{number}"})
"""


@pytest.mark.parametrize("kind", ["local", "s3", "gcs"])
def test_four_processes_append_at_once_and_each_entry_is_there_once(
    kind: str, moto: str, client: Any, gcs_server: Gcs, tmp_path: Path
) -> None:
    local = LocalStore.create(tmp_path / "ledger").location
    place, endpoint = {"local": (local, ""), "s3": (S3_URL, moto), "gcs": (GCS_URL, gcs_server.endpoint)}[kind]
    workers = [subprocess.Popen([sys.executable, "-c", APPENDER, place, endpoint, str(who)]) for who in range(4)]
    try:
        assert [worker.wait(60) for worker in workers] == [0, 0, 0, 0]
    finally:
        for worker in workers:
            worker.kill()
    store: Store = open_remote(place, endpoint, sandbox=True) if endpoint else LocalStore(Path(place))
    found = [entry.body["operation"] for entry in Ledger.open(store, "acme").history]
    for who in range(4):
        own = [name for name in found if name.startswith(f"{who}-")]
        assert own == [f"{who}-{number}" for number in range(6)]
    assert len(found) == 24


def test_a_listing_of_versions_is_signed_as_the_specification_says() -> None:
    """moto checks no signature, so it is computed here once more: AWS Signature Version 4, query string form."""
    store = S3Store(Place("led.gers", "a/b", "eu-central-1"), {"access_key_id": "AK", "secret_access_key": "SK"})
    url = store._signed("GET", {"versions": "", "prefix": "a/b/", "key-marker": "a/b/x y+z.json"})
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "s3.eu-central-1.amazonaws.com", "/led.gers")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    found = dict(pairs)
    assert (found["versions"], found["prefix"], found["key-marker"]) == ("", "a/b/", "a/b/x y+z.json")
    escaped = sorted((quote(k, safe=""), quote(v, safe="")) for k, v in pairs if k != "X-Amz-Signature")
    query = "&".join(f"{name}={value}" for name, value in escaped)
    request = "\n".join(["GET", parts.path, query, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD"])
    steps = (found["X-Amz-Date"][:8], "eu-central-1", "s3", "aws4_request")
    text = ["AWS4-HMAC-SHA256", found["X-Amz-Date"], "/".join(steps), hashlib.sha256(request.encode()).hexdigest()]
    key = b"AWS4SK"
    for step in steps:
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    assert hmac.new(key, "\n".join(text).encode(), hashlib.sha256).hexdigest() == found["X-Amz-Signature"]


def test_packs_give_what_the_entries_give(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "SIZE", 4)
    ledger = fill(store, 10)
    assert packs.write(store, "acme", ledger.history, 10) == 2
    one_by_one = list(Ledger.open(store, "acme", packed=False).history)
    asked: list[str] = []
    fetch = store.fetch
    monkeypatch.setattr(store, "fetch", lambda names: asked.extend(names) or fetch(names))
    assert list(Ledger.open(store, "acme").history) == one_by_one
    assert len(asked) == 4 and asked[0] == packs.pack_name(4)
