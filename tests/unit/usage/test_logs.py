"""Reading log files: every form, every kind of damage; nothing fatal, nothing dropped in silence."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.model.diagnostics import DiagnosticError
from provisioner.usage import logs
from provisioner.usage.logs import Tally, records

RECORD = {"eventVersion": "1.08", "eventName": "GetObject", "n": 1, "text": 'a "{[" \\ é'}


def read(*paths: Path) -> tuple[list[dict], Tally]:
    tally = Tally()
    return [dict(item) for item in records(paths, tally)], tally


def numbered(count: int) -> list[dict]:
    return [{**RECORD, "n": number} for number in range(count)]


@pytest.mark.parametrize(
    "text",
    [
        lambda items: json.dumps({"Records": items}),
        lambda items: json.dumps({"Records": items}, indent=2),
        json.dumps,
        lambda items: json.dumps(items, indent=2),
        lambda items: "\n".join(map(json.dumps, items)) + "\n",
        lambda items: "\r\n".join(map(json.dumps, items)),
        lambda items: "﻿" + json.dumps({"entries": items, "nextPageToken": "x"}),
        lambda items: json.dumps({"Events": [{"CloudTrailEvent": json.dumps(item)} for item in items]}),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_form_of_export_gives_the_same_records(tmp_path: Path, text, packed: bool) -> None:
    raw = text(numbered(3)).encode()
    (tmp_path / "log.json").write_bytes(gzip.compress(raw) if packed else raw)
    found, tally = read(tmp_path)
    assert found == numbered(3)
    assert (tally.files, tally.records, tally.broken) == (1, 3, 0)


def test_folders_are_walked_in_order_and_dot_files_left_out(tmp_path: Path) -> None:
    for name, number in (("b/2.json", 2), ("a/1.json.gz", 1), (".hidden/9.json", 9), ("c/.x.json", 8)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        raw = json.dumps({"n": number}).encode()
        path.write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    found, _ = read(tmp_path)
    assert [item["n"] for item in found] == [1, 2]


def test_a_path_that_is_not_there_is_an_error_and_not_an_empty_log(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as error:
        read(tmp_path / "nowhere")
    assert error.value.diagnostics[0].code == "E-USAGE-LOGS"


def test_half_a_line_is_told_with_its_line_and_reading_goes_on(tmp_path: Path) -> None:
    lines = [json.dumps(item) for item in numbered(3)]
    lines[1] = lines[1][:25]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(lines))
    found, tally = read(path)
    assert [item["n"] for item in found] == [0, 2]
    assert tally.broken == 1 and tally.damages[0].startswith(f"{path}:2: half a record")


def test_a_file_that_ends_in_a_record_gives_what_was_before(tmp_path: Path) -> None:
    text = json.dumps({"Records": numbered(3)})
    (tmp_path / "x.json").write_text(text[: text.rindex("{") + 9])
    found, tally = read(tmp_path)
    assert [item["n"] for item in found] == [0, 1]
    assert tally.broken >= 1 and "half a record" in tally.damages[0]


def test_a_list_that_is_cut_between_two_records_is_told(tmp_path: Path) -> None:
    text = json.dumps(numbered(2))
    (tmp_path / "x.json").write_text(text[:-1])
    found, tally = read(tmp_path)
    assert len(found) == 2 and tally.broken == 1
    assert "the rest is missing" in tally.damages[0]


@pytest.mark.parametrize("how", ["cut", "flipped", "empty"])
def test_a_corrupt_gzip_gives_what_was_before_it(tmp_path: Path, how: str) -> None:
    lines = "".join(json.dumps({"n": n, "noise": os.urandom(64).hex()}) + "\n" for n in range(20_000)).encode()
    packed = bytearray(gzip.compress(lines))
    if how == "cut":
        packed = packed[: len(packed) // 2]
    elif how == "flipped":
        packed[-6] ^= 0xFF
    else:
        packed = packed[:2]
    (tmp_path / "x.json.gz").write_bytes(bytes(packed))
    found, tally = read(tmp_path)
    assert tally.broken >= 1 and "breaks off" in tally.damages[0]
    assert (len(found) > 1_000) is (how != "empty")


def test_binary_and_text_files_are_told_and_do_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "b.txt").write_text("hello\nworld\n")
    (tmp_path / "c.json").write_text(json.dumps(RECORD))
    os.mkfifo(tmp_path / "d.pipe")
    found, tally = read(tmp_path)
    assert found == [RECORD]
    places = " ".join(tally.damages)
    assert all(name in places for name in ("a.png", "b.txt:1: is not JSON", "d.pipe: is no regular file"))


def test_numbers_and_nestings_that_nobody_reads_are_skipped(tmp_path: Path) -> None:
    deep = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
    big = '{"a": ' + "9" * 5_000 + "}"
    (tmp_path / "x.jsonl").write_text(f"{deep}\n{big}\n{json.dumps(RECORD)}\n")
    found, tally = read(tmp_path)
    assert found == [RECORD] and tally.broken == 2


def test_a_record_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_RECORD", 600_000)
    with (tmp_path / "x.json").open("w") as stream:
        stream.write('{"a": "' + "x" * 2_000_000)
        stream.write("\n" + json.dumps(RECORD))
    found, tally = read(tmp_path)
    assert found == [RECORD] and "longer than" in tally.damages[0]


def test_a_large_file_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    import tracemalloc

    one = json.dumps({**RECORD, "fill": "x" * 900})
    with (tmp_path / "x.json").open("w") as stream:
        stream.write('{"Records":[' + ",".join([one] * 30_000) + "]}")
    tally = Tally()
    tracemalloc.start()
    count = sum(1 for _ in records([tmp_path], tally))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 30_000 and tally.broken == 0
    assert peak < 8_000_000  # of 30 MB


@settings(max_examples=60, deadline=None)
@given(
    items=st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=20), min_size=1, max_size=3), max_size=8),
    size=st.integers(1, 40),
    cut=st.integers(0, 60),
)
def test_any_chunks_give_the_same_records_and_any_cut_is_told(items, size: int, cut: int) -> None:
    """Whatever falls between two chunks, and wherever a text ends: all records before, or something told."""
    text = json.dumps({"Records": items})
    whole = text[: len(text) - cut] if cut < len(text) else text
    tally = Tally()
    chunks = iter([whole[at : at + size] for at in range(0, len(whole), size)])
    found = list(logs._Splitter(chunks, "x", tally).objects())
    if whole == text or cut == 1:  # without its last brace a file has lost nothing
        assert found == items and tally.broken == 0
    else:
        assert tally.broken >= 1
        assert found == items[: len(found)]
