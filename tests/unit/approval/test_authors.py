"""Authors, read from real repositories whose commits real keys signed."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import scenario

from provisioner.approval import authors as room
from provisioner.approval.authors import authors, authors_again, split_signature
from provisioner.approval.authorship import Actor, Actors, Applied, Authorship
from provisioner.approval.git import Repository
from provisioner.approval.root import RootData, RootPerson
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.plan import Exclusion

PEOPLE = ("alice", "bob", "carol")
FILES = ("main.hcl", "agents/triage.hcl", "data/list.yaml")


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signers")
    for name in (*PEOPLE, "mallory"):
        subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", folder / name, "-C", name], check=True)
    return folder


@pytest.fixture
def root(key_folder: Path) -> RootData:
    people = {
        name: RootPerson((f"{name}@acme.example",), (" ".join((key_folder / f"{name}.pub").read_text().split()[:2]),))
        for name in PEOPLE
    }
    return replace(scenario.root_data(), people=people)


class Repo:
    """A repository with the root module in a folder of it."""

    def __init__(self, folder: Path, key_folder: Path) -> None:
        self.top = folder
        self.root = folder / "live"
        self.keys = key_folder
        self.root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "gpg.format", "ssh")
        self.git("config", "commit.gpgsign", "false")

    def git(self, *arguments: str, who: str = "alice") -> str:
        environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            environ |= {f"GIT_{role}_NAME": who, f"GIT_{role}_EMAIL": f"{who}@acme.example"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.top, env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def content(self, name: str) -> bytes:
        return subprocess.run(["git", "cat-file", "blob", name], cwd=self.top, check=True, capture_output=True).stdout

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, who: str | None, *options: str, name: str = "alice", message: str = "change") -> str:
        """Commit everything; `who` signs (None: nobody), `name` stands as author and committer."""
        self.git("add", "-A")
        signing = ("-c", f"user.signingkey={self.keys / who}", "commit", "-S") if who else ("commit",)
        self.git(*signing, "-q", "--allow-empty", "-m", message, *options, who=name)
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str, who: str | None, *options: str, name: str = "carol") -> str:
        signing = ("-c", f"user.signingkey={self.keys / who}", "merge", "-S") if who else ("merge",)
        self.git(*signing, "-q", "--no-ff", "--no-edit", *options, branch, who=name)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path, key_folder: Path) -> Repo:
    made = Repo(tmp_path / "repo", key_folder)
    for name in FILES:
        made.write(name, "one\n")
    made.write("README.md", "not read\n")
    return made


def ask(repo: Repo, root: RootData, **over: object) -> Authorship:
    values: dict[str, object] = {"files": FILES, "environ": dict(os.environ)} | over
    files = values.pop("files")
    if "since_commit" in values:
        values["since"] = applied(repo, str(values.pop("since_commit")))
    return authors(repo.root, files, root, **values)  # type: ignore[arg-type]


def applied(repo: Repo, commit: str) -> Applied:
    """What a plan that was made at a commit has signed: every file of the folder but the README."""
    names = repo.git("ls-tree", "-r", "-z", "--name-only", f"{commit}:live").split("\0")
    contents = {name: repo.content(f"{commit}:live/{name}") for name in names if name and name != "README.md"}
    return Applied({name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}, commit)


def people(found: Authorship) -> set[str]:
    return {exclusion.person for exclusion in found.people}


def test_the_key_says_who_wrote_it(repo: Repo, root: RootData) -> None:
    head = repo.commit("alice")
    assert ask(repo, root) == Authorship((Exclusion("alice", "author"),), (), head)


def test_everybody_since_the_last_apply_and_nobody_before(repo: Repo, root: RootData) -> None:
    repo.commit("carol", name="carol")
    since = repo.commit("carol", name="carol", message="empty")
    repo.write("main.hcl", "two\n")
    repo.commit("alice")
    repo.write("data/list.yaml", "two\n")
    repo.commit("bob", name="bob")
    assert people(ask(repo, root)) == {"alice", "bob", "carol"}
    found = ask(repo, root, since_commit=since)
    assert people(found) == {"alice", "bob"}
    assert found.unknown == ()


def test_a_commit_that_touches_nothing_that_was_read_does_not_count(repo: Repo, root: RootData) -> None:
    since = repo.commit("carol", name="carol")
    repo.write("README.md", "other\n")
    repo.commit(None, name="mallory")
    assert ask(repo, root, since_commit=since).people == ()
    assert ask(repo, root, since_commit=since).unknown == ()


def test_author_option_hides_nobody(repo: Repo, root: RootData) -> None:
    """`--author` names carol, alice's key signs: both are out."""
    repo.commit("alice", "--author", "Carol <carol@acme.example>")
    assert people(ask(repo, root)) == {"alice", "carol"}


