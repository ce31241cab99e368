"""The runner's own file: strict, safe to write, never silently wrong."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from provisioner.model.diagnostics import DiagnosticError
from provisioner.runner import is_loopback, load_runner, runner_path, write_providers, write_workspace

PIN = "sha256:" + "ab" * 32
OTHER_PIN = "sha256:" + "cd" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runner.toml"


def load(path: Path, text: str | None = None, **environ: str):
    if text is not None:
        path.write_text(text)
        path.chmod(0o600)
    return load_runner({"PROVISIONER_RUNNER": str(path), **environ})


def refusal(path: Path, text: str) -> str:
    with pytest.raises(DiagnosticError) as caught:
        load(path, text)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E-RUNNER"
    assert diagnostic.detail, "every refusal says the way out"
    return diagnostic.summary + "\n" + diagnostic.detail


def test_settings_and_workspaces(path: Path) -> None:
    runner = load(
        path,
        '[provider."aws.prod"]\nprofile = "p"\nplan_role = "r"\nendpoint = "https://iam.example"\n'
        f'[workspace.acme]\nroot_pin = "{PIN}"\nledger = "here"\nperson = "dana"\n',
    )
    assert runner.connection_settings("aws.prod") == {
        "profile": "p",
        "plan_role": "r",
        "endpoint": "https://iam.example",
    }
    assert runner.connection_settings("aws") == {}
    workspace = runner.workspace("acme")
    assert (workspace.root_pin, workspace.person) == (PIN, "dana")
    assert workspace.ledger == str(path.parent / "here")
    assert runner.workspace("other").root_pin is None


def test_the_place(tmp_path: Path) -> None:
    assert runner_path({"PROVISIONER_RUNNER": "/x/r.toml", "HOME": "/h"}) == Path("/x/r.toml")
    assert runner_path({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}) == Path("/c/provisioner/runner.toml")
    assert runner_path({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}) == Path("/h/.config/provisioner/runner.toml")


def test_no_file_is_an_empty_one_unless_it_is_named(tmp_path: Path) -> None:
    assert load_runner({"HOME": str(tmp_path)}).providers == {}
    with pytest.raises(DiagnosticError, match="does not exist"):
        load_runner({"PROVISIONER_RUNNER": str(tmp_path / "none.toml")})


def test_the_environment_pin_goes_first_and_is_checked(path: Path) -> None:
    runner = load(path, f'[workspace.w]\nroot_pin = "{PIN}"\n', PROVISIONER_ROOT_PIN=OTHER_PIN)
    assert runner.workspace("w").root_pin == OTHER_PIN
    with pytest.raises(DiagnosticError, match="is no pin"):
        load(path, "", PROVISIONER_ROOT_PIN="abc")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = [", "is not TOML"),
        ("x = 1\n", 'unknown key "x"'),
        ("\n[workspaces.a]\n", ':2: has an unknown key "workspaces"'),
        ("[workspaces.a]\n", 'Did you mean "workspace"?'),
        ("provider = 1\n", "is not a table"),
        ("[provider]\naws = 1\n", "is not a table"),
        ('[provider.aws]\n\nprofil = "x"\n', ':3: unknown key "profil" in provider.aws'),
        ('[provider.aws]\nprofil = "x"\n', 'Did you mean "profile"?'),
        ("[provider.aws]\nprofile = 1\n", "is not a string"),
        ('[provider.aws]\nprofile = ""\n', "is not a string with content"),
        ('[provider.aws.prod]\nprofile = "x"\n', '[provider."aws.prod"]'),
        ('[provider."AWS"]\nprofile = "x"\n', "is no provider key"),
        ('[provider.aws]\nendpoint = "http://iam.example"\n', "neither https nor on this machine"),
        ('[provider.aws]\nendpoint = "http://127.0.0.1.evil.example"\n', "neither https nor on this machine"),
        ('[provider.aws]\nendpoint = "http://127.0.0.1@evil.example"\n', "user name"),
        ('[provider.aws]\nendpoint = "ftp://127.0.0.1"\n', "no http or https URL"),
        ('[provider.aws]\nendpoint = "https://"\n', "no http or https URL"),
        ('[provider.aws]\nendpoint = "http://127.0.0.1:x"\n', "is no URL"),
        ('[provider.aws]\ncredentials = "sandbox"\n', "without a loopback endpoint"),
        ('[provider.aws]\ncredentials = "sandbox"\nendpoint = "https://iam.example"\n', "without a loopback endpoint"),
        ('[provider.aws]\ncredentials = "AKIA"\nendpoint = "http://[::1]:5000"\n', "unknown kind of credentials"),
        ('[workspace.w]\nroot_pin = "sha256:12"\n', "is no pin"),
        ('[workspace.w]\n[workspace.v]\npin = "x"\n', ':3: unknown key "pin" in workspace.v'),
    ],
)
def test_what_is_refused(path: Path, text: str, says: str) -> None:
    assert says in refusal(path, text)


def test_a_file_that_others_may_write_is_refused(path: Path) -> None:
    path.write_text("")
    path.chmod(0o666)
    with pytest.raises(DiagnosticError, match="may be written by others"):
        load(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError, match="not a regular file"):
        load(tmp_path)


def test_bytes_that_are_no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DiagnosticError, match="not UTF-8"):
        load(path)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost", "http://[::1]:9", "https://127.8.8.8"])
def test_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://localhost.example", "http://0.0.0.0", "x", ""])
def test_not_loopback(url: str) -> None:
    assert not is_loopback(url)


def test_writing_a_pin_keeps_the_rest(path: Path) -> None:
    before = '# mine\n[provider.aws]\nprofile = "p"  # the profile\n\n[workspace.w]\nperson = "dana"\n'
    before += f'root_pin = "{PIN}"\n'
    path.write_text(before)
    path.chmod(0o644)
    write_workspace(path, "w", {"root_pin": OTHER_PIN})
    assert path.read_text() == before.replace(PIN, OTHER_PIN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["runner.toml"], "no temporary file stays"


@pytest.mark.parametrize("workspace", ["acme", "with.dot", "with space", 'quo"te', "[x]"])
def test_a_pin_comes_back(tmp_path: Path, workspace: str) -> None:
    path = tmp_path / "new" / "folder" / "runner.toml"
    write_workspace(path, workspace, {"root_pin": PIN, "ledger": "/srv/ledger"})
    write_workspace(path, "second", {"root_pin": OTHER_PIN})
    runner = load(path)
    assert runner.workspace(workspace).root_pin == PIN
    assert runner.workspace(workspace).ledger == "/srv/ledger"
    assert runner.workspace("second").root_pin == OTHER_PIN


def test_a_pin_is_written_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("")
    real.chmod(0o600)
    link = tmp_path / "runner.toml"
    link.symlink_to(real)
    write_workspace(link, "w", {"root_pin": PIN})
    assert link.is_symlink()
    assert PIN in real.read_text()


def test_a_broken_file_is_not_written_to(path: Path) -> None:
    path.write_text("x = 1\n")
    path.chmod(0o600)
    with pytest.raises(DiagnosticError):
        write_workspace(path, "w", {"root_pin": PIN})
    assert path.read_text() == "x = 1\n"


@pytest.mark.parametrize(("key", "value"), [("root_pin", "sha256:no"), ("rot_pin", PIN), ("person", "")])
def test_nothing_is_written_that_could_not_be_read(path: Path, key: str, value: str) -> None:
    with pytest.raises(DiagnosticError):
        write_workspace(path, "w", {key: value})
    assert not path.exists()


def test_provider_entries_are_replaced_whole(path: Path) -> None:
    path.write_text(f'[provider.aws]\nprofile = "p"\n\n[workspace.w]\nroot_pin = "{PIN}"\n')
    path.chmod(0o600)
    write_providers(path, {"aws.box": {"endpoint": "http://127.0.0.1:5000", "credentials": "sandbox"}})
    runner = load(path)
    assert runner.connection_settings("aws.box")["endpoint"] == "http://127.0.0.1:5000"
    assert runner.connection_settings("aws") == {"profile": "p"}
    write_providers(path, {"aws.box": {"endpoint": "http://127.0.0.1:6000"}})
    assert load(path).connection_settings("aws.box") == {"endpoint": "http://127.0.0.1:6000"}
    assert load(path).workspace("w").root_pin == PIN


def test_memory_files_stay_in_their_folder(path: Path) -> None:
    runner = load(path, "")
    for name in ("../../x", "..", "a/b", "", "."):
        assert runner.workspace(name).memory.parent == path.parent / "memory"
