"""Several accounts: roles assumed one from another, tokens of CI jobs, sessions that end in the middle."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aws_timeouts import Timeouts
from aws_workspace import sample
from botocore.exceptions import ClientError
from provisioner_aws import provider
from provisioner_aws.credentials import roles_of
from provisioner_aws.faulty import denied, refused
from provisioner_aws.reader import AWSReader
from provisioner_aws.writer import AWSWriter

from provisioner.model.authority import Target
from provisioner.model.changes import Action, Change, Effect, Status
from provisioner.sdk import Scope
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection

HUB, FIRST, SECOND = "111111111111", "222222222222", "333333333333"
CHAIN = f"arn:aws:iam::{HUB}:role/hub, arn:aws:iam::{{}}:role/provisioner"


def connection(port: int, account: str, start: str = HUB, **settings: str) -> Connection:
    given = {"endpoint": f"http://127.0.0.1:{port}", **settings}
    if "web_identity" not in given:
        given["credentials"] = "sandbox"
    return Connection(Target("aws", f"aws.a{account[0]}", account, "prod"), given, ("eu-west-1",))


def chained(port: int, account: str, **settings: str) -> Connection:
    role = CHAIN.format(account)
    return connection(port, account, plan_role=role, apply_role=role, **settings)


def creations(count: int = 1):
    out = []
    for item in provider.compile(sample()):
        one = item.resource
        if one.address.kind == "iam_role":
            change = Change(
                1,
                Action.CREATE,
                one.address,
                "it",
                one.agent,
                None,
                (),
                {},
                Effect.WIDER,
                (),
                (),
                "",
                None,
                {
                    **one.attributes,
                    "permissions_boundary": None,
                    "arn": one.attributes["arn"].replace("123456789012", FIRST),
                },
            )
            change = replace(change, address=replace(one.address, target=FIRST))
            out += provider.operations(change)
    return [replace(operation, agent=operation.agent or "triage") for operation in out[:count]]


def test_roles_of_a_setting():
    assert roles_of(None) == () and roles_of("a") == ("a",) and roles_of(" a , b,") == ("a", "b")


def test_a_chain_of_roles_ends_in_the_declared_account(faulty):
    reader = AWSReader([chained(faulty.port, FIRST, external_id="x-1", session_name="ci-7")])
    reader.identify()
    assert faulty.calls == ["AssumeRole", "AssumeRole", "GetCallerIdentity"]
    hub, last = faulty.asked("AssumeRole")
    assert hub["RoleArn"].endswith(f"{HUB}:role/hub") and "ExternalId" not in hub
    assert last["RoleArn"].endswith(f"{FIRST}:role/provisioner") and last["ExternalId"] == "x-1"
    assert {hub["RoleSessionName"], last["RoleSessionName"]} == {"ci-7"}


def test_accounts_are_read_at_the_same_time_and_apart(port, connect):
    """One workspace, two accounts: each sees its own roles, and both are counted."""
    meeting = threading.Barrier(2)
    reader = AWSReader([chained(port, FIRST), chained(port, SECOND)])
    for account in reader._accounts.values():
        read = account.read
        account.read = lambda action, read=read, **params: (
            meeting.wait(10) if action == "list_open_id_connect_providers" else None,
            read(action, **params),
        )[1]
    writer = AWSWriter([chained(port, FIRST)], sleep=lambda _: None)
    (operation,) = creations()
    assert writer.execute(operation, lambda: None).status is Status.DONE
    snapshot = reader.read(Scope("ws", frozenset()))
    assert {r.address.target for r in snapshot.resources} == {FIRST}
    assert set(snapshot.coverage.calls) == {f"aws:{FIRST}", f"aws:{SECOND}"}
    assert snapshot.coverage.complete


def test_a_role_of_another_account_is_refused_before_anything_is_read(faulty):
    reader = AWSReader([connection(faulty.port, FIRST, plan_role=f"arn:aws:iam::{SECOND}:role/provisioner")])
    with pytest.raises(CloudError) as caught:
        reader.identify()
    assert caught.value.code == "E-AWS-ACCOUNT"
    assert f"belong to account {SECOND}, not to {FIRST}" in caught.value.summary
    assert faulty.calls == ["AssumeRole", "GetCallerIdentity"]


def test_a_role_that_nobody_answers_about_in_time_says_so(faulty, monkeypatch):
    monkeypatch.setattr("provisioner_aws.client.READ_TRIES", 2)
    timeouts = Timeouts(monkeypatch, chains=True)
    timeouts.on("AssumeRole", 1000)
    with pytest.raises(CloudError) as caught:
        AWSReader([chained(faulty.port, FIRST)]).identify()
    assert timeouts.met["AssumeRole"] and "Read timeout" in caught.value.detail and caught.value.fix
    assert faulty.calls == []


def test_a_role_that_may_not_be_assumed_says_so(faulty):
    faulty.on("AssumeRole", denied())
    with pytest.raises(CloudError) as caught:
        AWSReader([chained(faulty.port, FIRST)]).identify()
    assert "sts:AssumeRole" in caught.value.summary
    assert "trust policy" in caught.value.fix


class TestWebIdentity:
    def reader(self, faulty, web: str) -> AWSReader:
        return AWSReader([chained(faulty.port, FIRST, web_identity=web)])

    def test_a_token_of_the_environment(self, faulty, monkeypatch):
        monkeypatch.setenv("CI_TOKEN", "header.claims.signature")
        self.reader(faulty, "env:CI_TOKEN").identify()
        assert faulty.calls == ["AssumeRoleWithWebIdentity", "AssumeRole", "GetCallerIdentity"]
        (asked,) = faulty.asked("AssumeRoleWithWebIdentity")
        assert asked["WebIdentityToken"] == "header.claims.signature"

    def test_a_token_in_a_file(self, faulty, tmp_path):
        (tmp_path / "token").write_text("one.two.three\n")
        self.reader(faulty, f"file:{tmp_path / 'token'}").identify()
        assert faulty.asked("AssumeRoleWithWebIdentity")[0]["WebIdentityToken"] == "one.two.three"

    def test_a_token_of_a_github_job(self, faulty, monkeypatch):
        seen = []

        class Tokens(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append((self.path, self.headers["Authorization"]))
                body = json.dumps({"value": "git.hub.token"}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"http://127.0.0.1:{server.server_port}/token?v=1")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret")
        try:
            self.reader(faulty, "github").identify()
        finally:
            server.shutdown()
            server.server_close()
        assert seen == [("/token?v=1&audience=sts.amazonaws.com", "bearer secret")]
        assert faulty.asked("AssumeRoleWithWebIdentity")[0]["WebIdentityToken"] == "git.hub.token"

    @pytest.mark.parametrize(
        ("web", "words"),
        [
            ("env:NOT_SET", "$NOT_SET holds no token"),
            ("file:/nowhere/at/all", "cannot be read"),
            ("github", "no GitHub Actions job"),
            ("gitlab", "is none that is known"),
            ("env:", "is none that is known"),
        ],
    )
    def test_without_a_token_the_way_out_is_said(self, faulty, monkeypatch, web, words):
        for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "NOT_SET"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(CloudError) as caught:
            self.reader(faulty, web).identify()
        assert words in caught.value.summary and caught.value.fix
        assert faulty.calls == []

    def test_a_github_token_does_not_travel_in_the_open(self, faulty, monkeypatch):
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "http://tokens.example/x")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret")
        with pytest.raises(CloudError, match="no https URL"):
            self.reader(faulty, "github").identify()


class TestSessionsThatEnd:
    def test_a_session_that_ends_in_the_middle_is_made_anew(self, faulty):
        writer = AWSWriter([chained(faulty.port, FIRST)], sleep=lambda _: None)
        (operation,) = creations()
        faulty.on("CreateRole", refused("ExpiredToken", 403, "The security token included is expired"), times=1)
        outcome = writer.execute(operation, lambda: None)
        assert (outcome.status, outcome.attempts) == (Status.DONE, 1)
        assert faulty.calls.count("AssumeRole") == 4, "the whole chain, once more"
        assert faulty.calls.count("CreateRole") == 2

    def test_threads_whose_session_ended_make_one_new_one(self, faulty):
        account = AWSReader([chained(faulty.port, FIRST)])._accounts[FIRST]
        account.identify()
        ended, old = ClientError({"Error": {"Code": "ExpiredToken"}}, "GetRole"), account._session
        assert account._renewed(ended, old)
        account.identify()
        new = account._session
        assert new is not old
        assert account._renewed(ended, old), "the second thread's call failed with the old one, too"
        assert account._session is new
        assert not account._renewed(ClientError({"Error": {"Code": "AccessDenied"}}, "GetRole"), new)

    def test_a_session_that_stays_ended_fails_once_and_writes_nothing(self, faulty):
        writer = AWSWriter([chained(faulty.port, FIRST)], sleep=lambda _: None)
        (operation,) = creations()
        faulty.on("CreateRole", refused("ExpiredToken", 403, "The security token included is expired"))
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.FAILED
        assert faulty.calls.count("CreateRole") == 2

    def test_credentials_that_cannot_be_made_anew_are_not_tried_again(self, faulty):
        given = Connection(
            Target("aws", "aws", FIRST, "prod"),
            {"endpoint": f"http://127.0.0.1:{faulty.port}", "credentials": "sandbox"},
        )
        writer = AWSWriter([given], sleep=lambda _: None)
        (operation,) = creations()
        faulty.on("CreateRole", refused("ExpiredToken", 403, "The security token included is expired"))
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.FAILED and "ExpiredToken" in outcome.detail
        assert faulty.calls.count("CreateRole") == 1

    @pytest.mark.parametrize(
        ("code", "text"),
        [
            ("RequestExpired", "Request has expired."),
            ("SignatureDoesNotMatch", "Signature expired: 20261123T000000Z is now earlier than 20261123T010000Z"),
            ("SignatureDoesNotMatch", "Signature not yet current: 20261124T000000Z is still later than 20261123"),
        ],
    )
    def test_a_clock_that_is_off_is_named(self, faulty, code, text):
        faulty.on("GetCallerIdentity", refused(code, 403, text))
        with pytest.raises(CloudError) as caught:
            AWSReader([connection(faulty.port, FIRST, start=FIRST)]).identify()
        assert caught.value.code == "E-AWS-CLOCK"
        assert "clock" in caught.value.detail and "NTP" in caught.value.fix
