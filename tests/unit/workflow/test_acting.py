"""Who a CI run works for: environment, event, and a token that a real endpoint gives out and a real key signs."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from provisioner.approval.authorship import Actor
from provisioner.workflow.acting import GITLAB_TOKEN, actors

KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Platform:
    """A CI platform on loopback: token endpoint, key set, job endpoint. `claims` and `header` are what it signs."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one", "typ": "JWT"}
        self.key = KEY
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                platform.seen.append((self.path, dict(self.headers)))
                status, body = platform.answer(self.path)
                data = json.dumps(body).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"{platform.url}/elsewhere")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self) -> str:
        body = f"{encoded(json.dumps(self.header).encode())}.{encoded(json.dumps(self.claims).encode())}"
        return f"{body}.{encoded(self.key.sign(body.encode(), PKCS1v15(), SHA256()))}"

    def answer(self, path: str) -> tuple[int, Any]:
        plain = path.partition("?")[0]
        if plain in self.answers:
            return self.answers[plain]
        if plain == "/token":
            return 200, {"value": self.token()}
        if plain in ("/_services/token/.well-known/jwks", "/oauth/discovery/keys"):
            public = KEY.public_key().public_numbers()
            return 200, {"keys": [{"kty": "RSA", "kid": "one", "n": number(public.n), "e": number(public.e)}]}
        return 404, {}


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform()
    yield made
    made.server.shutdown()
    made.server.server_close()


def github(platform: Platform, **over: Any) -> dict[str, str]:
    """A GitHub run of alice's, on a server of one's own; `over` goes into the token's claims."""
    platform.claims = {
        "iss": f"{platform.url}/_services/token",
        "aud": "provisioner",
        "actor": "alice",
        "actor_id": "11",
        "nbf": int(time()) - 5,
        "exp": int(time()) + 300,
    } | over
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": platform.url,
        "GITHUB_ACTOR": "alice",
        "GITHUB_ACTOR_ID": "11",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{platform.url}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret",
    }


ALICE = Actor(("github:alice", "github-id:11"), "planned it")


def test_outside_ci_nobody_is_named() -> None:
    assert actors({"GITHUB_ACTOR": "alice", "GITLAB_USER_LOGIN": "alice"}) is None


def test_environment_and_token_agree(platform: Platform) -> None:
    found = actors(github(platform))
    assert found is not None
    assert (found.actors, found.doubts, found.details) == ((ALICE,), (), ())
    path, headers = platform.seen[0]
    assert path == "/token?api-version=2.0&audience=provisioner"
    assert headers["Authorization"] == "bearer secret"
    assert "Authorization" not in platform.seen[1][1]


def test_the_token_also_excludes_whom_the_environment_hides(platform: Platform) -> None:
    """A step of the job may write any GITHUB_ACTOR; the token names who it is, and the difference is a doubt."""
    found = actors(github(platform, actor="mallory", actor_id="66"))
    assert found is not None
    assert [actor.names[0] for actor in found.actors] == ["github:alice", "github:mallory"]
    assert found.doubts == ("the CI's environment and its identity token name different people",)


@pytest.mark.parametrize(
    ("over", "why"),
    [
        ({"iss": "https://token.actions.githubusercontent.com"}, "another issuer"),
        ({"aud": "sts.amazonaws.com"}, "somebody else"),
        ({"aud": ["provisioner", "more"]}, "somebody else"),
        ({"exp": 1_700_000_000}, "its time is over"),
        ({"nbf": 4_000_000_000}, "has not come"),
        ({"exp": "soon"}, "how long it is good"),
        ({"exp": True}, "how long it is good"),
    ],
)
def test_a_token_that_proves_nothing_is_a_doubt(over: dict[str, Any], why: str, platform: Platform) -> None:
    found = actors(github(platform, **over))
    assert found is not None
    assert found.doubts == ("the CI's identity token does not hold",)
    assert why in found.details[0]
    assert found.actors == (ALICE,)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"kid": "two"}, {"crit": ["x"]}])
def test_headers_that_are_refused(header: dict[str, Any], platform: Platform) -> None:
    environ = github(platform)
    platform.header |= header
    found = actors(environ)
    assert found is not None and found.doubts == ("the CI's identity token does not hold",)


