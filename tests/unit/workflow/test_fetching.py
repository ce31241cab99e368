"""Modules from git: real repositories, fetched, pinned, checked; nothing that a repository holds is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.config import Loaded, load
from provisioner.config.packages import LOCK_FILE, MODULE_FOLDER
from provisioner.model.diagnostics import DiagnosticError
from provisioner.sdk.schema import AttributeSchema, BlockSchema, ProviderSchema
from provisioner.workflow.fetching import FetchRun, get
from provisioner.workflow.project import Inputs

BASE = Path(__file__).parents[2] / "golden" / "diagnostics" / "_base"
WORKER = """
variable "purpose" {
  type = string
}

agent "worker" {
  purpose = "${var.purpose}: ${trimspace(file("note.txt"))}"

  runtime "lambda" {}
  identity "aws" {}
}
"""


def _text(required: bool = False) -> AttributeSchema:
    return AttributeSchema("string", "", required)


AWS = ProviderSchema(
    "aws",
    BlockSchema(attributes={"account_id": _text(True), "regions": AttributeSchema("list(string)", "")}),
    BlockSchema(),
    BlockSchema(
        blocks={
            "statement": BlockSchema(
                labels=("name",),
                attributes={name: AttributeSchema("list(string)", "") for name in ("actions", "resources")},
            )
        }
    ),
    BlockSchema(attributes={"allow": AttributeSchema("list(string)", "", True)}),
    BlockSchema(),
    {"lambda": BlockSchema(attributes={"functions": AttributeSchema("list(string)", "")})},
    {},
    {},
)


@dataclass(frozen=True)
class Place:
    """A repository to fetch from and a root module that does."""

    repository: Path
    root: Path
    environ: dict[str, str]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.repository), *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], *, tag: str | None = None) -> str:
        for name, text in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        if tag is not None:
            self.git("tag", "-f", "-a", "-m", tag, tag)
        return self.git("rev-parse", "HEAD")

    def call(self, source: str, more: str = 'purpose = "Sort"') -> None:
        (self.root / "call.hcl").write_text(f'module "m" {{\n  source = "{source}"\n  {more}\n}}\n')

    @property
    def url(self) -> str:
        return f"git::file://{self.repository}"

    def get(self, upgrade: bool = False) -> FetchRun:
        return get(Inputs(self.root, self.environ), upgrade=upgrade)

    def load(self) -> Loaded:
        return load(self.root, providers={"aws": AWS}.get)

    def lock(self) -> str:
        return (self.root / LOCK_FILE).read_text()

    def kept(self) -> list[Path]:
        return sorted(path for path in (self.root / MODULE_FOLDER).iterdir() if path.is_dir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    shutil.copytree(BASE, tmp_path / "root")
    (tmp_path / "modules.git").mkdir()
    (tmp_path / "gitconfig").write_text("")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "Ann"), ("EMAIL", "ann@acme.example"))},
    }  # fmt: skip
    made = Place(tmp_path / "modules.git", tmp_path / "root", environ)
    made.git("init", "-q", "-b", "main")
    made.commit({"worker/main.hcl": WORKER, "worker/note.txt": "first\n"}, tag="v1.0.0")
    return made


def codes(found: Loaded) -> list[tuple[str, str]]:
    return [(diagnostic.code, diagnostic.summary) for diagnostic in found.diagnostics]


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(DiagnosticError) as caught:
        call()
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code, f"{diagnostic.summary}: {diagnostic.detail}"


def test_fetched_pinned_and_used(place: Place) -> None:
    place.call(f"{place.url}//worker?ref=v1.0.0")
    assert codes(place.load()) == [("E-MODULE", "Module is not in the lock file")]
    run = place.get()
    (one,) = run.modules
    assert (one.outcome, one.commit, run.written) == ("added", place.git("rev-parse", "v1.0.0^{commit}"), True)
    header, _, block = place.lock().partition("\n\n")
    assert header.startswith("# Commit and content")
    assert block == (f'module "{place.url}?ref=v1.0.0" {{\n  commit = "{one.commit}"\n  hash   = "{one.hash}"\n}}\n')
    configuration = place.load().configuration
    assert configuration is not None
    assert configuration.agents["m_worker"].purpose == "Sort: first"
    assert configuration.files == (LOCK_FILE, "agents.hcl", "call.hcl", "keys/alice.pub", "keys/bob.pub",
                                   "workspace.hcl")  # fmt: skip
    again = place.get()
    assert ([item.outcome for item in again.modules], again.written) == (["kept"], False)
    assert (place.root / MODULE_FOLDER / ".gitignore").read_text() == "*\n"


def test_a_tag_that_moved_is_refused_until_it_is_accepted(place: Place) -> None:
    place.call(f"{place.url}//worker?ref=v1.0.0")
    place.get()
    lock = place.lock().replace('\nmodule "', '\n# ours\nmodule "').replace('commit = "', 'commit = /* here */ "')
    (place.root / LOCK_FILE).write_text(lock)
    new = place.commit({"worker/note.txt": "second\n"}, tag="v1.0.0")
    code, text = refused(place.get)
    assert code == "E-REF-MOVED"
    assert "The tag v1.0.0 has moved" in text
    assert new in text
    assert place.lock() == lock
    assert place.load().ok
    run = place.get(upgrade=True)
    assert [item.outcome for item in run.modules] == ["upgraded"]
    assert [warning.code for warning in run.warnings] == ["W-REF-MOVED"]
    assert "# ours\n" in place.lock()
    assert new in place.lock()
    configuration = place.load().configuration
    assert configuration is not None
    assert configuration.agents["m_worker"].purpose == "Sort: second"


def test_a_branch_stays_at_its_pin(place: Place) -> None:
    place.call(f"{place.url}//worker?ref=main")
    (first,) = place.get().modules
    new = place.commit({"worker/note.txt": "second\n"})
    shutil.rmtree(place.root / MODULE_FOLDER)
    assert codes(place.load()) == [("E-MODULE", "Module has not been fetched")]
    (one,) = place.get().modules
    assert (one.outcome, one.commit, one.newer) == ("fetched", first.commit, new)
    assert place.load().ok
    run = place.get(upgrade=True)
    assert [(item.outcome, item.before, item.commit) for item in run.modules] == [("upgraded", first.commit, new)]
    assert run.warnings == ()


def test_a_commit_that_is_gone(place: Place) -> None:
    place.call(f"{place.url}//worker?ref=main")
    place.get()
    shutil.rmtree(place.root / MODULE_FOLDER)
    place.git("tag", "-d", "v1.0.0")
    place.git("commit", "-q", "--amend", "-m", "other")
    place.git("reflog", "expire", "--expire=now", "--all")
    place.git("gc", "-q", "--prune=now")
    code, text = refused(place.get)
    assert code == "E-FETCH"
    assert "-upgrade" in text


def test_what_lies_here_is_checked_each_time(place: Place) -> None:
    place.call(f"{place.url}//worker?ref=v1.0.0")
    place.get()
    (kept,) = place.kept()
    for change in (
        lambda: (kept / "tree/worker/note.txt").write_text("other"),
        lambda: (kept / "tree/worker/more.hcl").write_text(""),
        lambda: (kept / "tree/worker/link").symlink_to("/etc/hostname"),
        (kept / "tree/worker/note.txt").unlink,
        lambda: (kept / "commit").write_text("tree 0\n"),
    ):
        change()
        assert codes(place.load()) == [("E-MODULE", "Fetched module is not what was pinned")]
        assert [item.outcome for item in place.get().modules] == ["fetched"]
        assert place.load().ok


def test_a_lock_file_edited_by_hand(place: Place) -> None:
    place.call(f"{place.url}//worker?ref=v1.0.0")
    (one,) = place.get().modules
    lock = place.lock()
    (place.root / LOCK_FILE).write_text(lock.replace(one.hash, "sha256:" + "0" * 64))
    assert codes(place.load()) == [("E-MODULE", "Fetched module is not what was pinned")]
    assert refused(place.get)[0] == "E-LOCK"
    for wrong in ("junk = 1\n", lock + lock, lock.replace(one.hash, "md5:1"), lock.replace("commit", "comit")):
        (place.root / LOCK_FILE).write_text(wrong)
        assert {code for code, _ in codes(place.load())} <= {"E-LOCK", "E-MODULE"}
        with pytest.raises(DiagnosticError):
            place.get()
        assert (place.root / LOCK_FILE).read_text() == wrong


def test_a_module_sees_its_own_repository_only(place: Place) -> None:
    (place.root / "secret.txt").write_text("ours")
    for body in (
        'file("../../../../secret.txt")',
        'file("/etc/hostname")',
        'join(",", fileset("../..", "*"))',
        "path.root",
    ):
        place.commit({"odd/main.hcl": f'output "x" {{\n  value = {body}\n}}\n'}, tag="odd")
        place.call(f"{place.url}//odd?ref=odd", "")
        place.get(upgrade=True)
        (found,) = place.load().diagnostics
        assert found.is_error
        assert "repository" in found.detail, body


def test_modules_in_modules(place: Place, tmp_path: Path) -> None:
    other = Place(tmp_path / "other.git", place.root, place.environ)
    other.repository.mkdir()
    other.git("init", "-q", "-b", "main")
    inner = other.commit({"main.hcl": WORKER, "note.txt": "inner"})
    text = f"""
