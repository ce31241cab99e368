"""CloudTrail records → who called what on which resources; and who changed what."""

from __future__ import annotations

import json
from typing import Any

import aws_workspace as ws
import pytest
import usage_logs as logs
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_aws import provider, schema, trail, trail_deeds
from provisioner_aws.catalogue import actions_like

from provisioner.model.authority import Target
from provisioner.model.resources import Address
from provisioner.model.usage import Use
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection
from provisioner.sdk.usage import Attributing, Fitting, LogReading

OBJECT = "arn:aws:s3:::acme-invoices/inbox/a.pdf"
BUCKET = "arn:aws:s3:::acme-invoices"
REGION = f"eu-west-1:{logs.ACCOUNT}"


def test_the_provider_offers_all_that_use_asks_for():
    assert isinstance(provider, LogReading) and isinstance(provider, Fitting) and isinstance(provider, Attributing)


@pytest.mark.parametrize(
    ("identity", "key"),
    [
        (logs.session(), f"{logs.ACCOUNT}:role/{logs.ROLE}"),
        (
            {"type": "AssumedRole", "arn": f"arn:aws-cn:sts::{logs.ACCOUNT}:assumed-role/r/s/t"},
            f"{logs.ACCOUNT}:role/r",
        ),
        ({"type": "Role", "arn": f"arn:aws:iam::{logs.ACCOUNT}:role/a/b/r"}, f"{logs.ACCOUNT}:role/r"),
        ({"type": "IAMUser", "arn": f"arn:aws:iam::{logs.ACCOUNT}:user/eve"}, ""),
        ({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}, ""),
        (None, ""),
        ("x", ""),
    ],
)
def test_a_session_leads_to_its_role_whatever_the_path(identity, key):
    assert trail.principal_of(identity) == key


def test_agents_are_known_by_their_roles():
    of = ws.authority([ws.agent("a"), ws.agent("fixer")])
    found = trail.principals_of(of, tuple(provider.compile(of)))
    assert found == {f"{ws.ACCOUNT}:role/ws-{name}": (name, ws.ACCOUNT) for name in ("a", "fixer")}


@pytest.mark.parametrize(
    ("record", "uses"),
    [
        (logs.get_object("inbox/a.pdf"), {("s3:GetObject", OBJECT)}),
        (
            logs.get_object("inbox/a.pdf", requestParameters={"bucketName": "acme-invoices", "versionId": "7"}),
            {("s3:GetObject", OBJECT), ("s3:GetObjectVersion", OBJECT)},
        ),
        (logs.data("s3", "HeadObject", OBJECT, BUCKET), {("s3:GetObject", OBJECT)}),
        (logs.data("s3", "ListObjects", BUCKET), {("s3:ListBucket", BUCKET)}),
        (logs.data("s3", "ListObjectsV2", BUCKET), {("s3:ListBucket", BUCKET)}),
        (logs.record("s3", "ListBuckets"), {("s3:ListAllMyBuckets", "*")}),
        (logs.data("s3", "UploadPart", OBJECT, BUCKET), {("s3:PutObject", OBJECT)}),
        (
            logs.record("lambda", "Invoke20150331", f"arn:aws:lambda:{REGION}:function:f", managementEvent=False),
            {("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:function:f")},
        ),
        (
            logs.record("lambda", "GetFunction20150331v2", requestParameters={"functionName": "f"}),
            {("lambda:GetFunction", f"arn:aws:lambda:{REGION}:function:f")},
        ),
        (
            logs.record("sqs", "SendMessageBatch", requestParameters={"queueUrl": f"https://sqs/{logs.ACCOUNT}/q"}),
            {("sqs:SendMessage", f"arn:aws:sqs:{REGION}:q")},
        ),
        (
            logs.record("sts", "AssumeRole", requestParameters={"roleArn": f"arn:aws:iam::{logs.ACCOUNT}:role/x"}),
            {("sts:AssumeRole", f"arn:aws:iam::{logs.ACCOUNT}:role/x")},
        ),
        (logs.record("bedrock", "Converse"), {("bedrock:InvokeModel", "")}),
        (
            logs.table("triage", "GetItem"),
            {("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:table/triage")},
        ),
        (logs.record("monitoring", "PutMetricAlarm"), {("cloudwatch:PutMetricAlarm", "")}),
        (logs.data("s3", "NoSuchEvent", OBJECT), set()),
        (logs.record("noservice", "Do"), set()),
    ],
)
def test_events_stand_for_actions_on_the_resources_that_the_action_takes(record, uses):
    assert {(use.permission, use.resource) for use in trail.uses_of(record)} == uses


