"""Every AWS runtime: the trust written, the trusts refused, who becomes the agent and who does not.

The trusts are golden files in tests/golden/aws_trust; `UPDATE_GOLDEN=1 pytest tests/unit/aws` writes them anew.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_runtimes import (
    ANCHOR,
    CLUSTER,
    RUNTIMES,
    agentcore,
    anywhere,
    bedrock,
    gitlab,
    irsa,
    oidc,
    pods,
    spiffe,
)
from aws_workspace import ACCOUNT, agent, authority, block, github
from provisioner_aws import provider
from provisioner_aws.policy.canonical import canonical_policy, size
from provisioner_aws.policy.negatives import negatives
from provisioner_aws.policy.world import evaluate_in_world
from provisioner_aws.runtimes import CAPABILITIES
from provisioner_aws.trust import RUNTIMES as ROWS

from provisioner.model.configuration import Federation, Session
from provisioner.model.requests import Answer, Assume, Attempt, World
from provisioner.model.resources import Resource

GOLDEN = Path(__file__).parents[2] / "golden" / "aws_trust"
NOW = "2026-11-23T12:00:00Z"
SPECIMENS = {
    **{label: runtime for label, (runtime, _) in RUNTIMES.items()},
    "bedrock_agent_first_stage": bedrock(agent_id=None),
    "bedrock_agentcore_first_stage": agentcore(runtime_ids=None),
    "ecs_two_regions": block("runtime", "ecs", regions=("eu-west-1", "us-east-1")),
    "github_actions_tag": github(environment=None, tag="v1"),
    "gitlab_ci_tag": gitlab(branch=None, tag="v1"),
    "lambda_source_condition": block("runtime", "lambda", functions=("one",), source_condition=True),
    "oidc_source_identity": oidc(source_identity="triage"),
    "roles_anywhere_uri": anywhere(common_name=None, organization=None, san_uri="spiffe://acme.example/triage"),
}


def found(runtime: Any, **more: Any) -> list[tuple[str, str]]:
    """Codes and summaries for an agent on this runtime."""
    of = authority([agent("a", runtime)], **more)
    return [(item.code, item.summary) for item in provider.validate(of)]


def world(runtime: Any, **more: Any) -> World:
    of = authority([agent("a", runtime)], **more)
    return World({item.resource.address: item.resource for item in provider.compile(of)}, NOW)


def role_of(of: World) -> Resource:
    return next(item for address, item in of.resources.items() if address.kind == "iam_role")


def assume(of: World, claims: dict[str, Any]) -> Answer:
    return evaluate_in_world(of, Assume("a", claims)).answer


def test_every_runtime_has_a_sample_a_row_and_a_schema():
    assert set(RUNTIMES) == set(ROWS)
    assert set(CAPABILITIES) == set(ROWS) | {"adopted"} == set(provider.schema().runtimes)
    assert all(row.why for row in CAPABILITIES.values())


@pytest.mark.parametrize("name", SPECIMENS)
def test_the_trust_written(name: str):
    trust = role_of(world(SPECIMENS[name])).attributes["trust"]
    path = GOLDEN / f"{name}.json"
    text = json.dumps(trust, indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text
    assert size(trust) < 2048


@pytest.mark.parametrize("label", RUNTIMES)
class TestWhoBecomesTheAgent:
    def test_its_own_workload_does(self, label: str):
        runtime, claims = RUNTIMES[label]
        assert assume(world(runtime), claims) is Answer.ALLOWED

    def test_it_is_valid(self, label: str):
        assert [code for code, _ in found(RUNTIMES[label][0]) if code.startswith("E-")] == []

    def test_another_value_of_any_one_claim_does_not(self, label: str):
        runtime, claims = RUNTIMES[label]
        of = world(runtime)
        if label == "lambda":  # without a source condition its trust pins no claim
            return
        for name, value in claims.items():
            other = ACCOUNT[::-1] if name == "account" else f"{value}x"
            answer = assume(of, {**claims, name: other})
            assert answer is Answer.DENIED, name

    def test_no_claim_can_be_left_out(self, label: str):
        runtime, claims = RUNTIMES[label]
        of = world(runtime)
        if label in ("lambda", "ec2"):
            return
        for name in claims:
            assert assume(of, {**claims, name: None}) is not Answer.ALLOWED, name

    def test_the_generated_negatives_are_denied(self, label: str):
        of = authority([agent("a", RUNTIMES[label][0])])
        planned = world(RUNTIMES[label][0])
        tried = [(t.surface, i) for t in negatives(of.configuration.agents["a"], of) for i in t.assumes]
        assert len(tried) >= 3
        for surface, item in tried:
            answer = evaluate_in_world(planned, Assume("a", item.values["claims"])).answer
            assert answer is Answer.DENIED, (surface, item.labels)

    def test_a_widened_trust_fails_some_negative(self, label: str):
        """The negatives are able to fail: without its conditions the trust admits one of them."""
        of, planned = authority([agent("a", RUNTIMES[label][0])]), world(RUNTIMES[label][0])
        role = role_of(planned)
        (statement,) = role.attributes["trust"]["Statement"]
        if "Condition" not in statement:
            return
        bare = {key: value for key, value in statement.items() if key != "Condition"}
        wide = replace(role, attributes={**role.attributes, "trust": canonical_policy({"Statement": [bare]})})
        live = World({**planned.resources, role.address: wide}, NOW)
        answers = [
            evaluate_in_world(live, Assume("a", item.values["claims"])).answer
            for test in negatives(of.configuration.agents["a"], of)
            for item in test.assumes
        ]
        assert Answer.ALLOWED in answers


REFUSED = [
    (pods(cluster="agents-prod"), "is no ARN of an EKS cluster"),
    (pods(cluster=f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/*"), "is not one exact value"),
    (pods(cluster="arn:aws:eks:eu-west-1:999999999999:cluster/x"), "its cluster is in account 999999999999"),
    (pods(namespace="*"), "is not one exact value"),
    (pods(namespace="Finance_Agents"), "is no Kubernetes namespace"),
    (pods(service_account="default"), "default service account"),
    (pods(session_tags=False), "session tags are disabled"),
    (irsa(service_account="triage-*"), "is not one exact value"),
    (irsa(issuer=None), "nothing says who issues its tokens"),
    (irsa(issuer="http://oidc.eks.eu-west-1.amazonaws.com/id/AB"), "is not an https URL"),
    (irsa(issuer="https://oidc.eks.eu-west-1.amazonaws.com/id/*"), "is not an https URL"),
    (irsa(issuer="https://oidc.eks.eu-west-1.amazonaws.com"), "is no issuer of an EKS cluster"),
    (irsa(issuer="https://accounts.google.com"), "is no issuer of one cluster"),
    (irsa(audience=""), "is not one exact value"),
    (agentcore(runtime_ids=("*",)), "is no id of an AgentCore runtime"),
    (agentcore(regions=("nowhere",)), "is no AWS region"),
    (bedrock(agent_id="*"), "is no id of a Bedrock agent"),
    (bedrock(agent_id="agent/ABCDEF1234"), "is no id of a Bedrock agent"),
    (anywhere(trust_anchor=f"arn:aws:rolesanywhere:eu-west-1:{ACCOUNT}:trust-anchor/*"), "is no ARN of a trust anchor"),
    (anywhere(trust_anchor=ANCHOR.replace(ACCOUNT, "999999999999")), "its trust anchor is in account 999999999999"),
    (anywhere(profile="billing"), "is no ARN of a Roles Anywhere profile"),
    (anywhere(common_name=None), "nothing says which certificate may become it"),
    (anywhere(common_name="*.acme.example"), "is not one exact value"),
    (github(repository="acme/*"), "is not one exact value"),
    (github(environment=None), "nothing says which runs of the workflow may become it"),
    (github(environment=None, branch="refs/pull/1/merge"), "is a full ref"),
    (gitlab(project_path="acme/*"), "is not one exact value"),
    (gitlab(project_path="billing"), "is no project"),
    (gitlab(branch=None), "exactly one must be named"),
    (gitlab(tag="v1"), "exactly one must be named"),
    (gitlab(branch="refs/merge-requests/1/head"), "is a full ref"),
    (oidc(subject="agent:*"), "is not one exact value"),
    (oidc(audience=""), "is not one exact value"),
    (oidc(issuer="https://token.actions.githubusercontent.com"), "signs tokens for everybody"),
    (oidc(issuer="https://app.terraform.io"), "nothing pinned says whose this one is"),
    (oidc(issuer="https://app.terraform.io", tenant="acme", subject="acmex:run"), "nothing pinned says whose"),
    (spiffe(spiffe_id="spiffe://acme.example/*"), "is not one exact value"),
    (spiffe(spiffe_id="spiffe://acme.example"), "is no SPIFFE id of a workload"),
    (spiffe(issuer="https://oidc.vercel.com/acme"), "nothing pinned says whose this one is"),
    (oidc(federation="federation.gone"), "is no federation of this workspace"),
]


@pytest.mark.parametrize(("runtime", "says"), REFUSED, ids=[f"{r.labels[0]}-{s[:30]}" for r, s in REFUSED])
def test_the_trusts_refused(runtime: Any, says: str):
    problems = [item for item in provider.validate(authority([agent("a", runtime)])) if item.is_error]
    assert any(says in item.summary for item in problems), [item.summary for item in problems]
    for item in problems:
        assert item.code == "E-AWS-RUNTIME"
        assert item.detail.endswith(".") and item.subject is not None


def test_a_shared_issuer_with_a_tenant_in_its_subject_is_taken():
    runtime = oidc(issuer="https://app.terraform.io", subject="organization:acme:project:x", tenant="acme")
    assert [code for code, _ in found(runtime) if code.startswith("E-")] == []


def test_what_is_not_narrow_yet_says_the_next_stage():
    assert any(code == "W-AWS-STAGE" for code, _ in found(bedrock(agent_id=None)))
    assert any(code == "W-AWS-STAGE" for code, _ in found(agentcore(runtime_ids=None)))
    assert not any(code == "W-AWS-STAGE" for code, _ in found(bedrock()))


def test_gitlabs_public_paths_can_be_taken_over():
    assert ("FED-3", "agent.a trusts a project by its path") in found(gitlab(issuer="https://gitlab.com"))
    assert not any(code == "FED-3" for code, _ in found(gitlab()))


@pytest.mark.parametrize("label", RUNTIMES)
@pytest.mark.parametrize("wish", ["session_name", "workload_tags", "source_identity"])
def test_attribution_is_enforced_or_refused(label: str, wish: str):
    made = agent("a", RUNTIMES[label][0], session=Session(attribution=wish))
    codes = [item.code for item in provider.validate(authority([made]))]
    order = ("session_name", "workload_tags", "source_identity")
    possible = order.index(wish) <= order.index(CAPABILITIES[label].attribution)
    assert ("E-AWS-ATTRIBUTION" in codes) is not possible


@pytest.mark.parametrize("label", RUNTIMES)
def test_a_session_cap_is_enforced_or_refused(label: str):
    made = agent("a", RUNTIMES[label][0], session=Session(max_seconds=3600))
    codes = [item.code for item in provider.validate(authority([made]))]
    assert ("E-AWS-SESSION" in codes) is not CAPABILITIES[label].session_cap


def test_an_issuer_that_sets_the_source_identity_makes_its_tokens_attributable():
    made = agent("a", oidc(source_identity="triage"), session=Session(attribution="source_identity"))
    assert "E-AWS-ATTRIBUTION" not in [item.code for item in provider.validate(authority([made]))]
    of = world(oidc(source_identity="triage"))
    claims = {"sub": "agent:triage", "aud": "sts.amazonaws.com"}
    assert assume(of, {**claims, "source_identity": "triage"}) is Answer.ALLOWED
    assert assume(of, {**claims, "source_identity": "other"}) is Answer.DENIED


def test_pods_of_a_sibling_namespace_do_not_become_it():
    """The example of the language's own page, which names no cluster."""
    assert assume(world(pods()), {"namespace": "default", "service_account": "triage"}) is Answer.DENIED
    assert assume(world(pods()), {"namespace": "finance", "service_account": "triage"}) is Answer.DEPENDS


