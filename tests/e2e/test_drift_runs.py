"""What a scheduled drift run sets aside, remembers and tells."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

ROLE = "acme-sandbox-invoice-triage"
HOTFIX = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}
IGNORE = """ignore {{
  address = "aws:*:hotfix*"
  reason  = "INC-7, known to security"
  expires = "{end}"
}}
"""


def widen(team: Any, name: str = "hotfix") -> None:
    team.iam().put_role_policy(RoleName=ROLE, PolicyName=name, PolicyDocument=json.dumps(HOTFIX))


def test_ignored_differences_are_shown_and_do_not_decide(applied: Any) -> None:
    widen(applied)
    (found,) = applied.json("drift", check=5)["drift"]["differences"]
    address = ":".join(found["address"][part] for part in ("provider", "target", "kind", "name"))
    file = applied.checkout / ".provisioner.ignore.hcl"
    file.write_text(IGNORE.format(end="2099-01-01").replace("aws:*:hotfix*", address))
    done = applied.run("drift", check=0).stdout
    assert "IGNORED      1 by .provisioner.ignore.hcl:1 (until 2099-01-01): INC-7, known to security" in done
    assert "hotfix" in done and "Everything live is as signed" not in done
    assert done.rstrip().endswith("exit 0: no drift but what is ignored")
    report = applied.json("drift")["drift"]
    assert report["differences"] == [] and report["ignored"][0]["differences"][0]["id"] == "D-1"
    assert (report["as_signed"], report["differ"]) == (0, 1)
    # What somebody else did is not covered, and an end is an end.
    time.sleep(1.1)  # runs are told apart by whole seconds
    widen(applied, "second")
    assert len(applied.json("drift", check=5)["drift"]["differences"]) == 1
    file.write_text(IGNORE.format(end="2026-01-01").replace("aws:*:hotfix*", address))
    text = applied.run("drift", check=5).stdout
    assert "it ended on 2026-01-01" in text and "2 OUT OF BAND, wider" in text


def test_an_ignore_file_elsewhere_and_a_wrong_one(applied: Any) -> None:
    widen(applied)
    other = applied.home / "known.hcl"
    other.write_text(IGNORE.format(end="2099-01-01").replace("address", "agent  ").replace("aws:*:hotfix*", "inv*"))
    assert "IGNORED      1 by ../known.hcl:1" in applied.run("drift", f"-ignore={other}").stdout
    assert "IGNORED" not in applied.run("drift", check=5).stdout
    other.write_text('ignore {\n  agent = "inv*"\n  expires = "soon"\n}\n')
    done = applied.run("drift", f"-ignore={other}", check=1)
    assert 'The argument "reason" is required' in done.stderr and "known.hcl line 1" in done.stderr
    assert "ignore {" in done.stderr and done.stdout == ""
    gone = applied.run("drift", "-ignore=nowhere.hcl", "-json", check=1)
    assert json.loads(gone.stdout)["diagnostics"][0]["code"] == "E-FILE"


def entries(team: Any) -> list[dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in sorted((team.checkout / ".provisioner").rglob("*.json"))]
    return [entry for entry in found if entry.get("kind") == "drift"]


def test_runs_that_are_recorded_tell_what_is_new_and_what_is_gone(applied: Any) -> None:
    widen(applied)
    text = applied.run("drift", check=5).stdout
    assert "RECORDED" not in text and " NEW " not in text and entries(applied) == []
    text = applied.run("drift", "-record", check=5).stdout
    assert "RECORDED     entry " in text
    (entry,) = entries(applied)
    assert (entry["body"]["found"], entry["body"]["unread"], len(entry["body"]["open"])) == (1, 0, 1)
    widen(applied, "second")
    # A run that is not recorded compares, and leaves nothing behind.
    report = applied.json("drift", check=5)
    assert report["recorded"] is None and len(entries(applied)) == 1
    first, second = sorted(report["drift"]["differences"], key=lambda one: one["since"])
    assert first["since"] < second["since"] == report["drift"]["time"]
    lines = applied.run("drift", check=5).stdout.splitlines()
    ages = [line.split()[1] for line in lines if line.startswith("  D-")]
    assert sorted(re.sub(r"\d+m", "AGE", age) for age in ages) == ["AGE", "NEW"]
    applied.iam().delete_role_policy(RoleName=ROLE, PolicyName="hotfix")
    text = applied.run("drift", "-record", check=5).stdout
    assert "GONE SINCE THE LAST RUN" in text and re.search(r"hotfix.*; was open \d+m", " ".join(text.split()))
    applied.iam().delete_role_policy(RoleName=ROLE, PolicyName="second")
    report = applied.json("drift", "-record")
    assert [known["what"] for known in report["drift"]["gone"]] and "second" in report["drift"]["gone"][0]["what"]
    assert len(entries(applied)) == 3 and report["recorded"] == entries(applied)[-1]["index"]
    assert "GONE" not in applied.run("drift").stdout
    assert applied.run("audit", "verify").returncode == 0


class Hook:
    """A webhook on loopback: `status` is what it answers, `got` what came in."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(hook.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keeps the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/t0ps3cret"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_webhook_is_told_once_and_what_it_did_not_take_again(applied: Any, hook: Hook) -> None:
    widen(applied)
    secret = {"PROVISIONER_WEBHOOK_SECRET": "whsec_" + b64encode(bytes(32)).decode()}
    told = ["drift", "-record", f"-notify={hook.url}"]
    # Nothing is sent without a secret, nor without a record of what was.
    assert "PROVISIONER_WEBHOOK_SECRET is not set" in applied.run(*told, check=1).stderr
    assert "-notify goes with -record" in applied.run("drift", f"-notify={hook.url}", check=1, **secret).stderr
    assert hook.got == [] and entries(applied) == []
    # A webhook that fails: the report is whole, the exit code is the report's, and a warning says it.
    hook.status = 500
    done = applied.run(*told, check=5, **secret)
    assert "hotfix" in done.stdout and "Warning" in done.stderr and "t0ps3cret" not in done.stdout + done.stderr
    assert "0 of 1 transition to 127.0.0.1" in done.stdout and len(entries(applied)[-1]["body"]["due"]) == 1
    first = {one["id"] for one in hook.got}
    # The next one tells it, the one after that has nothing to tell.
    hook.status, hook.got = 200, []
    document = json.loads(applied.run(*told, "-json", check=5, **secret).stdout)
    assert [(one["delivered"], one["due"]) for one in document["told"]] == [(1, 0)]
    (came,) = hook.got
    assert {came["id"]} == first and came["type"] == "provisioner.drift.new" and "hotfix" in came["data"]["what"]
    hook.got = []
    assert "TOLD         nothing new to 127.0.0.1" in applied.run(*told, check=5, **secret).stdout and hook.got == []
    applied.iam().delete_role_policy(RoleName=ROLE, PolicyName="hotfix")
    applied.run(*told, check=0, **secret)
    assert [one["type"] for one in hook.got] == ["provisioner.drift.gone"]
    assert hook.got[0]["data"]["key"] == came["data"]["key"]


