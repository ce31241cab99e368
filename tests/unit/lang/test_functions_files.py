"""File functions: confined to the root module's folder, and every read remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.lang.console import evaluate_text
from provisioner.lang.files import FileAccess
from provisioner.lang.scope import Scope
from provisioner.lang.values import Value, to_python
from provisioner.model.diagnostics import DiagnosticError


@pytest.fixture
def files(tmp_path: Path) -> FileAccess:
    (tmp_path / "secret.txt").write_text("outside")
    root = tmp_path / "root"
    module = root / "modules" / "m"
    module.mkdir(parents=True)
    (root / "top.txt").write_text("top")
    (module / "own.txt").write_text("own")
    (module / "link.txt").symlink_to(tmp_path / "secret.txt")
    (module / "inner.txt").symlink_to(root / "top.txt")
    (module / "out").symlink_to(tmp_path)
    (module / "t.tmpl").write_text('${name}: ${file("own.txt")}')
    return FileAccess(module, root)


def value(text: str, files: FileAccess) -> Value:
    return evaluate_text(text, Scope({}, files=files))


def test_reads_are_relative_to_the_module_and_remembered(files: FileAccess) -> None:
    assert value('file("own.txt")', files) == "own"
    assert value('file("../../top.txt")', files) == "top"
    assert value('file("inner.txt")', files) == "top"
    assert value('templatefile("t.tmpl", { name = "n" })', files) == "n: own"
    assert value('fileexists("none.txt")', files) is False
    assert files.reads == {"modules/m/own.txt", "top.txt", "modules/m/t.tmpl", "modules/m/none.txt"}


@pytest.mark.parametrize(
    "call",
    [
        'file("../../../secret.txt")',
        'file("link.txt")',
        'file("out/secret.txt")',
        'file("/etc/hostname")',
        'filemd5("link.txt")',
        'filebase64("link.txt")',
        'fileexists("link.txt")',
        'templatefile("link.txt", {})',
        'fileset("../../..", "*")',
        'fileset("out", "*")',
    ],
)
def test_nothing_outside_the_root_is_read(files: FileAccess, call: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        value(call, files)
    assert "outside" in str([d.detail for d in caught.value.diagnostics])
    assert "secret" not in files.reads


def test_fileset_leaves_out_what_leads_outside(files: FileAccess) -> None:
    assert to_python(value('fileset(".", "*.txt")', files)) == ["inner.txt", "own.txt"]
    with pytest.raises(DiagnosticError, match="Invalid function argument"):
        value('fileset(".", "../../*")', files)


def test_a_pipe_is_refused_and_not_waited_for(files: FileAccess) -> None:
    import os

    os.mkfifo(files.module / "pipe")
    with pytest.raises(DiagnosticError) as caught:
        value('file("pipe")', files)
    assert "not a regular file" in caught.value.diagnostics[0].detail


def test_without_a_folder_there_are_no_files() -> None:
    with pytest.raises(DiagnosticError) as caught:
        evaluate_text('file("x")', Scope({}))
    assert "no folder" in caught.value.diagnostics[0].detail


def test_base64gzip_is_a_gzip_and_reproducible(files: FileAccess) -> None:
    import base64
    import gzip

    packed = value('base64gzip("hello")', files)
    assert isinstance(packed, str)
    assert gzip.decompress(base64.b64decode(packed)) == b"hello"
    assert packed == value('base64gzip("hello")', files)


def test_a_machine_dependent_path_is_refused(files: FileAccess) -> None:
    for call in ('abspath("x")', 'pathexpand("~/x")', 'file("~/x")', 'file("a\\u0000b")'):
        with pytest.raises(DiagnosticError):
            value(call, files)
