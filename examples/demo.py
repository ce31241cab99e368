# ruff: noqa: S603, T201 - it runs commands and shows them, nothing else
"""The main job on real parts, in a folder of its own: `make demo`.

A copy of examples/quickstart becomes a git repository; its placeholder keys become keys that are made here. Everything
runs through the installed command. Every exit code is checked; the first surprise ends the demo with exit code 1.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

QUICKSTART = Path(__file__).parent / "quickstart"
COMMAND = Path(sys.executable).parent / "provisioner"
SIGNERS = {"iam": "alice", "api": "bob", "platform": "carol", "security": "erin"}
AUTHOR = "dana"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ROLE = "acme-sandbox-invoice-triage"
ACCOUNT = "123456789012"


class Surprise(Exception):
    """A step did not end as it should."""


class Demo:
    """One run: a folder with a home, a repository and keys, and a sandbox that stops with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "agents"
        self.keys = folder / "keys"
        self.environ = _environment(folder)

    def run(self) -> None:
        """The whole story."""
        self.prepare()
        say("1. A cloud on this machine, a trust root, a valid configuration")
        self.provisioner("sandbox", "up", "-provider=aws")
        self.provisioner("init", "-yes")
        self.provisioner("validate")

        say("2. The plan: what the new agent could do, and who answers for it")
        self.provisioner("plan", "-out", "first.plan.json", expect=3)

        say("3. Nobody has signed, so nothing happens")
        self.provisioner("apply", "first.plan.json", expect=3)

        say("4. Each control owner signs that exact plan; then it is applied")
        self.sign("first.plan.json")
        self.provisioner("apply", "first.plan.json")
        self.provisioner("plan", "-detailed-exitcode")
        self.provisioner("drift")

        say("5. Somebody attaches AdministratorAccess, past the tool")
        self.attach_administrator_access()
        self.provisioner("drift", expect=5)

        say("6. A plan takes it away; its owner signs; the cloud is as signed again")
        self.provisioner("plan", "-out", "repair.plan.json", expect=3)
        self.sign("repair.plan.json")
        self.provisioner("apply", "repair.plan.json")
        self.provisioner("drift")

    def prepare(self) -> None:
        """The repository: written by dana, who signs commits and may therefore sign no plan."""
        shutil.copytree(QUICKSTART, self.repository)
        self.keys.mkdir(mode=0o700)
        for person in (AUTHOR, *SIGNERS.values()):
            key = self.keys / person
            self.quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", str(key))
            shutil.copy(f"{key}.pub", self.repository / "keys" / f"{person}.pub")
        (self.repository / ".gitignore").write_text(".provisioner/\n*.plan.json\n")
        settings = {
            "user.name": AUTHOR,
            "user.email": f"{AUTHOR}@acme.example",
            "gpg.format": "ssh",
            "user.signingkey": str(self.keys / AUTHOR),
            "commit.gpgsign": "true",
        }
        self.quiet("git", "init", "--quiet", "--initial-branch=main")
        for name, value in settings.items():
            self.quiet("git", "config", name, value)
        self.quiet("git", "add", ".")
        self.quiet("git", "commit", "--quiet", "-m", "One agent that sorts invoices")

    def sign(self, plan: str) -> None:
        """Every sign-off that the plan still needs, each by the owner's signer."""
        digest = json.loads((self.repository / plan).read_text())["digest"]
        for owner in dict.fromkeys(row["owner"] for row in self.missing(plan)):
            key = str(self.keys / SIGNERS[owner])
            self.provisioner("sign", plan, "-owner", owner, "-key", key, "-digest", digest, "-yes")
        if left := self.missing(plan):
            raise Surprise(f"still unsigned: {left}")

    def missing(self, plan: str) -> list[dict[str, Any]]:
        """Rows of `status -json` that are not done."""
        done = self.execute([str(COMMAND), "status", plan, "-json"])
        if done.returncode not in (0, 3):
            raise Surprise(f"status ended with {done.returncode}: {done.stderr}")
        return [row for row in json.loads(done.stdout)["sign_offs"]["rows"] if not row["done"]]

    def attach_administrator_access(self) -> None:
        """What an administrator in a hurry does, with the same library as everybody."""
        import boto3

        show(f"aws iam attach-role-policy --role-name {ROLE} --policy-arn {ADMINISTRATOR}")
        status = self.execute([str(COMMAND), "sandbox", "status", "-json"])
        client = boto3.client(
            "iam",
            endpoint_url=json.loads(status.stdout)["sandboxes"][0]["endpoint"],
            region_name="us-east-1",
            aws_access_key_id=f"SANDBOX{ACCOUNT}",
            aws_secret_access_key="sandbox",  # noqa: S106 - the sandbox takes any
        )
        client.attach_role_policy(RoleName=ROLE, PolicyArn=ADMINISTRATOR)

    def provisioner(self, *arguments: str, expect: int = 0) -> None:
        """Run the installed command where everybody can see it; its exit code must be `expect`."""
        show(" ".join(["provisioner", *(argument.replace(str(self.folder), "..") for argument in arguments)]))
        done = self.execute([str(COMMAND), *arguments])
        print(textwrap.indent(done.stdout + done.stderr, "  "), flush=True)
        if done.returncode != expect:
            raise Surprise(f"provisioner {arguments[0]} ended with {done.returncode}, not with {expect}")

    def quiet(self, *arguments: str) -> None:
        """A preparation whose output nobody needs unless it fails."""
        done = self.execute(arguments)
        if done.returncode != 0:
            raise Surprise(f"{' '.join(arguments)} failed: {done.stderr}{done.stdout}")

    def execute(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            arguments,
            cwd=self.repository if self.repository.exists() else self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def clean(self) -> None:
        """Stop the sandbox; the folder goes with its context."""
        self.execute([str(COMMAND), "sandbox", "down"])


def say(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)


def show(command: str) -> None:
    print(f"$ {command}", flush=True)


def _environment(folder: Path) -> Mapping[str, str]:
    """Nothing of the user's: no home, no credentials, no agent, no git settings."""
    home = folder / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PROVISIONER_RUNNER": str(home / "runner.toml"),
        "PROVISIONER_SANDBOX": str(home / "sandbox"),
    }


def main() -> int:
    """Run the demo; 0 when every step ended as it should."""
    started = time.monotonic()
    missing = [program for program in ("git", "ssh-keygen") if shutil.which(program) is None]
    if missing:
        print(f"the demo needs {' and '.join(missing)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="provisioner-demo-") as name:
        demo = Demo(Path(name))
        try:
            demo.run()
        except Surprise as surprise:
            print(f"\nthe demo stopped: {surprise}", file=sys.stderr)
            return 1
        finally:
            demo.clean()
    say(f"Done in {time.monotonic() - started:.0f} s. Nothing is left behind.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