def test_the_source_of_a_copy_is_never_taken_for_its_target():
    uses = trail.uses_of(logs.data("s3", "CopyObject", OBJECT, BUCKET))
    assert Use("s3:PutObject", OBJECT) in uses and Use("s3:GetObject", "") in uses
    assert Use("s3:GetObject", OBJECT) not in uses


def test_every_action_that_the_data_names_exists():
    data = trail.events()
    named = [
        item.partition("@")[0].removesuffix("?")
        for events in data["events"].values()
        for e in events.values()
        for item in e
    ]
    named += [*data["data"], *data["silent"]]
    assert [action for action in named if not actions_like(action)] == []
    assert all(url.startswith("https://docs.aws.amazon.com/") for url in data["sources"].values())


def test_calls_say_whether_they_were_denied_and_whose_credentials_they_gave_out():
    assume = logs.record("sts", "AssumeRole", requestParameters={"roleArn": f"arn:aws:iam::{logs.ACCOUNT}:role/p/r"})
    call = trail.call_of({**assume, "userIdentity": {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}})
    assert (call.principal, call.becomes, call.denied) == ("", f"{logs.ACCOUNT}:role/r", False)
    for code in ("AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation"):
        assert trail.call_of({**assume, "errorCode": code}).denied
    assert not trail.call_of({**assume, "errorCode": "NoSuchEntity"}).denied


def test_digests_and_other_objects_are_no_records():
    assert trail.call_of({"awsAccountId": "1", "digestStartTime": "2026-01-01T00:00:00Z"}) is None
    assert trail.call_of({**logs.record("s3", "ListBuckets"), "eventTime": "yesterday"}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    spoilt=st.dictionaries(
        st.sampled_from(sorted({*logs.get_object("x"), "errorCode", "responseElements"})), JSON, max_size=6
    ),
    source=st.sampled_from(["s3", "iam", "eks", "sts"]),
)
def test_no_shape_of_a_record_is_an_error(spoilt: dict[str, Any], source: str):
    record = {**logs.record(source, "CreatePodIdentityAssociation"), **spoilt}
    trail.call_of(record)
    trail.uses_of(record)
    trail_deeds.deed_of(record, [Address("aws", logs.ACCOUNT, schema.ROLE, "x")])
    trail_deeds.actor(spoilt.get("userIdentity"))


def iam_call(name: str, days: float = 1, **parameters: str) -> dict[str, Any]:
    admin = logs.session("Admin", "hugo", sourceIdentity="hugo@acme.example")
    return logs.record("iam", name, days=days, userIdentity=admin, requestParameters=parameters, readOnly=False)


HOTFIX = f"arn:aws:iam::{logs.ACCOUNT}:policy/hotfix"


def at(kind: str, name: str) -> Address:
    return Address("aws", logs.ACCOUNT, kind, name)


@pytest.mark.parametrize(
    ("record", "address"),
    [
        (iam_call("AttachRolePolicy", roleName="r", policyArn=HOTFIX), at(schema.ATTACHMENT, f"r/{HOTFIX}")),
        (iam_call("DetachRolePolicy", roleName="r", policyArn=HOTFIX), at(schema.PACK, "r/hotfix")),
        (iam_call("PutRolePolicy", roleName="r", policyName="p"), at(schema.ROLE_POLICY, "r/p")),
        (iam_call("UpdateAssumeRolePolicy", roleName="r"), at(schema.ROLE, "r")),
        (iam_call("CreatePolicyVersion", policyArn=HOTFIX), at(schema.POLICY, "hotfix")),
        (iam_call("CreatePolicyVersion", policyArn=HOTFIX), at(schema.POLICY, HOTFIX)),
        (iam_call("UpdateAccessKey", userName="u", accessKeyId="AKIA1"), at(schema.ACCESS_KEY, "u/AKIA1")),
        (
            {
                **iam_call("CreateAccessKey", userName="u"),
                "responseElements": {"accessKey": {"accessKeyId": "AKIA1", "userName": "u"}},
            },
            at(schema.ACCESS_KEY, "u/AKIA1"),
        ),
        (iam_call("CreateLoginProfile", userName="u"), at(schema.LOGIN_PROFILE, "u/console")),
        (
            {
                **iam_call("CreatePodIdentityAssociation", clusterName="prod"),
                "eventSource": "eks.amazonaws.com",
                "responseElements": {"association": {"namespace": "n", "serviceAccount": "s"}},
            },
            at(schema.POD_IDENTITY, f"arn:aws:eks:{REGION}:cluster/prod/n/s"),
        ),
    ],
)
def test_calls_that_change_something_are_known_by_its_address(record, address):
    other = at(address.kind, "other")
    deed = trail_deeds.deed_of(record, [other, address])
    assert deed is not None and deed.addresses == (address,)
    assert deed.attribution.actor == "assumed-role/Admin/hugo (source identity hugo@acme.example)"
    assert trail_deeds.deed_of({**record, "errorCode": "AccessDenied"}, [address]) is None
    assert trail_deeds.deed_of({**record, "recipientAccountId": "999988887777"}, [address]) is None


