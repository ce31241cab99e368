"""Policy semantics: conditions in three values, decisions, comparison, negatives, hazards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from google_workspace import (
    BUCKET,
    DATASET,
    EXPIRES,
    GITHUB,
    NUMBER,
    PROJECT,
    agent,
    authority,
    boundary,
    custom,
    eks,
    github,
    github_federation,
    gke,
    grant,
    irsa,
    sample,
    tool,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_google import provider, schema
from provisioner_google.bindings import Tuple, address
from provisioner_google.policy import cel
from provisioner_google.policy.cel import Truth

from provisioner.model.authority import Authority
from provisioner.model.changes import Action, Change, Effect
from provisioner.model.configuration import Expiry
from provisioner.model.requests import Answer, Assume, Attempt, World
from provisioner.model.resources import Address, Resource

NOW = "2026-11-24T00:00:00Z"
ROLES = {
    "roles/storage.objectViewer": ["storage.objects.get", "storage.objects.list"],
    "roles/storage.admin": ["storage.objects.get", "storage.objects.delete", "storage.buckets.setIamPolicy"],
    "roles/bigquery.dataViewer": ["bigquery.tables.getData"],
    "roles/bigquery.jobUser": ["bigquery.jobs.create"],
    "roles/pubsub.publisher": ["pubsub.topics.publish"],
    "roles/owner": ["resourcemanager.projects.setIamPolicy"],
    "roles/iam.serviceAccountTokenCreator": ["iam.serviceAccounts.getAccessToken"],
}
OBJECT = f"{BUCKET}/objects/inbox/1.pdf"


def world(found: Authority, *extra: Resource, roles: Iterable[str] = ROLES) -> World:
    resources = [item.resource for item in provider.compile(found)]
    for name in roles:
        attributes = {"permissions": ROLES[name], "stage": "GA"}
        resources.append(Resource(Address("google", PROJECT, schema.ROLE, name), attributes))
    return World({resource.address: resource for resource in (*resources, *extra)}, NOW)


def given_to(name: str, role: str, resource: str, condition: str | None = None, title: str = "x") -> Resource:
    member = f"serviceAccount:acme-{name}@{PROJECT}.iam.gserviceaccount.com"
    written = {"title": title, "description": "", "expression": condition} if condition else None
    item = Tuple(resource, role, member, written)
    anchor = Address("google", PROJECT, schema.ACCOUNT, f"acme-{name}")
    return Resource(address(schema.BINDING, PROJECT, name, item), item.attributes(), agent=name, parent=anchor)


def ask(where: World, permission: str, resource: str, name: str = "a", **context: Any) -> Answer:
    request = Attempt(name, {"permission": permission, "resource": resource, "context": context})
    return provider.evaluate(where, request).answer


ONE = authority([agent("a")], [tool("t")], [grant("g", ["a"], ["t"])], boundaries=[])
CRM = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"


def test_a_grant_counts_on_the_resource_and_below_it() -> None:
    where = world(ONE)
    assert ask(where, "storage.objects.get", OBJECT, project=PROJECT) is Answer.ALLOWED
    assert ask(where, "storage.objects.delete", OBJECT, project=PROJECT) is Answer.DENIED
    assert ask(where, "storage.objects.get", f"{BUCKET}-other/objects/1") is Answer.DENIED


def test_a_projects_grants_count_for_what_is_in_it() -> None:
    where = world(authority([agent("a")], boundaries=[]), given_to("a", "roles/storage.objectViewer", CRM))
    assert ask(where, "storage.objects.get", OBJECT, project=PROJECT) is Answer.ALLOWED
    assert ask(where, "storage.objects.get", OBJECT, project="other-project") is Answer.DENIED
    assert ask(where, "storage.objects.get", OBJECT) is Answer.DEPENDS, "a bucket's name says no project"
    there = given_to("a", "roles/bigquery.dataViewer", CRM)
    assert ask(world(ONE, there), "bigquery.tables.getData", f"{DATASET}/tables/t") is Answer.ALLOWED


def test_above_a_project_only_the_hierarchy_tells() -> None:
    folder = "//cloudresourcemanager.googleapis.com/folders/12"
    where = world(authority([agent("a")], boundaries=[]), given_to("a", "roles/bigquery.dataViewer", folder))
    assert ask(where, "bigquery.tables.getData", f"{DATASET}/tables/t") is Answer.DEPENDS


def test_an_expiry_is_judged_by_the_time_of_the_request() -> None:
    wanted = authority([agent("a")], [tool("t")], [grant("g", ["a"], ["t"], expires=Expiry(EXPIRES))], boundaries=[])
    where = world(wanted)
    assert ask(where, "storage.objects.get", OBJECT, project=PROJECT) is Answer.ALLOWED
    late = {"request.time": "2027-02-01T00:00:00Z"}
    assert ask(where, "storage.objects.get", OBJECT, project=PROJECT, **late) is Answer.DENIED
    assert ask(replace(where, now=None), "storage.objects.get", OBJECT, project=PROJECT) is Answer.DEPENDS


def test_a_role_that_was_not_read_is_not_guessed() -> None:
    where = world(ONE, roles=[])
    assert ask(where, "storage.objects.get", OBJECT, project=PROJECT) is Answer.DEPENDS


def test_a_deny_policy_goes_before_every_grant() -> None:
    bounded = authority([agent("a")], boundaries=[boundary(deny=("storage.objects.get",))])
    where = world(bounded, given_to("a", "roles/storage.objectViewer", BUCKET))
    assert ask(where, "storage.objects.get", OBJECT, project=PROJECT) is Answer.DENIED
    assert ask(where, "storage.objects.list", OBJECT, project=PROJECT) is Answer.ALLOWED
    assert ask(where, "storage.objects.get", OBJECT, project="other-project") is Answer.ALLOWED
    assert ask(where, "storage.objects.get", OBJECT) is Answer.DEPENDS


def test_what_an_agent_may_become_counts_as_its_own() -> None:
    both = authority([agent("a"), agent("b")], [tool("t")], [grant("g", ["b"], ["t"])], boundaries=[])
    account = f"//iam.googleapis.com/projects/{PROJECT}/serviceAccounts/acme-b@{PROJECT}.iam.gserviceaccount.com"
    creator = given_to("a", "roles/iam.serviceAccountTokenCreator", account)
    assert ask(world(both), "storage.objects.get", OBJECT, project=PROJECT) is Answer.DENIED
    where = world(both, creator)
    assert ask(where, "storage.objects.get", OBJECT, project=PROJECT) is Answer.ALLOWED
    unknown = given_to("a", "roles/iam.serviceAccountTokenCreator", account.replace("acme-b@", "stranger@"))
    assert ask(world(both, unknown), "storage.objects.get", OBJECT, project=PROJECT) is Answer.DEPENDS
    hazards = list(provider.hazards(both, where, {"a", "b"}))
    assert [hazard.rule for hazard in hazards] == ["A2A-1"]
    reach = provider.reach(both, where, {"a", "b"})
    assert [(path.agent, path.target_agent, path.certain) for path in reach.paths] == [("a", "b", True)]
    assert ("a", "b") in {(relation.source_agent, relation.agent) for relation in reach.relations}


FIXER = authority(
    [agent("fixer", github(), identity={"federation": "federation.github"})], federations=[github_federation()]
)
TOKEN = {
    "issuer": GITHUB,
    "sub": "repo:acme/billing:environment:prod",
    "repository_id": "42",
    "repository_owner_id": "7",
    "environment": "prod",
}


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, Answer.ALLOWED),
        ({"repository_id": "43"}, Answer.DENIED),
        ({"environment": None}, Answer.DENIED),
        ({"environment": "staging"}, Answer.DENIED),
        ({"issuer": "https://evil.example"}, Answer.DENIED),
        ({"aud": None}, Answer.DENIED),
    ],
)
def test_tokens_at_a_provider(change: dict[str, Any], answer: Answer) -> None:
    assert provider.evaluate(world(FIXER), Assume("fixer", {**TOKEN, **change})).answer is answer


def test_a_claim_that_nobody_gave_is_not_guessed() -> None:
    token = {key: value for key, value in TOKEN.items() if key != "repository_id"}
    assert provider.evaluate(world(FIXER), Assume("fixer", token)).answer is Answer.DEPENDS


def test_every_generated_negative_of_the_sample_is_denied_on_three_surfaces() -> None:
    wanted = sample()
    where = world(wanted)
    for one in wanted.configuration.agents.values():
        surfaces = set()
        for test in provider.negatives(one, wanted):
            surfaces.add(test.surface)
            for attempt in test.attempts:
                decision = provider.evaluate(where, Attempt(one.name, attempt.values))
                assert decision.answer is Answer.DENIED, (test.name, attempt.labels, decision)
            for assume in test.assumes:
                decision = provider.evaluate(where, Assume(one.name, assume.values["claims"]))
                assert decision.answer is Answer.DENIED, (test.name, assume.labels, decision)
        assert surfaces == {"identity", "tool_access", "runtime"}


def test_negatives_fail_when_a_provider_admits_everybody() -> None:
    where = world(FIXER)
    (one,) = [r for r in where.resources.values() if r.address.kind == schema.POOL_PROVIDER]
    for condition in ("", "true", 'assertion.repository_owner_id == "7"'):
        open_ = replace(one, attributes={**one.attributes, "condition": condition})
        wide = World({**where.resources, one.address: open_}, NOW)
        answers = {
            provider.evaluate(wide, Assume("fixer", assume.values["claims"])).answer
            for test in provider.negatives(FIXER.configuration.agents["fixer"], FIXER)
            for assume in test.assumes
        }
        assert Answer.ALLOWED in answers
        rules = {hazard.rule for hazard in provider.hazards(FIXER, wide, {"fixer"})}
        assert "FED-1" in rules


def test_hazards_of_grants() -> None:
    where = world(ONE, given_to("a", "roles/owner", CRM), given_to("a", "roles/storage.admin", CRM))
    assert {hazard.rule for hazard in provider.hazards(ONE, where, {"a"})} == {"PRV-1", "PRV-2", "PRV-3", "PRV-4"}
    assert list(provider.hazards(ONE, world(ONE), {"a"})) == []
    assert [h.rule for h in provider.hazards(ONE, world(ONE, roles=[]), {"a"})] == ["PRV-1"]


def test_one_workload_becomes_one_agent() -> None:
    """Somebody lets the Kubernetes service account of one agent use the account of the other, too."""
    both = authority([agent("a", gke()), agent("b", gke(account="other"))], boundaries=[])
    where = world(both)
    assert [one.rule for one in provider.hazards(both, where, {"a", "b"})] == []
    bindings = {str(r.agent): r for r in where.resources.values() if r.address.kind == schema.ACCOUNT_BINDING}
    mine, theirs = bindings["a"], bindings["b"]
    at = replace(theirs.address, name=f"{theirs.address.name} again")
    too = replace(theirs, address=at, attributes={**theirs.attributes, "member": mine.attributes["member"]})
    shared = World({**where.resources, at: too}, NOW)
    told = [(one.rule, one.agent) for one in provider.hazards(both, shared, {"a", "b"}) if one.rule == "ID-1"]
    assert sorted(told) == [("ID-1", "a"), ("ID-1", "b")]


def test_a_member_of_the_pool_that_is_no_agents_is_a_hazard() -> None:
    wanted = authority([agent("s", irsa(), identity={"federation": "federation.eks"})], federations=[eks()])
    pool = Address("google", PROJECT, schema.POOL, "eks-agents-prod")
    base = f"principalSet://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools"
    item = Tuple(BUCKET, "roles/storage.objectViewer", f"{base}/eks-agents-prod/*", None)
    wide = Resource(address(schema.BINDING, PROJECT, None, item), item.attributes(), parent=pool)
    where = world(wanted, wide)
    assert [hazard.rule for hazard in provider.hazards(wanted, where, {"s"})] == ["FED-2"]
    assert ask(where, "storage.objects.get", OBJECT, "s", project=PROJECT) is Answer.ALLOWED


def change_of(old: Resource | None, new: Resource | None) -> Change:
    one = new or old
    assert one is not None
    action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
    before, after = (None if side is None else side.attributes for side in (old, new))
    return Change(1, action, one.address, "", one.agent, None, (), {}, Effect.UNKNOWN, (), (), "", before, after, ())


def effect(old: Resource | None, new: Resource | None, *staying: Resource) -> Effect:
    before = world(ONE, *staying, *([old] if old else []))
    after = world(ONE, *staying, *([new] if new else []))
    found = provider.assess(change_of(old, new), before, after)
    assert found.effect is not Effect.UNKNOWN or found.reason
    return found.effect


A, B = 'resource.name.startsWith("projects/_/a")', 'resource.name.startsWith("projects/_/ab")'
UNTIL = 'request.time < timestamp("{}-01-01T00:00:00Z")'


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (A, B, Effect.NARROWER),
        (B, A, Effect.WIDER),
        (A, f"{A} && {UNTIL.format(2027)}", Effect.NARROWER),
        (UNTIL.format(2027), UNTIL.format(2028), Effect.WIDER),
        (UNTIL.format(2028), UNTIL.format(2027), Effect.NARROWER),
        (A, f"{A} || {UNTIL.format(2027)}", Effect.WIDER),
        (f"{A} && {UNTIL.format(2027)}", f"{UNTIL.format(2027)} && {A}", Effect.EQUAL),
        (A, 'resource.name.extract("/t/{x}") == "a"', Effect.UNKNOWN),
        (A, "resource.name.startsWith(", Effect.UNKNOWN),
    ],
)
def test_a_changed_condition(old: str, new: str, wanted: Effect) -> None:
    role = "roles/storage.objectViewer"
    assert effect(given_to("a", role, CRM, old), given_to("a", role, CRM, new)) is wanted


def test_grants_that_come_and_go() -> None:
    role = "roles/storage.objectViewer"
    bare, ending = given_to("a", role, CRM), given_to("a", role, CRM, UNTIL.format(2027))
    assert effect(None, bare) is Effect.WIDER
    assert effect(bare, None) is Effect.NARROWER
    assert effect(None, ending, bare) is Effect.EQUAL, "what is unconditional stays"
    assert effect(None, bare, ending) is Effect.WIDER
    assert effect(ending, None, bare) is Effect.EQUAL


def test_roles_and_boundaries_that_change() -> None:
    wanted = authority([agent("a")], [tool("t", custom("x"))], [grant("g", ["a"], ["t"])])
    where = world(wanted)
    (role,) = [r for r in where.resources.values() if r.address.kind == schema.CUSTOM_ROLE]
    more = replace(role, attributes={**role.attributes, "permissions": ["storage.objects.get", "storage.objects.list"]})
    assert provider.assess(change_of(role, more), where, where).effect is Effect.WIDER
    assert provider.assess(change_of(more, role), where, where).effect is Effect.NARROWER
    assert provider.narrows(change_of(more, role)) and not provider.narrows(change_of(role, more))
    (deny,) = [r for r in where.resources.values() if r.address.kind == schema.DENY_POLICY]
    rule = deny.attributes["rules"][0]
    less = replace(deny, attributes={**deny.attributes, "rules": [{**rule, "deniedPermissions": ["x.y/z.a"]}]})
    assert provider.assess(change_of(deny, less), where, where).effect is Effect.WIDER
    assert provider.assess(change_of(None, deny), where, where).effect is Effect.NARROWER
    assert provider.assess(change_of(deny, None), where, where).effect is Effect.WIDER


NAMES = ("a", "b")
VALUES = ("", "x", "xy", "xyz", "zxy")


def expressions() -> st.SearchStrategy[str]:
    constant = st.sampled_from(VALUES).map(lambda text: f'"{text}"')
    atom = st.one_of(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(["==", "!="]), constant).map(" ".join),
        st.tuples(st.sampled_from(NAMES), st.sampled_from(["startsWith", "endsWith", "contains"]), constant).map(
            lambda parts: f"{parts[0]}.{parts[1]}({parts[2]})"
        ),
        st.sampled_from(["true", "false"]),
    )
    return st.recursive(
        atom,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
            inner.map(lambda text: f"!({text})"),
        ),
        max_leaves=5,
    )


def contexts() -> list[dict[str, str]]:
    return [{"a": one, "b": other} for one in VALUES for other in VALUES]


@settings(max_examples=150, deadline=None)
@given(expressions(), expressions())
def test_implication_is_sound(one: str, other: str) -> None:
    if cel.implies(cel.parse(one), cel.parse(other)):
        for context in contexts():
            if cel.judge(one, context)[0] is Truth.YES:
                assert cel.judge(other, context)[0] is Truth.YES, context


@settings(max_examples=150, deadline=None)
@given(expressions())
def test_what_is_decided_without_context_stays_so_with_it(text: str) -> None:
    for known in ({}, {"a": "x"}):
        answer = cel.judge(text, known)[0]
        if answer is not Truth.UNKNOWN:
            assert all(cel.judge(text, {**c, **known})[0] is answer for c in contexts())


@settings(max_examples=100, deadline=None)
@given(expressions())
def test_written_is_read_again(text: str) -> None:
    node = cel.parse(text)
    assert cel.parse(cel.written(node)) == node


@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_a_reason(text: str) -> None:
    problem = cel.syntax_error(text)
    assert isinstance(problem, str)
    assert cel.judge(text, {})[0] in Truth


@pytest.mark.parametrize("text", ["(" * 500, "!" * 500 + "a", "a" + "[0" * 300, "", "a ||", "1 +", "'x"])
def test_strange_text(text: str) -> None:
    assert cel.syntax_error(text)


def test_true_is_not_one() -> None:
    assert cel.parse("a == true") != cel.parse("a == 1")
    assert cel.judge("1 == true", {})[0] is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("subject", "template", "wanted"),
    [
        ("projects/p/datasets/d/tables/lint_x", "/tables/{t}", "lint_x"),
        ("projects/_/buckets/b/objects/in/1", "objects/{x}/", "in"),
        ("nothing", "/tables/{t}", ""),
        ("a/b", "{x}/b", "a"),
    ],
)
def test_extract(subject: str, template: str, wanted: str) -> None:
    assert cel.extract(subject, template) == wanted
