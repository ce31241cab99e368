"""The way to one account: session, clients, pages, and the count of calls."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.parsers import ResponseParserError
from botocore.utils import parse_timestamp

from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection

from .credentials import assume, roles_of
from .faults import (
    ANSWERS,
    CutShortError,
    Fault,
    StrangeAnswerError,
    classify,
    has_ended,
    is_skew,
    is_throttling,
    message,
)
from .limiter import Limiter
from .names import partition

READ_TRIES = 5
_CONNECT_SECONDS = 5
READ_SECONDS = 60
_PAGE = 1000
_HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""The region that answers for IAM in each partition."""

SANDBOX_KEY = "sandbox"
"""`credentials = "sandbox"` in the runner file: keys that are no secret and name the declared account."""

SANDBOX_UP = "provisioner sandbox up"


@cache
def _loader() -> Any:
    """One for all sessions: it keeps the parsed service models, which take longest to load."""
    return botocore.loaders.create_loader()


def _time(value: Any) -> datetime:
    """A time in an answer. botocore's own parser takes any notation, and half a bulk read's time."""
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return parse_timestamp(value)
        if found.tzinfo is not None:
            return found
    return parse_timestamp(value)


class Account:
    """One account as this runner reaches it. Safe to use from several threads.

    `role_setting` names the runner file's key of the role to assume: `plan_role` or `apply_role`.
    """

    def __init__(self, connection: Connection, role_setting: str, read_seconds: float = READ_SECONDS) -> None:
        self.connection = connection
        self.id = connection.target.id
        self.partition = partition(connection.regions)
        self.region = connection.regions[0] if connection.regions else _HOME[self.partition]
        self.endpoint = connection.settings.get("endpoint")
        self._roles = roles_of(connection.settings.get(role_setting))
        self._read_seconds = read_seconds
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, bool, str | None], Any] = {}
        self.calls = 0
        self.limiter = Limiter()
        self.bulk_cost: float | None = None
        """What the last bulk read cost, in small calls; None before the first."""
        self.wrote = 0.0
        """When the last writing call of this run ended, by `time.monotonic`."""

    def identify(self) -> None:
        """Raise CloudError unless the caller's account is the declared one."""
        self._knock()
        try:
            caller = self._call(self._client("sts"), "get_caller_identity")
        except ANSWERS as error:
            raise self.error(error, "sts:GetCallerIdentity") from error
        account = caller.get("Account")
        if account != self.id:
            raise CloudError(
                self.id,
                f"the credentials belong to account {account}, not to {self.id}",
                f"provider {self.connection.target.key!r} declares account_id {self.id}; AWS says that the caller is"
                f" {caller.get('Arn')} in account {account}. Nothing was read.",
                "Choose the right profile or role for this provider in the runner file, or correct account_id.",
                code="E-AWS-ACCOUNT",
            )

    def read(self, action: str, **params: Any) -> dict[str, Any]:
        """One reading call, retried by botocore on throttling and server errors. Raises what `faults` classifies."""
        return self._called("iam", action, params)

    def pages(self, action: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Every page of a listing; a page may hold fewer than asked for and still not be the last."""
        while True:
            page = self.read(action, MaxItems=_PAGE, **params)
            yield page
            if not page.get("IsTruncated"):
                return
            if not page.get("Marker") or page["Marker"] == params.get("Marker"):
                raise CutShortError()
            params["Marker"] = page["Marker"]

    def write(self, action: str, **params: Any) -> None:
        """One writing call, sent exactly once: repeating it is the writer's decision."""
        self._called("iam", action, params, once=True)

    def read_in(self, service: str, region: str, action: str, **params: Any) -> dict[str, Any]:
        """As `read`, from a service of one region; its client is made when it is first needed."""
        return self._called(service, action, params, region=region)

    def write_in(self, service: str, region: str, action: str, **params: Any) -> None:
        """As `write`, to a service of one region."""
        self._called(service, action, params, once=True, region=region)

    def _called(
        self, service: str, action: str, params: Mapping[str, Any], once: bool = False, region: str | None = None
    ) -> dict[str, Any]:
        """One call; once more, with a session made anew, where the old one's credentials had ended: that took no
        effect, so not even a write is repeated."""
        session = self._session
        try:
            return self._sent(service, action, params, once, region)
        except ANSWERS as error:
            if not self._renewed(error, session):
                raise
        return self._sent(service, action, params, once, region)

    def _sent(
        self, service: str, action: str, params: Mapping[str, Any], once: bool, region: str | None
    ) -> dict[str, Any]:
        try:
            return self._call(self._client(service, once=once, region=region), action, **params)
        finally:
            if once:
                self.wrote = time.monotonic()

    @staticmethod
    def _call(client: Any, action: str, **params: Any) -> dict[str, Any]:
        """botocore's parser fails with errors of its own, or a KeyError, on an answer that is not AWS's."""
        try:
            answer: dict[str, Any] = getattr(client, action)(**params)
        except (ResponseParserError, KeyError) as error:
            raise StrangeAnswerError(problem=error) from error
        return answer

    def error(self, error: Exception, permission: str) -> CloudError:
        """The CloudError for a failure that leaves nothing to go on with."""
        fault, said = classify(error), message(error)
        if fault is Fault.UNREACHABLE:
            return self._unreachable(said)
        if is_skew(error):
            return CloudError(
                self.id,
                "AWS does not take requests signed at this time",
                f"{said}. This machine's clock differs from AWS's by more than five minutes.",
                "Set the clock (NTP), then run the command again.",
                code="E-AWS-CLOCK",
            )
        if fault is Fault.CREDENTIALS:
            return CloudError(
                self.id,
                "AWS does not take the credentials",
                said,
                f"Give provider {self.connection.target.key!r} a profile or role in the runner file, or log in again"
                " (`aws sso login`).",
                code="E-AWS-CREDENTIALS",
            )
        assuming = getattr(error, "operation_name", "")
        if assuming.startswith("AssumeRole"):
            permission = f"sts:{assuming}"
        if fault is Fault.DENIED:
            fix = f"Give the caller {permission}."
            if assuming.startswith("AssumeRole"):
                fix += " The role's trust policy must admit the caller, too, with the external id if it asks for one."
        elif self.loopback:
            fix = f"Another program may have the sandbox's port: see `provisioner sandbox status`, then `{SANDBOX_UP}`."
        else:
            fix = "Try again; the AWS Health Dashboard tells whether the service has a fault."
        return CloudError(self.id, f"{permission} failed", said, fix, code="E-AWS")

    def _unreachable(self, said: str) -> CloudError:
        if self.loopback:
            return CloudError(
                self.id,
                f"nothing answers at {self.endpoint}",
                f"{said}. The runner file points this account to a sandbox on this machine, and it is not running.",
                f"Start it with `{SANDBOX_UP}`.",
                code="E-UNREACHABLE",
            )
        return CloudError(
            self.id, "AWS cannot be reached", said, "Check the network and the proxy settings.", code="E-UNREACHABLE"
        )

    @property
    def loopback(self) -> bool:
        """True where the endpoint is on this machine."""
        host = urlsplit(self.endpoint).hostname if self.endpoint else None
        if host is None:
            return False
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return str(host) == "localhost"

    def _knock(self) -> None:
        """Find out at once that a sandbox is down, instead of after botocore's retries."""
        if not self.loopback:
            return
        parts = urlsplit(str(self.endpoint))
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            socket.create_connection((str(parts.hostname), port), timeout=_CONNECT_SECONDS).close()
        except OSError as error:
            raise self._unreachable(str(error)) from error

    def _client(self, service: str, once: bool = False, region: str | None = None) -> Any:
        with self._lock:
            key = (service, once, region)
            if key not in self._clients:
                client = self._create(service, once, region)
                client.meta.events.register_last("before-send", self._count)
                client.meta.events.register_last("response-received", self._answered)
                self._clients[key] = client
            return self._clients[key]

    def _count(self, **_: Any) -> None:
        """Before each try of each call: its turn, and the count."""
        self.limiter.before_call()
        with self._lock:
            self.calls += 1

    def _answered(self, parsed_response: Any = None, **_: Any) -> None:
        error = parsed_response.get("Error") if isinstance(parsed_response, dict) else None
        if isinstance(error, dict) and is_throttling(str(error.get("Code", ""))):
            self.limiter.throttled()

    def _create(self, service: str, once: bool, region: str | None) -> Any:
        try:
            if self._session is None:
                self._session = self._login()
            arguments = self._arguments(1 if once else READ_TRIES)
            if region is not None:
                arguments["region_name"] = region
            return self._session.create_client(service, **arguments)
        except ANSWERS as error:
            raise self.error(error, "sts:AssumeRole") from error

    def _arguments(self, tries: int) -> dict[str, Any]:
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=self._read_seconds,
            retries={"mode": "standard", "total_max_attempts": tries},
            max_pool_connections=16,
            proxies={} if self.loopback else None,
            user_agent_extra="provisioner",
        )
        return {"region_name": self.region, "endpoint_url": self.endpoint, "config": config}

    def _login(self) -> Any:
        settings = self.connection.settings
        session = botocore.session.Session(profile=settings.get("profile"))
        session.register_component("data_loader", _loader())
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time)
        if settings.get("credentials") == SANDBOX_KEY:
            if not self.loopback:
                raise CloudError(
                    self.id,
                    "sandbox credentials are for a sandbox on this machine only",
                    f"The runner file says credentials = {SANDBOX_KEY!r} with endpoint {self.endpoint!r}.",
                    "Take the line out, or run `provisioner sandbox up` to have a matching file written.",
                    code="E-AWS-CREDENTIALS",
                )
            session.set_credentials(f"{SANDBOX_KEY.upper()}{self.id}", SANDBOX_KEY)

        def create(service: str, **given: Any) -> Any:
            return session.create_client(service, **{**self._arguments(READ_TRIES), **given})

        assume(session, settings, self._roles, create, self.id)
        return session

    def _renewed(self, error: Exception, session: Any) -> bool:
        """Whether the call is worth another try with a new session: it had no effect, and roles can be assumed anew.

        `session` is the one before the call: where another thread has made a new one meanwhile, that one serves.
        """
        if not self._roles or not has_ended(error):
            return False
        with self._lock:
            if session is None or self._session is session:
                self._session = None
                self._clients.clear()
        return True