class Cloud:
    """CloudTrail behind `Account.read_in`: pages, or an error."""

    def __init__(self, monkeypatch, pages=(), error=None):
        self.asked: list[dict[str, Any]] = []
        pages = list(pages)

        def read_in(account, service, region, action, **request):
            self.asked.append({"service": service, "region": region, "action": action, **request})
            if error is not None:
                raise error
            events = pages[min(len(self.asked), len(pages)) - 1]
            more = {"NextToken": "t"} if len(self.asked) < len(pages) else {}
            return {"Events": [{"CloudTrailEvent": json.dumps(event)} for event in events], **more}

        monkeypatch.setattr(trail_deeds.Account, "read_in", read_in)


def look_up(*addresses: Address):
    slept: list[float] = []
    connection = Connection(Target("aws", "aws", logs.ACCOUNT, "prod"))
    return trail_deeds.look_up([connection], addresses, slept.append).found, slept


def test_the_newest_call_that_fits_is_told_and_look_ups_keep_their_distance(monkeypatch):
    wanted = at(schema.ATTACHMENT, f"r/{HOTFIX}")
    trust = at(schema.ROLE, "r")
    newest = iam_call("AttachRolePolicy", days=1, roleName="r", policyArn=HOTFIX)
    older = {**newest, "eventTime": logs.ago(9), "userIdentity": logs.session("Else", "x")}
    cloud = Cloud(
        monkeypatch, [[iam_call("TagRole", roleName="q"), newest], [older, iam_call("UpdateRole", roleName="r")]]
    )
    found, slept = look_up(wanted, trust)
    assert found[wanted].time == logs.ago(1) and found[wanted].actor.startswith("assumed-role/Admin/hugo")
    assert found[trust].call == "iam:UpdateRole"
    assert [one["region"] for one in cloud.asked] == ["us-east-1", "us-east-1"]
    assert cloud.asked[0]["LookupAttributes"] == [{"AttributeKey": "ResourceName", "AttributeValue": "r"}]
    assert slept == [trail_deeds.PAUSE_SECONDS] * 2


def test_managed_policies_are_asked_for_by_their_arn_and_the_rest_by_name():
    ours = f"arn:aws:iam::{logs.ACCOUNT}:policy/agents/ws-boundary-agents"
    for address, value in (
        (at(schema.POLICY, "ws-boundary-agents"), ours),
        (at(schema.POLICY, HOTFIX), HOTFIX),
        (at(schema.ATTACHMENT, f"r/{HOTFIX}"), "r"),
        (at(schema.OIDC_PROVIDER, f"arn:aws:iam::{logs.ACCOUNT}:oidc-provider/x/y"), None),
    ):
        assert trail_deeds.question(address, "aws") == ("us-east-1", "ResourceName", value or address.name)


def test_what_cannot_be_read_is_not_known_and_says_what_the_reader_lacks(monkeypatch):
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "LookupEvents")
    Cloud(monkeypatch, error=denied)
    found, _ = look_up(at(schema.ROLE, "r"))
    assert found[at(schema.ROLE, "r")].unknown == "reader lacks cloudtrail:LookupEvents"
    assert not found[at(schema.ROLE, "r")].actor


def test_credentials_that_end_in_between_are_told_and_no_error(monkeypatch):
    Cloud(monkeypatch, error=CloudError(logs.ACCOUNT, "AWS does not take the credentials", "ended", "log in"))
    found, _ = look_up(at(schema.ROLE, "r"))
    assert found[at(schema.ROLE, "r")].unknown == "cloudtrail:LookupEvents failed: AWS does not take the credentials"


def test_a_run_ends_however_much_has_changed(monkeypatch):
    cloud = Cloud(monkeypatch, [[]])
    many = [at(schema.ROLE, f"r{n:03}") for n in range(trail_deeds.MOST + 5)]
    found, _ = look_up(*many, at(schema.WORKLOAD_IDENTITY, "eu-west-1/w"))
    assert len(cloud.asked) == trail_deeds.MOST
    assert found[many[0]].unknown == "CloudTrail's last 90 days hold no such call"
    assert "no more" in found[many[-1]].unknown
    assert "no call is known" in found[at(schema.WORKLOAD_IDENTITY, "eu-west-1/w")].unknown


def test_a_name_with_very_many_records_is_given_up_and_said(monkeypatch):
    Cloud(monkeypatch, [[]] * (trail_deeds.PAGES + 3))
    found, _ = look_up(at(schema.ROLE, "r"))
    assert found[at(schema.ROLE, "r")].unknown == "none of the last 200 records under r is such a call"
