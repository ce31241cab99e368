"""One small question over HTTPS: no redirect is followed, so that a token goes nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final

from ..runner import is_loopback

_SECONDS: Final = 5.0
_MAX_ANSWER: Final = 1 << 20


class Unanswered(Exception):
    """Nobody answered, or with an error; the message is a sentence part."""


def get_json(url: str, headers: Mapping[str, str]) -> Any:
    """The JSON that a URL answers with. Only https, or http to this machine. Raises Unanswered."""
    from urllib import request
    from urllib.error import URLError

    class Stay(request.HTTPRedirectHandler):
        def redirect_request(self, *_args: Any, **_named: Any) -> None:
            return None

    local = is_loopback(url)
    if not url.startswith("https://") and not (local and url.startswith("http://")):
        raise Unanswered("its address is neither https nor on this machine")
    handlers: list[request.BaseHandler] = [Stay(), *([request.ProxyHandler({})] if local else [])]
    try:
        asked = request.Request(url, headers={"Accept": "application/json", **headers})  # noqa: S310 - checked above
        with request.build_opener(*handlers).open(asked, timeout=_SECONDS) as answer:
            data = answer.read(_MAX_ANSWER + 1)
    except (URLError, HTTPException, OSError, ValueError) as error:
        raise Unanswered(f"{type(error).__name__}: {getattr(error, 'reason', error)}") from error
    if len(data) > _MAX_ANSWER:
        raise Unanswered("the answer is too long")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unanswered("the answer is no JSON") from error
