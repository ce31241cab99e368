"""HTTP with google.auth's credentials: its urllib3 transport, at a fifth of the processor time of its other one.

What goes wrong is told apart by what it means for the call: never reached, or perhaps carried out.
Sources: google.auth.transport.urllib3; urllib3, «Proxies» and «Certificate verification».
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from .faults import CallError, Fault

CONNECT_SECONDS = 5
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Where a company's own certificates are named; without one it is certifi's."""


class Pools:
    """Connections as urllib3's managers offer them; each URL through the environment's proxy for it, or directly."""

    def __init__(self, connections: int, direct: bool) -> None:
        """`direct`: never through a proxy."""
        import certifi
        import urllib3

        bundle = next((os.environ[name] for name in _CERTIFICATES if os.environ.get(name)), certifi.where())
        self._settings: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED", "ca_certs": bundle, "maxsize": connections}
        self._never = direct
        self._direct = urllib3.PoolManager(**self._settings)
        self._proxies: dict[str, Any] = {}
        self.headers: dict[str, str] = {}

    def urlopen(self, method: str, url: str, **more: Any) -> Any:
        return self._manager(url).urlopen(method, url, **more)

    def request(self, method: str, url: str, **more: Any) -> Any:
        return self._manager(url).request(method, url, **more)

    def clear(self) -> None:
        """Close every idle connection."""
        for manager in (self._direct, *self._proxies.values()):
            manager.clear()

    def _manager(self, url: str) -> Any:
        proxy = None if self._never else proxy_of(url)
        if proxy is None:
            return self._direct
        import urllib3

        return self._proxies.setdefault(proxy, urllib3.ProxyManager(proxy, **self._settings))


def proxy_of(url: str) -> str | None:
    """The proxy of the environment for a URL; None where there is none, or NO_PROXY names the host."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def authorized(credentials: Any, loopback: bool, connections: int) -> Any:
    """Connections with the credentials in front; to this machine never through a proxy."""
    from google.auth.transport.urllib3 import AuthorizedHttp

    return AuthorizedHttp(credentials, http=Pools(connections, loopback))  # type: ignore[no-untyped-call]


def exchange(
    http: Any, method: str, url: str, params: Mapping[str, Any], body: Any, headers: Mapping[str, str], seconds: float
) -> tuple[int, bytes]:
    """One request, sent exactly once and followed nowhere: its status and body. Raises CallError."""
    import urllib3
    from google.auth.exceptions import GoogleAuthError
    from urllib3 import exceptions

    query = urlencode({key: str(value) for key, value in params.items()}, quote_via=quote)
    sent = {"User-Agent": "provisioner", "Accept": "application/json", **headers}
    if body is not None:
        sent["Content-Type"] = "application/json"
    try:
        answer = http.urlopen(
            method,
            f"{url}?{query}" if query else url,
            body=None if body is None else json.dumps(body).encode(),
            headers=sent,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds),
        )
    except GoogleAuthError as error:
        raise CallError(Fault.CREDENTIALS, "CREDENTIALS", str(error)) from error
    except (exceptions.NewConnectionError, exceptions.ConnectTimeoutError, exceptions.SSLError) as error:
        raise CallError(Fault.UNREACHABLE, "UNREACHABLE", str(error)) from error
    except exceptions.ProxyError as error:
        raise CallError(Fault.UNREACHABLE, "UNREACHABLE", f"the proxy: {error}") from error
    except exceptions.HTTPError as error:
        raise CallError(Fault.UNCLEAR, "UNANSWERED", str(error)) from error
    return int(answer.status), bytes(answer.data)
