"""A claim or a release of any kind that bears a mark: the calls that move it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from provisioner_aws import provider, schema
from provisioner_aws.binding import Where, misfit

from provisioner.model.changes import Action, Change, Effect
from provisioner.model.resources import Address

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/legacy/poc"
CLUSTER = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/agents"
OIDC = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.example.com"
MARK = {
    "provisioner:workspace": "ws",
    "provisioner:agent": "poc",
    "provisioner:address": "agent.poc",
}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}]}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    schema.ROLE: ("poc", {"arn": ROLE, "path": "/legacy/", "description": "", "max_session_duration": 3600,
                          "trust": POLICY, "permissions_boundary": None}),
    schema.POLICY: ("limit", {"arn": f"arn:aws:iam::{ACCOUNT}:policy/agents/limit", "path": "/agents/",
                              "description": "", "document": POLICY}),
    schema.PACK: ("poc/poc-grants-0", {"role_arn": ROLE, "document": POLICY, "is_attached": True,
                                       "policy_arn": f"arn:aws:iam::{ACCOUNT}:policy/agents/poc-grants-0"}),
    schema.OIDC_PROVIDER: (OIDC, {"url": "token.example.com", "client_ids": ["a"], "thumbprints": []}),
    schema.INSTANCE_PROFILE: ("poc/poc", {"role_arn": ROLE, "path": "/legacy/",
                                          "arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/legacy/poc"}),
    schema.POD_IDENTITY: (f"{CLUSTER}/finance/poc", {"cluster": CLUSTER, "namespace": "finance", "role_arn": ROLE,
                          "service_account": "poc", "session_tags": True, "target_role_arn": None, "policy": None}),
    schema.WORKLOAD_IDENTITY: ("eu-west-1/poc", {"region": "eu-west-1", "name": "poc", "return_urls": []}),
}  # fmt: skip


def change(kind: str, action: Action, **own: str) -> Change:
    """A claim of what bears the tags `own`, or a release that leaves them."""
    name, attributes = KINDS[kind]
    own = {} if kind == schema.INSTANCE_PROFILE else own  # no read shows other tags of a profile
    plain, marked = {**attributes, "tags": own}, {**attributes, "tags": {**own, **MARK}}
    before, after = (plain, marked) if action is Action.CLAIM else (marked, plain)
    shape = provider.schema().kinds[kind]
    return Change(1, action, Address("aws", ACCOUNT, kind, name), kind, "poc", "agent.poc", shape.adoption(), {},
                  Effect.EQUAL, (), (), "", before, after, ("tags",))  # fmt: skip


@pytest.mark.parametrize("action", [Action.CLAIM, Action.RELEASE])
@pytest.mark.parametrize("kind", KINDS)
def test_only_tags_are_put_on_and_taken_off(kind: str, action: Action) -> None:
    (call,) = provider.operations(change(kind, action, team="orders"))
    assert ("Untag" in call.verb) is (action is Action.RELEASE)
    assert call.fields == ("tags",)
    said = str(call.params)
    assert all(key in said for key in MARK) and "orders" not in said


def test_every_kind_that_bears_a_mark_is_here() -> None:
    assert {name for name, kind in provider.schema().kinds.items() if kind.mark} == set(KINDS)


@pytest.mark.parametrize("kind", [schema.ROLE, schema.POLICY, schema.PACK, schema.INSTANCE_PROFILE])
def test_the_writer_takes_the_call_for_what_was_signed(kind: str) -> None:
    for action in (Action.CLAIM, Action.RELEASE):
        asked = change(kind, action, team="orders")
        (call,) = provider.operations(asked)
        assert misfit(call, asked.before, Where("aws", ACCOUNT)) == ""
        other = replace(call, params={**call.params, "Tags": [{"Key": "clearance", "Value": "high"}]})
        assert misfit(other, asked.before, Where("aws", ACCOUNT)) != ""


def test_what_bears_no_mark_has_no_call_and_stays_as_it_is() -> None:
    attributes = {"role_arn": ROLE, "document": POLICY}
    assert provider.with_mark(schema.ROLE_POLICY, attributes, {"tags": MARK}) == attributes
    assert provider.mark_in(schema.ROLE_POLICY, attributes) is None
    one = replace(change(schema.ROLE, Action.CLAIM), before=attributes, after=attributes, fields=())
    kept = replace(one, address=Address("aws", ACCOUNT, schema.ROLE_POLICY, "poc/reads"))
    assert provider.operations(kept) == ()


def test_another_workspace_s_mark_is_read_as_that() -> None:
    told = provider.mark_in(schema.ROLE, {"tags": {**MARK, "provisioner:workspace": "other"}})
    assert told is not None and (told.workspace, told.agent, told.block) == ("other", "poc", "agent.poc")
    assert provider.with_mark(schema.ROLE, {"tags": {**MARK, "a": "b"}}, None)["tags"] == {"a": "b"}
