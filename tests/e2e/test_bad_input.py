"""What people get wrong, and what clouds refuse: a clear error, the right exit code, nothing written, no traceback."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"e2e_{name}", HERE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One applied team for the whole module; each test works on a copy of its checkout's files."""
    made = load("conftest").make_team(tmp_path_factory.mktemp("bad"))
    made.commit("first")
    made.run("sandbox", "up", "-provider=aws")
    try:
        made.run("init", "-yes")
        made.plan()
        made.sign_all()
        made.apply()
        yield made
    finally:
        made.run("sandbox", "down", check=None)


@pytest.fixture
def team(world: Any) -> Iterator[Any]:
    """The team, with its files and its runner file put back afterwards."""
    runner = Path(world.env["PROVISIONER_RUNNER"])
    kept = {path: path.read_bytes() for path in (*world.checkout.glob("*.hcl"), *world.checkout.glob("keys/*"))}
    kept[runner] = runner.read_bytes()
    yield world
    for path in world.checkout.glob("*.hcl"):
        if path not in kept:
            path.unlink()
    for path, data in kept.items():
        path.write_bytes(data)


def said(team: Any, *args: str, check: int = 1) -> str:
    """What the command said; white space folded, so that line breaks do not matter."""
    done = team.run(*args, check=check)
    return re.sub(r"[\s│╷╵]+", " ", done.stdout + done.stderr)


SOURCES = {
    "broken block": ('agent "x" {\n', ["extra.hcl", "line 1"]),
    "two attributes on a line": ("locals { a = 1 b = 2 }\n", ["extra.hcl"]),
    "unclosed string": ('locals {\n  a = "x\n}\n', ["extra.hcl", "line 2"]),
    "cycle in locals": ("locals {\n  a = local.b\n  b = local.a\n}\n", ["local.a", "local.b"]),
    "unknown block": ('agnet "x" {}\n', ["agnet", "agent"]),
    "unknown function": ('locals {\n  a = uper("x")\n}\noutput "a" {\n  value = local.a\n}\n', ["uper", "upper"]),
    "a key that is no key": (
        'person "zed" {\n  emails = ["z@acme.example"]\n  keys   = ["ssh-ed25519 AAAA"]\n}\n',
        ["zed"],
    ),
    "unknown reference": ('grant "g" {\n  agents = [agent.nobody]\n  tools  = [tool.triage_log]\n}\n', ["nobody"]),
    "wrong type": ('control_owner "o" {\n  threshold = "many"\n}\n', ["threshold"]),
    "a secret": ('locals {\n  a = "AKIAIOSFODNN7EXAMPLE"\n}\noutput "a" {\n  value = local.a\n}\n', ["secret"]),
}


@pytest.mark.parametrize("name", SOURCES)
def test_broken_files(team: Any, name: str):
    text, words = SOURCES[name]
    (team.checkout / "extra.hcl").write_text(text)
    for command in ("validate", "plan"):
        output = said(team, command)
        assert all(word in output for word in words), output


AGENT = """agent "other" {{
  name        = "{name}"
  purpose     = "Other"
  sponsor     = person.sam
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {{
    functions = ["other"]
  }}
  {identity}
}}
"""


def test_two_agents_of_one_role_name(team: Any):
    (team.checkout / "extra.hcl").write_text(AGENT.format(name="invoice-triage", identity='identity "aws" {}'))
    output = said(team, "validate")
    assert "acme-sandbox-invoice-triage" in output or "invoice-triage" in output
    assert "agents.hcl" in output and "extra.hcl" in output


def test_a_grant_to_an_agent_without_that_cloud(team: Any):
    grant = 'grant "none" {\n  agents = [agent.other]\n  tools  = [tool.triage_log]\n}\n'
    (team.checkout / "extra.hcl").write_text(AGENT.format(name="other", identity="") + grant)
    output = said(team, "validate")
    assert "aws" in output and "agent.other" in output


def test_no_owner_for_a_surface(team: Any):
    path = team.checkout / "workspace.hcl"
    path.write_text(path.read_text().replace('default_for = ["runtime"]', "default_for = []"))
    assert "runtime" in said(team, "validate")


CALLER = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::999999999999:user/other</Arn><UserId>AIDA</UserId><Account>999999999999</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def test_wrong_account_is_told_before_anything_is_read(team: Any, faulty: Any):
    faulty.faults["GetCallerIdentity"] = (200, "BODY", CALLER)
    for command in ("plan", "drift"):
        output = said(team, command)
        assert "999999999999" in output and "123456789012" in output
    assert set(faulty.seen) == {"GetCallerIdentity"}


def test_a_sandbox_that_is_not_running(team: Any):
    runner = Path(team.env["PROVISIONER_RUNNER"])
    runner.write_text(re.sub(r'endpoint = "[^"]+"', 'endpoint = "http://127.0.0.1:9"', runner.read_text()))
    for command in ("plan", "drift"):
        output = said(team, command)
        assert "127.0.0.1:9" in output and "sandbox up" in output