def test_a_name_alone_proves_nothing(repo: Repo, root: RootData) -> None:
    repo.commit(None, name="bob")
    found = ask(repo, root)
    assert people(found) == {"bob"}
    assert found.unknown == ("commits without a signature",)


def test_a_stranger_s_key_is_an_unknown_author(repo: Repo, root: RootData) -> None:
    repo.commit("mallory", name="mallory")
    found = ask(repo, root)
    assert found.people == ()
    assert found.unknown == ("commits signed with a key that the trust root does not know",)
    assert found.details == (f"{found.commit[:12]}: {found.unknown[0]}",) if found.commit else False


def test_co_authors_are_out_too(repo: Repo, root: RootData) -> None:
    repo.commit("alice", message="change\n\nCo-authored-by: Bob <BOB@acme.example>")
    assert people(ask(repo, root)) == {"alice", "bob"}


def test_a_signature_from_another_commit_is_not_valid(repo: Repo, root: RootData) -> None:
    repo.commit("alice")
    raw = subprocess.run(["git", "cat-file", "commit", "HEAD"], cwd=repo.top, check=True, capture_output=True).stdout
    forged = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=repo.top, check=True, capture_output=True, input=raw.replace(b"change", b"widen"),
    ).stdout.decode().strip()  # fmt: skip
    repo.git("reset", "-q", "--hard", forged)
    assert ask(repo, root).unknown == ("commits with a signature that is not valid",)


def test_a_sign_off_is_no_commit_signature(repo: Repo, root: RootData, monkeypatch: pytest.MonkeyPatch) -> None:
    """The namespaces differ in both directions."""
    repo.commit("alice")
    monkeypatch.setattr(room, "GIT_NAMESPACE", "provisioner.signoff@v1")
    assert ask(repo, root).unknown == ("commits with a signature that is not valid",)


def test_pgp_signatures_are_not_ours_to_judge(repo: Repo, root: RootData) -> None:
    repo.commit("alice")
    raw = subprocess.run(["git", "cat-file", "commit", "HEAD"], cwd=repo.top, check=True, capture_output=True).stdout
    signature, payload = split_signature(raw)
    assert signature is not None and b"gpgsig" not in payload
    head, _blank, rest = payload.partition(b"\n\n")
    pgp = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----"
    forged = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=repo.top, check=True, capture_output=True, input=head + b"\n" + pgp + b"\n\n" + rest,
    ).stdout.decode().strip()  # fmt: skip
    repo.git("reset", "-q", "--hard", forged)
    assert ask(repo, root).unknown == ("commits with a signature that is not SSH's",)


def test_two_signatures_count_as_none() -> None:
    data = b"tree x\ngpgsig a\n b\ngpgsig-sha256 c\n d\n\nmessage gpgsig x"
    assert split_signature(data) == (None, data)


def test_files_that_are_not_committed(repo: Repo, root: RootData) -> None:
    repo.commit("alice")
    repo.write("main.hcl", "dirty\n")
    repo.write("new.hcl", "new\n")
    found = ask(repo, root, files=(*FILES, "new.hcl"))
    assert found.unknown == ("changed since the commit: main.hcl", "not committed: new.hcl")


