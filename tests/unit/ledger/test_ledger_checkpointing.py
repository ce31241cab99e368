"""Checkpoints signed by real keys: only a key of the root counts, only for this workspace, place and namespace."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioner.approval import keys, signing, sshsig
from provisioner.approval.root import TrustRoot
from provisioner.ledger import checkpoints
from provisioner.ledger.entries import Kind
from provisioner.ledger.log import Ledger
from provisioner.ledger.memory import MemoryStore
from provisioner.model.diagnostics import DiagnosticError
from provisioner.runner import Runner
from provisioner.workflow.checkpointing import contradicted, unsigned, write
from provisioner.workflow.roots import location_of


def made_key(folder: Path, name: str) -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
    return path


def root(*lines: str) -> TrustRoot:
    data = SimpleNamespace(approval=SimpleNamespace(checkpoint_keys=lines))
    return cast(TrustRoot, SimpleNamespace(version=1, data=data))


def runner(folder: Path, key: Path | None) -> Runner:
    entry = {"checkpoint_key": str(key)} if key else {}
    return Runner(folder / "runner.toml", workspaces={"acme": entry})


@pytest.fixture
def filled() -> Ledger:
    ledger = Ledger.open(MemoryStore(), "acme")
    for number in range(3):
        ledger.append(Kind.INTENT, {"plan": "p", "operation": str(number), "holder": "h"})
    return ledger


def test_a_checkpoint_of_the_roots_key_counts_and_of_no_other(tmp_path: Path, filled: Ledger) -> None:
    key, other = made_key(tmp_path, "ci"), made_key(tmp_path, "other")
    line, foreign = (keys.parse(path.with_suffix(".pub").read_text()).line for path in (key, other))
    assert write(filled, runner(tmp_path, None), root(line)) is None
    entry = write(filled, runner(tmp_path, key), root(f"{line} comment"))
    assert entry is not None and entry.body["size"] == 3
    assert unsigned(filled, entry, root(foreign, line)) is None and contradicted(filled, entry) is None
    assert "no checkpoint key" in str(unsigned(filled, entry, root(foreign)))
    with pytest.raises(DiagnosticError) as error:
        write(filled, runner(tmp_path, other), root(line))
    assert error.value.diagnostics[0].code == "E-CHECKPOINT-KEY"
    elsewhere = Ledger.open(filled.store, "acme")
    elsewhere.workspace = "emca"
    assert "does not count" in str(unsigned(elsewhere, entry, root(line)))


@pytest.mark.parametrize("name", ["size", "head", "tree", "issued", "signature"])
def test_a_changed_checkpoint_counts_for_nothing(tmp_path: Path, filled: Ledger, name: str) -> None:
    key = made_key(tmp_path, "ci")
    line = keys.parse(key.with_suffix(".pub").read_text()).line
    entry = write(filled, runner(tmp_path, key), root(line))
    assert entry is not None
    other: dict[str, Any] = {
        "size": 2,
        "head": filled.history[0].digest,
        "tree": filled.history[0].digest,
        "issued": "2020-01-01T00:00:00.000Z",
        "signature": "AAAA",
    }
    forged = filled.append(Kind.CHECKPOINT, {**entry.body, name: other[name]})
    assert unsigned(filled, forged, root(line)) is not None


def test_a_signature_for_another_purpose_is_no_checkpoint(tmp_path: Path, filled: Ledger) -> None:
    key = made_key(tmp_path, "ci")
    line = keys.parse(key.with_suffix(".pub").read_text()).line
    made = checkpoints.checkpoint_of(filled.history, filled.store.now())
    armored = signing.sign(made.signed_bytes("acme", location_of(filled)), key, sshsig.NAMESPACE)
    entry = filled.append(Kind.CHECKPOINT, made.body(b64encode(sshsig.dearmor(armored)).decode()))
    assert "was made for" in str(unsigned(filled, entry, root(line)))


def test_a_signed_checkpoint_of_a_ledger_that_was_rewritten_is_found_out(tmp_path: Path, filled: Ledger) -> None:
    key = made_key(tmp_path, "ci")
    line = keys.parse(key.with_suffix(".pub").read_text()).line
    entry = write(filled, runner(tmp_path, key), root(line))
    assert entry is not None
    store = filled.store
    assert isinstance(store, MemoryStore)
    rewritten = Ledger.open(MemoryStore(), "acme")
    for number in range(3):
        rewritten.append(Kind.INTENT, {"plan": "p", "operation": str(number), "holder": "somebody else"})
    stolen = rewritten.append(Kind.CHECKPOINT, entry.body)
    assert contradicted(rewritten, stolen) is not None
