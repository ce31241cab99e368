"""Every attack file is refused with the code that it names, and the controls pass."""

from __future__ import annotations

import json
from pathlib import Path

import judge
import make
import pytest
import scenario

FILES = sorted(Path(__file__).parent.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_outcome(path: Path) -> None:
    case = judge.load(path)
    found = judge.outcome(case, scenario.Cloud())
    assert case["expect"] in found, case["story"]
    assert (case["expect"] == judge.VERIFIED) == (judge.VERIFIED in found)


def test_the_corpus_is_whole() -> None:
    assert {path.stem for path in FILES} == set(make.ATTACKS)
    controls = [path for path in FILES if judge.load(path)["expect"] == judge.VERIFIED]
    assert len(controls) >= 5
    assert len(FILES) - len(controls) >= 60


def test_files_are_what_the_generator_writes() -> None:
    """A file that was edited by hand would test something else than its story says."""
    for name in ("control-all-signed", "author-signs", "next-root-by-one-of-two"):
        code, build = make.ATTACKS[name]
        made = build()
        assert isinstance(made, scenario.Situation)
        case = judge.load(Path(__file__).parent / f"{name}.json")
        assert case["expect"] == code
        for key, value in json.loads(json.dumps(make.serialized(made))).items():
            assert case[key] == value, f"run tests/attacks/make.py: {key} of {name}"
