"""One golden file for each distinct diagnostic: a small workspace, and what the tool says about it.

A case is a folder of files that are added to `_base` or replace its own; `options.json` holds variables, environ and
var_files. `UPDATE_GOLDEN=1 pytest …` writes the expected texts anew: read the difference before committing it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from provisioner.config import load
from provisioner.render.diagnostics import human, validation_json
from provisioner.sdk.schema import ProviderSchema

GOLDEN = Path(__file__).parents[2] / "golden" / "diagnostics"
CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir() and not path.name.startswith("_"))


@pytest.mark.parametrize("case", CASES)
def test_diagnostic(case: str, tmp_path: Path, clouds: Mapping[str, ProviderSchema]) -> None:
    root = tmp_path / "root"
    shutil.copytree(GOLDEN / "_base", root)
    shutil.copytree(GOLDEN / case, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.txt"))
    for empty in [path for path in root.rglob("*.hcl") if path.stat().st_size == 0]:
        empty.unlink()
    options = root / "options.json"
    given = json.loads(options.read_text()) if options.exists() else {}
    found = load(
        root,
        var_files=[root / name for name in given.get("var_files", ())],
        variables=given.get("variables", {}),
        environ=given.get("environ", {}),
        providers=clouds.get,
    )
    text = human(found.diagnostics, found.sources)
    expected = GOLDEN / case / "expected.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert found.diagnostics, "a case without a diagnostic shows nothing"
    data = validation_json(found.diagnostics, found.sources)
    assert data["valid"] == (found.configuration is not None)
    assert len(data["diagnostics"]) == len(found.diagnostics)


def test_there_are_many() -> None:
    assert len(CASES) >= 80
