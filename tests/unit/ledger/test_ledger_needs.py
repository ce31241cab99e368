"""What a runner needs of the ledger's bucket, whatever clouds the agents are in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from provisioner.ledger.gcs import GcsStore
from provisioner.ledger.needs import ledger_needs
from provisioner.ledger.s3 import S3Store
from provisioner.model.configuration import LedgerConfig
from provisioner.sdk.provider import RunnerPolicy
from provisioner.workflow.permitting import permissions
from provisioner.workflow.project import Inputs

QUICKSTART = Path(__file__).parents[3] / "examples" / "quickstart"
GCS = 'ledger "gcs" {\n    bucket = "acme-ledger"\n    prefix = "agents/prod"\n  }'
S3 = 'ledger "s3" {\n    bucket = "acme-ledger"\n    region = "eu-west-1"\n  }'


def needs(kind: str, purpose: str = "apply", **settings: str) -> Any:
    found = ledger_needs(LedgerConfig(kind, {"bucket": "b", **settings}), purpose)
    assert found is not None
    return found


def actions(document: Any) -> list[str]:
    return [action for item in document["Statement"] for action in item["Action"]]


def test_a_ledger_on_disk_needs_nothing_of_a_cloud() -> None:
    assert ledger_needs(LedgerConfig("local", {"path": ".provisioner"}), "apply") is None


def test_s3() -> None:
    place, document = needs("s3", prefix="/agents/", region="cn-north-1")
    assert place == "s3://b"
    whole, entries = document["Statement"]
    assert whole["Resource"] == ["arn:aws-cn:s3:::b"]
    assert entries["Resource"] == ["arn:aws-cn:s3:::b/agents/*"]
    assert needs("s3", region="us-gov-west-1")[1]["Statement"][1]["Resource"] == ["arn:aws-us-gov:s3:::b/*"]


def test_what_the_stores_say_that_they_need_is_what_is_given() -> None:
    for action in actions(needs("s3")[1]):
        assert action in S3Store.permissions
    assert len(actions(needs("s3")[1])) == S3Store.permissions.count("s3:")
    given = needs("gcs")[1]["includedPermissions"]
    assert all(permission in GcsStore.permissions for permission in given)
    assert len(given) == GcsStore.permissions.count("storage.objects.")


def test_a_plan_writes_nothing_and_nobody_deletes() -> None:
    assert "s3:PutObject" not in actions(needs("s3", "plan")[1])
    assert "storage.objects.create" not in needs("gcs", "plan")[1]["includedPermissions"]
    for purpose in ("drift", "apply"):
        assert "s3:PutObject" in actions(needs("s3", purpose)[1])
        assert "storage.objects.create" in needs("gcs", purpose)[1]["includedPermissions"]
        text = f"{needs('s3', purpose)} {needs('gcs', purpose)}".lower()
        assert "delete" not in text and "update" not in text


def test_gcs_is_held_to_the_prefix() -> None:
    place, role = needs("gcs", prefix="agents")
    assert place == "gs://b"
    assert role["grantOn"] == "//storage.googleapis.com/projects/_/buckets/b"
    assert 'resource.name.startsWith("projects/_/buckets/b/objects/agents/")' in role["condition"]
    assert "condition" not in needs("gcs")[1]


@pytest.mark.parametrize(("ledger", "target"), [(GCS, "ledger gs://acme-ledger"), (S3, "ledger s3://acme-ledger")])
def test_an_aws_configuration_says_what_its_ledger_needs_in_either_cloud(
    tmp_path: Path, ledger: str, target: str
) -> None:
    root = tmp_path / "checkout"
    shutil.copytree(QUICKSTART, root)
    (file,) = [path for path in root.glob("*.hcl") if 'ledger "local"' in path.read_text()]
    head, _, tail = file.read_text().partition('ledger "local" {')
    file.write_text(head + ledger + tail.partition("}")[2])
    found = permissions(Inputs(root, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}), None)
    own: list[RunnerPolicy] = [policy for policy in found.policies if policy.key == "ledger"]
    assert [(policy.target, policy.purpose) for policy in own] == [
        (target, purpose) for purpose in ("plan", "drift", "apply")
    ]
    assert "acme-ledger" in str(own[0].document)
    assert len([policy for policy in found.policies if policy.key != "ledger"]) == 3
