"""A webhook that takes events, and ones that are down, slow, wrong or answer 500: nothing is lost, all is bounded."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from provisioner.model.diagnostics import DiagnosticError, Severity
from provisioner.model.drift import DriftKind, Known, Transition, Turn
from provisioner.workflow.notifying import SECRET, Limits, Webhook, event, signature, tell, webhook

RAW = bytes(range(32))
ENVIRON = {SECRET: "whsec_" + b64encode(RAW).decode()}
QUICK = Limits(deadline=60.0, attempt=20.0, pause=0.001, tries=3)
IMPATIENT = Limits(deadline=60.0, attempt=0.1, pause=0.001, tries=2)
HOSTILE = 'x\x1b[2J"\u202e\n</script>'


def transition(number: int, what: str = "+ policy hotfix") -> Transition:
    key = f"sha256:{number:064x}"
    known = Known(key, DriftKind.OUT_OF_BAND, what, "triage", "aws:1", "wider", ("api",), "2026-11-23T06:00:00Z")
    return Transition(Turn.NEW, known, "2026-11-24T06:00:00Z")


@dataclass
class Receiver:
    """What came in, and what to answer: a status for each request by its number from 0."""

    status: Callable[[int], int]
    hook: Webhook | None = None
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hold: threading.Event | None = None

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@contextmanager
def receiver(status: Callable[[int], int], hold: threading.Event | None = None) -> Iterator[Receiver]:
    here = Receiver(status, hold=hold)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            here.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            code = here.status(len(here.got) - 1)
            if here.hold is not None:
                here.hold.wait(20)
            self.send_response(code)
            if code == 302:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keeps the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    here.hook = webhook(f"http://127.0.0.1:{server.server_port}/in?token=t0ps3cret", ENVIRON)
    try:
        yield here
    finally:
        if hold is not None:
            hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_events_are_cloud_events_and_signed() -> None:
    sent = (transition(1, HOSTILE), transition(2))
    with receiver(lambda _: 204) as here:
        told = tell(here.hook, "acme prod", sent, QUICK)
    assert (told.delivered, told.due, told.diagnostics) == (sent, (), ())
    assert told.summary == f"2 transitions to {here.hook.host}"
    headers, body = here.got[0]
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    made = json.loads(body)
    assert made == json.loads(json.dumps(event("acme prod", sent[0])))
    assert (made["specversion"], made["type"]) == ("1.0", "provisioner.drift.new")
    assert (made["source"], made["subject"]) == ("/provisioner/workspaces/acme%20prod", "agent.triage")
    assert made["id"] == headers["webhook-id"] and made["time"] == "2026-11-24T06:00:00Z"
    assert (made["data"]["what"], made["data"]["tell"]) == (HOSTILE, ["api"])
    signed = f"{made['id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = b64encode(hmac.new(RAW, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_signature_of_the_specification() -> None:
    """The example that the Standard Webhooks libraries test with."""
    hook = webhook("https://h.example/", {SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    found = signature(hook.secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_that_recovers_gets_the_same_event_again() -> None:
    with receiver(lambda at: 500 if at < 2 else 200) as here:
        told = tell(here.hook, "acme", (transition(1),), QUICK)
    assert told.due == () and len(here.got) == 3 and len(set(here.ids)) == 1


def test_answers_of_500_leave_everything_to_the_next_run() -> None:
    sent = tuple(map(transition, range(6)))
    with receiver(lambda _: 500) as here:
        told = tell(here.hook, "acme", sent, QUICK)
        assert len(here.got) == 9  # three events three times: then the others wait
        assert told.delivered == () and told.due == (*sent[3:], *sent[:3])
        (warning,) = told.diagnostics
        assert warning.severity is Severity.WARNING and "answered 500" in warning.detail
        assert "t0ps3cret" not in warning.summary + warning.detail + told.summary + repr(here.hook)
        first = set(here.ids)
        here.status = lambda _: 200
        again = tell(here.hook, "acme", told.due, QUICK)
    assert again.due == () and set(again.delivered) == set(sent) and first < set(here.ids)


def test_one_event_that_is_never_taken_holds_up_no_other() -> None:
    sent = tuple(map(transition, range(4)))
    with receiver(lambda at: 400 if at == 1 else 200) as here:
        told = tell(here.hook, "acme", sent, QUICK)
    assert told.due == (sent[1],) and len(here.got) == 4
    assert "3 of 4 transitions" in told.summary


@pytest.mark.parametrize("code", [302, 400, 401, 404, 410])
def test_what_is_refused_for_good_is_not_tried_again_and_no_redirect_followed(code: int) -> None:
    with receiver(lambda _: code) as here:
        told = tell(here.hook, "acme", (transition(1),), QUICK)
    assert len(here.got) == 1 and told.due == (transition(1),) and f"answered {code}" in told.problem


def test_a_webhook_that_is_down() -> None:
    with socket.socket() as held:  # bound and not listening: nobody answers, and nobody else gets the port
        held.bind(("127.0.0.1", 0))
        hook = webhook(f"http://127.0.0.1:{held.getsockname()[1]}/", ENVIRON)
        told = tell(hook, "acme", (transition(1), transition(2)), QUICK)
    assert told.delivered == () and set(told.due) == {transition(1), transition(2)}
    assert "cannot be reached" in told.diagnostics[0].detail


def test_a_slow_webhook_is_given_up() -> None:
    with receiver(lambda _: 200, hold=threading.Event()) as here:
        told = tell(here.hook, "acme", (transition(1),), IMPATIENT)
    assert told.due == (transition(1),) and told.problem


def test_a_webhook_that_drips_is_given_up() -> None:
    """A byte now and then keeps a socket's own time-out from ever coming."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            peer, _ = server.accept()  # the second attempt stays in the queue
            with peer, contextlib.suppress(ConnectionError):
                while not stop.wait(0.02):
                    peer.sendall(b"H")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        hook = webhook(f"http://127.0.0.1:{server.getsockname()[1]}/", ENVIRON)
        told = tell(hook, "acme", (transition(1),), IMPATIENT)
        stop.set()
        thread.join(5)
    assert told.due == (transition(1),) and "no answer" in told.problem


