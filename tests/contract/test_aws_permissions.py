"""The printed policies are enough, each action of them is needed, and its lack is named."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import provisioner_aws
import pytest
from aws_enforcing import EnforcingCloud, Runner
from aws_workspace import agent, authority, github, grant, statement, tool
from provisioner_aws import provider
from provisioner_aws.permissions import APPLY_READS, DRIFT_READS, READS
from provisioner_aws.user_credentials import LISTINGS
from provisioner_aws.writer import AWSWriter

EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
GITHUB = "https://token.actions.githubusercontent.com"


def workspace(count: int = 9):
    """A Lambda agent whose grants need a managed policy, and one of GitHub Actions."""
    tools = [
        tool(f"t{n:02}", statement(["s3:GetObject"], [f"arn:aws:s3:::bucket-{n:02}-{i:03}/*" for i in range(50)]))
        for n in range(count)
    ]
    grants = [grant(f"g{n:02}", ["a"], [f"t{n:02}"]) for n in range(count)]
    return authority([agent("a"), agent("fixer", github())], tools, grants)


def policy(of, purpose):
    (found,) = provider.permissions(of, tuple(provider.compile(of)), purpose)
    return found.document


def actions(document):
    return {action for item in document["Statement"] for action in item["Action"]}


@pytest.fixture
def cloud(port, iam):
    iam.create_open_id_connect_provider(Url=GITHUB, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40])
    iam.create_user(UserName="old", Tags=[{"Key": "provisioner:agent", "Value": "a"}])
    iam.create_access_key(UserName="old")
    with EnforcingCloud(port, iam) as proxy:
        yield proxy


def spoil(iam):
    """Everything that somebody with too many rights can do to an agent: the next plan takes it all back."""
    iam.put_role_policy(RoleName="ws-a", PolicyName="extra", PolicyDocument=EVERYTHING)
    iam.create_policy(PolicyName="foreign", PolicyDocument=EVERYTHING)
    iam.attach_role_policy(RoleName="ws-a", PolicyArn="arn:aws:iam::123456789012:policy/foreign")
    iam.put_role_permissions_boundary(RoleName="ws-a", PermissionsBoundary="arn:aws:iam::123456789012:policy/foreign")
    iam.update_role(RoleName="ws-a", Description="changed", MaxSessionDuration=43200)
    trust = EVERYTHING.replace('"Action":"*","Resource":"*"', '"Principal":{"AWS":"*"},"Action":"sts:AssumeRole"')
    iam.update_assume_role_policy(RoleName="ws-a", PolicyDocument=trust)
    tags = [{"Key": "provisioner:address", "Value": "x"}, {"Key": "extra", "Value": "x"}]
    iam.tag_role(RoleName="ws-a", Tags=tags)
    iam.create_instance_profile(InstanceProfileName="theirs")
    iam.add_role_to_instance_profile(InstanceProfileName="theirs", RoleName="ws-a")
    boundary = "arn:aws:iam::123456789012:policy/agents/ws-boundary-agents"
    iam.tag_policy(PolicyArn=boundary, Tags=tags)
    for _ in range(4):
        iam.create_policy_version(PolicyArn=boundary, PolicyDocument=EVERYTHING, SetAsDefault=True)


def test_with_the_printed_policies_alone_everything_works_and_nothing_is_too_much(cloud, connect, iam):
    of = workspace()
    desired = tuple(provider.compile(of))
    runner = Runner(cloud, connect)
    cloud.policy = policy(of, "apply")
    runner.apply(desired)
    spoil(iam)
    runner.apply(desired)
    assert runner.operations(desired) == ()
    fewer = workspace(3)
    runner.apply(tuple(provider.compile(fewer)))
    runner.apply(())
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == []
    reads = {*READS, *APPLY_READS}
    assert actions(cloud.policy) - reads == {action for action in runner.needed if action not in reads}


def test_reading_needs_each_of_its_actions_and_names_the_one_that_lacks(cloud, connect, iam):
    """Bulk and role by role; a drift run reads what a plan reads, and may ask who did it."""
    of = workspace()
    desired = tuple(provider.compile(of))
    runner = Runner(cloud, connect)
    runner.apply(desired)
    spoil(iam)
    more = authority([*of.configuration.agents.values(), agent("new")])
    desired = (*desired, *(item for item in provider.compile(more) if item.resource.agent == "new"))
    cloud.policy = policy(of, "plan")
    assert actions(policy(of, "drift")) == actions(cloud.policy) | {"cloudtrail:LookupEvents"}
    assert not {action for action in actions(cloud.policy) if not re.match(r"iam:(Get|List)", action)}
    agents = frozenset({"a", "fixer"})
    for scope in (None, agents):
        assert runner.read(desired, scope).coverage.complete
    assert cloud.used <= actions(cloud.policy)
    unseen = []
    for action in sorted(actions(cloud.policy)):
        cloud.withheld = frozenset({action})
        said = []
        for scope in (None, agents):
            coverage = runner.read(desired, scope).coverage
            said += [f"{gap.permission} {gap.reason}" for gap in coverage.gaps]
            said += coverage.not_looked_at
        if not any(action in line for line in said):
            unseen.append(action)
    assert unseen == []


def test_every_call_in_the_code_is_declared():
    """No read that the table does not know: the literals of `read(…)`, `pages(…)` and `read_in(…)`."""
    found = set()
    root = Path(provisioner_aws.__file__).parent
    for path in root.rglob("*.py"):
        if {"sandbox", "policy"} & set(path.relative_to(root).parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                at = {"read": 0, "pages": 0, "read_in": 2}.get(node.func.attr)
                argument = node.args[at] if at is not None and len(node.args) > at else None
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and "_" in argument.value:
                    found.add(argument.value.replace("_", ""))
    found |= {listing.action.replace("_", "") for listing in LISTINGS}
    declared = {action.partition(":")[2].lower() for action in (*READS, *APPLY_READS, *DRIFT_READS)}
    assert found == declared


class TestScope:
    def statements(self, of, action):
        return [item for item in policy(of, "apply")["Statement"] if action in item["Action"]]

    def test_writes_are_held_to_the_workspace(self):
        (item,) = self.statements(workspace(), "iam:PutRolePolicy")
        assert item["Resource"] == ["arn:aws:iam::123456789012:role/agents/ws-*"]
        assert item["Condition"] == {"StringEquals": {"aws:ResourceTag/provisioner:workspace": ["ws"]}}

    def test_a_role_is_made_in_a_boundary_of_ours_only(self):
        (item,) = self.statements(workspace(), "iam:CreateRole")
        assert item["Condition"]["ArnLike"] == {
            "iam:PermissionsBoundary": ["arn:aws:iam::123456789012:policy/agents/ws-boundary-*"]
        }
        assert "iam:DeleteRolePermissionsBoundary" not in actions(policy(workspace(), "apply"))

    def test_where_an_agent_has_no_boundary_it_cannot_be_demanded(self):
        of = authority([agent("a", boundary=None)])
        (item,) = self.statements(of, "iam:CreateRole")
        assert "ArnLike" not in item["Condition"]
        assert "iam:DeleteRolePermissionsBoundary" in actions(policy(of, "apply"))

    def test_nothing_is_passed_to_a_service_that_nobody_uses(self):
        assert "iam:PassRole" not in actions(policy(workspace(), "apply"))

    def test_another_workspaces_role_is_out_of_reach(self, cloud, connect, iam):
        of = workspace()
        cloud.policy = policy(of, "apply")
        trust = '{"Version":"2012-10-17","Statement":[]}'
        iam.create_role(
            RoleName="ws-other",
            Path="/agents/",
            AssumeRolePolicyDocument=trust,
            Tags=[{"Key": "provisioner:workspace", "Value": "another"}],
        )
        client = connect(cloud.port)
        writer = AWSWriter([client], sleep=lambda _: None)
        account = writer._accounts["123456789012"]
        with pytest.raises(Exception, match="not authorized to perform: iam:PutRolePolicy"):
            account.write("put_role_policy", RoleName="ws-other", PolicyName="x", PolicyDocument=EVERYTHING)


class TestBootstrap:
    def test_the_template_has_the_printed_policies(self):
        of = workspace()
        desired = tuple(provider.compile(of))
        (template,) = provider.bootstrap(of, desired, "cloudformation").values()
        for purpose in ("plan", "drift", "apply"):
            role = template["Resources"][f"{purpose.capitalize()}Role"]["Properties"]
            assert role["Policies"][0]["PolicyDocument"] == policy(of, purpose)
            text = role["AssumeRolePolicyDocument"]["Fn::Sub"]
            names = set(re.findall(r"\$\{([A-Za-z]+)\}", text))
            assert names <= set(template["Parameters"])
            trust = json.loads(re.sub(r"\$\{([A-Za-z]+)\}", r"\1", text))
            tests = trust["Statement"][0]["Condition"]["StringEquals"]
            assert set(tests) == {"OidcIssuer:aud", "OidcIssuer:sub", "OidcIssuer:job_workflow_ref"}

    def test_the_guard_denies_others_and_not_the_runner(self):
        from provisioner_aws.policy.context import Context, context_values
        from provisioner_aws.policy.document import parse_policy
        from provisioner_aws.policy.evaluate import Layer, Policies, PolicyRequest, evaluate
        from provisioner_aws.policy.match import Caller

        of = workspace()
        guard = provider.bootstrap(of, (), "scp")["organisation"]
        allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        both = Layer("the guard", (parse_policy(allow), parse_policy(guard)))

        def may(who, action, resource):
            context = Context(context_values({"aws:PrincipalArn": who}), closed=True)
            request = PolicyRequest(action, resource, context, Caller("AWS", who))
            return evaluate(request, Policies(both)).answer.value == "allowed"

        here = "arn:aws:iam::123456789012:role"
        apply_role, admin = f"{here}/provisioner/ws-provisioner-apply", f"{here}/Admin"
        role = f"{here}/agents/ws-a"
        assert may(apply_role, "iam:PutRolePolicy", role)
        assert not may(admin, "iam:PutRolePolicy", role)
        assert not may(role, "iam:PutRolePolicy", role), "an agent never changes itself"
        assert not may(admin, "iam:CreatePolicyVersion", "arn:aws:iam::123456789012:policy/agents/ws-boundary-agents")
        assert may(admin, "iam:GetRole", role)
        assert may(admin, "iam:PutRolePolicy", f"{here}/Other")
        assert not may(apply_role, "iam:PutRolePolicy", apply_role), "the runner does not change itself"
        assert may(admin, "iam:PutRolePolicy", apply_role), "its owner does"
