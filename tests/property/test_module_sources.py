"""Sources and lock files that anybody could write: a value or words, never a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.config.packages import folder_of, read_lock, tree_hash
from provisioner.config.report import Report
from provisioner.config.sources import SourceError, git_source
from provisioner.model.source import Source

FEW = settings(max_examples=150, deadline=None)
PIECES = st.sampled_from(
    ["git::", "https://", "ssh://", "file://", "http://", "git@", "h.example", ":", "/", "//", "?ref=", "v1", "&", "..",
     "%2e%2e", "[", "]", "#", " ", "@", "-", "ext::", "localhost", "é", "\u202e", "\0", ".git", "=", "\\"]
)  # fmt: skip
texts = st.lists(PIECES | st.text(max_size=3), max_size=10).map("".join)


@FEW
@given(texts)
def test_a_source_is_taken_or_refused_with_a_way_out(text: str) -> None:
    try:
        found = git_source(text)
    except SourceError as error:
        assert str(error).rstrip('"').endswith(".")
        return
    assert text.startswith("git::")
    assert not found.url.startswith("-")
    assert ".." not in found.subdir.split("/")
    assert git_source(f"{found.key}").key == found.key, "the key names the same repository and ref"
    place = folder_of(Path("/root-module"), found.key, "1" * 40)
    assert place.parent == Path("/root-module/.provisioner.modules")
    assert place.name not in ("", ".", "..")


@FEW
@given(st.lists(texts, max_size=4), st.text(max_size=20))
def test_any_lock_file_is_read_or_reported(parts: list[str], tail: str) -> None:
    text = "".join(f'module "{part}" {{\n  commit = "{part}"\n}}\n' for part in parts) + tail
    report = Report()
    pins = read_lock(Source(".provisioner.lock.hcl", text), report)
    assert pins == {}
    assert report.errors or not text.strip() or tail.lstrip().startswith(("#", "//", "/*"))


files = st.dictionaries(
    st.lists(st.text("ab.-_ é", min_size=1, max_size=4).filter(lambda t: t not in (".", "..")), min_size=1, max_size=3)
    .map("/".join),
    st.binary(max_size=10),
    max_size=5,
)  # fmt: skip


def _write(content: dict[str, bytes], folder: Path) -> bool:
    for name, data in content.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError:
            return False  # one path is a folder of another
    return True


@FEW
@given(files, files)
def test_two_trees_have_one_hash_exactly_when_they_are_equal(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        if _write(one, Path(first)) and _write(other, Path(second)):
            assert (tree_hash(Path(first)) == tree_hash(Path(second))) == (one == other)
