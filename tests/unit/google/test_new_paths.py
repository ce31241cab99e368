"""Ways to become more that a plan opens: told beside the agent in text, JSON and Markdown, and signed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aws_workspace import ACCOUNT, sample
from google_workspace import PROJECT, agent, authority
from provisioner_aws import provider as aws
from provisioner_google import names, schema
from provisioner_google import provider as google
from provisioner_google.bindings import Tuple, address

from provisioner import planfile
from provisioner.approval.review import review_text
from provisioner.model.configuration import Configuration
from provisioner.model.findings import TestSummary
from provisioner.model.graph import Reach
from provisioner.model.plan import NewPath, Plan, PlanNotes, Requirement, RootReference
from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource
from provisioner.policy.newpaths import new_paths
from provisioner.render.html import evidence
from provisioner.render.human import plan_text
from provisioner.render.markdown import plan_markdown

TWO = authority([agent("a"), agent("b")], boundaries=[])
ACCOUNT_B = names.account_resource(names.email("acme-b", PROJECT), PROJECT)
HOME = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"


def google_reach(*permissions: str, on: str = HOME) -> Reach:
    role = f"projects/{PROJECT}/roles/held"
    item = Tuple(on, role, f"serviceAccount:{names.email('acme-a', PROJECT)}", None)
    where = address(schema.grant_kind(on), PROJECT, "a", item)
    attributes = {"permissions": sorted(permissions), "stage": "GA", "state": "ACTIVE"}
    resources = [
        *(one.resource for one in google.compile(TWO)),
        Resource(where, item.attributes(), agent="a"),
        Resource(Address("google", PROJECT, schema.CUSTOM_ROLE, "held"), attributes),
    ]
    return google.reach(TWO, World({one.address: one for one in resources}), ["a", "b"])


def aws_reach(*actions: str) -> Reach:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    role = Resource(Address("aws", ACCOUNT, "iam_role", "ws-x"), {"path": "/", "trust": policy}, "x")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    inline = Address("aws", ACCOUNT, "iam_role_policy", "ws-x/p")
    resources = [role, Resource(inline, {"document": document}, "x", parent=role.address)]
    return aws.reach(sample(), World({one.address: one for one in resources}), ["x"])


CONFIGURATION: Configuration = TWO.configuration


def test_what_was_there_is_not_new() -> None:
    old = google_reach("iam.roles.update")
    assert new_paths(CONFIGURATION, [old], [old]) == ()
    assert new_paths(CONFIGURATION, [google_reach("storage.objects.get")], [old]) == ()  # one that closes


def test_a_path_on_google_names_its_steps_and_their_source() -> None:
    (path,) = new_paths(CONFIGURATION, [google_reach("iam.roles.update")], [google_reach("storage.objects.get")])
    assert (path.agent, path.technique, path.certain) == ("a", "update-held-role", True)
    assert f"iam.roles.update on //iam.googleapis.com/projects/{PROJECT}/roles/held" in path.text
    assert f"(projects/{PROJECT}/roles/held)" in path.text


def test_a_path_on_aws_too() -> None:
    (path,) = new_paths(CONFIGURATION, [aws_reach("iam:PutRolePolicy")], [aws_reach("s3:GetObject")])
    assert (path.agent, path.technique) == ("x", "put-own-role-policy")
    assert "iam:PutRolePolicy on arn:aws:iam::" in path.text and "(inline policy p)" in path.text


def test_an_undeclared_step_to_another_agent_is_new_as_well() -> None:
    found = new_paths(CONFIGURATION, [google_reach("iam.serviceAccounts.getAccessToken", on=ACCOUNT_B)], [Reach()])
    assert {(path.technique, path.target) for path in found} == {("access-token", "b"), ("trust", "b")}


@pytest.fixture
def plan() -> Plan:
    root = RootReference(1, "sha256:" + "0" * 64)
    made = Plan("acme", 0, root, (), (), (), (), (), (), (), TestSummary(), (), (), (), ())
    path = NewPath("a", "update-held-role", "it writes <b>permissions</b>\x1b[31m", False)
    return replace(made, new_paths=(path,))


def test_it_is_signed_and_older_plans_keep_their_bytes(plan: Plan) -> None:
    data = planfile.encode(plan, PlanNotes())
    assert planfile.decode(data).plan.new_paths == plan.new_paths
    without = replace(plan, new_paths=())
    assert "new_paths" not in planfile.plan_value(without)
    assert planfile.seal(plan, PlanNotes()).digest != planfile.seal(without, PlanNotes()).digest


def test_every_signer_is_told(plan: Plan) -> None:
    asked = replace(plan, requirements=(Requirement("runtime", "platform", 1, (), (), "sha256:" + "1" * 64),))
    text = review_text(planfile.seal(asked, PlanNotes()), "runtime", "platform")
    assert "NEW PATHS\n  agent.a, update-held-role: it writes <b>permissions</b>" in text and "\x1b" not in text


def test_it_is_shown_beside_the_agent_and_escaped(plan: Plan) -> None:
    file = planfile.seal(plan, PlanNotes())
    text = plan_text(file)
    assert "    NEW PATH   agent.a, update-held-role: it writes <b>permissions</b>" in text
    assert "if the context allows it" in " ".join(text.split()) and "\x1b" not in text
    page = str(evidence.findings(plan, PlanNotes()))
    assert "opens 1 new path" in page and "&lt;b&gt;" in page and "<b>" not in page
    markdown = plan_markdown(file)
    assert "#### 1 new path to more authority" in markdown
    assert "<b>" not in markdown.partition("####")[2] and "\x1b" not in markdown
