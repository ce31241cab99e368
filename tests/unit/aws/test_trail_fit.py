"""How a tool fits its use: what goes is granted and, by logs that would show it, not used; nothing ever gets wider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aws_workspace as ws
import pytest
import usage_logs as logs
from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_aws import provider, trail
from provisioner_aws.trail_fit import EXACT, fit

from provisioner.model.changes import Effect
from provisioner.model.usage import OTHERS, Observed

ACCOUNT = logs.ACCOUNT
BUCKET = "arn:aws:s3:::acme-invoices"
TABLE = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/triage"
SEEN = frozenset(
    trail.witness(ACCOUNT, what, mode)
    for what in ("management", "management@eu-west-1", "kms", BUCKET, TABLE, "arn:aws:s3:::acme-payments")
    for mode in ("read", "write")
)


def observed(uses: Mapping[str, Any] | None = None, witnesses: frozenset[str] = SEEN, unmapped=()) -> Observed:
    return Observed(
        (ACCOUNT,),
        {name: frozenset([where] if isinstance(where, str) else where) for name, where in (uses or {}).items()},
        tuple(unmapped),
        witnesses,
    )


def judged(actions, resources, uses=None, **more):
    return fit(ws.block("aws", blocks=[ws.statement(actions, resources)]), observed(uses, **more))


def test_what_was_never_used_goes():
    found = judged(
        ["s3:GetObject", "s3:ListBucket"], [f"{BUCKET}/*", BUCKET], {"s3:GetObject": f"{BUCKET}/inbox/1.pdf"}
    )
    assert found.unused == ("s3:ListBucket",)
    (edit,) = found.edits
    assert edit.attributes == {"actions": ("s3:GetObject",), "resources": (f"{BUCKET}/inbox/*",)}


def test_a_wildcard_becomes_the_actions_that_were_used():
    found = judged(["s3:Get*"], [f"{BUCKET}/*"], {"s3:GetObject": f"{BUCKET}/a", "s3:GetObjectTagging": f"{BUCKET}/a"})
    assert found.loose == ("of s3:Get* only s3:GetObject, s3:GetObjectTagging",)
    assert found.edits[0].attributes["actions"] == ("s3:GetObject", "s3:GetObjectTagging")


def test_a_tool_that_fits_is_left_alone():
    found = judged(["dynamodb:PutItem"], [TABLE], {"dynamodb:PutItem": TABLE})
    assert (found.edits, found.unused, found.unjudged, found.idle) == ((), (), (), False)


@pytest.mark.parametrize(
    ("action", "resource", "witnesses", "why"),
    [
        ("s3:GetObject", f"{BUCKET}/*", frozenset(), "the logs hold no data events that read acme-invoices"),
        ("s3:GetObject", f"{BUCKET}/*", SEEN - {trail.witness(ACCOUNT, BUCKET, "read")}, "no data events that read"),
        ("iam:ListRoles", "*", frozenset(), "the logs hold no management events that read"),
        ("kms:Decrypt", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1",
         SEEN - {trail.witness(ACCOUNT, "kms", "read"), trail.witness(ACCOUNT, "kms", "write")},
         "the logs hold no events of kms"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/x", SEEN, "it leaves no event"),
        ("kms:Decrypt", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1", SEEN, "that write in eu-central-1"),
        ("sagemaker:InvokeEndpoint", "*", SEEN, "nobody has written down which calls of the service"),
    ],
)  # fmt: skip
def test_what_the_logs_cannot_tell_stays_and_is_said(action, resource, witnesses, why):
    found = judged([action], [resource], witnesses=witnesses)
    assert found.unused == () and found.edits == () and not found.idle
    assert why in found.unjudged[0]


def test_an_event_of_an_unknown_action_keeps_all_of_its_service():
    found = judged(["s3:GetObject", "s3:ListBucket"], [BUCKET, f"{BUCKET}/*"], unmapped=["s3.amazonaws.com NewThing"])
    assert found.unused == () and "no action is known for the event s3.amazonaws.com NewThing" in found.unjudged[0]
    assert judged(["dynamodb:PutItem"], [TABLE], unmapped=["s3.amazonaws.com NewThing"]).unused == ("dynamodb:PutItem",)
    assert judged(["dynamodb:PutItem"], [TABLE], unmapped=[OTHERS]).unused == ()


def test_resources_stay_while_anything_of_the_statement_is_not_judged():
    """Bucket two is not in the logs: that it shows no use says nothing."""
    two = "arn:aws:s3:::not-logged"
    found = judged(["s3:GetObject"], [f"{BUCKET}/*", f"{two}/*"], {"s3:GetObject": f"{BUCKET}/a/1"})
    assert found.edits == () and "not-logged" in found.unjudged[0]


def test_a_use_that_no_statement_explains_is_of_something_that_the_record_does_not_say():
    """A secret may be asked for by a shorter name than the policy has: whatever allowed it stays."""
    secret = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-a1b2c3"
    found = judged(["secretsmanager:GetSecretValue"], [secret], {"secretsmanager:GetSecretValue": secret[:-7]})
    assert (found.unused, found.edits, found.idle) == ((), (), False)
    elsewhere = "arn:aws:s3:::acme-payments/1"
    other = ws.block("aws", blocks=[ws.statement(["s3:GetObject"], ["arn:aws:s3:::acme-payments/*"])])
    mine = ws.block("aws", blocks=[ws.statement(["s3:GetObject"], [f"{BUCKET}/*"])])
    assert not fit(mine, observed({"s3:GetObject": elsewhere})).idle
    assert fit(mine, replace(observed({"s3:GetObject": elsewhere}), blocks=(mine, other))).idle


def test_a_use_without_its_resource_keeps_every_resource():
    found = judged(["s3:GetObject", "s3:ListBucket"], [f"{BUCKET}/*", "arn:aws:s3:::acme-payments/*"],
                   {"s3:GetObject": ["", f"{BUCKET}/a/1"]})  # fmt: skip
    assert "resources" not in found.edits[0].attributes


def test_resources_of_no_action_that_is_left_go_with_it():
    found = judged(["s3:GetObject", "s3:ListBucket"], [BUCKET, f"{BUCKET}/*"], {"s3:GetObject": ""})
    assert found.edits[0].attributes == {"actions": ("s3:GetObject",), "resources": (f"{BUCKET}/*",)}


def test_things_are_named_one_by_one_and_many_by_what_their_names_begin_with():
    tables = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/"
    seen = SEEN | {trail.witness(ACCOUNT, f"{tables}x", "write")}
    few = [f"{tables}eu-{n}" for n in range(3)]
    found = judged(["dynamodb:PutItem"], [f"{tables}*"], {"dynamodb:PutItem": few}, witnesses=seen)
    assert found.edits[0].attributes["resources"] == tuple(few)
    many = [f"{tables}eu-{n:02}" for n in range(EXACT + 1)]
    found = judged(["dynamodb:PutItem"], [f"{tables}*"], {"dynamodb:PutItem": many}, witnesses=seen)
    assert found.edits[0].attributes["resources"] == (f"{tables}eu-*",)


@pytest.mark.parametrize("key", ["a${aws:username}/x", "a\x1b[2J/x", 'a"/x', "a\u202e/x", "a\n/x"])
def test_names_that_a_caller_made_up_are_not_written_into_a_tool(key):
    found = judged(["s3:GetObject"], [f"{BUCKET}/*"], {"s3:GetObject": f"{BUCKET}/{key}"})
    assert found.edits == ()


def test_policy_variables_stand_for_anything_and_stay():
    own = f"{BUCKET}/&{{aws:PrincipalTag/team}}/*"
    found = judged(["s3:GetObject", "s3:PutObject"], [own], {"s3:GetObject": f"{BUCKET}/red/1"})
    assert found.unused == ("s3:PutObject",)
    assert "resources" not in found.edits[0].attributes


def test_what_names_what_it_leaves_out_is_not_judged():
    block = ws.block("aws", blocks=[ws.block("statement", "s", not_actions=("iam:*",), resources=("*",))])
    found = fit(block, observed())
    assert found.edits == () and "not_actions" in found.unjudged[0] and not found.idle


def test_a_statement_that_nobody_used_goes_and_a_tool_that_nobody_used_is_told():
    statements = [ws.statement(["s3:GetObject"], [f"{BUCKET}/*"]), ws.statement(["dynamodb:PutItem"], [TABLE])]
    used = fit(ws.block("aws", blocks=statements), observed({"s3:GetObject": f"{BUCKET}/inbox/1"}))
    assert [(edit.path, edit.remove) for edit in used.edits] == [
        ((("statement", 0),), False),
        ((("statement", 1),), True),
    ]
    assert fit(ws.block("aws", blocks=statements), observed()).idle


ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:Get*", "s3:*", "s3:ListBucket", "dynamodb:*Item", "dynamodb:Query"]
RESOURCES = [BUCKET, f"{BUCKET}/*", f"{BUCKET}/inbox/*", "arn:aws:s3:::acme-*/*", "*", TABLE, f"{TABLE}*"]
USES = ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:ListBucket", "dynamodb:PutItem", "dynamodb:Query"]
NAMES = [BUCKET, f"{BUCKET}/inbox/1", f"{BUCKET}/inbox/a/2", f"{BUCKET}/x*y", "arn:aws:s3:::other/k", TABLE, "", "*"]


@settings(max_examples=120, deadline=None)
@given(
    statements=st.lists(
        st.tuples(
            st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3, unique=True),
            st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3, unique=True),
        ),
        min_size=1,
        max_size=2,
    ),
    uses=st.dictionaries(st.sampled_from(USES), st.frozensets(st.sampled_from(NAMES), max_size=3), max_size=4),
)
def test_an_edited_tool_is_never_wider(statements, uses):
    block = ws.block("aws", blocks=[ws.statement(*pair) for pair in statements])
    found = fit(block, observed({name: where or "" for name, where in uses.items()}))
    before = [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in statements]
    after = [dict(item) for item in before]
    gone = set()
    for edit in found.edits:
        at = edit.path[0][1]
        if edit.remove:
            gone.add(at)
        for name, key in (("actions", "Action"), ("resources", "Resource")):
            if name in edit.attributes:
                after[at][key] = list(edit.attributes[name])
    left = [item for at, item in enumerate(after) if at not in gone]
    documents = [{"Version": "2012-10-17", "Statement": side} for side in (before, left)]
    assert provider.compare_documents(*documents, "identity").effect in (Effect.NARROWER, Effect.EQUAL)