def test_the_index_cannot_look_away(repo: Repo, root: RootData) -> None:
    """`assume-unchanged` hides a change from git status; the bytes are compared all the same."""
    repo.commit("alice")
    repo.git("update-index", "--assume-unchanged", "live/main.hcl")
    repo.write("main.hcl", "dirty\n")
    assert repo.git("status", "--porcelain") == ""
    assert ask(repo, root).unknown == ("changed since the commit: main.hcl",)


def test_an_ignored_file_that_was_read(repo: Repo, root: RootData) -> None:
    (repo.top / ".gitignore").write_text("*.auto.vars.hcl\n")
    repo.commit("alice")
    repo.write("x.auto.vars.hcl", "wide = true\n")
    assert ask(repo, root, files=(*FILES, "x.auto.vars.hcl")).unknown == ("not committed: x.auto.vars.hcl",)


def test_a_link_is_not_the_file(repo: Repo, root: RootData) -> None:
    repo.commit("alice")
    (repo.root / "main.hcl").unlink()
    (repo.root / "main.hcl").symlink_to("agents/triage.hcl")
    repo.commit("alice")
    assert ask(repo, root).unknown == ("changed since the commit: main.hcl",)


def test_who_took_a_file_away_is_an_author(repo: Repo, root: RootData) -> None:
    repo.write("limits.hcl", "narrow\n")
    since = repo.commit("carol", name="carol")
    (repo.root / "limits.hcl").unlink()
    repo.commit("bob", name="bob")
    assert people(ask(repo, root, since_commit=since)) == {"bob"}


def test_who_moved_away_from_what_was_applied_does_not_shorten_the_list(repo: Repo, root: RootData) -> None:
    """No commit of the history holds what was applied last: then everybody counts, from the first commit on."""
    first = repo.commit("alice")
    repo.write("main.hcl", "narrowed\n")
    applied_at = repo.commit("carol", name="carol")
    since = applied(repo, applied_at)
    repo.git("reset", "-q", "--hard", first)
    found = ask(repo, root, since=since)
    assert people(found) == {"alice"}
    assert any("authors of all time count" in detail for detail in found.details)


@pytest.mark.parametrize("hint", ["0" * 40, "HEAD", "--all", "main", "a" * 64, None])
def test_the_unsigned_commit_is_only_a_hint(hint: str | None, repo: Repo, root: RootData) -> None:
    since = applied(repo, repo.commit("carol", name="carol"))
    repo.write("main.hcl", "two\n")
    repo.commit("alice")
    assert people(ask(repo, root, since=replace(since, commit=hint))) == {"alice"}


def test_a_later_commit_beside_the_plan_hides_nobody(repo: Repo, root: RootData) -> None:
    """Whoever writes to the ledger first can put any commit beside a plan: the signed contents say where it was."""
    since = applied(repo, repo.commit("carol", name="carol"))
    repo.write("main.hcl", "slipped in\n")
    later = repo.commit("bob", name="bob")
    repo.write("data/list.yaml", "two\n")
    repo.commit("alice")
    assert people(ask(repo, root, since=replace(since, commit=later))) == {"alice", "bob"}


def test_a_squash_merge_is_found_by_its_contents(repo: Repo, root: RootData) -> None:
    """What was applied from a branch stands in main under another commit."""
    repo.commit("carol", name="carol")
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("main.hcl", "feature\n")
    since = applied(repo, repo.commit("bob", name="bob"))
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--squash", "feature")
    repo.commit("carol", name="carol")
    repo.write("data/list.yaml", "two\n")
    repo.commit("alice")
    assert people(ask(repo, root, since=since)) == {"alice"}


