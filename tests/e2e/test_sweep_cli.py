"""What has ended is removed by the operations that were signed with it, and by nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")
ROLE = "acme-sandbox-invoice-triage"

GRANT = f"""
grant "backfill" {{
  agents  = [agent.invoice_triage]
  tools   = [tool.invoice_inbox]
  expires = "{YESTERDAY}"
  reason  = "DEMO-2"
}}
"""

EARLIER = """
import datetime

_Real = datetime.datetime


class Earlier(_Real):
    @classmethod
    def now(cls, tz=None):
        return _Real.now(tz) - datetime.timedelta(days=3)


datetime.datetime = Earlier
"""


def granted(team: Any) -> None:
    """A grant that ended yesterday, planned three days ago, signed and applied."""
    clock = Path(team.home) / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(EARLIER)
    (team.checkout / "backfill.hcl").write_text(GRANT)
    team.commit("backfill")
    team.run("plan", f"-out={team.home / 'backfill.json'}", check=3, PYTHONPATH=str(clock))
    team.sign_all("backfill.json")
    team.apply("backfill.json")


def policies(iam: Any) -> list[str]:
    return sorted(iam.list_role_policies(RoleName=ROLE)["PolicyNames"])


def test_what_has_ended_is_swept_without_another_signature(applied):
    team, iam = applied, applied.iam()
    assert "nothing has ended" in team.run("sweep").stdout
    granted(team)
    plan = json.loads((team.home / "backfill.json").read_text())["plan"]
    (sweep,) = plan["sweeps"]
    assert sweep["ends"] == YESTERDAY
    assert [operation["verb"] for operation in sweep["operations"]] == ["iam:DeleteRolePolicy"]
    document = iam.get_role_policy(RoleName=ROLE, PolicyName="backfill")["PolicyDocument"]
    (expired,) = [item for item in team.json("drift", check=2)["drift"]["differences"] if item["kind"] == "expired"]
    assert expired["do"][0]["command"] == "provisioner sweep"

    # The key of who signed the grant was revoked since: what it signed before stays signed.
    owner = {item["surface"]: item["owner"] for item in plan["requirements"]}["tool_access"]
    signer = team.signers()[owner]
    team.run("revoke", signer, "-reason=left the company", f"-key={team.key(signer)}", "-yes")

    # Somebody changed it: sweep leaves it alone and says what to do.
    wider = json.loads(json.dumps(document).replace("inbox", "archive"))
    iam.put_role_policy(RoleName=ROLE, PolicyName="backfill", PolicyDocument=json.dumps(wider))
    done = team.run("sweep", check=5)
    assert "LEFT" in done.stdout and "provisioner plan" in done.stdout and "backfill" in policies(iam)
    iam.put_role_policy(RoleName=ROLE, PolicyName="backfill", PolicyDocument=json.dumps(document))

    # Somebody took it off: there is nothing to do.
    iam.delete_role_policy(RoleName=ROLE, PolicyName="backfill")
    done = team.run("sweep")
    assert "GONE" in done.stdout and "nothing left of it" in done.stdout
    iam.put_role_policy(RoleName=ROLE, PolicyName="backfill", PolicyDocument=json.dumps(document))

    told = team.json("sweep", "-list")
    assert [item["label"].split(":")[0] for item in told["ended"]] == ["grant.backfill"]
    assert "backfill" in policies(iam)
    swept = team.json("sweep")
    assert [operation["status"] for operation in swept["operations"]] == ["done"]
    assert policies(iam) == ["triage"]
    done = team.run("sweep")
    assert "nothing has ended that is there still" in done.stdout and "GONE" not in done.stdout
    assert team.json("drift")["drift"]["differences"] == []
    assert team.run("plan", "-detailed-exitcode").returncode == 0
    team.run("audit", "verify")
