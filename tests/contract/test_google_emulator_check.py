"""scripts/check_google_emulator.py tells a cloud that behaves from one that does not, and only reads unless told."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from google_emulator_clients import PROJECT, Cloud

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_google_emulator.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_google_emulator", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_it_reads_only_and_finds_no_difference_where_there_is_none(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with Cloud() as cloud:
        assert script.main(["--project", PROJECT, "--endpoint", cloud.endpoint]) == 0
        writing = ("create", "delete", "patch", "undelete", "setIamPolicy", "insert", "update")
        assert not [method for method in cloud.emulator.calls if method.endswith(writing)]
    assert "0 differences" in capsys.readouterr().out


def test_with_write_it_compares_lives_and_leaves_nothing_alive(script: ModuleType) -> None:
    with Cloud() as cloud:
        assert script.main(["--project", PROJECT, "--endpoint", cloud.endpoint, "--write"]) == 0
        assert cloud.emulator.calls["iam.projects.serviceAccounts.create"] >= 3
        assert cloud.get(f"/v1/projects/{PROJECT}/serviceAccounts") == {}
        assert cloud.get(f"/v1/projects/{PROJECT}/roles") == {}


def test_a_difference_is_told_and_is_exit_code_1(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with Cloud() as cloud:
        cloud.emulator.fail("INTERNAL", "storage.buckets.get", times=None)
        assert script.main(["--project", PROJECT, "--endpoint", cloud.endpoint]) == 1
    out = capsys.readouterr().out
    assert "DIFFERS  a bucket that does not exist" in out and "1 differences" in out


def test_a_project_that_cannot_be_read_is_exit_code_2(script: ModuleType) -> None:
    with Cloud() as cloud:
        assert script.main(["--project", "no-such-project", "--endpoint", cloud.endpoint]) == 2


def test_another_machine_is_refused(script: ModuleType) -> None:
    with pytest.raises(SystemExit):
        script.main(["--project", PROJECT, "--endpoint", "https://emulator.example"])
