"""A team with real keys, a signed git history, a sandbox cloud of its own, and the installed command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "render"))
COMMAND = Path(sys.executable).parent / "provisioner"


@dataclass
class Team:
    """A checkout of the quickstart in a temporary folder with everything private to it."""

    home: Path
    checkout: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(
        self, *args: str, check: int | None = 0, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed command; fail with its whole output when the exit code is not `check` (None: any).

        What it prints with -json is held against the published schema.
        """
        done = subprocess.run(
            [str(COMMAND), *args],
            cwd=cwd or self.checkout,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        told = f"{args}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr, told
        if check is not None:
            assert done.returncode == check, told
        if "-json" in args and done.stdout.startswith('{\n  "format_version"'):
            import documents

            documents.check(json.loads(done.stdout))
        return done

    def json(self, *args: str, check: int | None = 0) -> Any:
        """Run with -json and parse what it prints."""
        return json.loads(self.run(*args, "-json", check=check).stdout)

    def key(self, person: str) -> Path:
        return self.home / "keys" / person

    def git(self, *args: str) -> str:
        return subprocess.run(
            ["git", *args], cwd=self.checkout, env=self.env, check=True, capture_output=True, text=True
        ).stdout

    def commit(self, message: str, person: str = "dana", *, sign: bool = True, author: str | None = None) -> None:
        """Commit everything, signed with the person's key (or unsigned), under any author line."""
        who = author or f"{person} <{person}@acme.example>"
        name, _, mail = who.rstrip(">").partition(" <")
        config = ["-c", f"user.name={name}", "-c", f"user.email={mail}", "-c", "gpg.format=ssh"]
        signing = ["-c", f"user.signingkey={self.key(person)}"] if sign else []
        self.git("add", "-A")
        self.git(*config, *signing, "commit", "-q", "-S" if sign else "--no-gpg-sign", "-m", message)

    def edit(self, old: str, new: str, file: str = "agents.hcl") -> None:
        """Replace text in a file of the checkout; the text must be there."""
        path = self.checkout / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1))

    def plan(self, name: str = "plan.json", *options: str, check: int | None = None) -> str:
        """Plan into a file; the digest."""
        done = self.run("plan", f"-out={self.home / name}", *options, check=check)
        assert done.returncode in (0, 2, 3, 4), done.stdout + done.stderr
        return json.loads((self.home / name).read_text())["digest"]

    def required(self, name: str = "plan.json") -> list[tuple[str, str]]:
        """(surface, owner) of every sign-off that the plan needs."""
        plan = json.loads((self.home / name).read_text())["plan"]
        return [(item["surface"], item["owner"]) for item in plan["requirements"]]

    def sign_all(self, name: str = "plan.json") -> None:
        """Every required owner signs with the key of its first signer who may."""
        signers = self.signers()
        digest = json.loads((self.home / name).read_text())["digest"]
        for owner in dict.fromkeys(owner for _, owner in self.required(name)):
            self.run(
                "sign",
                str(self.home / name),
                f"-owner={owner}",
                f"-key={self.key(signers[owner])}",
                f"-digest={digest}",
                "-yes",
            )

    def signers(self) -> dict[str, str]:
        """The first signer of each control owner, from the trust root in the ledger."""
        entries = sorted((self.checkout / ".provisioner").rglob("*.json"))
        roots = [json.loads(path.read_text()) for path in entries]
        data = [entry["body"]["data"] for entry in roots if entry.get("kind") == "root"][-1]
        return {name: owner["signers"][0] for name, owner in data["owners"].items()}

    def apply(self, name: str = "plan.json", check: int | None = 0) -> subprocess.CompletedProcess[str]:
        return self.run("apply", str(self.home / name), check=check)

    def iam(self) -> Any:
        """A real boto3 client on the sandbox."""
        import boto3

        state = self.json("sandbox", "status")
        return boto3.client(
            "iam",
            endpoint_url=state["sandboxes"][0]["endpoint"],
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )


def make_team(home: Path, example: str = "quickstart") -> Team:
    checkout = home / "repo"
    shutil.copytree(ROOT / "examples" / example, checkout, ignore=shutil.ignore_patterns(".provisioner"))
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PROVISIONER_RUNNER": str(home / "runner.toml"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "TERM": "dumb",
        "LANG": "C.UTF-8",
    }
    team = Team(home, checkout, env)
    (home / "keys").mkdir()
    for public in (checkout / "keys").glob("*.pub"):
        private = team.key(public.stem)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", public.stem, "-f", str(private)], check=True
        )
        shutil.copy(f"{private}.pub", public)
    team.git("init", "-q", "-b", "main")
    return team


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """A team whose first commit is signed, with a running sandbox and a trust root."""
    made = make_team(tmp_path)
    made.commit("first")
    made.run("sandbox", "up", "-provider=aws")
    try:
        made.run("init", "-yes")
        yield made
    finally:
        made.run("sandbox", "down", check=None)


@pytest.fixture
def applied(team: Team) -> Team:
    """The same with the quickstart applied and signed by everyone needed."""
    team.plan()
    team.sign_all()
    team.apply()
    return team