module "local" {{
  source  = "../worker"
  purpose = "Local"
}}

module "far" {{
  source  = "git::{other.repository}"
  purpose = "Far"
}}
"""
    place.commit({"outer/main.hcl": text}, tag="v2")
    place.call(f"{place.url}//outer?ref=v2", "")
    run = place.get()
    assert [item.commit for item in run.modules] == [place.git("rev-parse", "v2^{commit}"), inner]
    configuration = place.load().configuration
    assert configuration is not None
    assert {name: agent.purpose for name, agent in configuration.agents.items() if name != "triage"} == {
        "m_local_worker": "Local: first",
        "m_far_worker": "Far: inner",
    }
    (place.root / "call.hcl").unlink()
    assert [item.outcome for item in place.get().modules] == ["removed", "removed"]
    assert "module" not in place.lock().replace("each module", "")
    place.commit({"outer/main.hcl": 'module "x" {\n  source = "../../elsewhere"\n}\n'}, tag="v3")
    place.call(f"{place.url}//outer?ref=v3", "")
    assert refused(place.get)[0] == "E-MODULE"


@pytest.mark.parametrize(
    ("ref", "said"),
    [("?ref=v9", 'no tag or branch "v9"'), ("?ref=both", "both a tag and a branch"), ("?ref=blob", "leads to a blob"),
     ("?ref=" + "0" * 40, "does not give out commit"), ("?ref=abc1234", "whole id")],
)  # fmt: skip
def test_refs_that_lead_nowhere(place: Place, ref: str, said: str) -> None:
    place.git("branch", "both")
    place.git("tag", "both")
    place.git("tag", "blob", place.git("rev-parse", "HEAD:worker/note.txt"))
    place.call(f"{place.url}//worker{ref}")
    code, text = refused(place.get)
    assert code == "E-FETCH"
    assert said in text
    assert not (place.root / LOCK_FILE).exists()


def test_other_ways_to_name_a_commit(place: Place) -> None:
    commit = place.git("rev-parse", "HEAD")
    for ref in (f"?ref={commit}", "?ref=refs/heads/main", "?ref=refs/tags/v1.0.0", ""):
        place.call(f"{place.url}//worker{ref}")
        assert {item.commit for item in place.get().modules} == {commit}
        assert place.load().ok


def test_no_repository_and_no_folder(place: Place, tmp_path: Path) -> None:
    place.call(f"git::{tmp_path}/nowhere.git")
    assert refused(place.get)[0] == "E-FETCH"
    place.call(f"{place.url}//nothing?ref=main")
    assert "no folder" in refused(place.get)[1]


def test_nothing_of_a_repository_is_run(place: Place, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {marker}\n"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "post-merge", "reference-transaction", "pre-auto-gc", "post-index-change", "monitor"):
        for folder in (hooks, place.repository / ".git" / "hooks"):
            (folder / name).write_text(script)
            (folder / name).chmod(0o755)
    (tmp_path / "gitconfig").write_text(
        f'[core]\n\thooksPath = {hooks}\n\tfsmonitor = {hooks}/monitor\n[filter "evil"]\n\tsmudge = {hooks}/monitor\n'
        f"\trequired = true\n[init]\n\ttemplateDir = {tmp_path}\n"
    )
    environ = {**place.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    quiet = Place(place.repository, place.root, environ)
    (place.repository / "worker" / "link").symlink_to("/etc/passwd")
    quiet.git("-c", "core.hooksPath=/dev/null", "submodule", "--quiet", "init")
    (place.repository / ".gitmodules").write_text('[submodule "s"]\n\tpath = s\n\turl = ext::sh -c touch% ran\n')
    (place.repository / ".gitattributes").write_text("* filter=evil\n")
    quiet.git("update-index", "--add", "--cacheinfo", f"160000,{quiet.git('rev-parse', 'HEAD')},s")
    quiet.git("-c", "core.hooksPath=/dev/null", "add", ".gitmodules", ".gitattributes", "worker")
    quiet.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "evil")
    marker.unlink(missing_ok=True)
    place.call(f"{place.url}//worker?ref=main")
    run = place.get()
    assert not marker.exists()
    assert place.load().ok
    (warning,) = run.warnings
    assert "s, worker/link" in warning.detail
    assert not any(path.is_symlink() for path in place.root.rglob("*"))


def test_a_rewritten_url_speaks_no_other_protocol(place: Place, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    (tmp_path / "gitconfig").write_text(
        f'[url "ext::sh -c touch% {marker}% #"]\n\tinsteadOf = file://\n[protocol "ext"]\n\tallow = always\n'
    )
    place.call(f"{place.url}//worker?ref=v1.0.0")
    assert refused(place.get)[0] == "E-FETCH"
    assert not marker.exists()


def test_the_module_folder_is_no_link(place: Place, tmp_path: Path) -> None:
    (place.root / MODULE_FOLDER).symlink_to(tmp_path)
    place.call(f"{place.url}//worker?ref=v1.0.0")
    assert "symbolic link" in refused(place.get)[1]


def test_without_modules_nothing_is_written(place: Place) -> None:
    run = place.get()
    assert (run.modules, run.written) == ((), False)
    assert not (place.root / LOCK_FILE).exists()
    assert not (place.root / MODULE_FOLDER).exists()


def test_a_broken_configuration_fetches_nothing(place: Place) -> None:
    place.call(f"{place.url}//worker?ref=v1.0.0", "purpose =")
    with pytest.raises(DiagnosticError):
        place.get()
    assert not (place.root / MODULE_FOLDER).exists()