def test_a_file_that_was_not_read_before_counts_from_its_first_commit(repo: Repo, root: RootData) -> None:
    """An old file that only now is read: who wrote it long ago is an author of what is planned today."""
    repo.write("wide.json", "{}\n")
    repo.commit("bob", name="bob")
    since = applied(repo, repo.commit("carol", name="carol", message="applied"))
    since = replace(since, sources={name: sha for name, sha in since.sources.items() if name != "wide.json"})
    repo.write("main.hcl", "reads wide.json\n")
    repo.commit("alice")
    assert people(ask(repo, root, files=(*FILES, "wide.json"), since=since)) == {"alice", "bob"}


def test_what_is_beside_the_folder_is_attributed_like_the_rest(repo: Repo, root: RootData) -> None:
    repo.commit("carol", name="carol")
    repo.write("../shared/module.hcl", "one\n")
    repo.commit("bob", name="bob")
    found = ask(repo, root, files=(*FILES, "../shared/module.hcl"))
    assert people(found) == {"bob", "carol"}
    assert found.unknown == ()
    repo.write("../shared/module.hcl", "two\n")
    found = ask(repo, root, files=(*FILES, "../shared/module.hcl"))
    assert found.unknown == ("changed since the commit: ../shared/module.hcl",)


def test_another_runner_finds_the_same_authors(repo: Repo, root: RootData) -> None:
    since = applied(repo, repo.commit("carol", name="carol"))
    repo.write("main.hcl", "two\n")
    planned = repo.commit("bob", name="bob")
    sources = applied(repo, planned).sources
    repo.write("main.hcl", "three\n")
    repo.commit("alice")
    again = authors_again(repo.root, sources, root, environ=dict(os.environ), since=since)
    assert again is not None
    assert people(again) == {"bob"} and again.unknown == () and again.commit == planned
    strange = {**sources, "main.hcl": "0" * 64}
    assert authors_again(repo.root, strange, root, environ=dict(os.environ), since=since) is None


def test_another_runner_without_a_history_says_nothing(repo: Repo, root: RootData, tmp_path: Path) -> None:
    sources = applied(repo, repo.commit("bob", name="bob")).sources
    repo.write("main.hcl", "two\n")
    repo.commit("bob", name="bob")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repo.top}", clone], check=True)
    assert authors_again(clone / "live", sources, root, environ=dict(os.environ), since=None) is None
    assert authors_again(tmp_path, sources, root, environ={**os.environ, "PATH": str(tmp_path)}, since=None) is None


def branches(repo: Repo) -> str:
    """main changes one file, a branch another; gives the commit before both."""
    since = repo.commit("carol", name="carol")
    repo.git("checkout", "-q", "-b", "feature")
    repo.write("main.hcl", "feature\n")
    repo.commit("alice")
    repo.git("checkout", "-q", "main")
    repo.write("agents/triage.hcl", "main\n")
    repo.commit("bob", name="bob")
    return since


def test_a_plain_merge_decides_nothing(repo: Repo, root: RootData) -> None:
    """The merge button makes an unsigned commit; who wrote both sides is known all the same."""
    since = branches(repo)
    repo.merge("feature", None, name="mallory")
    found = ask(repo, root, since_commit=since)
    assert people(found) == {"alice", "bob"}
    assert found.unknown == ()


def test_a_merge_that_throws_one_side_away_decides(repo: Repo, root: RootData) -> None:
    """`-s ours` brings the older text back without a commit that changes the file."""
    since = branches(repo)
    repo.merge("feature", "carol", "-s", "ours")
    assert people(ask(repo, root, since_commit=since)) == {"alice", "bob", "carol"}


def test_a_merge_with_content_of_its_own_decides(repo: Repo, root: RootData) -> None:
    since = branches(repo)
    repo.git("merge", "-q", "--no-ff", "--no-commit", "feature")
    repo.write("data/list.yaml", "slipped in\n")
    repo.commit("carol", name="carol")
    assert "carol" in people(ask(repo, root, since_commit=since))


def test_an_unsigned_merge_with_content_of_its_own_is_unknown(repo: Repo, root: RootData) -> None:
    since = branches(repo)
    repo.git("merge", "-q", "--no-ff", "--no-commit", "feature")
    repo.write("main.hcl", "slipped in\n")
    repo.commit(None, name="mallory")
    assert ask(repo, root, since_commit=since).unknown == ("commits without a signature",)


