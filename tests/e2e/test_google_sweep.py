"""A grant that its cloud cannot end: the plan carries its removal, `sweep` takes it away. On the emulator."""

from __future__ import annotations

import importlib.util
import json
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from provisioner_google.sandbox import start

PROJECT = "acme-fin-prod"
TOPIC = f"//pubsub.googleapis.com/projects/{PROJECT}/topics/tickets"
SEEDS: dict[str, Any] = {
    "organizations": {"123456789012": {}},
    "projects": {
        PROJECT: {"number": "987654321098", "parent": "organizations/123456789012"},
        "acme-data-prod": {"number": "876543210987", "parent": "organizations/123456789012"},
    },
    "resources": {
        "//storage.googleapis.com/projects/_/buckets/acme-invoices": {"project": PROJECT},
        f"//bigquery.googleapis.com/projects/{PROJECT}/datasets/suppliers": {},
        TOPIC: {},
    },
}
MEMBER = f"serviceAccount:acme-google-invoice-triage@{PROJECT}.iam.gserviceaccount.com"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")
EARLIER = """
import datetime

_Real = datetime.datetime


class Earlier(_Real):
    @classmethod
    def now(cls, tz=None):
        return _Real.now(tz) - datetime.timedelta(days=3)


datetime.datetime = Earlier
"""
GRANT = "  agents = [agent.invoice_triage]\n  tools  = [tool.ticket_queue]\n"


def made(home: Path, endpoint: str) -> Any:
    spec = importlib.util.spec_from_file_location("e2e_conftest", Path(__file__).parent / "conftest.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    team = module.make_team(home, "google-quickstart")
    runner = Path(team.env["PROVISIONER_RUNNER"])
    runner.write_text(f'[provider.google]\nendpoint = "{endpoint}"\ncredentials = "sandbox"\n')
    runner.chmod(0o600)
    return team


def call(endpoint: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Somebody else's hand."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{endpoint}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return dict(json.loads(answer.read()))


def publishers(endpoint: str) -> list[str]:
    policy = call(endpoint, f"/v1/projects/{PROJECT}/topics/tickets:getIamPolicy")
    return sorted(member for binding in policy.get("bindings", []) for member in binding["members"])


def ends(team: Any, when: str) -> None:
    for file in sorted(team.checkout.glob("*.hcl")):
        text = file.read_text()
        kept = "\n".join(line for line in text.split("\n") if "# the end" not in line)
        file.write_text(kept.replace(GRANT, f'{GRANT}  expires = "{when}" # the end\n'))


def change_of_topic(plan: dict[str, Any]) -> dict[str, Any]:
    (found,) = [change for change in plan["changes"] if TOPIC in change["address"]["name"]]
    return dict(found)


def test_a_grant_on_a_topic_ends_by_its_signed_removal(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(EARLIER)
    with start(seeds=SEEDS) as cloud:
        team = made(tmp_path, cloud.endpoint)
        ends(team, "30d")
        team.commit("first")
        team.run("init", "-yes")
        team.run("plan", f"-out={team.home / 'plan.json'}", check=3, PYTHONPATH=str(clock))
        plan = json.loads((team.home / "plan.json").read_text())["plan"]
        change = change_of_topic(plan)
        first = change["ends"]
        assert change["after"]["condition"] is None and "`provisioner sweep` takes it away" in change["reason"]
        (sweep,) = [item for item in plan["sweeps"] if item["change"] == change["number"]]
        assert sweep["ends"] == first
        (removal,) = sweep["operations"]
        assert removal["verb"] == "pubsub:setIamPolicy" and removal["params"]["add"] == []
        assert "takes it away" in " ".join(team.run("show", str(team.home / "plan.json")).stdout.split())
        team.sign_all()
        team.apply()
        assert publishers(cloud.endpoint) == [MEMBER]
        assert team.json("plan", check=0)["plan"]["changes"] == [], "a relative end stays the one that was signed"

        # The end is moved: nothing live differs, and the owners sign it all the same.
        ends(team, YESTERDAY)
        team.commit("sooner")
        team.run("plan", f"-out={team.home / 'sooner.json'}", check=3, PYTHONPATH=str(clock))
        (change,) = json.loads((team.home / "sooner.json").read_text())["plan"]["changes"]
        assert (change["action"], change["effect"], change["ends"]) == ("update", "wider", YESTERDAY)
        assert change["can"] == [f"what it can now, until {YESTERDAY}; so far until {first}"]
        team.sign_all("sooner.json")
        team.apply("sooner.json")
        assert publishers(cloud.endpoint) == [MEMBER]

        # It has ended: drift says that the cloud still allows it, and sweep takes it away, and nobody else's.
        found = team.json("drift", check=2)["drift"]["differences"]
        assert [(d["kind"], d["do"][0]["command"]) for d in found] == [("expired", "provisioner sweep")]
        assert "allows it until it is swept" in found[0]["what"][0]
        other = {"role": "roles/pubsub.publisher", "members": [MEMBER, "user:somebody@acme.example"]}
        path = f"/v1/projects/{PROJECT}/topics/tickets:setIamPolicy"
        call(cloud.endpoint, path, {"policy": {"version": 3, "bindings": [other]}})
        assert [item["status"] for item in team.json("sweep")["operations"]] == ["done"]
        assert publishers(cloud.endpoint) == ["user:somebody@acme.example"]
        assert team.json("drift", check=0)["drift"]["differences"] == []
        assert team.json("plan", check=0)["plan"]["changes"] == []
