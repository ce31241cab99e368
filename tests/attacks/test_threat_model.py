"""SECURITY.md's table names, for every attacker, tests and attack files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
TABLE = TEXT[TEXT.index("| attacker |") :].partition("\n\n")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines()[2:]]


def test_the_table_is_whole() -> None:
    assert len(ROWS) >= 20
    assert all(len(row) == 5 and all(row) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_shows_it_exists(row: list[str]) -> None:
    shown = re.findall(r"`([^`]+)`", row[4])
    assert shown
    for name in shown:
        path, _, function = name.partition("::")
        if function:
            assert re.search(rf"^def {function}\(", (ROOT / path).read_text(encoding="utf-8"), re.M), name
        else:
            assert (ROOT / "tests" / "attacks" / path).exists(), name