@pytest.fixture
def faulty(team: Any) -> Iterator[Any]:
    """The sandbox behind a proxy whose faults a test sets."""
    runner = Path(team.env["PROVISIONER_RUNNER"])
    (url,) = re.findall(r'endpoint = "([^"]+)"', runner.read_text())
    cloud = load("faulty_cloud").FaultyCloud(url, {})
    runner.write_text(runner.read_text().replace(url, cloud.url))
    yield cloud
    cloud.close()


DENIED = (403, "AccessDenied", "User is not authorized to perform: iam")


@pytest.mark.parametrize("action", ["GetAccountAuthorizationDetails", "ListRoles"])
def test_no_permission_for_one_read_is_incomplete_never_clean(team: Any, faulty: Any, action: str):
    faulty.faults[action] = DENIED
    done = team.run("drift", check=6)
    assert f"iam:{action}" in done.stdout and "INCOMPLETE" in done.stdout
    assert "No drift" not in done.stdout


def test_a_change_does_not_rest_on_what_was_not_read(team: Any, faulty: Any):
    team.edit("s3:GetObject", "s3:GetObjectVersion")
    faulty.faults["GetAccountAuthorizationDetails"] = DENIED
    output = said(team, "plan", check=1)
    assert "could not be read" in output and "iam:GetAccountAuthorizationDetails" in output


def test_throttling_ends_in_words_not_in_a_hang(team: Any, faulty: Any):
    faulty.faults["GetAccountAuthorizationDetails"] = (400, "Throttling", "Rate exceeded")
    done = team.run("drift", check=6)
    assert "hrottl" in done.stdout or "Rate exceeded" in done.stdout
    assert faulty.seen.count("GetAccountAuthorizationDetails") < 20


def test_a_denied_write_stops_with_the_permission_and_resumes(team: Any, faulty: Any):
    team.edit('actions   = ["s3:ListBucket"]', 'actions   = ["s3:ListBucketVersions"]')
    team.commit("narrow")
    try:
        team.plan("denied.json")
        team.sign_all("denied.json")
        faulty.faults["PutRolePolicy"] = DENIED
        done = team.apply("denied.json", check=1)
        assert "PutRolePolicy" in done.stdout + done.stderr
        faulty.faults.clear()
        team.apply("denied.json")
        assert "No drift" in team.run("drift").stdout
    finally:
        team.edit('actions   = ["s3:ListBucketVersions"]', 'actions   = ["s3:ListBucket"]')
        team.commit("back")
        team.plan("back.json")
        team.sign_all("back.json")
        team.apply("back.json")


def test_a_plan_file_with_one_byte_changed(team: Any):
    team.edit("s3:GetObject", "s3:GetObjectVersion")
    team.plan()
    path = team.home / "plan.json"
    data = path.read_bytes()
    for at in range(0, len(data), max(1, len(data) // 5)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        for command in ("show", "sign", "apply"):
            done = team.run(command, str(path), check=1)
            assert "no plan that can be trusted" in re.sub(r"[\s│]+", " ", done.stderr)


def test_a_sign_off_for_another_plan(team: Any):
    actions = 'actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]'
    fewer = 'actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]'
    team.edit(actions, fewer)
    digest = team.plan("one.json")
    team.run("sign", str(team.home / "one.json"), "-owner=api", f"-key={team.key('bob')}", f"-digest={digest}", "-yes")
    ledger = team.checkout / ".provisioner"
    team.edit(fewer, 'actions   = ["dynamodb:GetItem"]')
    team.plan("two.json")
    entries = [json.loads(path.read_text()) for path in sorted(ledger.glob("*.json"))]
    (envelope,) = [e["body"]["envelope"] for e in entries if e["kind"] == "signoff" and e["body"]["plan"] == digest]
    stolen = team.home / "stolen.json"
    shutil.rmtree(team.home / "x", ignore_errors=True)
    stolen.write_text(json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n")
    team.run("publish", str(team.home / "two.json"))
    team.run("publish", str(stolen))
    output = said(team, "apply", str(team.home / "two.json"), check=3)
    assert "0 of" in output and "waiting" in output


def test_a_key_of_a_stranger_signs_nothing(team: Any):
    team.edit("s3:GetObject", "s3:GetObjectVersion")
    digest = team.plan()
    import subprocess

    stranger = team.home / "keys" / "stranger"
    stranger.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    output = said(
        team, "sign", str(team.home / "plan.json"), "-owner=api", f"-key={stranger}", f"-digest={digest}", "-yes"
    )
    assert "belongs to nobody" in output


def test_yes_without_the_digest_signs_nothing(team: Any):
    team.edit("s3:GetObject", "s3:GetObjectVersion")
    digest = team.plan()
    plan = str(team.home / "plan.json")
    output = said(team, "sign", plan, "-owner=api", f"-key={team.key('bob')}", "-yes")
    assert digest in output
    wrong = "sha256:" + "0" * 64
    assert "not the plan" in said(
        team, "sign", plan, "-owner=api", f"-key={team.key('bob')}", f"-digest={wrong}", "-yes"
    )
