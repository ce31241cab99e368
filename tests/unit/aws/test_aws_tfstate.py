"""Roles of a Terraform state, and what of it is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provisioner_aws import provider

from provisioner.sdk.describing import Json

ARN = "arn:aws:iam::123456789012:role/legacy/poc"
READS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


def trust(service: str = "bedrock.amazonaws.com") -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(**over: Any) -> dict[str, Any]:
    values = {
        "name": "poc",
        "arn": ARN,
        "path": "/legacy/",
        "description": "Answers",
        "max_session_duration": 7200,
        "assume_role_policy": trust(),
        "permissions_boundary": "",
        "tags": {"team": "orders"},
        "tags_all": {"team": "orders", "by": "terraform"},
        "inline_policy": [{"name": "", "policy": ""}, {"name": "own", "policy": json.dumps(READS)}],
        "managed_policy_arns": None,
    }
    return {"address": "aws_iam_role.poc", "type": "aws_iam_role", "values": values | over}


def item(type_: str, label: str, /, **values: Any) -> dict[str, Any]:
    return {"address": f"{type_}.{label}", "type": type_, "values": values}


def test_a_role_with_all_that_hangs_on_it_is_told_as_a_read_would() -> None:
    profile = "arn:aws:iam::123456789012:instance-profile/old"
    state = [
        role(),
        item("aws_iam_role_policy", "reads", role="poc", name="reads", policy=json.dumps(READS)),
        item("aws_iam_role_policy_attachment", "ro", role="poc", policy_arn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
        item("aws_iam_instance_profile", "old", role="poc", name="old", arn=profile, path="/"),
        item("aws_iam_role_policies_exclusive", "poc", role_name="poc", policy_names=["reads", "own"]),
        item("aws_iam_policy_attachment", "many", roles=["poc", "x"], policy_arn="arn:aws:iam::aws:policy/X"),
        item("aws_iam_role_policy", "other", role="somebody", name="x", policy="{}"),
        item("aws_s3_bucket", "b", bucket="b"),
    ]
    found = provider.from_terraform(state, every=False)
    (address,) = found.principals
    assert found.let_go[address] == (
        "aws_iam_role.poc",
        "aws_iam_role_policy.reads",
        "aws_iam_role_policy_attachment.ro",
        "aws_iam_instance_profile.old",
        "aws_iam_role_policies_exclusive.poc",
    )
    assert [line.partition(":")[0] for line in found.skipped] == ["aws_iam_policy_attachment.many"]
    told = provider.describe(found.resources, address)
    assert told is not None and told.purpose == "Answers" and told.max_seconds == 7200
    assert told.identity == {
        "role_name": "poc",
        "path": "/legacy/",
        "tags": {"by": "terraform", "team": "orders"},
        "attach": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    }
    assert told.runtime[1]["instance_profiles"] == [profile]
    assert [labels for _, labels, _ in told.blocks] == [("own",), ("reads",)]
    assert all(isinstance(values["document"], Json) for _, _, values in told.blocks)


def test_what_does_not_look_like_an_agent_is_left_out_unless_everything_is_asked_for() -> None:
    state = [role(assume_role_policy=trust("ec2.amazonaws.com"))]
    found = provider.from_terraform(state, every=False)
    assert not found.principals
    assert found.skipped == ("aws_iam_role.poc: role poc does not look like an agent's",)
    assert len(provider.from_terraform(state, every=True).principals) == 1


@pytest.mark.parametrize(
    ("over", "why"),
    [
        ({"arn": None}, "it has no arn"),
        ({"arn": "role/poc"}, "is no role's ARN"),
        ({"name": 7}, "it has no name"),
        ({"assume_role_policy": "{"}, "its assume_role_policy is no JSON"),
        ({"assume_role_policy": "[" * 100_000}, "its assume_role_policy is no JSON"),
        ({"assume_role_policy": "[]"}, "its assume_role_policy is no policy document"),
        ({"assume_role_policy": '{"Statement": "x"}'}, "its assume_role_policy is no policy document"),
        ({"tags_all": ["a"]}, "its tags are no map"),
        ({"path": 7}, "its path is no text"),
        ({"description": {}}, "its description is no text"),
        ({"permissions_boundary": ["a"]}, "its permissions_boundary is no text"),
        ({"managed_policy_arns": "a"}, "its managed_policy_arns is no list of texts"),
        ({"managed_policy_arns": [{}]}, "its managed_policy_arns is no list of texts"),
        ({"inline_policy": ["a"]}, "its inline_policy is no list of blocks"),
        ({"inline_policy": [{"name": "a", "policy": "x"}]}, "its policy is no JSON"),
    ],
)
def test_a_role_that_does_not_have_the_form_is_left_out_with_the_reason(over: dict[str, Any], why: str) -> None:
    found = provider.from_terraform([role(**over)], every=True)
    assert not found.principals
    (line,) = found.skipped
    assert line.startswith("aws_iam_role.poc: ") and why in line
