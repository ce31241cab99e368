"""The AWS provider keeps the contract, on moto's server."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from aws_workspace import sample, sample_changed
from provisioner_aws import provider
from provisioner_aws.faulty import denied

from provisioner.sdk import contract

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


@pytest.fixture
def case(port, connect, iam, faulty, monkeypatch):
    faulty.on("GetAccountAuthorizationDetails", denied())
    elsewhere = connect(port)
    # Credentials of the environment, which are in moto's default account, for a target that is another one.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    elsewhere = replace(
        elsewhere,
        target=replace(elsewhere.target, id="111122223333"),
        settings={"endpoint": elsewhere.settings["endpoint"]},
    )

    def meddle() -> None:
        iam.update_assume_role_policy(RoleName="ws-fixer", PolicyDocument=TRUST)

    def squat() -> None:
        iam.create_role(RoleName="ws-triage", Path="/agents/", AssumeRolePolicyDocument=TRUST)

    return contract.ContractCase(
        provider=provider,
        authority=sample(),
        changed=sample_changed(),
        connections=[connect(port)],
        meddle=meddle,
        squat=squat,
        denying=[connect(faulty.port)],
        elsewhere=[elsewhere],
        nowhere=[connect(1)],
    )


CHECKS = [getattr(contract, name) for name in contract.__all__ if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_keeps_the_contract(check, case):
    check(case)
