"""Channels beside webhooks: a GitHub issue kept in place, what apprise reaches, metrics; each against a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from provisioner.model.changes import Effect
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.drift import Difference, DriftKind, DriftReport, Known, Transition, Turn
from provisioner.model.resources import Coverage, Gap
from provisioner.render.driftissue import LIMIT, change_comment, issue_body, issue_marker
from provisioner.workflow import issuing, metering
from provisioner.workflow.channels import News, channels, still_due
from provisioner.workflow.messaging import message
from provisioner.workflow.notifying import Told

HOSTILE = "x\x1b[2J\u202e|@here\n-->\n</table>"
REPOSITORY = "acme/agents"
Answer = tuple[int, Any]


@dataclass
class Server:
    """Takes everything; `answer` decides by method and path what comes back."""

    url: str
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[str, str, bytes], Answer]) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            here.got.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status, value = answer(self.command, self.path, body)
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _any

        def log_message(self, *_: object) -> None:
            """Keeps the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Server(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()


def report(*what: str, gaps: tuple[Gap, ...] = ()) -> DriftReport:
    found = tuple(
        Difference(f"D-{at}", DriftKind.OUT_OF_BAND, (one,), "triage", effect=Effect.WIDER, tell=("api",), since="2026")
        for at, one in enumerate(what, 1)
    )
    coverage = Coverage((), gaps, calls={"aws:1": 7})
    return DriftReport("acme", 1, None, found, 3, 2, len(found), 0, coverage, 1500)


def transition(what: str = "+ policy hotfix", turn: Turn = Turn.NEW, to: str = "") -> Transition:
    known = Known("sha256:" + "1" * 64, DriftKind.OUT_OF_BAND, what, "triage", "aws:1", "wider", ("api",), "2026")
    return Transition(turn, known, "2026-11-24T06:00:00Z", to)


class Repository:
    """The part of GitHub's issues that is used, with its own rules: labels filter, pages hold what was asked for."""

    def __init__(self, *bodies: str) -> None:
        self.issues: list[dict[str, Any]] = [
            {"number": at, "title": "t", "body": body, "state": "open", "labels": ["provisioner-drift"]}
            for at, body in enumerate(bodies, 1)
        ]
        self.comments: list[tuple[int, str]] = []
        self.status = 200

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        parts = urlsplit(path)
        root = f"/repos/{REPOSITORY}/issues"
        assert parts.path.startswith(root), path
        if self.status != 200:
            return self.status, {"message": "no"}
        rest = parts.path.removeprefix(root).strip("/").split("/")
        if method == "GET":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            assert query["state"] == "all" and query["labels"] == "provisioner-drift"
            size, page = int(query["per_page"]), int(query["page"])
            return 200, self.issues[(page - 1) * size : page * size]
        value = json.loads(body)
        if method == "POST" and rest == [""]:
            self.issues.append({"number": len(self.issues) + 1, "state": "open", **value})
            return 201, self.issues[-1]
        if method == "POST":
            self.comments.append((int(rest[0]), value["body"]))
            return 201, {}
        self.issues[int(rest[0]) - 1] |= value
        return 200, self.issues[int(rest[0]) - 1]


def environ(server: Server) -> dict[str, str]:
    return {"GITHUB_TOKEN": "t0ps3cret", "GITHUB_API_URL": server.url}


def test_an_issue_is_made_kept_in_place_closed_and_opened_again() -> None:
    others = [f"{issue_marker('other')}\nx", "no marker"] * 60  # ours is on no first page
    repository = Repository(*others)
    with serving(repository) as server:
        (channel,) = channels([f"github:{REPOSITORY}"], environ(server))
        assert channel.tell(News(report("+ a"), (transition(),))).delivered == (transition(),)
        (made,) = repository.issues[120:]
        assert made["labels"] == ["provisioner-drift"] and made["title"] == "Drift in acme: 1 out of band"
        assert repository.comments == [] and server.got[-1][2]["authorization"] == "Bearer t0ps3cret"
        before = len(server.got)
        assert channel.tell(News(report("+ a"), ())).due == ()
        assert {one[0] for one in server.got[before:]} == {"GET"}, "nothing changed: nothing is written"
        made["body"] = made["body"].replace("\n", "\r\n")  # as a browser's edit leaves it
        channel.tell(News(report("+ a"), ()))
        assert {one[0] for one in server.got[before:]} == {"GET"}
        channel.tell(News(report("+ a", "+ b"), (transition("+ b"),)))
        assert "+ b" in made["body"] and [number for number, _ in repository.comments] == [121]
        channel.tell(News(report(), (transition(turn=Turn.GONE),)))
        assert made["state"] == "closed" and "Nothing differs" in made["body"] and len(repository.comments) == 2
        channel.tell(News(report("+ c"), (transition("+ c"),)))
        assert made["state"] == "open" and len(repository.issues) == 121


def test_no_drift_and_no_issue_writes_nothing() -> None:
    repository = Repository()
    with serving(repository) as server:
        (channel,) = channels([f"github:{REPOSITORY}"], environ(server))
        assert channel.tell(News(report(), ())).due == () and repository.issues == []


@pytest.mark.parametrize(
    ("status", "said"), [(401, "does not count"), (404, "no such repository"), (410, "switched off"), (302, "302")]
)
def test_what_github_refuses_is_due_again(status: int, said: str) -> None:
    repository = Repository()
    repository.status = status
    with serving(repository) as server:
        (channel,) = channels([f"github:{REPOSITORY}"], environ(server))
        told = channel.tell(News(report("+ a"), (transition(),)))
    assert told.due == (transition(),) and said in told.problem
    assert "t0ps3cret" not in repr(told) + repr(channel) + "".join(one.detail for one in told.diagnostics)


def test_github_that_is_not_there_is_due_again() -> None:
    with serving(Repository()) as server:
        given = environ(server)
    (channel,) = channels([f"github:{REPOSITORY}"], given)
    told = channel.tell(News(report("+ a"), (transition(),)))
    assert told.due == (transition(),) and "could not be reached" in told.problem


@contextmanager
def raw(*parts: bytes, forever: bool = False) -> Iterator[str]:
    """A server that answers everybody with these bytes, and with `forever` then drips until it is gone."""
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))  # unread, it would reset the connection
            with suppress(OSError):
                for part in parts:
                    self.wfile.write(part)
                while forever and not done.wait(0.02):
                    self.wfile.write(b" ")
            self.close_connection = True

        do_GET = do_POST = do_PATCH = _any

        def log_message(self, *_: object) -> None:
            """Keeps the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        done.set()
        server.shutdown()
        server.server_close()


OK = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\xff\xfe<html>", "no JSON"),
        (b"[" * 200_000, "no JSON"),  # deeper than a parser goes
        (b"[" + b"9" * 5_000 + b"]", "no JSON"),  # longer than an integer may be
        (b'{"number": 1}', "no list of issues"),
        (b"[" + b" " * 9_000 + b"]", "longer than"),
    ],
)
def test_garbage_of_github_is_due_again(body: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "_BYTES", 300_000 if b" " * 9_000 not in body else 4_000)
    with raw(OK % len(body) + body) as url:
        (channel,) = channels([f"github:{REPOSITORY}"], {"GITHUB_TOKEN": "t", "GITHUB_API_URL": url})
        told = channel.tell(News(report("+ a"), (transition(),)))
    assert told.due == (transition(),) and said in told.problem


def test_what_names_no_issue_is_passed_over() -> None:
    body = json.dumps([1, None, {"number": True, "body": issue_marker("acme")}, {"number": "7", "body": 3}]).encode()
    with raw(OK % len(body) + body) as url:
        (channel,) = channels([f"github:{REPOSITORY}"], {"GITHUB_TOKEN": "t", "GITHUB_API_URL": url})
        assert channel.tell(News(report("+ a"), (transition(),))).delivered, "none there is ours: one is made"


def test_github_that_drips_is_given_up() -> None:
    with raw(OK % 10**9, forever=True) as url:
        (channel,) = channels([f"github:{REPOSITORY}"], {"GITHUB_TOKEN": "t", "GITHUB_API_URL": url})
        assert isinstance(channel, issuing.Issue)
        told = replace(channel, deadline=0.3).tell(News(report("+ a"), (transition(),)))
    assert told.due == (transition(),) and "did not answer within 0.3 s" in told.problem


def test_apprise_gets_one_message_and_what_it_does_not_take_is_due() -> None:
    status = [200]
    with serving(lambda *_: (status[0], {})) as server:
        (channel,) = channels([server.url.replace("http://", "json://") + "/t0ps3cret"], {})
        news = News(report("+ a"), (transition(), transition("+ other")))
        assert channel.tell(News(report(), ())).due == () and server.got == []
        assert channel.tell(news).delivered == news.transitions and len(server.got) == 1
        sent = json.loads(server.got[0][3])
        assert (
            sent["title"] == "Drift in acme: 2 new"
            and "NEW out of band wider: triage aws:1: + other" in sent["message"]
        )
        assert "For: api" in sent["message"]
        status[0] = 500
        told = channel.tell(news)
        assert told.due == news.transitions and "t0ps3cret" not in repr(told) + repr(channel)


@pytest.mark.parametrize(
    ("target", "given", "said"),
    [
        ("github:acme", {"GITHUB_TOKEN": "t"}, "OWNER/REPO"),
        ("github:acme/../x", {"GITHUB_TOKEN": "t"}, "OWNER/REPO"),
        ("github:acme/x", {}, "GITHUB_TOKEN"),
        ("github:acme/x", {"GITHUB_TOKEN": "t\n"}, "GITHUB_TOKEN"),
        ("github:acme/x", {"GITHUB_TOKEN": "t", "GITHUB_API_URL": "http://ghe.example"}, "not encrypted"),
        ("bogus://pw@x", {}, "bogus://"),
        ("env:NOWHERE", {}, "NOWHERE"),
        ("env:", {}, "is not set"),
        ("example.com/hook", {}, "webhook"),
        ("http://[x/t0ps3cret", {}, "webhook"),
    ],
)
def test_targets_that_will_not_do(target: str, given: dict[str, str], said: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        channels([target], given)
    (found,) = caught.value.diagnostics
    assert said in found.summary + found.detail and "pw@" not in found.summary + found.detail and found.detail


def test_a_target_from_the_environment_is_the_same_channel() -> None:
    plain = channels(["json://127.0.0.1/x"], {})
    found = channels(["env:CHAT", "json://127.0.0.1/x"], {"CHAT": "json://127.0.0.1/x"})
    assert [one.identity for one in found] == [one.identity for one in plain]


def test_each_channel_is_told_what_it_did_not_take_itself() -> None:
    old, fresh = transition("+ old", to="b"), transition("+ fresh")
    told = {"a": Told("a", (fresh,), ()), "c": Told("c", (), (fresh,), "down")}
    assert still_due((old,), told) == (old, replace(fresh, to="c"))
    assert still_due((old,), {}) == (old,)
    assert still_due((transition("+ of before"),), told) == (replace(fresh, to="c"),), "it went to everybody named"


def test_hostile_names_and_many_differences_stay_bounded() -> None:
    many = replace(report(*([HOSTILE * 20] * 5_000)), workspace=HOSTILE)
    for text in (issue_body(many), change_comment([transition(HOSTILE * 50)] * 5_000)):
        assert len(text) <= LIMIT + 100 and "\x1b" not in text and "\u202e" not in text and "</table>" not in text
        assert "@here" not in text.partition("-->")[2], "a comment of HTML is no text"
    first, _, rest = issue_body(many).partition("\n")
    assert first.count("-->") == 1 and first.endswith("-->") and "-->" not in rest
    title, body = message(News(many, tuple([transition(HOSTILE)] * 5_000)))
    assert "\x1b" not in title + body and "@here" not in title + body and len(body) < 20_000 and "and 4980 more" in body


def metrics(body: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request = ExportMetricsServiceRequest()
    request.ParseFromString(body)
    (resource,) = request.resource_metrics
    found = {}
    for one in resource.scope_metrics[0].metrics:
        for point in one.gauge.data_points:
            labels = tuple(sorted((pair.key, pair.value.string_value) for pair in point.attributes))
            found[one.name, labels] = point.as_double or float(point.as_int)
    return found


def test_metrics_are_pushed_once_with_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda *_: (200, {})) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        assert metering.push(report("+ a", "+ b", gaps=(Gap("aws", "1", "roles", "AccessDenied"),))) == ()
        ((method, path, _, body),) = server.got
    assert (method, path) == ("POST", "/v1/metrics")
    found = metrics(body)
    name, acme = "provisioner.drift.differences", ("workspace", "acme")
    assert found[name, (("effect", "wider"), ("kind", "out_of_band"), acme)] == 2
    assert found[name, (("effect", "none"), ("kind", "unclaimed"), acme)] == 0
    assert found["provisioner.drift.unread", (acme,)] == 1 and found["provisioner.drift.duration", (acme,)] == 1.5
    assert found["provisioner.cloud.calls", (("target", "aws:1"), acme)] == 7
    assert found["provisioner.drift.agents", (("state", "as_signed"), acme)] == 2


@pytest.mark.parametrize("endpoint", ["garbage", "http://[bad", "https://127.0.0.1:1"])
def test_settings_of_metrics_that_will_not_do_are_a_warning(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "/there/is/no/such.pem")
    assert [one.code for one in metering.push(report("+ a"))] == ["W-METRICS"]


def test_a_collector_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering, "DEADLINE_SECONDS", 0.3)
    with raw(OK % 10**9, forever=True) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        assert [one.code for one in metering.push(report("+ a"))] == ["W-METRICS"]


def test_metrics_that_nobody_takes_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda *_: (400, {})) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        (warning,) = metering.push(report("+ a"))
    assert warning.code == "W-METRICS" and not warning.is_error
    with pytest.raises(DiagnosticError, match="is not set"):
        metering.demand({})
