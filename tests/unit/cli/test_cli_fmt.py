"""`provisioner fmt`: what is found, what is written, what is said."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.cli import fmt
from provisioner.cli import main as entry
from provisioner.cli.fmt import unified
from provisioner.lang.fmt import format_text
from provisioner.model.source import Source

GOLDEN = Path(__file__).parents[2] / "golden" / "syntax" / "fmt"
UGLY, NEAT = "a=1\n", "a = 1\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = entry.run(["fmt", *argv], {"HOME": "/nonexistent"})
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def from_stdin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: bytes, *argv: str
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    return run(capsys, *argv, "-")


def test_rewrites_names_and_settles(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("b.hcl", "a.hcl", "x.vars.hcl"):
        (folder / name).write_text(UGLY)
    (folder / "neat.hcl").write_text(NEAT)
    assert run(capsys) == (0, "a.hcl\nb.hcl\nx.vars.hcl\n", "")
    assert {(folder / name).read_text() for name in ("a.hcl", "b.hcl", "x.vars.hcl")} == {NEAT}
    assert run(capsys) == (0, "", "")
    assert run(capsys, "-check") == (0, "", "")


def test_what_is_not_touched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sub" / ".hidden").mkdir(parents=True)
    (folder / "named.hcl").mkdir()
    left = [".a.hcl", "a.hcl~", "#a.hcl#", "a.tf", "a.txt", "sub/a.hcl", "sub/.hidden/a.hcl"]
    for name in left:
        (folder / name).write_text(UGLY)
    assert run(capsys) == (0, "", "")
    assert run(capsys, "-recursive") == (0, "sub/a.hcl\n", "")
    left.remove("sub/a.hcl")
    assert {(folder / name).read_text() for name in left} == {UGLY}


def test_folders_come_in_the_order_of_their_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("b/x.hcl", "a/z.hcl", "a/b/y.hcl", "a.hcl", "c.hcl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(UGLY)
    _, out, _ = run(capsys, "-recursive", "-check")
    assert out.split() == ["a/b/y.hcl", "a/z.hcl", "a.hcl", "b/x.hcl", "c.hcl"]


def test_an_unchanged_file_is_not_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "a.hcl"
    path.write_text(NEAT)
    before = path.stat()
    assert run(capsys)[0] == 0
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_mode_is_kept_and_nothing_is_left_behind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "a.hcl"
    path.write_text(UGLY)
    path.chmod(0o640)
    assert run(capsys)[0] == 0
    assert path.stat().st_mode & 0o7777 == 0o640
    assert [one.name for one in folder.iterdir()] == ["a.hcl"]


@pytest.mark.parametrize(
    ("options", "code", "out", "written"),
    [
        ([], 0, "a.hcl\n", True),
        (["-check"], 2, "a.hcl\n", False),
        (["-check", "-list=false"], 2, "", False),
        (["-write=false"], 0, "a.hcl\n", False),
        (["-list=false"], 0, "", True),
        (["-write=false", "-list=false"], 0, NEAT, False),
        (["-diff", "-list=false"], 0, "--- old/a.hcl\n+++ new/a.hcl\n@@ -1 +1 @@\n-a=1\n+a = 1\n", True),
        (["-check", "-diff"], 2, "a.hcl\n--- old/a.hcl\n+++ new/a.hcl\n@@ -1 +1 @@\n-a=1\n+a = 1\n", False),
    ],
)
def test_options(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, out: str, written: bool
) -> None:
    (folder / "a.hcl").write_text(UGLY)
    assert run(capsys, *options) == (code, out, "")
    assert (folder / "a.hcl").read_text() == (NEAT if written else UGLY)


@pytest.mark.parametrize(
    ("data", "options", "code", "out"),
    [
        (b"a=1\n", [], 0, NEAT),
        (b"a=1", [], 0, NEAT),  # a final newline is added on the way out, as terraform does
        (b"a = 1\n", [], 0, NEAT),
        (b"", [], 0, "\n"),
        (b"a=1\n", ["-check"], 2, ""),
        (b"a = 1\n", ["-check"], 0, ""),
        (b"a=1\n", ["-diff"], 0, "--- old/<stdin>\n+++ new/<stdin>\n@@ -1 +1 @@\n-a=1\n+a = 1\n"),
        (b"a = 1\n", ["-diff"], 0, ""),
        (b"a=1\n", ["-list=true", "-write=true"], 0, NEAT),
        ('a="é"\r\n'.encode(), [], 0, 'a = "é"\r\n'),
    ],
)
def test_standard_input(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    data: bytes,
    options: list[str],
    code: int,
    out: str,
) -> None:
    assert from_stdin(monkeypatch, capsys, data, *options) == (code, out, "")


def test_every_error_of_every_file_and_the_rest_is_formatted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = 'a =\nb = "\n'
    (folder / "a.hcl").write_text(broken)
    (folder / "b.hcl").write_text(UGLY)
    (folder / "c.hcl").write_text("x {\n")
    code, out, err = run(capsys)
    assert (code, out) == (1, "b.hcl\n")
    assert (folder / "a.hcl").read_text() == broken
    assert (folder / "b.hcl").read_text() == NEAT
    assert err.count("Error: ") == 3
    for place in ("on a.hcl line 1", "on a.hcl line 2", "on c.hcl line 1", "1: x {"):
        assert place in err


def test_an_error_weighs_more_than_a_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.hcl").write_text("a =\n")
    (folder / "b.hcl").write_text(UGLY)
    code, out, _ = run(capsys, "-check")
    assert (code, out) == (1, "b.hcl\n")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["missing"], "missing: No such file"),
        (["a.tf"], "a.tf is not a *.hcl file"),
        (["pipe.hcl"], "pipe.hcl is not a regular file"),
        (["latin.hcl"], "latin.hcl is not UTF-8"),
        (["-write=maybe"], "-write=maybe is neither true nor false"),
        (["-", "a.hcl"], "goes with no other path"),
        (["-chek"], "did you mean -check?"),
    ],
)
def test_what_is_refused(folder: Path, capsys: pytest.CaptureFixture[str], argv: list[str], says: str) -> None:
    (folder / "a.tf").write_text(UGLY)
    (folder / "latin.hcl").write_bytes(b'a = 1\nb="\xe9"\n')
    os.mkfifo(folder / "pipe.hcl")
    code, out, err = run(capsys, *argv)
    assert (code, out) == (1, "")
    assert says in err


def test_what_is_too_large_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.hcl").write_text("# " + "x" * 100 + "\na=1\n")
    monkeypatch.setattr(fmt, "MAX_BYTES", 100)
    assert "a.hcl is larger than" in run(capsys)[2]
    assert from_stdin(monkeypatch, capsys, b"#" * 101)[:2] == (1, "")
    assert from_stdin(monkeypatch, capsys, b"#" * 100)[:2] == (0, "#" * 100 + "\n")


def test_invalid_utf8_names_the_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.hcl").write_bytes(b'a = 1\nb="\xe9"\n')
    _, _, err = run(capsys)
    assert "0xe9 on line 2" in err
    assert (folder / "a.hcl").read_bytes() == b'a = 1\nb="\xe9"\n'


def test_a_link_stays_a_link_and_leads_nowhere_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inside, outside = folder / "work", folder / "elsewhere"
    inside.mkdir()
    outside.mkdir()
    (inside / "z.hcl").write_text(UGLY)
    (outside / "o.hcl").write_text(UGLY)
    (inside / "link.hcl").symlink_to("z.hcl")
    (inside / "out.hcl").symlink_to(outside / "o.hcl")
    (inside / "gone.hcl").symlink_to("nothing.hcl")
    (inside / "folder").symlink_to(outside)
    code, out, err = run(capsys, "-recursive", "work")
    assert out == "work/link.hcl\n"  # one file, once, by the first of its names
    assert (code, "gone.hcl" in err) == (1, True)
    assert (inside / "link.hcl").is_symlink()
    assert (inside / "z.hcl").read_text() == NEAT
    assert (outside / "o.hcl").read_text() == UGLY
    assert run(capsys, "work/out.hcl")[:2] == (0, "work/out.hcl\n")  # named, so meant
    assert (inside / "out.hcl").is_symlink()
    assert (outside / "o.hcl").read_text() == NEAT


def test_a_write_protected_file_is_reported(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.hcl").write_text(UGLY)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root, who may run this, can write everything
    code, out, err = run(capsys)
    assert (code, out) == (1, "")
    assert "a.hcl is write-protected" in err
    assert (folder / "a.hcl").read_text() == UGLY


def test_a_file_that_cannot_be_written_is_reported_and_the_next_is_tried(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.hcl").write_text(UGLY)
    (folder / "b.hcl").write_text(UGLY)
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "a.hcl":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    code, out, err = run(capsys)
    assert (code, out) == (1, "b.hcl\n")
    assert "No space left on device" in err
    assert (folder / "a.hcl").read_text() == UGLY
    assert sorted(one.name for one in folder.iterdir()) == ["a.hcl", "b.hcl"]


def test_json(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.hcl").write_text(UGLY)
    (folder / "b.hcl").write_text("b =\n")
    code, out, err = run(capsys, "-check", "-diff", "-json")
    document = json.loads(out)
    assert (code, err) == (1, "")
    assert document["conditions"] == ["error", "changes"]
    assert document["changed"] == ["a.hcl"]
    assert document["diffs"]["a.hcl"].endswith("-a=1\n+a = 1\n")
    assert document["diagnostics"][0]["range"]["filename"] == "b.hcl"
    _, out, _ = from_stdin(monkeypatch, capsys, b"a=1", "-json")
    assert json.loads(out)["formatted"] == "a = 1"


@pytest.mark.parametrize("case", sorted(path.name.removesuffix(".in.hcl") for path in GOLDEN.glob("*.in.hcl")))
def test_files_are_what_terraform_writes(folder: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    (folder / "a.hcl").write_bytes((GOLDEN / f"{case}.in.hcl").read_bytes())
    assert run(capsys)[0] == 0
    assert (folder / "a.hcl").read_bytes() == (GOLDEN / f"{case}.out.hcl").read_bytes()


def patched(before: str, diff: str) -> str:
    """What a unified diff makes of a text, by hunk headers and signs alone."""
    old, out, at = before.split("\n"), [], 0
    lines = diff.split("\n")[2:-1]
    for number, line in enumerate(lines):
        bare = number + 1 < len(lines) and lines[number + 1].startswith("\\")
        if line.startswith("@@"):
            start, _, count = line.split(" ")[1].lstrip("-").partition(",")
            first = int(start) if count == "0" else int(start) - 1
            out += [f"{text}\n" for text in old[at:first]]
            at = first
        elif line[:1] in " -":
            assert old[at] == line[1:], "the diff names a line that is not there"
            at += 1
        if line[:1] in " +":
            out.append(line[1:] + ("" if bare else "\n"))
    return "".join(out) + "\n".join(old[at:])


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["a=1", "bb = 2", "", "x {", "}", 'c="${d}"', 'e = "${f(\n1)}"', "# é\x0b\u2028"])),
    st.booleans(),
)
def test_a_diff_turns_the_one_into_the_other(lines: list[str], ends: bool) -> None:
    before = "\n".join(lines) + ("\n" if ends else "")
    after, _ = format_text(Source("x.hcl", before))
    if after != before:
        assert patched(before, "".join(unified("x.hcl", before, after))) == after


@settings(max_examples=60)
@given(st.text("ab \n", max_size=30), st.text("ab \n", max_size=30))
def test_a_diff_is_right_for_any_two_texts(before: str, after: str) -> None:
    if before != after:
        assert patched(before, "".join(unified("x", before, after))) == after


@pytest.mark.parametrize("case", ["alignment", "comments", "no_final_newline", "unwrap", "crlf"])
def test_a_diff_is_that_of_the_diff_command(tmp_path: Path, case: str) -> None:
    before, after = ((GOLDEN / f"{case}.{kind}.hcl") for kind in ("in", "out"))
    command = ["diff", "-u", "--label=old/x", "--label=new/x", str(before), str(after)]
    try:
        expected = subprocess.run(command, capture_output=True, check=False).stdout
    except FileNotFoundError:
        pytest.skip("there is no diff command to compare with")
    texts = (path.read_bytes().decode() for path in (before, after))
    assert "".join(unified("x", *texts)).encode() == expected