def test_a_federation_says_the_issuer():
    settings = block(
        "federation",
        blocks=[block("oidc", issuer="https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", audiences=("x",))],
    )
    of = authority([agent("a", irsa(issuer=None, federation="federation.eks"))])
    federation = Federation("federation.eks", "eks", "aws", settings)
    of = replace(of, configuration=replace(of.configuration, federations={"federation.eks": federation}))
    role = next(d.resource for d in provider.compile(of) if d.resource.address.kind == "iam_role")
    (statement,) = role.attributes["trust"]["Statement"]
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"
    assert statement["Principal"] == {"Federated": [arn]}


def test_the_tags_of_a_pod_are_trusted_in_a_grant_and_others_are_not():
    from aws_workspace import grant, tool

    for tag, refused in (("kubernetes-namespace", False), ("team", True)):
        part = grant("g", ["a"], ["t"], when={"session_tags": {tag: "finance"}})
        of = authority([agent("a", pods())], [tool("t")], [part])
        assert ("E-AWS-WHEN" in [item.code for item in provider.validate(of)]) is refused


def test_the_cluster_is_pinned():
    assert CLUSTER in json.dumps(role_of(world(pods())).attributes["trust"])


class TestGrantsOfFunctions:
    """`bind_grants`: what is granted is of use inside the agent's own functions only."""

    OBJECT = "arn:aws:s3:::acme-t/x"

    def attempt(self, runtime: Any, **context: str) -> Answer:
        from aws_workspace import grant, tool

        of = authority([agent("a", runtime)], [tool("t")], [grant("g", ["a"], ["t"])])
        assert [item for item in provider.validate(of) if item.is_error] == []
        planned = World({item.resource.address: item.resource for item in provider.compile(of)}, NOW)
        request = Attempt("a", {"action": "s3:GetObject", "resource": self.OBJECT, "context": context})
        return evaluate_in_world(planned, request).answer

    @pytest.mark.parametrize(
        ("arn", "answer"),
        [
            (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:one", Answer.ALLOWED),
            (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:other", Answer.DENIED),
            ("arn:aws:lambda:eu-west-1:999999999999:function:one", Answer.DENIED),
        ],
    )
    def test_only_its_own_code_may(self, arn: str, answer: Answer):
        bound = block("runtime", "lambda", functions=("one", "two"), bind_grants=True)
        assert self.attempt(bound, **{"lambda:SourceFunctionArn": arn}) is answer

    def test_credentials_taken_elsewhere_are_worth_nothing(self):
        bound = block("runtime", "lambda", functions=("one",), bind_grants=True)
        assert self.attempt(bound) is Answer.DENIED
        assert self.attempt(block("runtime", "lambda", functions=("one",))) is Answer.ALLOWED

    def test_a_region_is_kept_where_one_is_named(self):
        bound = block("runtime", "lambda", functions=("one",), regions=("eu-west-1",), bind_grants=True)
        other = {"lambda:SourceFunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:one"}
        assert self.attempt(bound, **other) is Answer.DENIED

    def test_without_functions_there_is_nothing_to_bind_to(self):
        assert ("E-AWS-RUNTIME", "agent.a: bind_grants names no function to bind its grants to") in found(
            block("runtime", "lambda", bind_grants=True)
        )


@pytest.mark.parametrize("kind", ["gateway/tools-AbCdEf1234", "memory/notes-AbCdEf1234", "code-interpreter/x"])
def test_a_gateway_or_a_memory_of_agentcore_does_not_become_its_agent(kind: str):
    """One role for runtime, gateway and memory is refused by the trust itself: it names runtimes alone."""
    for runtime in (agentcore(), agentcore(runtime_ids=None)):
        trust = role_of(world(runtime)).attributes["trust"]
        arn = f"arn:aws:bedrock-agentcore:eu-west-1:{ACCOUNT}"
        principal = {"Service": "bedrock-agentcore.amazonaws.com"}
        for source, answer in ((f"{arn}:runtime/triage-AbCdEf1234", "allowed"), (f"{arn}:{kind}", "denied")):
            context = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": source}
            asked = {"resource": f"arn:aws:iam::{ACCOUNT}:role/x", "policies": {"trust": trust}, "context": context}
            assert provider.evaluate_document({**asked, "principal": principal}).answer.value == answer, source
