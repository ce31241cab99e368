"""What IAM's policy simulator is asked, and what its answers mean: real boto3 against a server with written answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from aws_workspace import ACCOUNT
from provisioner_aws import provider

from provisioner.model.authority import Target
from provisioner.model.requests import Answer, Attempt, Decision, World
from provisioner.model.resources import Address, Resource
from provisioner.sdk.provider import Connection

LIMIT = f"arn:aws:iam::{ACCOUNT}:policy/limit"
KEY = "arn:aws:s3:::b/k"
READS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


class Iam:
    """Answers every simulation with the same results and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.results = ""
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                outer.asked.append(form)
                name = form["Action"][0]
                body = (
                    f'<{name}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{name}Result>'
                    f"<EvaluationResults>{outer.results}</EvaluationResults><IsTruncated>false</IsTruncated>"
                    f"</{name}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{name}Response>"
                )
                if outer.status != 200:
                    error = "<Code>AccessDenied</Code><Message>not you</Message>"
                    body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
                data = body.encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def says(self, decision: str, *missing: str, more: str = "") -> None:
        lacking = "".join(f"<member>{key}</member>" for key in missing)
        self.results = (
            f"<member><EvalActionName>s3:GetObject</EvalActionName><EvalResourceName>{KEY}</EvalResourceName>"
            f"<EvalDecision>{decision}</EvalDecision><MissingContextValues>{lacking}</MissingContextValues>"
            "<MatchedStatements><member><SourcePolicyId>PolicyInputList.1</SourcePolicyId>"
            "<StartPosition><Line>1</Line><Column>40</Column></StartPosition></member></MatchedStatements>"
            f"{more}</member>"
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Iam]:
    iam = Iam()
    thread = threading.Thread(target=iam.server.serve_forever, daemon=True)
    thread.start()
    yield iam
    iam.server.shutdown()
    iam.server.server_close()


@pytest.fixture
def iam(server: Iam) -> Iam:
    server.asked, server.results, server.status = [], "", 200
    return server


def world(boundary: bool = False, document: Any = READS) -> World:
    role = Resource(
        Address("aws", ACCOUNT, "iam_role", "x"),
        {"path": "/agents/", "permissions_boundary": LIMIT if boundary else None, "tags": {"team": "a"}},
        "x",
    )
    inline = Resource(Address("aws", ACCOUNT, "iam_role_policy", "x/p"), {"document": document}, "x", role.address)
    limit = Resource(Address("aws", ACCOUNT, "iam_policy", "limit"), {"path": "/", "document": READS})
    return World({item.address: item for item in (role, inline, limit)}, "2026-11-24T00:00:00Z")


def ask(iam: Iam, where: World | None = None, *, live: bool = False, **settings: Any) -> Decision:
    way = Connection(
        Target("aws", "aws", ACCOUNT, "prod"), {"endpoint": iam.endpoint, "credentials": "sandbox"}, ("eu-west-1",)
    )
    given = {"action": "s3:GetObject", "resource": KEY, **settings}
    return provider.simulator([way]).simulate(where or world(), Attempt("x", given), live=live)


def test_what_is_planned_is_sent_with_its_policies_and_context(iam: Iam) -> None:
    iam.says("allowed")
    found = ask(iam, world(boundary=True), context={"aws:SourceIp": "192.0.2.1", "s3:prefix": ["a", "b"]})
    assert found.answer is Answer.ALLOWED
    (form,) = iam.asked
    assert form["Action"] == ["SimulateCustomPolicy"]
    assert json.loads(form["PolicyInputList.member.1"][0]) == READS
    assert json.loads(form["PermissionsBoundaryPolicyInputList.member.1"][0]) == READS
    assert form["ActionNames.member.1"] == ["s3:GetObject"] and form["ResourceArns.member.1"] == [KEY]
    names = {int(key.split(".")[2]): value[0] for key, value in form.items() if key.endswith(".ContextKeyName")}
    said = {
        name: (form[f"ContextEntries.member.{n}.ContextKeyType"][0],
               form[f"ContextEntries.member.{n}.ContextKeyValues.member.1"][0])
        for n, name in names.items()
    }  # fmt: skip
    assert said["aws:SourceIp"] == ("ip", "192.0.2.1")
    assert said["s3:prefix"] == ("stringList", "a")
    assert said["aws:CurrentTime"] == ("date", "2026-11-24T00:00:00Z")
    assert said["aws:PrincipalTag/team"] == ("string", "a")
    assert said["aws:PrincipalIsAWSService"][0] == "boolean"


