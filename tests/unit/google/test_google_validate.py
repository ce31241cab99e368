"""Mistakes of federation, grants and names that are refused before anything is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from google_workspace import (
    BUCKET,
    CLUSTER,
    DATA,
    EKS,
    GITHUB,
    PROJECT,
    TOPIC,
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
    sample_changed,
    tool,
)
from provisioner_google import provider

from provisioner.model.authority import Authority
from provisioner.model.configuration import Expiry, Identity, Session


def codes(found: Authority) -> list[str]:
    return [d.code for d in provider.validate(found)]


def agents_of(*agents: Any, federations: Iterable[Any] = (), **more: Any) -> list[str]:
    return codes(authority(agents, federations=federations, **more))


def granted(*blocks: Any, **more: Any) -> list[str]:
    wanted = authority([agent("triage")], [tool("t", *blocks)], [grant("g", ["triage"], ["t"], **more)])
    return codes(wanted)


FEDERATED = {"federation": "federation.github"}


def test_samples_are_clean() -> None:
    assert codes(sample()) == [] and codes(sample_changed()) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"repository_id": "acme/billing"}, "E-GOOGLE-SUBJECT"),  # a name where an id belongs
        ({"owner_id": None}, "E-GOOGLE-SUBJECT"),
        ({"environment": None}, "E-GOOGLE-SUBJECT"),  # any job, a pull request's too
        ({"environment": "*"}, "E-GOOGLE-SUBJECT"),
        ({"environment": "e" * 120}, "E-GOOGLE-SUBJECT"),  # google.subject takes 127 bytes
        ({"issuer": "https://github.acme.example"}, "E-GOOGLE-FEDERATION"),  # another issuer than the federation's
    ],
)
def test_github_mistakes(change: dict[str, Any], code: str) -> None:
    found = agents_of(agent("a", github(**change), identity=FEDERATED), federations=[github_federation()])
    assert code in found


def test_two_issuers_in_one_pool() -> None:
    found = agents_of(
        agent("a", github(), identity=FEDERATED), federations=[github_federation(pool="same"), eks(pool="same")]
    )
    assert "E-GOOGLE-POOL" in found


@pytest.mark.parametrize("pool", ["gcp-mine", "abc", "UPPER-case", "x" * 33, "trailing-"])
def test_pool_ids(pool: str) -> None:
    assert "E-GOOGLE-POOL" in agents_of(federations=[eks(pool=pool)])


@pytest.mark.parametrize("issuer", ["http://plain.example", "https://*.example", "https://a.example?x=1", ""])
def test_issuers(issuer: str) -> None:
    assert "E-GOOGLE-FEDERATION" in agents_of(federations=[eks(issuer=issuer)])


def test_a_federation_with_no_or_two_issuers() -> None:
    none = replace(eks(), settings=block("federation", "eks", pool="eks-prod"))
    both = (block("oidc", issuer=EKS), block("aws", account_id="123456789012"))
    two = replace(eks(), settings=block("federation", "eks", blocks=both, pool="eks-prod"))
    assert agents_of(federations=[none]) == agents_of(federations=[two]) == ["E-GOOGLE-FEDERATION"]


def test_outside_of_google_without_a_federation_there_is_no_way_in() -> None:
    assert agents_of(agent("a", github())) == ["E-GOOGLE-FEDERATION"]


def test_a_shared_issuer_without_a_tenant() -> None:
    runtime = block("runtime", "oidc", subject="anything")
    pinned = block("runtime", "oidc", subject="anything", claims={"repository_owner_id": "7"})
    identity = {"federation": "federation.github"}
    shared = [github_federation()]
    assert agents_of(agent("a", runtime, identity=identity), federations=shared) == ["E-GOOGLE-SUBJECT"]
    assert agents_of(agent("a", pinned, identity=identity), federations=shared) == []
    assert shared[0].settings.blocks[0].get("issuer") == GITHUB


def test_an_agent_engine_needs_the_id_that_google_mints() -> None:
    runtime = block("runtime", "agent_engine", location="europe-west1", organization="123456789012")
    (found,) = provider.validate(authority([agent("a", runtime, identity={"kind": "federated"})]))
    assert found.code == "E-STAGE" and "unique_id" in found.detail


def test_project_number_is_needed_where_members_hold_it() -> None:
    federated = agent("a", irsa(), identity={"federation": "federation.eks"})
    assert agents_of(federated, federations=[eks()], project_number=None) == ["E-GOOGLE-NUMBER"]
    assert agents_of(agent("a"), project_number=None) == []


def test_attached_runtimes_are_no_federated_principals() -> None:
    assert agents_of(agent("a", identity={"kind": "federated"})) == ["E-GOOGLE-RUNTIME"]
    assert agents_of(agent("a", block("runtime", "nowhere"))) == ["E-GOOGLE-RUNTIME"]


def test_one_principal_one_agent() -> None:
    assert "E-GOOGLE-SHARED" in agents_of(agent("a", gke()), agent("b", gke()))
    service = block("runtime", "cloud_run", service="one", location="europe-west1")
    assert "E-GOOGLE-SHARED" in agents_of(agent("a", service), agent("b", service))
    same = [agent("a_b"), agent("a-b")]
    assert "E-GOOGLE-SHARED" in agents_of(*same)


@pytest.mark.parametrize("role", ["roles/owner", "roles/editor", "roles/viewer"])
def test_basic_roles(role: str) -> None:
    assert "E-GOOGLE-BASIC" in granted(google(role=role, resource=f"projects/{PROJECT}"))


@pytest.mark.parametrize(
    "made",
    [
        google(role="roles/iam.serviceAccountTokenCreator", resource=f"projects/{PROJECT}"),
        google(role="roles/iam.workloadIdentityUser", resource=f"projects/{PROJECT}"),
        custom("x", "iam.serviceAccounts.implicitDelegation", resource=f"projects/{PROJECT}"),
        custom("x", "iam.serviceAccountKeys.create", resource=f"projects/{PROJECT}"),
    ],
)
def test_impersonation_and_keys(made: Any) -> None:
    assert granted(made) == ["E-GOOGLE-IMPERSONATE"]


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (google(resource="//nowhere.googleapis.com/x"), "E-GOOGLE-RESOURCE"),
        (google(role=None), "E-GOOGLE-ROLE"),
        (google(permissions=("storage.objects.get",)), "E-GOOGLE-ROLE"),
        (google(role="viewer"), "E-GOOGLE-ROLE"),
        (custom("x", "storage.*"), "E-GOOGLE-PERMISSION"),
        (custom("x", resource=f"projects/{DATA}"), "E-GOOGLE-ROLE"),
        (google(conditions=["true"]), "E-GOOGLE-CONDITION"),
        (google(conditions=["resource.name.startsWith("]), "E-GOOGLE-CONDITION"),
        (google(role="roles/pubsub.viewer", resource=TOPIC, conditions=["a == 1"]), "E-GOOGLE-CONDITION"),
        (google(conditions=[" || ".join(f"a == {n}" for n in range(14))]), "E-GOOGLE-CONDITION"),
    ],
)
def test_tools(made: Any, code: str) -> None:
    assert code in granted(made)


@pytest.mark.parametrize("permission", ["resourcemanager.projects.list", "resourcemanager.folders.get"])
def test_what_a_custom_role_of_a_project_cannot_hold(permission: str) -> None:
    assert granted(google(role=None, permissions=[permission])) == ["E-GOOGLE-PERMISSION"]
    assert granted(google(role=None, permissions=["resourcemanager.projects.get"])) == []


def test_an_end_is_enforced_by_a_condition_or_by_a_signed_removal() -> None:
    topic = google(role="roles/pubsub.publisher", resource=TOPIC)
    assert granted(topic) == []
    assert granted(topic, expires=Expiry("2027-02-01T00:00:00Z")) == []


def test_request_context_is_enforced_or_refused() -> None:
    assert granted(google(), when={"session_tags": {"team": "x"}, "resource": {}}) == ["E-GOOGLE-WHEN"]
    assert granted(google(), when={"resource": {"env": "prod"}}) == ["E-GOOGLE-WHEN"]
    assert granted(google(), when={"resource": {"123456789012/env": "prod"}}) == []


def test_two_owners_of_one_binding() -> None:
    wanted = authority(
        [agent("a")], [tool("t")], [grant("one", ["a"], ["t"]), grant("two", ["a"], ["t"])], boundaries=[]
    )
    parts = tuple(replace(part, owner=part.name) for part in wanted.parts)
    assert codes(wanted) == []
    assert codes(replace(wanted, parts=parts)) == ["E-GOOGLE-TWICE"]


def test_limits_are_data_and_can_be_raised() -> None:
    tools = [tool(f"t{n}", custom("x")) for n in range(4)]
    grants = [grant("g", ["a"], [t.name for t in tools])]
    low = authority([agent("a")], tools, grants, quotas={"custom_roles_per_project": 3})
    assert codes(low) == ["E-GOOGLE-LIMIT"]
    assert codes(authority([agent("a")], tools, grants)) == []


def test_sessions() -> None:
    short = agent("a", session=Session(max_seconds=900))
    assert agents_of(short) == ["E-GOOGLE-SESSION"]
    tagged = agent("a", session=Session(attribution="workload_tags"))
    (found,) = provider.validate(authority([tagged]))
    assert found.code == "E-GOOGLE-ATTRIBUTION" and found.is_error
    both = replace(tagged, identities={**tagged.identities, "aws": Identity("aws", "aws", block("identity"))})
    assert [d.is_error for d in provider.validate(authority([both]))] == [False], "AWS may be meant"


def test_boundaries_and_places() -> None:
    assert "E-GOOGLE-ATTACH" in agents_of(agent("a"), boundaries=[boundary(attach="acme-fin-prod")])
    assert "E-GOOGLE-PERMISSION" in agents_of(agent("a"), boundaries=[boundary(deny=("everything",))])
    assert "W-GOOGLE-BOUNDARY" in agents_of(agent("a"), boundaries=[boundary(resources=("projects/acme-x",))])
    assert "E-GOOGLE-RESOURCE" in agents_of(watch=("acme-data-prod",))
    bad = block("runtime", "gke", cluster="main", namespace="n", service_account="s")
    assert agents_of(agent("a", bad)) == ["E-GOOGLE-RUNTIME"]
    assert CLUSTER and BUCKET


def test_a_mark_that_does_not_fit() -> None:
    found = agents_of(agent("a" * 120, address=f"module.{'m' * 120}.agent.a"))
    assert "E-GOOGLE-NAME" in found


def test_aws_workloads_come_through_their_account() -> None:
    lambda_ = block("runtime", "lambda")
    through = agent("a", lambda_, identity={"federation": "federation.aws"})
    assert agents_of(through, federations=[aws_federation()]) == ["E-GOOGLE-FEDERATION"], "it has no role in AWS"
    both = replace(through, identities={**through.identities, "aws": Identity("aws", "aws", block("identity"))})
    assert agents_of(both, federations=[aws_federation()]) == []


def test_messages_end_with_the_way_out() -> None:
    found = list(provider.validate(authority([agent("a", github())], [tool("t", google(role="roles/owner"))])))
    assert found and all(d.detail.rstrip().endswith(".") and d.summary and d.subject for d in found)
