"""Each cloud says on which principal a resource hangs: from what the call will name, not from what a plan calls it."""

from __future__ import annotations

from typing import Any

import pytest
from provisioner_aws.aws import AWS
from provisioner_google.google import Google

from provisioner.model.resources import Address
from provisioner.sdk.provider import Belonging

ACCOUNT, PROJECT = "111122223333", "acme-agents"
ROLE = f"{ACCOUNT}:role/acme-payer"
EMAIL = f"payer@{PROJECT}.iam.gserviceaccount.com"
ON_ACCOUNT = f"//iam.googleapis.com/projects/{PROJECT}/serviceAccounts/{EMAIL}"
TUPLE = f"triage/{ON_ACCOUNT}|roles/x|principal://pool/subject/w"
GRANT = f"triage///cloudresourcemanager.googleapis.com/projects/{PROJECT}|roles/x|serviceAccount:{EMAIL}"


def test_both_clouds_say_it() -> None:
    assert isinstance(AWS(), Belonging)
    assert isinstance(Google(), Belonging)


@pytest.mark.parametrize(
    ("kind", "name", "attributes", "expected"),
    [
        ("iam_role", "acme-payer", None, ROLE),
        ("iam_role_policy", "acme-payer/more", {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/acme-triage"}, ROLE),
        ("iam_role_attachment", "acme-payer/arn:aws:iam::aws:policy/X", None, ROLE),
        ("iam_role_pack", "acme-payer/acme-payer-1", None, ROLE),
        ("iam_instance_profile", "acme-payer/acme-payer", None, ROLE),
        ("eks_pod_identity_association", "eu-central-1/c/n/s", None, None),
        (
            "eks_pod_identity_association",
            "eu-central-1/c/n/s",
            {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/agents/acme-payer"},
            ROLE,
        ),
        ("eks_pod_identity_association", "eu-central-1/c/n/s", {"role_arn": "acme-payer"}, None),
        ("iam_policy", "acme-boundary", None, None),
    ],
)
def test_aws(kind: str, name: str, attributes: dict[str, Any] | None, expected: str | None) -> None:
    assert AWS().belongs_to(Address("aws", ACCOUNT, kind, name), attributes) == expected


@pytest.mark.parametrize(
    ("kind", "name", "attributes", "expected"),
    [
        ("google_service_account", "payer", None, f"serviceAccount:{EMAIL}"),
        ("google_service_account_binding", TUPLE, None, f"serviceAccount:{EMAIL}"),
        ("google_service_account_binding", "x/y", {"resource": ON_ACCOUNT}, f"serviceAccount:{EMAIL}"),
        ("google_binding", GRANT, None, f"serviceAccount:{EMAIL}"),
        ("google_binding", GRANT, {"member": "serviceAccount:other@x"}, "serviceAccount:other@x"),
        ("google_impersonation", TUPLE, None, "principal://pool/subject/w"),
        ("google_binding", "no-tuple", None, None),
        ("google_workload_identity_provider", "pool/payer", None, f"{PROJECT}:pool/payer"),
        ("google_custom_role", "acme", None, None),
    ],
)
def test_google(kind: str, name: str, attributes: dict[str, Any] | None, expected: str | None) -> None:
    assert Google().belongs_to(Address("google", PROJECT, kind, name), attributes) == expected