def test_what_is_live_is_asked_by_the_roles_name(iam: Iam) -> None:
    iam.says("implicitDeny", more="<OrganizationsDecisionDetail><AllowedByOrganizations>false"
             "</AllowedByOrganizations></OrganizationsDecisionDetail>")  # fmt: skip
    found = ask(iam, live=True)
    assert found.answer is Answer.DENIED
    assert found.because == ("IAM's simulator: implicitDeny for s3:GetObject, the organisation's policies left it out",)
    (form,) = iam.asked
    assert form["Action"] == ["SimulatePrincipalPolicy"]
    assert form["PolicySourceArn"] == [f"arn:aws:iam::{ACCOUNT}:role/agents/x"]
    assert not any(key.startswith("PolicyInputList") for key in form)


@pytest.mark.parametrize(
    ("decision", "missing", "context", "expected"),
    [
        ("allowed", [], {}, Answer.ALLOWED),
        ("implicitDeny", [], {}, Answer.DENIED),
        ("explicitDeny", ["aws:SourceIp"], {}, Answer.DENIED),  # nothing that is missing could undo it
        ("implicitDeny", ["aws:SourceIp"], {}, Answer.DEPENDS),
        ("allowed", ["aws:SourceIp"], {}, Answer.DEPENDS),  # a Deny may hang on it
        ("implicitDeny", ["s3:prefix"], {}, Answer.DENIED),  # a parameter that the call does not have
        ("implicitDeny", ["aws:SourceIp"], {"aws:SourceIp": []}, Answer.DENIED),  # said to be absent
        ("somethingNew", [], {}, Answer.DEPENDS),
    ],
)
def test_answers(iam: Iam, decision: str, missing: list[str], context: dict[str, Any], expected: Answer) -> None:
    iam.says(decision, *missing)
    found = ask(iam, context=context)
    assert found.answer is expected
    assert bool(found.missing) == (expected is Answer.DEPENDS)


def test_the_statement_that_matched_is_named_by_its_place(iam: Iam) -> None:
    iam.says("explicitDeny")
    (named,) = ask(iam).deciding
    assert (named.policy, named.statement, named.effect) == ("PolicyInputList.1", "line 1, column 40", "Deny")


@pytest.mark.parametrize("status", [403, 500])
def test_a_simulator_that_does_not_answer_judges_nothing(
    iam: Iam, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioner_aws.client.READ_TRIES", 1)
    iam.status = status
    found = ask(iam)
    assert found.answer is Answer.DEPENDS
    assert found.missing[0].startswith(f"IAM's simulator in account {ACCOUNT} did not answer")


def test_what_cannot_be_asked_is_open(iam: Iam) -> None:
    assert "nobody read" in ask(iam, world(document=None)).missing[0]
    assert "no role here" in ask(iam, World({})).missing[0]
    assert "does not have" in ask(iam, live=True, granted=True).missing[0]
    assert "aws:SourceIp" in ask(iam, context={"aws:SourceIp": 1.5}).missing[0]
    assert iam.asked == []


def test_as_if_granted_only_the_boundary_limits(iam: Iam) -> None:
    iam.says("allowed")
    ask(iam, world(boundary=True), granted=True)
    (form,) = iam.asked
    assert json.loads(form["PolicyInputList.member.1"][0])["Statement"]["Action"] == "*"
    assert json.loads(form["PermissionsBoundaryPolicyInputList.member.1"][0]) == READS
