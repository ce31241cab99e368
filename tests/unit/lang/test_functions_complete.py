"""Every function of Terraform 1.11 is here with the same signature, or is left out for a reason.

tests/golden/functions.json is what `terraform metadata functions -json` of 1.11.4 says: names, and for each parameter
its name and type. `core::` names are the same functions again.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provisioner.lang.console import evaluate_text
from provisioner.lang.functions.registry import NAMES, REFUSED, lookup
from provisioner.lang.scope import Scope
from provisioner.lang.types import DYNAMIC, Type
from provisioner.model.diagnostics import DiagnosticError

GOLDEN = Path(__file__).parents[2] / "golden"
RECORD: dict[str, Any] = json.loads((GOLDEN / "functions.json").read_text())

# Left out, each with what the message must say of it.
LEFT_OUT = {
    "timestamp": "reproducible",
    "plantimestamp": "reproducible",
    "uuid": "reproducible",
    "bcrypt": "reproducible",
    "rsadecrypt": "private key",
    "ephemeralasnull": "no ephemeral values",
}
CONSOLE_ONLY = {"type"}  # Terraform has it in its console alone and does not list it


def test_nothing_is_missing_and_nothing_is_made_up() -> None:
    assert len(RECORD) == 118
    assert set(RECORD) - set(LEFT_OUT) == NAMES - CONSOLE_ONLY
    assert set(REFUSED) == set(LEFT_OUT)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_says_why(name: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        evaluate_text(f"{name}()", Scope({}))
    (diagnostic,) = caught.value.diagnostics
    assert name in f"{diagnostic.summary} {diagnostic.detail}"
    assert LEFT_OUT[name] in diagnostic.detail


def written(ty: Type) -> object:
    """A type as the record has it."""
    return "dynamic" if ty is DYNAMIC else ty.constraint


def recorded(ty: object) -> object:
    """A type of the record as we write constraints: `["list", "string"]` is `list(string)`."""
    if isinstance(ty, list):
        inner = recorded(ty[1])
        return f"{ty[0]}({'any' if inner == 'dynamic' else inner})"
    return ty


@pytest.mark.parametrize("name", sorted(set(RECORD) - set(LEFT_OUT) - {"can", "try"}))
def test_parameters_are_the_same(name: str) -> None:
    """`can` and `try` are no functions here but part of the evaluator: they see expressions, not values."""
    found = lookup(name)
    assert found is not None
    variadic = RECORD[name]["variadic"]
    assert [(p.name, written(p.type)) for p in found.params] == [
        (n, recorded(t)) for n, t in RECORD[name]["parameters"]
    ]
    ours = None if found.variadic is None else (found.variadic.name, written(found.variadic.type))
    assert ours == (None if variadic is None else (variadic[0], recorded(variadic[1])))


def test_each_is_tried() -> None:
    """The recorded corpus holds a call of each that gave a value. base64gzip's bytes are no one's but its compressor's;
    tests/unit/lang/test_functions_files.py tries it."""
    answers = [one for path in sorted((GOLDEN / "expressions").glob("*.json")) for one in json.loads(path.read_text())]
    called = {name for one in answers if "value" in one for name in re.findall(r"\b([a-z0-9_]+)\(", one["expr"])}
    assert NAMES - called == {"base64gzip"}


@pytest.mark.parametrize("name", sorted(NAMES - CONSOLE_ONLY))
def test_each_also_goes_by_its_full_name(name: str) -> None:
    said = []
    for call in (name, f"core::{name}"):
        with pytest.raises(DiagnosticError) as caught:
            evaluate_text(f"{call}(null, nope...)", Scope({}))
        said.append([diagnostic.summary for diagnostic in caught.value.diagnostics])
    assert said[0] == said[1]
    assert "Call to unknown function" not in said[0]


def test_the_record_is_what_terraform_says() -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("there is no terraform to ask")
    version = subprocess.run([terraform, "version", "-json"], capture_output=True, check=True).stdout
    if not json.loads(version)["terraform_version"].startswith("1.11."):
        pytest.skip("this terraform is not 1.11")
    said = subprocess.run([terraform, "metadata", "functions", "-json"], capture_output=True, check=True).stdout
    plain = {name for name in json.loads(said)["function_signatures"] if not name.startswith("core::")}
    assert plain == set(RECORD)