def test_a_token_by_another_key_is_a_doubt(platform: Platform) -> None:
    environ = github(platform)
    platform.key = OTHER
    found = actors(environ)
    assert found is not None and "signature is wrong" in found.details[0]


@pytest.mark.parametrize("status", [401, 500, 302])
def test_an_endpoint_that_does_not_answer_is_said_and_no_doubt(status: int, platform: Platform) -> None:
    """Without the right to ask for a token the environment stands alone: it excludes all the same."""
    environ = github(platform)
    platform.answers["/token"] = (status, {})
    found = actors(environ)
    assert found is not None
    assert (found.actors, found.doubts) == ((ALICE,), ())
    assert "could not be asked for" in found.details[0]
    assert all(not path.startswith("/elsewhere") for path, _ in platform.seen)


def test_a_token_is_asked_for_nowhere_in_the_clear(platform: Platform) -> None:
    found = actors(github(platform) | {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://ci.example/token"})
    assert found is not None and "neither https nor on this machine" in found.details[0]


def test_who_opened_and_who_merged_the_pull_request(platform: Platform, tmp_path: Path) -> None:
    event = {"pull_request": {"user": {"login": "bob", "id": 12}, "merged_by": {"login": "carol", "id": 13}},
             "sender": {"login": "alice", "id": 11}}  # fmt: skip
    (tmp_path / "event.json").write_text(json.dumps(event))
    found = actors(github(platform) | {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")}, ask=False)
    assert found is not None
    assert found.actors == (
        ALICE,
        Actor(("github:bob", "github-id:12"), "author"),
        Actor(("github:carol", "github-id:13"), "planned it"),
    )
    assert platform.seen == []


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pull_request": 3}'])
def test_an_event_that_says_nothing(text: str, platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(text)
    found = actors(github(platform) | {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")}, ask=False)
    assert found is not None
    expected = () if text.startswith('{"') else ("the event of the CI run could not be read",)
    assert (found.actors, found.doubts) == ((ALICE,), expected)


def test_a_run_of_nobody_is_a_doubt() -> None:
    found = actors({"GITHUB_ACTIONS": "true"})
    assert found is not None and found.doubts == ("the CI run does not say who started it",)


def gitlab(platform: Platform, **over: Any) -> dict[str, str]:
    platform.claims = {
        "iss": platform.url,
        "aud": "provisioner",
        "user_login": "alice",
        "user_id": "21",
        "iat": int(time()) - 5,
        "exp": int(time()) + 300,
    } | over
    return {
        "GITLAB_CI": "true",
        "CI_SERVER_URL": platform.url,
        "CI_API_V4_URL": f"{platform.url}/api/v4",
        "GITLAB_USER_LOGIN": "alice",
        "GITLAB_USER_ID": "21",
        "GITLAB_USER_EMAIL": "alice@acme.example",
    }


def test_gitlab_by_its_identity_token(platform: Platform) -> None:
    environ = gitlab(platform)
    found = actors(environ | {GITLAB_TOKEN: platform.token()})
    assert found is not None
    assert found.actors == (Actor(("gitlab:alice", "gitlab-id:21"), "planned it"),)
    assert (found.emails, found.doubts, found.details) == (("alice@acme.example",), (), ())
    environ = gitlab(platform, user_login="mallory", user_id="66")
    found = actors(environ | {GITLAB_TOKEN: platform.token()})
    assert found is not None and "different people" in found.doubts[0]


def test_gitlab_by_its_job_token(platform: Platform) -> None:
    environ = gitlab(platform) | {"CI_JOB_TOKEN": "job-secret"}
    platform.answers["/api/v4/job"] = (200, {"user": {"username": "mallory", "id": 66}})
    found = actors(environ)
    assert found is not None
    assert [actor.names[0] for actor in found.actors] == ["gitlab:alice", "gitlab:mallory"]
    assert "different people" in found.doubts[0]
    assert {name.upper(): value for name, value in platform.seen[0][1].items()}["JOB-TOKEN"] == "job-secret"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.b.c", "..", "e30.e30.e30", "x" * 70_000])
def test_what_is_no_token(token: str, platform: Platform) -> None:
    found = actors(gitlab(platform) | {GITLAB_TOKEN: token or "."})
    assert found is not None and found.doubts == ("the CI's identity token does not hold",)