def test_many_workspaces_in_one_run_with_a_table_of_all(applied: Any, tmp_path: Any) -> None:
    """One that differs, one that waits for its first apply, one that is broken, one that is named twice."""
    widen(applied)
    other, broken = tmp_path / "other", tmp_path / "broken"
    shutil.copytree(applied.checkout, other, ignore=shutil.ignore_patterns(".provisioner"))
    path = other / "workspace.hcl"
    path.write_text(path.read_text().replace('"acme-sandbox"', '"acme-other"'))
    applied.run("init", "-yes", cwd=other)
    broken.mkdir()
    (broken / "main.hcl").write_text('agent "x" {\n')
    folders = ["repo", str(other), "broken", "./repo"]
    done = applied.run("drift", *folders, f"-out={tmp_path / 'all.json'}", cwd=tmp_path, check=1)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[2] == "folder workspace drift wider pending expired unclaimed unread differ time exit"
    assert any(re.match(r"repo acme-sandbox 1 1 · · · · 1/1 [\d.]+ s 5$", line) for line in lines), done.stdout
    assert "broken ? ? ? ? ? ? ? ? 1" in lines
    said = " ".join(done.stdout.split())
    assert "hotfix" in said and "Error: " in said and "3 workspaces: 0 as signed, 3 not" in said
    assert "exit 1: an error (also true: 5 out-of-band drift, 2 pending changes)" in said
    document = json.loads((tmp_path / "all.json").read_text())
    assert [(one["folder"], one["exit_code"]) for one in document["workspaces"]] == [
        ("repo", 5),
        (str(other), 2),
        ("broken", 1),
    ]
    first, second, third = document["workspaces"]
    assert first["document"]["drift"]["workspace"] == "acme-sandbox" and second["document"]["conditions"] == ["pending"]
    assert third["document"] is None and third["error"].startswith("Error")
    assert json.loads(applied.run("drift", "repo", "-json", cwd=tmp_path, check=5).stdout)["exit_code"] == 5
    assert "is no folder" in applied.run("drift", "nowhere", cwd=tmp_path, check=1).stderr
