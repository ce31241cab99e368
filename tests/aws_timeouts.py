"""Calls that get no answer in time, without waiting for it: botocore's own error, at the place where it would be."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from botocore.exceptions import ReadTimeoutError
from botocore.session import Session
from provisioner_aws.client import Account


class Timeouts:
    """Installed for every client that is made from now on; with `chains` also for those that only assume roles. `met`
    counts the calls by action that timed out."""

    def __init__(self, monkeypatch: Any, *, chains: bool = False) -> None:
        self.met: Counter[str] = Counter()
        self._left: dict[str, int] = {}
        self._takes_effect = False
        create = Account._create

        def hooked(account: Account, service: str, once: bool, region: str | None) -> Any:
            client = create(account, service, once, region)
            client.meta.events.register_first("before-send", self._send)
            return client

        make = Session.create_client

        def logging_in(session: Session, service: str, **given: Any) -> Any:
            client = make(session, service, **given)
            client.meta.events.register_first("before-send", self._send)
            return client

        if chains:
            monkeypatch.setattr(Session, "create_client", logging_in)
        else:
            monkeypatch.setattr(Account, "_create", hooked)
        monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))

    def on(self, action: str, times: int, *, takes_effect: bool = False) -> None:
        """Let the next calls of an action (`GetRole`) time out, after or instead of their effect; no others."""
        self._left = {action: times}
        self._takes_effect = takes_effect

    def clear(self) -> None:
        self._left = {}

    def _send(self, request: Any, event_name: str, **_: Any) -> None:
        action = event_name.rpartition(".")[2]
        if not self._left.get(action):
            return
        self._left[action] -= 1
        self.met[action] += 1
        if self._takes_effect:
            body = request.body.encode() if isinstance(request.body, str) else request.body
            given = Request(request.url, body, dict(request.headers.items()), method=request.method)
            with suppress(HTTPError):  # then it had no effect, and nobody hears of that either
                urlopen(given, timeout=60).close()
        raise ReadTimeoutError(endpoint_url=request.url)
