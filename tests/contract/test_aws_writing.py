"""Execution against a cloud that throttles, loses answers, hangs, refuses, and lags."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from aws_workspace import agent, authority, boundary, grant, sample, tool
from provisioner_aws import provider
from provisioner_aws.faulty import denied, hanging, lost, lost_slowly, refused, throttled
from provisioner_aws.sandbox import in_child
from provisioner_aws.writer import WRITE_TRIES, AWSWriter

from provisioner.model.changes import ABSENT, Action, Change, Effect, Status
from provisioner.model.resources import Address
from provisioner.sdk import Scope

DOCUMENT = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


def go() -> None:
    """Lets every write happen."""


@pytest.fixture
def writer(faulty, connect):
    """A writer that does not wait between tries."""
    return AWSWriter([connect(faulty.port)], sleep=lambda _: None, read_seconds=0.5)


def change(address: Address, before, after, number: int = 1, agent_name: str | None = "triage") -> Change:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    return Change(number, action, address, "it", agent_name, None, (), {}, Effect.UNKNOWN, (), (), "", before, after)


def desired(of=None):
    return {item.resource.address.name: item for item in provider.compile(of or sample())}


def creation(name: str, of=None):
    resource = desired(of)[name].resource
    return provider.operations(change(resource.address, None, resource.attributes, agent_name=resource.agent))


def apply(writer, of=None):
    for item in provider.compile(of or sample()):
        made = provider.operations(
            change(item.resource.address, None, item.resource.attributes, 1, item.resource.agent)
        )
        for operation in made:
            assert writer.execute(operation, go).status is Status.DONE


class TestTransientFaults:
    def test_throttling_is_tried_again(self, writer, faulty):
        faulty.on("CreatePolicy", throttled(), times=3)
        (operation,) = creation("ws-boundary-agents")
        outcome = writer.execute(operation, go)
        assert outcome.status is Status.DONE
        assert outcome.attempts == 4

    def test_throttling_without_end_fails_and_says_so(self, writer, faulty, iam):
        faulty.on("CreatePolicy", throttled())
        (operation,) = creation("ws-boundary-agents")
        outcome = writer.execute(operation, go)
        assert outcome.status is Status.FAILED
        assert outcome.attempts == WRITE_TRIES
        assert "Throttling" in outcome.detail
        assert not iam.list_policies(Scope="Local")["Policies"]

    def test_a_fresh_role_is_not_known_everywhere_yet(self, writer, faulty):
        apply(writer, authority([agent("triage")]))
        faulty.on("PutRolePolicy", refused("NoSuchEntity", 404), times=2)
        whole = authority([agent("triage")], [tool("log")], [grant("logs", ["triage"], ["log"])])
        (operation,) = creation("ws-triage/logs", whole)
        outcome = writer.execute(operation, go)
        assert (outcome.status, outcome.attempts) == (Status.DONE, 3)

    def test_a_read_that_lags_is_waited_for(self, writer, faulty):
        (operation,) = creation("ws-boundary-agents")
        faulty.on("GetPolicy", refused("NoSuchEntity", 404), times=3)
        assert writer.execute(operation, go).status is Status.DONE

    def test_a_read_that_never_catches_up_is_unknown(self, writer, faulty):
        (operation,) = creation("ws-boundary-agents")
        faulty.on("GetPolicy", refused("NoSuchEntity", 404))
        outcome = writer.execute(operation, go)
        assert outcome.status is Status.UNKNOWN
        assert "still show the state before" in outcome.detail

    def test_invalid_principal_is_given_time_and_then_fails(self, writer, faulty):
        reply = refused("MalformedPolicyDocument", 400, 'Invalid principal in policy: "AWS":"arn:aws:iam::1:role/x"')
        faulty.on("CreateRole", reply, times=2)
        assert writer.execute(creation("ws-triage")[0], go).status is Status.DONE

    def test_a_malformed_document_is_not_tried_again(self, writer, faulty):
        faulty.on("CreateRole", refused("MalformedPolicyDocument", 400, "Has prohibited field Resource"))
        outcome = writer.execute(creation("ws-triage")[0], go)
        assert (outcome.status, outcome.attempts) == (Status.FAILED, 1)


class TestLostAnswers:
    def test_a_lost_answer_is_settled_by_reading(self, writer, faulty):
        faulty.on("CreatePolicy", lost, times=1)
        outcome = writer.execute(creation("ws-boundary-agents")[0], go)
        assert outcome.status is Status.DONE
        assert faulty.calls.count("CreatePolicy") == 1

    def test_a_time_out_in_mid_write_is_settled_by_reading(self, writer, faulty):
        faulty.on("CreatePolicy", lost_slowly, times=1)
        outcome = writer.execute(creation("ws-boundary-agents")[0], go)
        assert outcome.status is Status.DONE
        assert faulty.calls.count("CreatePolicy") == 1

    def test_a_write_that_never_arrived_is_sent_again(self, writer, faulty):
        faulty.on("CreatePolicy", hanging, times=1)
        outcome = writer.execute(creation("ws-boundary-agents")[0], go)
        assert (outcome.status, outcome.attempts) == (Status.DONE, 2)

    def test_a_lost_answer_that_cannot_be_read_is_unknown(self, writer, faulty):
        faulty.on("CreatePolicy", lost, times=1)
        faulty.on("GetPolicy", denied(), skip=1)
        outcome = writer.execute(creation("ws-boundary-agents")[0], go)
        assert outcome.status is Status.UNKNOWN
        assert "AccessDenied" in outcome.detail

    def test_server_errors_end_as_unknown_or_done_never_as_untouched(self, writer, faulty):
        faulty.on("CreatePolicy", refused("ServiceFailure", 500))
        outcome = writer.execute(creation("ws-boundary-agents")[0], go)
        assert outcome.status is Status.UNKNOWN


class TestRefusals:
    def test_a_denied_write_fails_at_once(self, writer, faulty):
        faulty.on("CreateRole", denied())
        outcome = writer.execute(creation("ws-triage")[0], go)
        assert (outcome.status, outcome.attempts) == (Status.FAILED, 1)
        assert "iam:CreateRole" in outcome.detail
        assert "AccessDenied" in outcome.detail

    def test_a_denied_precondition_read_writes_nothing(self, writer, faulty, iam):
        faulty.on("GetRole", denied())
        outcome = writer.execute(creation("ws-triage")[0], go)
        assert outcome.status is Status.FAILED
        assert "nothing was written" in outcome.detail
        assert "iam:GetRole" in outcome.detail
        assert not iam.list_roles()["Roles"]

    def test_an_expired_token_fails_and_says_so(self, writer, faulty):
        faulty.on("CreateRole", refused("ExpiredToken", 403, "The security token is expired"))
        outcome = writer.execute(creation("ws-triage")[0], go)
        assert outcome.status is Status.FAILED
        assert "ExpiredToken" in outcome.detail

    def test_an_exceeded_quota_fails_at_once_and_is_named(self, writer, faulty, iam):
        said = "Cannot exceed quota for RolesPerAccount: 1000"
        faulty.on("CreateRole", refused("LimitExceeded", 409, said))
        outcome = writer.execute(creation("ws-triage")[0], go)
        assert (outcome.status, outcome.attempts) == (Status.FAILED, 1)
        assert said in outcome.detail
        assert not iam.list_roles()["Roles"]

    def test_an_account_without_a_connection_fails(self, writer):
        (operation,) = creation("ws-triage")
        elsewhere = replace(operation, address=replace(operation.address, target="999999999999"))
        assert writer.execute(elsewhere, go).status is Status.FAILED


class TestOwnership:
    def test_a_role_of_the_same_name_is_a_conflict(self, writer, iam):
        iam.create_role(RoleName="ws-triage", Path="/agents/", AssumeRolePolicyDocument=DOCUMENT)
        outcome = writer.execute(creation("ws-triage")[0], go)
        assert outcome.status is Status.CONFLICT
        assert "somebody else" in outcome.detail

    @pytest.mark.parametrize(
        ("tags", "word"),
        [({}, "mark"), ({"provisioner:workspace": "ws", "provisioner:agent": "other"}, "not 'triage'")],
    )
    def test_a_role_without_our_mark_is_neither_given_a_policy_nor_deleted(self, writer, iam, tags, word):
        apply(writer)
        iam.untag_role(RoleName="ws-triage", TagKeys=["provisioner:workspace", "provisioner:agent"])
        iam.tag_role(RoleName="ws-triage", Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
        policy = desired()["ws-triage/logs"].resource
        (removal,) = provider.operations(change(policy.address, policy.attributes, None))
        outcome = writer.execute(removal, go)
        assert outcome.status is Status.CONFLICT
        assert word in outcome.detail
        assert iam.list_role_policies(RoleName="ws-triage")["PolicyNames"]

    def test_tags_that_were_removed_can_be_put_back(self, writer, iam):
        apply(writer)
        role = desired()["ws-triage"].resource
        iam.untag_role(RoleName="ws-triage", TagKeys=list(role.attributes["tags"]))
        before = {**role.attributes, "tags": {}}
        (operation,) = provider.operations(change(role.address, before, role.attributes))
        assert operation.verb == "iam:TagRole"
        assert writer.execute(operation, go).status is Status.DONE

    def test_a_policy_on_a_role_that_is_gone_is_a_conflict(self, writer):
        (operation,) = creation("ws-triage/logs")
        outcome = writer.execute(operation, go)
        assert outcome.status is Status.CONFLICT
        assert "ws-triage does not exist" in outcome.detail


class TestBinding:
    """A plan whose parameters do not do what its digests say is not carried out, whoever signed it."""

    OPEN = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}'

    @pytest.mark.parametrize(
        ("name", "params"),
        [
            ("ws-triage", {"AssumeRolePolicyDocument": OPEN}),
            ("ws-triage", {"RoleName": "admin"}),
            ("ws-triage", {"MaxSessionDuration": 43200}),
            ("ws-triage", {"PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}),
            ("ws-triage", {"Tags": []}),
            ("ws-triage", {"Path": "/other/"}),
            ("ws-triage", {"Surprise": True}),
            ("ws-triage/logs", {"PolicyDocument": DOCUMENT}),
            ("ws-triage/logs", {"RoleName": "ws-fixer"}),
            ("ws-triage/logs", {"PolicyName": "other"}),
            ("ws-boundary-agents", {"PolicyDocument": DOCUMENT}),
            ("ws-boundary-agents", {"PolicyName": "other"}),
        ],
    )
    def test_other_parameters_than_the_digests_say(self, writer, faulty, name, params):
        if "/" in name:
            whole = sample()
            apply(writer, authority([agent("triage"), agent("fixer")]))
            (operation,) = creation(name, whole)
        else:
            (operation,) = creation(name)
        faulty.clear()
        forged = replace(operation, params={**operation.params, **params})
        outcome = writer.execute(forged, go)
        assert outcome.status is Status.FAILED
        assert outcome.detail.endswith("nothing was written")
        assert not [call for call in faulty.calls if not call.startswith(("Get", "List"))]

    def test_another_call_than_the_kind_has(self, writer, faulty):
        (operation,) = creation("ws-triage")
        for verb in ("iam:AttachRolePolicy", "iam:CreateUser", "iam:PutRolePolicy", "s3:DeleteBucket"):
            outcome = writer.execute(replace(operation, verb=verb), go)
            assert outcome.status is Status.FAILED
            assert "is no call that this version makes" in outcome.detail

    def test_a_version_that_would_not_become_the_default(self, writer):
        whole = authority([agent("triage")])
        apply(writer, whole)
        old = desired(whole)["ws-boundary-agents"].resource
        new = desired(authority([agent("triage")], boundaries=[boundary(allow=("s3:*",))]))[
            "ws-boundary-agents"
        ].resource
        (operation,) = provider.operations(change(old.address, old.attributes, new.attributes, agent_name=None))
        forged = replace(operation, params={**operation.params, "SetAsDefault": False})
        assert writer.execute(forged, go).status is Status.FAILED
        elsewhere = {**operation.params, "PolicyArn": "arn:aws:iam::123456789012:policy/ws-other"}
        assert writer.execute(replace(operation, params=elsewhere), go).status in (Status.FAILED, Status.CONFLICT)
        assert writer.execute(operation, go).status is Status.DONE


class TestManagedPolicies:
    def test_a_sixth_version_pushes_out_the_oldest_that_is_not_the_default(self, writer, iam):
        apply(writer, authority([agent("triage")]))
        arn = "arn:aws:iam::123456789012:policy/agents/ws-boundary-agents"
        old = desired(authority([agent("triage")]))["ws-boundary-agents"].resource.attributes
        for number in range(6):
            wider = authority([agent("triage")], boundaries=[boundary(allow=("s3:*", f"sqs:A{'x' * number}*"))])
            new = desired(wider)["ws-boundary-agents"].resource
            (operation,) = provider.operations(change(new.address, old, new.attributes, agent_name=None))
            assert writer.execute(operation, go).status is Status.DONE
            old = new.attributes
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        assert len(versions) == 5
        assert {version["VersionId"] for version in versions} == {"v3", "v4", "v5", "v6", "v7"}

    def test_a_policy_with_old_versions_can_be_deleted(self, writer, iam):
        apply(writer, authority([agent("triage")]))
        resource = desired(authority([agent("triage")]))["ws-boundary-agents"].resource
        wider = desired(authority([agent("triage")], boundaries=[boundary(allow=("*",))]))[
            "ws-boundary-agents"
        ].resource
        (update,) = provider.operations(
            change(resource.address, resource.attributes, wider.attributes, agent_name=None)
        )
        assert writer.execute(update, go).status is Status.DONE
        iam.delete_role_permissions_boundary(RoleName="ws-triage")
        (removal,) = provider.operations(change(resource.address, wider.attributes, None, agent_name=None))
        assert removal.after == ABSENT
        assert writer.execute(removal, go).status is Status.DONE
        assert not iam.list_policies(Scope="Local")["Policies"]


def test_a_policy_in_use_keeps_its_versions(writer, iam):
    whole = authority([agent("triage")])
    apply(writer, whole)
    resource = desired(whole)["ws-boundary-agents"].resource
    arn = resource.attributes["arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=DOCUMENT, SetAsDefault=False)
    iam.attach_role_policy(RoleName="ws-triage", PolicyArn=arn)
    (removal,) = provider.operations(change(resource.address, resource.attributes, None, agent_name=None))
    outcome = writer.execute(removal, go)
    assert outcome.status is Status.FAILED
    assert "still attached" in outcome.detail
    assert len(iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 2


def test_an_attached_administrator_policy_is_detached(connect, make_iam):
    with in_child() as port:
        iam, writer = make_iam(port), AWSWriter([connect(port)])
        apply(writer)
        iam.attach_role_policy(RoleName="ws-triage", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        live = {r.address.name: r for r in writer.read(Scope("ws", frozenset())).resources}
        extra = live["ws-triage/arn:aws:iam::aws:policy/AdministratorAccess"]
        assert extra.agent == "triage"
        assert extra.attributes["document"]["Statement"] == [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]
        (operation,) = provider.operations(change(extra.address, extra.attributes, None))
        assert writer.execute(operation, go).status is Status.DONE
        assert not iam.list_attached_role_policies(RoleName="ws-triage")["AttachedPolicies"]


def test_proceed_is_asked_before_every_single_try(writer, faulty):
    asked: list[int] = []
    faulty.on("CreatePolicy", throttled(), times=2)
    (operation,) = creation("ws-boundary-agents")
    writer.execute(operation, lambda: asked.append(1))
    assert len(asked) == 3


def test_documents_are_sent_without_white_space():
    (operation,) = creation("ws-triage")
    text = operation.params["AssumeRolePolicyDocument"]
    assert text == json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True)
