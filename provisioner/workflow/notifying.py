"""Tells a webhook what came and what went: one signed CloudEvent each, tried again until one deadline for all.

Formats: CloudEvents 1.0 in structured mode, signed as Standard Webhooks say (HMAC-SHA256 over id, time and body). An
event keeps its id however often it is sent, so that whoever receives it can drop what it has seen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from urllib.parse import quote, urlsplit

from ..canonical import digest
from ..model.diagnostics import Diagnostic, DiagnosticError, Severity
from ..model.drift import Transition
from ..planfile import to_builtins
from ..runner import is_loopback

T = TypeVar("T")

SECRET = "PROVISIONER_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
_SECRET_PREFIX = "whsec_"  # noqa: S105
_SECRET_BYTES = range(24, 65)
_TRANSIENT = frozenset({408, 425, 429})
_FAILURES = 3  # events in a row that nobody took: the others wait for the next run


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for everything, for one attempt, and before the second attempt (doubled each time); attempts an event."""

    deadline: float = 30.0
    attempt: float = 10.0
    pause: float = 0.5
    tries: int = 4


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to, and with which secret. `host` is what may be shown: a path often is a secret of its own."""

    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    host: str
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the transitions. `host` is the channel's name as it may be shown. `due` is for the next run, what
    was not tried before what was not taken."""

    host: str
    delivered: tuple[Transition, ...]
    due: tuple[Transition, ...]
    problem: str = ""

    @property
    def summary(self) -> str:
        """`5 transitions to hooks.example`, and what the next run repeats."""
        number = len(self.delivered) + len(self.due)
        if not number:
            return f"nothing new to {self.host}"
        whole = f"{number} transition{'' if number == 1 else 's'} to {self.host}"
        return f"{len(self.delivered)} of {whole}; the next run repeats the rest" if self.due else whole

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """A warning where something was not delivered."""
        if not self.due:
            return ()
        return (
            Diagnostic(
                "W-NOTIFY",
                f"{self.host} did not take {len(self.due)} of {len(self.delivered) + len(self.due)} transitions",
                f"{self.problem}. The report is complete without it, and the next recorded run tells them again: see"
                " to the cause, then run drift with the same -notify, and -record.",
                Severity.WARNING,
            ),
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    """An HTTP status, or 0 and why there was none; how long the webhook asks to wait."""

    status: int
    reason: str = ""
    wait: float = 0.0

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def transient(self) -> bool:
        return self.status == 0 or self.status >= 500 or self.status in _TRANSIENT


def webhook(url: str, environ: Mapping[str, str]) -> Webhook:
    """A webhook by its URL and the secret in the environment. Raises DiagnosticError for one that will not do."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("it is no URL") from None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or not host or parts.scheme not in ("https", "http"):
        raise _refused("it is no URL")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("it holds a name, a password or a fragment")
    if parts.scheme == "http" and not is_loopback(url):
        raise _refused("it is not encrypted, and not on this machine")
    shown = host if port is None else f"{host}:{port}"
    return Webhook(url, _secret(environ), shown, None if is_loopback(url) else _proxy(host, environ))


def tell(hook: Webhook, workspace: str, transitions: Sequence[Transition], limits: Limits | None = None) -> Told:
    """Send each transition, within the deadline. Never raises for what the webhook does or does not do."""
    limits = limits or Limits()
    end = time.monotonic() + limits.deadline
    delivered: list[Transition] = []
    failed: list[Transition] = []
    problem, row = "", 0
    for at, transition in enumerate(transitions):
        if row == _FAILURES or time.monotonic() >= end:
            problem = problem or f"{limits.deadline:g} s were not enough"
            return Told(hook.host, tuple(delivered), (*transitions[at:], *failed), problem)
        answer = _send(hook, workspace, transition, limits, end)
        if answer.taken:
            delivered.append(transition)
            row = 0
        else:
            failed.append(transition)
            row += 1
            problem = f"It answered {answer.status}" if answer.status else answer.reason
    return Told(hook.host, tuple(delivered), tuple(failed), problem)


def event(workspace: str, transition: Transition) -> dict[str, object]:
    """A transition as a CloudEvent. Its id is of its content: the same whenever it is sent again."""
    known = transition.known
    data = {"workspace": workspace, "turn": str(transition.turn), **to_builtins(known)}
    named = {"workspace": workspace, "key": known.key, "turn": str(transition.turn), "time": transition.time}
    made: dict[str, object] = {
        "specversion": "1.0",
        "id": digest("drift-event/1", named).removeprefix("sha256:"),
        "source": f"/provisioner/workspaces/{quote(workspace, safe='')}",
        "type": f"provisioner.drift.{transition.turn}",
        "time": transition.time,
        "datacontenttype": "application/json",
        "data": data,
    }
    return {**made, "subject": f"agent.{known.agent}"} if known.agent else made


def signature(secret: bytes, name: str, stamp: str, body: bytes) -> str:
    """The `webhook-signature` of Standard Webhooks: version 1, HMAC-SHA256 over id, Unix time and body."""
    signed = hmac.new(secret, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{b64encode(signed).decode()}"


def _send(hook: Webhook, workspace: str, transition: Transition, limits: Limits, end: float) -> _Answer:
    """Try until it is taken, refused for good, or there is no time for another attempt."""
    made = event(workspace, transition)
    body, pause = json.dumps(made).encode(), limits.pause
    answer = _Answer(0, f"{limits.deadline:g} s were not enough")
    for attempt in range(limits.tries):
        seconds = min(limits.attempt, end - time.monotonic())
        if seconds <= 0:
            break
        answer = within(seconds, partial(_post, hook, str(made["id"]), body, seconds), _silent(seconds))
        wait = max(pause, answer.wait)
        if answer.taken or not answer.transient or attempt == limits.tries - 1 or time.monotonic() + wait >= end:
            break
        time.sleep(wait)
        pause *= 2
    return answer


def within(seconds: float, work: Callable[[], T], otherwise: T) -> T:
    """What comes of `work` in this time, else `otherwise`. `work` raises nothing.

    Sockets time out by the read and name look-ups never, so a thread is left behind where it must be; it ends with
    the process.
    """
    from threading import Thread

    found: list[T] = []
    thread = Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else otherwise


def _silent(seconds: float) -> _Answer:
    return _Answer(0, f"It gave no answer within {seconds:.3g} s")


def _post(hook: Webhook, name: str, body: bytes, seconds: float) -> _Answer:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        """Follows nothing: what is signed for one place is not carried to another."""

        def redirect_request(self, *_: object) -> None:
            return None

    stamp = str(int(time.time()))
    headers = {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(hook.secret, name, stamp, body),
    }
    opener = build_opener(Stay(), ProxyHandler({"https": hook.proxy} if hook.proxy else {}))
    try:
        request = Request(hook.url, body, headers, method="POST")  # noqa: S310 - the scheme was judged
        with opener.open(request, timeout=seconds) as response:
            return _Answer(response.status)
    except HTTPError as error:
        with error:
            return _Answer(error.code, "", _seconds(error.headers.get("retry-after")))
    except TimeoutError:  # the socket's own limit and the caller's end at the same moment; either may be first
        return _silent(seconds)
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            return _silent(seconds)
        return _Answer(0, f"It cannot be reached: {error.reason}")
    except (OSError, HTTPException, UnicodeError) as error:
        return _Answer(0, f"It cannot be reached: {error or type(error).__name__}")


def _seconds(text: str | None) -> float:
    """A `retry-after` in seconds; 0 for none, and for a date."""
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else 0.0


def _secret(environ: Mapping[str, str]) -> bytes:
    written = environ.get(SECRET, "")
    if not written:
        raise DiagnosticError.of(
            "E-WEBHOOK",
            f"-notify needs a secret to sign with, and {SECRET} is not set",
            f"Set it to {_SECRET_PREFIX} and 24 to 64 random bytes in base64, the same as on the receiver's side:"
            f' {SECRET}="{_SECRET_PREFIX}$(openssl rand -base64 32)".',
        )
    try:
        secret = b64decode(written.removeprefix(_SECRET_PREFIX), validate=True)
    except ValueError:
        secret = b""
    if not written.startswith(_SECRET_PREFIX) or len(secret) not in _SECRET_BYTES:
        raise DiagnosticError.of(
            "E-WEBHOOK",
            f"{SECRET} is no secret of a webhook",
            f"It is {_SECRET_PREFIX} and 24 to 64 bytes in base64, as Standard Webhooks has it. Set it to one.",
        )
    return secret


def _proxy(host: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that the environment names for this host."""
    excepted = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    names = [name.strip().lstrip(".").lower() for name in excepted.split(",") if name.strip()]
    if any(name in ("*", host) or host.endswith(f".{name}") for name in names):
        return None
    return environ.get("https_proxy") or environ.get("HTTPS_PROXY") or None


def _refused(why: str) -> DiagnosticError:
    return DiagnosticError.of(
        "E-WEBHOOK",
        f"-notify names no webhook that will do: {why}",
        "Write https://HOST/PATH, or http:// for one on this machine.",
    )
