"""Policies of resources that tools name, read from each service; what cannot be read is told and nothing more."""

from __future__ import annotations

import json

import botocore.session
import pytest
from aws_workspace import ACCOUNT, agent, authority, block, grant, statement, tool
from provisioner_aws import provider
from provisioner_aws.faulty import FaultyCloud, hanging
from provisioner_aws.reader import AWSReader
from provisioner_aws.resource_policies import WAYS

from provisioner.sdk import Scope
from provisioner.sdk.provider import Requiring

ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/ws-a"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}


def client(port, service):
    return botocore.session.Session().create_client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-west-1",
        aws_access_key_id=f"SANDBOX{ACCOUNT}",
        aws_secret_access_key="sandbox",
    )


def bucket(port, text):
    s3 = client(port, "s3")
    s3.create_bucket(Bucket="acme-inbox", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    if text:
        s3.put_bucket_policy(Bucket="acme-inbox", Policy=text)
    return "arn:aws:s3:::acme-inbox"


def key(port, text):
    return client(port, "kms").create_key(**({"Policy": text} if text else {}))["KeyMetadata"]["Arn"]


def secret(port, text):
    api = client(port, "secretsmanager")
    arn = api.create_secret(Name="s", SecretString="x")["ARN"]
    if text:
        api.put_resource_policy(SecretId=arn, ResourcePolicy=text)
    return arn


def topic(port, text):
    api = client(port, "sns")
    arn = api.create_topic(Name="t")["TopicArn"]
    if text:
        api.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
    return arn


def table(port, text):
    api = client(port, "dynamodb")
    arn = api.create_table(
        TableName="x",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    if text:
        api.put_resource_policy(ResourceArn=arn, Policy=text)
    return arn


MAKERS = {"s3": bucket, "kms": key, "secretsmanager": secret, "sns": topic, "dynamodb": table}
BY_DEFAULT = ("kms", "sns")
"""What has a policy of the service's own from its start."""


def read(reader, *arns):
    return reader.read(Scope("ws", frozenset(), policies=frozenset((ACCOUNT, arn) for arn in arns)))


def test_every_service_of_the_table_is_read(port, connect):
    assert set(MAKERS) == set(WAYS)
    arns = {service: make(port, json.dumps(POLICY)) for service, make in MAKERS.items()}
    found = {item.resource: item for item in read(AWSReader([connect(port)]), *arns.values()).policies}
    for service, arn in arns.items():
        assert (found[arn].document, found[arn].unread) == (POLICY, ""), service


def test_a_resource_without_a_policy_has_none(port, connect):
    arns = {service: make(port, None) for service, make in MAKERS.items() if service not in BY_DEFAULT}
    for item in read(AWSReader([connect(port)]), *arns.values()).policies:
        assert (item.document, item.unread) == (None, "")


def test_what_cannot_be_read_is_told_and_the_rest_is_complete(faulty: FaultyCloud, connect):
    faulty.on_path("/acme-denied", 403, "AccessDenied", "no")
    gone, denied, other = "arn:aws:s3:::acme-gone", "arn:aws:s3:::acme-denied", "arn:aws:sqs:eu-west-1:1:q"
    snapshot = read(AWSReader([connect(faulty.port)]), gone, denied, other)
    assert snapshot.coverage.complete
    why = {item.resource: item.unread for item in snapshot.policies}
    assert "NoSuchBucket" in why[gone]
    assert why[denied]
    assert why[other].startswith("this tool reads those of s3")
    for arn in why:
        assert any(arn in line and "not read" in line for line in snapshot.coverage.not_looked_at)


def test_a_service_that_does_not_answer_holds_nothing_up(faulty: FaultyCloud, connect, monkeypatch):
    monkeypatch.setattr("provisioner_aws.client.READ_TRIES", 1)
    arn = topic(faulty.port, json.dumps(POLICY))
    faulty.on("GetTopicAttributes", hanging)
    (item,) = read(AWSReader([connect(faulty.port)], read_seconds=0.3), arn).policies
    assert "Read timeout" in item.unread


def test_from_the_configuration_to_the_statement(port, connect):
    arn = bucket(port, None)
    inbox = tool(
        "inbox",
        statement(["s3:GetObject"], [f"{arn}/*"]),
        requires=(block("requires", "resource_policy", resource=arn),),
    )
    of = authority([agent("a")], [inbox], [grant("reads", ["a"], ["inbox"])])
    assert isinstance(provider, Requiring)
    assert provider.required(of) == {(ACCOUNT, arn)}

    def problems():
        live = AWSReader([connect(port)]).read(Scope("ws", frozenset(), policies=provider.required(of)))
        return [p for p in provider.check(of, (), live) if p.code == "W-AWS-RESOURCE-POLICY"]

    (problem,) = problems()
    needed = json.loads(problem.detail[problem.detail.index("{") : problem.detail.rindex(" . It")])
    assert needed["Principal"] == {"AWS": [ROLE]}
    client(port, "s3").put_bucket_policy(
        Bucket="acme-inbox", Policy=json.dumps({"Version": "2012-10-17", "Statement": [needed]})
    )
    assert problems() == []


@pytest.mark.parametrize("arn", ["arn:aws:s3:::acme-*", "x", "arn:aws:s3"])
def test_what_names_no_resource_is_told(port, connect, arn):
    (item,) = read(AWSReader([connect(port)]), arn).policies
    assert item.unread
