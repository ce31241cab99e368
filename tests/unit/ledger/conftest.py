"""Ledgers to test on: in memory with a clock that tests move, and in a real folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger
from provisioner.ledger.memory import MemoryStore


class Clock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def ledger(memory: MemoryStore) -> Ledger:
    return Ledger.open(memory, "acme")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def local(folder: Path) -> LocalStore:
    return LocalStore.create(folder)