def test_a_merge_of_three_decides(repo: Repo, root: RootData) -> None:
    since = branches(repo)
    repo.git("checkout", "-q", "-b", "other", since)
    repo.write("data/list.yaml", "other\n")
    repo.commit("bob", name="bob")
    repo.git("checkout", "-q", "main")
    repo.git("-c", f"user.signingkey={repo.keys / 'carol'}", "merge", "-S", "-q", "--no-edit", "feature", "other",
             who="carol")  # fmt: skip
    assert "carol" in people(ask(repo, root, since_commit=since))


def test_a_shallow_clone_is_said(repo: Repo, root: RootData, tmp_path: Path, key_folder: Path) -> None:
    repo.commit("alice")
    repo.write("main.hcl", "two\n")
    repo.commit("alice")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repo.top}", clone], check=True)
    found = authors(clone / "live", FILES, root, environ=dict(os.environ))
    assert len(found.unknown) == 1 and found.unknown[0].startswith("the clone is shallow")


def test_no_repository_is_said(root: RootData, tmp_path: Path) -> None:
    (tmp_path / "main.hcl").write_text("x")
    found = authors(tmp_path, ["main.hcl"], root, environ={**os.environ, "GIT_CEILING_DIRECTORIES": "/"})
    assert found.commit is None
    assert found.unknown == ("the files are in no git repository",)
    assert len(found.details) == 1 and "not a git repository" in found.details[0]


def test_a_repository_without_a_commit(repo: Repo, root: RootData) -> None:
    found = ask(repo, root)
    assert found.unknown == ("the history of the files could not be read",)
    assert found.details


def test_no_git_is_an_error_with_a_way_out(root: RootData, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="git is not on this machine") as caught:
        authors(tmp_path, ["main.hcl"], root, environ={"PATH": str(tmp_path)})
    assert caught.value.diagnostics[0].code == "E-GIT"


def test_values_from_outside_and_the_planner(repo: Repo, root: RootData) -> None:
    repo.commit("alice")
    found = ask(repo, root, inputs=("var.region", "var.\u202eage"), person="bob")
    assert found.people == (Exclusion("alice", "author"), Exclusion("bob", "planned it"))
    assert found.unknown == ("values from outside the files: var.\\u202eage, var.region",)


def test_who_a_ci_run_works_for_is_excluded(repo: Repo, root: RootData) -> None:
    """By login, number or address; whom nobody knows is an unknown author. No name of an actor takes a doubt away."""
    repo.commit("alice")
    accounts = {"bob": ("github:Bob", "gitlab:bob"), "carol": ("github-id:13",)}
    known = replace(
        root, people={name: replace(who, accounts=accounts.get(name, ())) for name, who in root.people.items()}
    )
    run = Actors((Actor(("github:bOB", "github-id:12"), "planned it"), Actor(("github:c", "github-id:13"), "author")))
    found = ask(repo, known, actors=run)
    assert found.people == (
        Exclusion("alice", "author"),
        Exclusion("bob", "planned it"),
        Exclusion("carol", "author"),
    )
    assert found.unknown == ()
    found = ask(repo, known, actors=Actors((Actor(("github:mallory", "github-id:9"), "planned it"),)))
    assert found.unknown == ("accounts that no person of the trust root has: github:mallory",)
    found = ask(repo, root, actors=Actors(emails=("BOB@acme.example",), doubts=("odd",), details=("more",)))
    assert people(found) == {"alice", "bob"}
    assert (found.unknown, found.details) == (("odd",), ("more",))


def test_many_names_are_cut(repo: Repo, root: RootData) -> None:
    repo.commit("alice")
    found = ask(repo, root, inputs=tuple(f"var.v{at}" for at in range(8)))
    assert found.unknown == ("values from outside the files: var.v0, var.v1, var.v2, var.v3, var.v4 and 3 more",)