def test_no_time_left_keeps_all() -> None:
    sent = tuple(map(transition, range(3)))
    with receiver(lambda _: 200) as here:
        told = tell(here.hook, "acme", sent, Limits(deadline=0.0))
    assert told.due == sent and here.got == [] and "were not enough" in told.problem


def test_nothing_to_tell() -> None:
    told = tell(webhook("https://h.example/", ENVIRON), "acme", (), QUICK)
    assert told.summary == "nothing new to h.example" and told.diagnostics == ()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example/in", "not encrypted"),
        ("ftp://hooks.example/in", "no URL"),
        ("hooks.example", "no URL"),
        ("https://", "no URL"),
        ("https://h.example:99999/", "no URL"),
        ("https://h.example/a b", "no URL"),
        ("https://h.example/\r\nx: y", "no URL"),
        ("https://user:pw@h.example/", "a name, a password"),
        ("https://h.example/#x", "fragment"),
        ("https://[::1", "no URL"),
        ("file:///etc/passwd", "no URL"),
    ],
)
def test_urls_that_will_not_do(url: str, why: str) -> None:
    with pytest.raises(DiagnosticError, match=why) as caught:
        webhook(url, ENVIRON)
    (found,) = caught.value.diagnostics
    assert found.code == "E-WEBHOOK" and found.detail and "pw@" not in found.summary + found.detail


@pytest.mark.parametrize("secret", ["", "hunter2", "whsec_!", "whsec_aGk=", "whsec_" + "QUFB" * 40])
def test_secrets_that_will_not_do(secret: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        webhook("https://h.example/", {SECRET: secret})
    (found,) = caught.value.diagnostics
    assert found.code == "E-WEBHOOK" and SECRET in found.summary
    assert not secret or secret not in found.summary + found.detail


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ({"https_proxy": "http://p:3128", "no_proxy": "other,.acme.example"}, None),
        ({"https_proxy": "http://p:3128", "NO_PROXY": "cme.example"}, "http://p:3128"),
    ],
)
def test_proxies(environ: dict[str, str], proxy: str | None) -> None:
    assert webhook("https://hooks.acme.example/", {**ENVIRON, **environ}).proxy == proxy
    assert webhook("http://localhost:8080/", {**ENVIRON, **environ}).proxy is None
