"""A Terraform state is somebody else's file: read strictly, refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.config.tfstate import read_state, without_keys
from provisioner.model.diagnostics import DiagnosticError


def state(*resources: Any, **over: Any) -> dict[str, Any]:
    return {"version": 4, "terraform_version": "1.11.4", "serial": 3, "resources": list(resources)} | over


def resource(**over: Any) -> dict[str, Any]:
    made = {"mode": "managed", "type": "aws_iam_role", "name": "poc", "instances": [{"attributes": {"name": "poc"}}]}
    return made | over


def test_instances_get_the_addresses_that_terraform_gives_them(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    many = [{"index_key": 0, "attributes": {"name": "a"}}, {"index_key": 'b"]', "attributes": {"name": "b"}}]
    module = 'module.agents["eu.west"].module.inner'
    found = state(resource(module=module, instances=many), resource(mode="data"), resource(instances=[]), resource())
    file.write_text(json.dumps(found))
    assert [(item["address"], item["values"]["name"]) for item in read_state(file)] == [
        (f"{module}.aws_iam_role.poc[0]", "a"),
        (f'{module}.aws_iam_role.poc["b\\"]"]', "b"),
        ("aws_iam_role.poc", "poc"),
    ]
    assert {without_keys(item["address"]) for item in read_state(file)} == {
        "module.agents.module.inner.aws_iam_role.poc",
        "aws_iam_role.poc",
    }


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "it has no version"),
        ('{"resources": []}', "it has no version"),
        (json.dumps(state(version=3)), "its version is 3"),
        (json.dumps(state(version="4")), "its version is '4'"),
        (json.dumps(state(resources={})), "resources is no list"),
        (json.dumps(state(7)), "resources[0] is no object"),
        (json.dumps(state(resource(type=None))), "resources[0] has no type and name"),
        (json.dumps(state(resource(), resource(name='x" {}'))), "resources[1] has no type and name"),
        (json.dumps(state(resource(module="module.a; rm"))), "resources[0].module is no module's address"),
        (json.dumps(state(resource(module=["a"]))), "resources[0].module is no module's address"),
        (json.dumps(state(resource(instances=None))), "resources[0].instances is no list"),
        (json.dumps(state(resource(instances=[{}]))), "resources[0].instances[0] has no attributes"),
        (json.dumps(state(resource(instances=[{"attributes": {}, "index_key": {}}]))), "index_key is neither"),
    ],
)
def test_what_is_no_state_is_refused_with_the_place_and_the_way_out(tmp_path: Path, content: str, why: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(content)
    with pytest.raises(DiagnosticError) as caught:
        read_state(file)
    (problem,) = caught.value.diagnostics
    assert problem.code == "E-TFSTATE" and why in problem.summary
    assert "terraform state pull" in problem.detail


def test_bytes_that_are_no_text_and_files_that_are_not_there(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(b"\xff\xfe{}")
    for path, code in ((file, "E-TFSTATE"), (tmp_path / "none", "E-FILE")):
        with pytest.raises(DiagnosticError) as caught:
            read_state(path)
        assert caught.value.diagnostics[0].code == code
