"""The published JSON Schema of requests says what the decoders take: both clouds, documented examples, bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from provisioner_aws import provider as aws
from provisioner_google import provider as google

from provisioner.model.diagnostics import DiagnosticError

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
SCHEMA = json.loads((REFERENCE / "access-request.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
PAGE = (REFERENCE / "access-json.md").read_text()
EXAMPLES = [json.loads(text) for text in re.findall(r"```json request\n(.*?)\n```", PAGE, re.DOTALL)]
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
ON_AWS: dict[str, Any] = {
    "id": [1],
    "principal": {"AWS": "arn:aws:iam::111122223333:role/x"},
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::b/k",
    "context": {"aws:SourceIp": None, "aws:MultiFactorAuthPresent": True, "aws:TagKeys": ["a"]},
    "policies": {
        "identity": [READ, {"name": "n", "document": json.dumps(READ)}],
        "boundary": READ,
        "scp": [READ, [READ]],
    },
}
ON_GOOGLE: dict[str, Any] = {
    "cloud": "google",
    "principal": "user:a@b.c",
    "member_of": ["group:g@b.c"],
    "permission": "a.b.get",
    "resource": "projects/p-one-two",
    "ancestors": ["organizations/1"],
    "context": {"request.time": "2027-01-01T00:00:00Z", "destination.port": 22},
    "tags": {"1/env": "prod"},
    "policies": {
        "allow": [
            {
                "resource": "projects/p-one-two",
                "policy": {
                    "bindings": [{"role": "roles/r", "members": ["allUsers"], "condition": {"expression": "true"}}]
                },
            }
        ],
        "deny": [{"attach": "organizations/1", "policy": {"rules": [{"denyRule": {"deniedPermissions": ["a/b.c"]}}]}}],
        "boundaries": [{"rules": [{"resources": ["projects/x-one-two"], "effect": "ALLOW"}], "bindings": []}],
        "roles": {"roles/r": ["a.b.get"]},
    },
}


def taken(request: dict[str, Any]) -> bool:
    """Whether the decoder of the request's cloud takes it."""
    try:
        (google if request.get("cloud") == "google" else aws).evaluate_document(request)
    except DiagnosticError:
        return False
    return True


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_documented_examples_keep_to_it() -> None:
    assert len(EXAMPLES) == 8
    for request in EXAMPLES:
        assert VALIDATOR.is_valid(request) == taken(request), request


@pytest.mark.parametrize("request_", [ON_AWS, ON_GOOGLE, {**ON_AWS, "cloud": "aws"}])
def test_what_is_taken_is_valid(request_: dict[str, Any]) -> None:
    assert not list(VALIDATOR.iter_errors(request_))
    assert taken(request_)


@pytest.mark.parametrize(
    ("base", "change"),
    [
        (ON_AWS, {"action": "s3:*"}),
        (ON_AWS, {"resource_account": "1"}),
        (ON_AWS, {"permission": "a.b.c"}),
        (ON_AWS, {"context_complete": "yes"}),
        (ON_AWS, {"context": []}),
        (ON_AWS, {"policies": None}),
        (ON_AWS, {"policies": {"allow": []}}),
        (ON_AWS, {"principal": {"Nobody": "x"}}),
        (ON_AWS, {"unknown": "aws:SourceIp"}),
        (ON_GOOGLE, {"action": "s3:GetObject"}),
        (ON_GOOGLE, {"principal": "group:g@b.c"}),
        (ON_GOOGLE, {"permission": "a.b"}),
        (ON_GOOGLE, {"resource": "bucket"}),
        (ON_GOOGLE, {"member_of": ["g"]}),
        (ON_GOOGLE, {"context": {"aws:SourceIp": "1"}}),
        (ON_GOOGLE, {"tags": {"a": 1}}),
        (ON_GOOGLE, {"policies": {"identity": []}}),
        (ON_GOOGLE, {"policies": {"allow": [{"resource": "projects/p"}]}}),
        (ON_GOOGLE, {"policies": {"deny": [{"attach": "projects/p", "policy": {"rules": [{"denyRule": {"x": 1}}]}}]}}),
        (ON_GOOGLE, {"policies": {"boundaries": [{"rules": [{"effect": "DENY"}]}]}}),
        (ON_GOOGLE, {"policies": {"roles": {"roles/r": "a.b.get"}}}),
    ],
)
def test_what_is_refused_is_refused_by_both(base: dict[str, Any], change: dict[str, Any]) -> None:
    request = {**base, **change}
    assert not VALIDATOR.is_valid(request)
    assert not taken(request)