@pytest.mark.parametrize("file", ["../../other.hcl", "/etc/passwd", "./main.hcl", "a\nb.hcl", "a/../main.hcl", ".."])
def test_files_from_elsewhere(file: str, repo: Repo, root: RootData) -> None:
    repo.commit("alice")
    found = ask(repo, root, files=(*FILES, file))
    assert len(found.unknown) == 1 and found.unknown[0].startswith("files from outside the repository: ")


@pytest.mark.parametrize(
    "name", [":(exclude)main.hcl", "*.hcl", "a b.hcl", "-rf.hcl", "ü\u2028.hcl", "[x].hcl", '"q".hcl']
)
def test_odd_file_names_are_only_names(name: str, repo: Repo, root: RootData) -> None:
    repo.commit("alice")
    repo.write(name, "odd\n")
    since = repo.commit("bob", name="bob")
    assert people(ask(repo, root, files=(name,))) == {"bob"}
    (repo.root / name).unlink()
    repo.commit("carol", name="carol")
    assert people(ask(repo, root, since_commit=since)) == {"carol"}


def test_a_hostile_repository_runs_nothing(repo: Repo, root: RootData, tmp_path: Path) -> None:
    """Every setting of a repository that names a program, every hook, and the environment's own."""
    repo.commit("alice")
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho hit >> {tmp_path / 'hit'}\n")
    trap.chmod(0o700)
    for setting in ("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "gpg.program", "gpg.ssh.program",
                    "diff.x.textconv", "diff.external", "filter.x.clean", "filter.x.smudge", "merge.x.driver",
                    "alias.rev-parse", "pager.rev-list", "credential.helper"):  # fmt: skip
        repo.git("config", setting, str(trap))
    repo.git("config", "log.showSignature", "true")
    (repo.top / ".git/info/attributes").write_text("* filter=x diff=x merge=x\n")
    for hook in ("post-index-change", "reference-transaction", "post-checkout"):
        (repo.top / ".git/hooks" / hook).symlink_to(trap)
    hostile = {**os.environ, "GIT_EXTERNAL_DIFF": str(trap), "GIT_PAGER": str(trap), "GIT_DIR": "/nowhere"}
    (tmp_path / "hit").unlink(missing_ok=True)
    assert people(ask(repo, root, environ=hostile)) == {"alice"}
    assert not (tmp_path / "hit").exists()
    subprocess.run(["git", "status"], cwd=repo.top, capture_output=True, check=False)
    assert (tmp_path / "hit").exists(), "the trap is no trap: an ordinary command should fall into it"


def test_replacement_refs_and_grafts_are_not_followed(repo: Repo, root: RootData) -> None:
    """`git replace` and .git/info/grafts can hide a commit from every other command."""
    first = repo.commit("carol", name="carol")
    repo.write("main.hcl", "two\n")
    middle = repo.commit("bob", name="bob")
    repo.write("main.hcl", "three\n")
    last = repo.commit("alice")
    repo.git("replace", "--graft", last, first)
    assert middle not in repo.git("rev-list", "HEAD")
    assert people(ask(repo, root)) == {"alice", "bob", "carol"}
    repo.git("replace", "-d", last)
    (repo.top / ".git/info/grafts").write_text(f"{last} {first}\n")
    assert people(ask(repo, root)) == {"alice", "bob", "carol"}


def test_the_number_of_processes_does_not_grow_with_files_or_commits(
    repo: Repo, root: RootData, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    start = Repository._start

    def counted(self: Repository, arguments: object, stdin: bytes) -> object:
        calls.append(arguments)
        return start(self, arguments, stdin)  # type: ignore[arg-type]

    for at in range(12):
        repo.write(f"agents/a{at}.hcl", "x\n")
        repo.commit("alice")
    monkeypatch.setattr(Repository, "_start", counted)
    found = ask(repo, root, files=tuple(f"agents/a{at}.hcl" for at in range(12)))
    assert people(found) == {"alice"}
    assert len(calls) <= 7
