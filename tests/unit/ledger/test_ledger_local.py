"""The local store: whole entries or none, private, no links, errors with a way out."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioner.ledger import local as local_module
from provisioner.ledger.errors import LedgerError
from provisioner.ledger.local import LocalStore

NAME = "00000001.json"


def test_put_then_get_gives_the_bytes_and_the_stores_time(local: LocalStore) -> None:
    before = local.now()
    assert local.put_if_absent(NAME, b"one")
    stored = local.get(NAME)
    assert stored is not None
    assert stored.data == b"one"
    assert abs((stored.time - before).total_seconds()) < 60
    assert local.names() == (NAME,)


def test_a_name_is_taken_once(local: LocalStore) -> None:
    assert local.put_if_absent(NAME, b"one")
    assert not local.put_if_absent(NAME, b"two")
    stored = local.get(NAME)
    assert stored is not None and stored.data == b"one"


def test_absent_is_none(local: LocalStore) -> None:
    assert local.get(NAME) is None


def test_permissions_are_private(local: LocalStore, folder: Path) -> None:
    local.put_if_absent(NAME, b"one")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600


def test_no_temporary_file_stays(local: LocalStore, folder: Path) -> None:
    local.put_if_absent(NAME, b"one")
    local.put_if_absent(NAME, b"two")
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_old_leftovers_go_and_young_ones_stay(folder: Path) -> None:
    LocalStore.create(folder)
    old, young = folder / ".tmp-1-old", folder / ".tmp-2-young"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    past = time.time() - 3600
    os.utime(old, (past, past))
    store = LocalStore(folder)
    assert store.names() == ()
    store.put_if_absent(NAME, b"one")
    assert not old.exists()
    assert young.exists()
    assert store.names() == (NAME,)


@pytest.mark.parametrize("name", ["../x.json", "a/b", "", ".hidden", "x\x00y", "-x", "A.json", "ü.json", "x" * 200])
def test_hostile_names_are_refused(local: LocalStore, name: str) -> None:
    with pytest.raises(LedgerError, match="is not an entry"):
        local.get(name)
    with pytest.raises(LedgerError, match="is not an entry"):
        local.put_if_absent(name, b"x")


def test_symbolic_link_is_refused(local: LocalStore, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    (folder / NAME).symlink_to(outside)
    with pytest.raises(LedgerError, match="symbolic link"):
        local.get(NAME)


def test_dangling_link_does_not_make_a_name_free(local: LocalStore, folder: Path, tmp_path: Path) -> None:
    (folder / NAME).symlink_to(tmp_path / "nowhere")
    assert not local.put_if_absent(NAME, b"x")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(local: LocalStore, folder: Path, make: object) -> None:
    make(folder / NAME)  # type: ignore[operator]
    with pytest.raises(LedgerError, match="not a regular file"):
        local.get(NAME)


def test_a_folder_that_all_may_write_is_refused(folder: Path) -> None:
    LocalStore.create(folder)
    folder.chmod(0o777)
    with pytest.raises(LedgerError, match="Everybody"):
        LocalStore(folder)


def test_no_folder(folder: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        LocalStore(folder)
    (problem,) = caught.value.diagnostics
    assert problem.code == "E-LEDGER-NONE"
    assert "provisioner init" in problem.detail


def test_a_file_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LedgerError, match="not a folder"):
        LocalStore(tmp_path / "file")


def test_create_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LedgerError, match="Cannot make"):
        LocalStore.create(tmp_path / "file" / "ledger")


def test_create_takes_what_is_there(folder: Path) -> None:
    LocalStore.create(folder).put_if_absent(NAME, b"one")
    assert LocalStore.create(folder).names() == (NAME,)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EOPNOTSUPP, "no hard links"),
        (errno.EIO, "input/output error"),
    ],
)
def test_a_failing_disk_is_said_and_leaves_nothing(
    local: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(local_module.os, "write" if number == errno.ENOSPC else "link", full)
    with pytest.raises(LedgerError, match=words) as caught:
        local.put_if_absent(NAME, b"one")
    assert caught.value.diagnostics[0].detail.endswith(".")
    monkeypatch.undo()
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(local: LocalStore, folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(LedgerError, match="permission denied"):
            local.put_if_absent(NAME, b"one")
    finally:
        folder.chmod(0o700)


KILLED = """
import os, sys
from pathlib import Path
from provisioner.ledger.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
step, real = int(sys.argv[2]), {name: getattr(os, name) for name in ("write", "fsync", "link", "unlink")}
count = 0
def dying(name):
    def call(*args, **kwargs):
        global count
        if count == step:
            os._exit(9)
        count += 1
        return real[name](*args, **kwargs)
    return call
for name in real:
    setattr(os, name, dying(name))
store.put_if_absent("00000001.json", b"x" * 5000)
os._exit(0)
"""


def test_a_kill_at_any_step_leaves_a_whole_entry_or_none(folder: Path) -> None:
    LocalStore.create(folder)
    codes = []
    for step in range(6):
        for path in folder.iterdir():
            path.unlink()
        run = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(step)], check=False, timeout=60)
        codes.append(run.returncode)
        stored = LocalStore(folder).get(NAME)
        assert stored is None or stored.data == b"x" * 5000
        assert LocalStore(folder).put_if_absent(NAME, b"again") == (stored is None)
    assert codes == [9, 9, 9, 9, 9, 0], "write, fsync, link, fsync of the folder, unlink"
