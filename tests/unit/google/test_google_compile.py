"""What the provider makes of a configuration: names, federations, conditions, boundaries; and what importing costs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from google_workspace import (
    BUCKET,
    EXPIRES,
    NUMBER,
    PROJECT,
    agent,
    authority,
    aws_federation,
    block,
    boundary,
    custom,
    eks,
    github,
    github_federation,
    gke,
    google,
    grant,
    irsa,
    sample,
    tool,
)
from hypothesis import given
from hypothesis import strategies as st
from provisioner_google import names, provider, table
from provisioner_google.bindings import Tuple, address, place_of

from provisioner.model.configuration import Expiry, Identity
from provisioner.model.diagnostics import DiagnosticError

POOLS = f"principal://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools"


def made(found: Any, kind: str) -> list[Any]:
    return [item.resource for item in provider.compile(found) if item.resource.address.kind == kind]


def test_github_is_known_by_numbers_whatever_its_subject_says() -> None:
    wanted = authority(
        [agent("fixer", github(subject="name"), identity={"federation": "federation.github"})],
        federations=[github_federation()],
    )
    (one,) = made(wanted, "google_workload_identity_provider")
    assert one.attributes["mapping"] == {
        "google.subject": "'repository:' + assertion.repository_id + ':environment:' + assertion.environment"
    }
    assert one.attributes["condition"] == (
        'google.subject == "repository:42:environment:prod" && assertion.environment == "prod"'
        ' && assertion.repository_id == "42" && assertion.repository_owner_id == "7"'
    )


@pytest.mark.parametrize(
    ("runtime", "member"),
    [
        (irsa("fin", "triage"), f"{POOLS}/eks-agents-prod/subject/system:serviceaccount:fin:triage"),
        (
            block("runtime", "eks_pod_identity", cluster="c", namespace="fin", service_account="triage"),
            f"{POOLS}/eks-agents-prod/subject/system:serviceaccount:fin:triage",
        ),
        (block("runtime", "oidc", subject="me", claims={}), f"{POOLS}/eks-agents-prod/subject/me"),
        (
            block("runtime", "spiffe", spiffe_id="spiffe://acme/triage"),
            f"{POOLS}/eks-agents-prod/subject/spiffe://acme/triage",
        ),
    ],
)
def test_federated_members(runtime: Any, member: str) -> None:
    wanted = authority(
        [agent("a", runtime, identity={"federation": "federation.eks"})],
        [tool("t")],
        [grant("g", ["a"], ["t"])],
        federations=[eks()],
    )
    assert [one.attributes["member"] for one in made(wanted, "google_binding")] == [member]


def test_gitlab_by_number() -> None:
    runtime = block("runtime", "gitlab_ci", project_path="a/b", project_id="9", branch="main")
    wanted = authority(
        [agent("a", runtime, identity={"federation": "federation.eks"})], federations=[eks(issuer="https://gitlab.com")]
    )
    (one,) = made(wanted, "google_workload_identity_provider")
    assert one.attributes["condition"].startswith('google.subject == "project:9:branch:main"')


def test_an_aws_role_is_one_principal_whatever_its_session_is_called() -> None:
    one = agent("triage", block("runtime", "lambda"), identity={"federation": "federation.aws"})
    one = replace(one, identities={**one.identities, "aws": Identity("aws", "aws", block("identity"))})
    wanted = authority([one], [tool("t")], [grant("g", ["triage"], ["t"])], federations=[aws_federation()])
    (found,) = made(wanted, "google_workload_identity_provider")
    assert found.attributes["issuer"] == "aws:123456789012"
    assert found.attributes["condition"] == 'google.subject == "acme-triage"'
    assert made(wanted, "google_binding")[0].attributes["member"] == f"{POOLS}/aws-prod/subject/acme-triage"


def test_gke_by_service_account_and_directly() -> None:
    pod = f"{POOLS}/{PROJECT}.svc.id.goog/subject/ns/finance/sa/triage"
    (admitted,) = made(authority([agent("a", gke())]), "google_service_account_binding")
    assert (admitted.attributes["role"], admitted.attributes["member"]) == ("roles/iam.workloadIdentityUser", pod)
    direct = authority([agent("a", gke(), identity={"kind": "federated"})], [tool("t")], [grant("g", ["a"], ["t"])])
    assert made(direct, "google_binding")[0].attributes["member"] == pod
    assert made(direct, "google_service_account") == []


def test_an_agent_engine_is_granted_to_by_its_own_name() -> None:
    runtime = block("runtime", "agent_engine", location="europe-west1", unique_id="77", organization="12")
    wanted = authority([agent("a", runtime, identity={"kind": "federated"})], [tool("t")], [grant("g", ["a"], ["t"])])
    assert made(wanted, "google_binding")[0].attributes["member"] == (
        "principal://agents.global.org-12.system.id.goog/resources/aiplatform/"
        f"projects/{NUMBER}/locations/europe-west1/reasoningEngines/77"
    )


def test_conditions_are_joined_and_end_with_the_expiry() -> None:
    wanted = authority(
        [agent("a")],
        [tool("t", google(conditions=["a == 1 || b == 2"]))],
        [grant("g", ["a"], ["t"], expires=Expiry(EXPIRES), when={"resource": {"12/env": "prod"}})],
    )
    (one,) = made(wanted, "google_binding")
    assert one.attributes["condition"] == {
        "title": "g",
        "description": "",
        "expression": '(a == 1 || b == 2) && resource.matchTag("12/env", "prod")'
        f' && request.time < timestamp("{EXPIRES}")',
    }


def test_two_conditions_on_one_role_and_resource_never_become_an_or() -> None:
    twice = tool("t", google("one", conditions=["a == 1"]), google("two", conditions=["b == 2"]))
    with pytest.raises(DiagnosticError) as error:
        list(provider.compile(authority([agent("a")], [twice], [grant("g", ["a"], ["t"])])))
    assert error.value.diagnostics[0].code == "E-GOOGLE-TWICE"


def test_a_deny_policy_spells_members_and_permissions_its_own_way() -> None:
    (one,) = made(authority([agent("a")]), "google_deny_policy")
    assert one.attributes["rules"] == [
        {
            "deniedPermissions": ["iam.googleapis.com/serviceAccountKeys.create"],
            "deniedPrincipals": [
                f"principal://iam.googleapis.com/projects/-/serviceAccounts/acme-a@{PROJECT}.iam.gserviceaccount.com"
            ],
        }
    ]
    crm = authority([agent("a")], boundaries=[boundary(deny=("resourcemanager.projects.setIamPolicy",))])
    (one,) = made(crm, "google_deny_policy")
    assert one.attributes["rules"][0]["deniedPermissions"] == [
        "cloudresourcemanager.googleapis.com/projects.setIamPolicy"
    ]


def test_a_custom_role_is_shared_by_those_who_hold_it() -> None:
    wanted = authority([agent("a"), agent("b")], [tool("t", custom("x"))], [grant("g", ["a", "b"], ["t"])])
    (role,) = made(wanted, "google_custom_role")
    assert {use for one in made(wanted, "google_binding") for use in one.uses} >= {role.address}


@given(st.text("abcXYZ019_-é ", min_size=1, max_size=60), st.text("abcz_-", min_size=1, max_size=60))
def test_ids_are_what_google_takes(workspace: str, name: str) -> None:
    import re

    assert re.fullmatch(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])", names.account_id(workspace, name))
    assert re.fullmatch(r"[a-z0-9-]{4,32}", names.provider_id(workspace, name))
    assert re.fullmatch(r"[A-Za-z0-9_.]{3,64}", names.role_id(workspace, name, "x"))


@given(st.text(min_size=1, max_size=20), st.none() | st.text(min_size=1, max_size=20), st.text(max_size=400))
def test_marks_survive(workspace: str, agent_name: str | None, purpose: str) -> None:
    if agent_name == "-":
        return
    text = names.marked(workspace, agent_name, "agent.x", purpose)
    mark = names.mark_of(text)
    assert len(text.encode()) <= names.DESCRIPTION_LIMIT
    if mark is not None:
        assert (mark.workspace, mark.agent, mark.block) == (workspace, agent_name, "agent.x")


@given(st.sampled_from(["serviceAccount:a@b", f"{POOLS}/p/subject/a|b/c"]), st.none() | st.sampled_from(["g", "g--x"]))
def test_addresses_of_tuples_say_everything(member: str, title: str | None) -> None:
    condition = {"title": title, "description": "", "expression": "a"} if title else None
    item = Tuple(BUCKET, "roles/x", member, condition)
    place = place_of(address("google_binding", PROJECT, "a", item).name)
    assert place is not None
    assert (place.agent, place.resource, place.role, place.member, place.title) == (
        "a",
        BUCKET,
        "roles/x",
        member,
        title,
    )


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.kind)
def test_every_row_finds_itself(row: table.Row) -> None:
    examples = {
        "project": "projects/p-1", "folder": "folders/1", "organization": "organizations/1",
        "service account": "projects/p-1/serviceAccounts/a@b.c", "bucket": "projects/_/buckets/b",
        "secret": "projects/p-1/secrets/s", "topic": "projects/p-1/topics/t",
        "subscription": "projects/p-1/subscriptions/s",
        "KMS key": "projects/p-1/locations/l/keyRings/r/cryptoKeys/k",
        "Cloud Run service": "projects/p-1/locations/l/services/s", "BigQuery dataset": "projects/p-1/datasets/d",
        "BigQuery table": "projects/p-1/datasets/d/tables/t",
    }  # fmt: skip
    name = f"//{row.host}/{examples[row.kind]}"
    found = table.row_of(name)
    assert found is not None and found[0] is row and table.rest_path(name).startswith("/")


def test_importing_costs_nothing_and_a_schema_little() -> None:
    code = (
        "import sys; from provisioner_google import provider; provider.schema();"
        "print([m for m in ('google.auth', 'requests', 'grpc', 'google.cloud') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_sample_is_deterministic() -> None:
    assert list(provider.compile(sample())) == list(provider.compile(sample()))
