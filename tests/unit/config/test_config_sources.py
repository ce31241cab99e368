"""What a module's source says, and what is no source."""

from __future__ import annotations

import pytest

from provisioner.config.packages import folder_of
from provisioner.config.sources import GitSource, SourceError, git_source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("git::https://h.example/o/r.git//a/b?ref=v1.2.0", ("https://h.example/o/r.git", "v1.2.0", "a/b", "https")),
        ("git::https://h.example:8443/o/r", ("https://h.example:8443/o/r", None, "", "https")),
        ("git::ssh://git@h.example/o/r.git//./a/?ref=x%2Fy", ("ssh://git@h.example/o/r.git", "x/y", "a", "ssh")),
        ("git::git@h.example:o/r.git//a?ref=v1", ("git@h.example:o/r.git", "v1", "a", "ssh")),
        ("git::file:///srv/r.git//a", ("file:///srv/r.git", None, "a", "file")),
        ("git::/srv/r.git//a", ("/srv/r.git", None, "a", "file")),
        ("git::http://127.0.0.1:8080/r.git", ("http://127.0.0.1:8080/r.git", None, "", "http")),
        ("git::http://localhost/r.git", ("http://localhost/r.git", None, "", "http")),
    ],
)
def test_sources(text: str, expected: tuple[str, str | None, str, str]) -> None:
    assert git_source(text) == GitSource(*expected)


@pytest.mark.parametrize(
    "text",
    [
        "git::",
        "git::https://",
        "git::https:///r.git",
        "git::https://user:pw@h.example/r.git",
        "git::ssh://git:pw@h.example/r.git",
        "git::https://h.example:port/r.git",
        "git::https://[::1/r.git",
        "git::ext::sh -c id",
        "git::git://h.example/r.git",
        "git::file://elsewhere/r.git",
        "git::-oProxyCommand=x:y",
        "git::--upload-pack=x",
        "git::relative/r.git",
        "git::https://h.example/r .git",
        "git::https://h.example/r.git#x",
        "git::https://h.example/r\u202e.git",
        "git::https://-h.example/r.git",
        "git::https://h.example/r.git//a/.git/hooks",
        "git::https://h.example/r.git//../x",
        "git::https://h.example/r.git?ref=",
        "git::https://h.example/r.git?ref=a&ref=b",
        "git::https://h.example/r.git?ref=v1&depth=1",
        "git::https://h.example/r.git?sshkey=abc",
        "git::https://h.example/r.git?ref=a..b",
        "git::https://h.example/r.git?ref=-x",
        "git::https://h.example/r.git?ref=a b",
        "git::https://h.example/r.git?ref=a%00b",
        "git::https://h.example/r.git?ref=refs/heads/x.lock",
        "git::https://h.example/r.git?ref=HEAD@{1}",
        "hg::https://h.example/r",
        "",
    ],
)
def test_what_is_no_source(text: str) -> None:
    with pytest.raises(SourceError) as caught:
        git_source(text)
    assert str(caught.value).endswith((".", '"'))


def test_a_folder_for_each_repository_ref_and_commit(tmp_path) -> None:
    keys = ["git::https://h.example/o/r.git?ref=a", "git::https://h.example/o/r.git", "git::git@h.example:r.git"]
    places = {folder_of(tmp_path, key, commit) for key in keys for commit in ("1" * 40, "2" * 40)}
    assert len(places) == 6
    assert {place.name[:2] for place in places} == {"r-"}
    assert folder_of(tmp_path, "git::file:///", "1" * 40).name.startswith("module-")
