"""The calls of a change: complete, chained by digests, in a safe order."""

from __future__ import annotations

import pytest
from aws_workspace import sample, sample_changed
from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_aws import provider
from provisioner_aws.binding import CALLS, Where, misfit
from provisioner_aws.forms import canonical_attributes
from provisioner_aws.operations import PRUNE

from provisioner.model.changes import ABSENT, Action, Change, Effect
from provisioner.model.resources import Address
from provisioner.sdk import state_digest

ROLE = Address("aws", "123456789012", "iam_role", "ws-triage")
BEFORE = next(d for d in provider.compile(sample()) if d.resource.address == ROLE).resource.attributes


def change(before, after, address=ROLE):
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    return Change(3, action, address, "it", "triage", None, (), {}, Effect.UNKNOWN, (), (), "", before, after)


def verbs(before, after, address=ROLE):
    return [operation.verb for operation in provider.operations(change(before, after, address))]


def update(**values):
    return provider.operations(change(BEFORE, {**BEFORE, **values}))


def test_a_role_is_created_whole_with_its_boundary():
    (operation,) = provider.operations(change(None, BEFORE))
    assert operation.verb == "iam:CreateRole"
    assert operation.before == ABSENT
    assert operation.after == state_digest(BEFORE)
    assert operation.params["PermissionsBoundary"] == BEFORE["permissions_boundary"]
    assert operation.params["RoleName"] == "ws-triage"
    assert operation.permissions == ("iam:CreateRole", "iam:GetRole", "iam:TagRole")


@pytest.mark.parametrize(
    ("values", "expected", "fields"),
    [
        ({"trust": {"Version": "2012-10-17", "Statement": []}}, "UpdateAssumeRolePolicy", ("trust",)),
        ({"description": "x"}, "UpdateRole", ("description", "max_session_duration")),
        ({"max_session_duration": 7200}, "UpdateRole", ("description", "max_session_duration")),
        ({"permissions_boundary": None}, "DeleteRolePermissionsBoundary", ("permissions_boundary",)),
        ({"permissions_boundary": "arn:aws:iam::1:policy/x"}, "PutRolePermissionsBoundary", ("permissions_boundary",)),
    ],
)
def test_each_field_has_its_call(values, expected, fields):
    (operation,) = update(**values)
    assert operation.verb == f"iam:{expected}"
    assert operation.fields == fields
    assert operation.before == state_digest(BEFORE, fields)
    assert operation.after == state_digest({**BEFORE, **values}, fields)


def test_tags_are_put_before_others_are_taken_away():
    first, second = update(tags={**BEFORE["tags"], "new": "1"}), update(tags={"new": "1"})
    assert [operation.verb for operation in first] == ["iam:TagRole"]
    put, take = second
    assert (put.verb, take.verb) == ("iam:TagRole", "iam:UntagRole")
    assert take.before == put.after
    assert take.depends == (put.id,)
    assert put.id == "3.1"


def test_a_role_in_another_path_is_another_principal():
    assert verbs(BEFORE, {**BEFORE, "path": "/x/"}) == ["iam:DeleteRole", "iam:CreateRole"]


def test_a_boundary_gets_a_new_version_and_the_oldest_may_go():
    before, after = (
        next(d for d in provider.compile(of()) if d.resource.address.kind == "iam_policy").resource
        for of in (sample, sample_changed)
    )
    (operation,) = provider.operations(change(before.attributes, after.attributes, before.address))
    assert operation.verb == "iam:CreatePolicyVersion"
    assert operation.params["SetAsDefault"] is True
    assert operation.params[PRUNE] == 5
    assert operation.params["PolicyArn"] == before.attributes["arn"]


def test_a_detachment_binds_to_the_arn_and_not_to_its_owners_text():
    address = Address("aws", "123456789012", "iam_role_attachment", "ws-triage/arn:aws:iam::aws:policy/job/X")
    attributes = {"role_arn": "r", "policy_arn": "arn:aws:iam::aws:policy/job/X", "document": {}}
    (operation,) = provider.operations(change(attributes, None, address))
    assert operation.params == {"RoleName": "ws-triage", "PolicyArn": "arn:aws:iam::aws:policy/job/X"}
    assert operation.fields == ("policy_arn",)


def test_the_full_name_is_an_arn():
    assert provider.full_name(change(None, BEFORE)) == "arn:aws:iam::123456789012:role/agents/ws-triage"
    policy = next(d for d in provider.compile(sample()) if d.resource.address.kind == "iam_role_policy").resource
    full_name = provider.full_name(change(None, policy.attributes, policy.address))
    assert full_name.startswith("arn:aws:iam::123456789012:role/agents/ws-")


_TRUSTS = [
    {"Version": "2012-10-17", "Statement": []},
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": ["a.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}],
    },
]
_ROLES = st.fixed_dictionaries(
    {
        "arn": st.just(BEFORE["arn"]),
        "path": st.just(BEFORE["path"]),
        "description": st.sampled_from(["", "a", "b"]),
        "max_session_duration": st.sampled_from([3600, 7200]),
        "trust": st.sampled_from(_TRUSTS),
        "permissions_boundary": st.sampled_from([None, "arn:aws:iam::1:policy/x", "arn:aws:iam::1:policy/y"]),
        "tags": st.dictionaries(st.sampled_from("abc"), st.sampled_from("12")),
    }
)


@given(_ROLES, _ROLES)
@settings(max_examples=150)
def test_the_calls_of_any_change_lead_from_one_end_to_the_other(before, after):
    """Each call, as its parameters say, leaves its fields as its digest says; the last state is the desired one."""
    live = dict(before)
    for operation in provider.operations(change(before, after)):
        assert operation.before == state_digest(live, operation.fields)
        assert misfit(operation, live, Where("aws", "123456789012")) == ""
        live = CALLS[operation.verb].effect(operation.params, live, Where("aws", "123456789012"))
        live = canonical_attributes("iam_role", live)
        assert state_digest(live, operation.fields) == operation.after
    assert live == after


class TestOrder:
    def rank(self, verb, widens):
        (operation,) = provider.operations(change(BEFORE, {**BEFORE, "description": "x"}))
        from dataclasses import replace

        return provider.rank(replace(operation, verb=f"iam:{verb}"), widens)

    @pytest.mark.parametrize(
        ("earlier", "later"),
        [
            (("CreatePolicy", True), ("CreateRole", True)),
            (("CreateRole", True), ("PutRolePolicy", True)),
            (("CreatePolicyVersion", False), ("PutRolePolicy", True)),
            (("PutRolePolicy", False), ("CreatePolicyVersion", True)),
            (("CreatePolicyVersion", True), ("PutRolePolicy", True)),
            (("PutRolePermissionsBoundary", False), ("PutRolePolicy", True)),
            (("DetachRolePolicy", False), ("PutRolePolicy", True)),
            (("UpdateAssumeRolePolicy", False), ("PutRolePolicy", True)),
            (("PutRolePolicy", True), ("UpdateAssumeRolePolicy", True)),
            (("DeleteRolePolicy", False), ("DeleteRole", False)),
            (("DeleteRole", False), ("DeletePolicy", False)),
        ],
    )
    def test_nothing_is_wider_in_between(self, earlier, later):
        assert self.rank(*earlier) < self.rank(*later)
