"""One GitHub issue for a workspace's drift, kept in place: rewritten on changes, closed when nothing differs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..model.diagnostics import DiagnosticError
from ..render.driftissue import change_comment, issue_body, issue_marker, issue_title
from ..render.escape import escape
from ..runner import is_loopback
from .channels import News
from .notifying import Told, within

if TYPE_CHECKING:
    import requests

API: Final = "https://api.github.com"
LABEL: Final = "provisioner-drift"
TOKENS: Final = ("GITHUB_TOKEN", "GH_TOKEN")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_SECONDS = 10.0
_DEADLINE = 60.0
_PAGES = 20
_BYTES = 32 * 2**20  # a page of a hundred issues, each of the longest, is some 20 MiB


class _Refusal(Exception):
    """What GitHub did not do, as a clause."""


@dataclass(frozen=True, slots=True)
class Issue:
    """The issue of one repository. `token` is the job's; it needs `issues: write` and nothing else."""

    repository: str
    identity: str
    token: str = field(repr=False)
    api: str = API
    deadline: float = _DEADLINE

    def tell(self, news: News) -> Told:
        """Bring the issue in line with the report; comment on what came and went, since an edit notifies nobody."""
        name = f"github.com/{self.repository}"
        late = f"GitHub did not answer within {self.deadline:g} s"
        problem = within(self.deadline, lambda: self._kept(news), late)
        return Told(name, (), news.transitions, problem) if problem else Told(name, news.transitions, ())

    def _kept(self, news: News) -> str:
        """ "" once the issue is as it should be, else what kept it from that."""
        import requests

        try:
            with requests.Session() as session:
                self._keep(session, news)
        except _Refusal as refusal:
            return str(refusal)
        except requests.RequestException as error:
            return f"GitHub could not be reached: {type(error).__name__}"
        return ""

    def _keep(self, session: requests.Session, news: News) -> None:
        _prepare(session, self.token)
        known = self._find(session, news.workspace)
        title, body = issue_title(news.report), issue_body(news.report)
        state = "open" if news.report.differences else "closed"
        if known is None:
            if state == "open":
                self._ask(session, "POST", "issues", {"title": title, "body": body, "labels": [LABEL]})
            return
        at = f"issues/{int(known['number'])}"
        if (known.get("title"), _plain(known.get("body")), known.get("state")) != (title, _plain(body), state):
            self._ask(session, "PATCH", at, {"title": title, "body": body, "state": state})
        if news.transitions:  # last: what fails is told again, and only a comment would then stand there twice
            self._ask(session, "POST", f"{at}/comments", {"body": change_comment(news.transitions)})

    def _find(self, session: requests.Session, workspace: str) -> dict[str, Any] | None:
        """The oldest issue with our label and this workspace's first line, open or closed."""
        first = issue_marker(workspace)
        for page in range(1, _PAGES + 1):
            query = {
                "labels": LABEL,
                "state": "all",
                "sort": "created",
                "direction": "asc",
                "per_page": 100,
                "page": page,
            }
            found = self._ask(session, "GET", "issues", query)
            if not isinstance(found, list):
                raise _Refusal("GitHub answered with something that is no list of issues")
            for one in found:
                plain = isinstance(one, dict) and "pull_request" not in one and type(one.get("number")) is int
                if plain and _plain(one.get("body")).split("\n", 1)[0] == first:
                    return dict(one)
            if len(found) < 100:
                return None
        raise _Refusal(f"the repository has over {_PAGES * 100} issues with the label {LABEL}")

    def _ask(self, session: requests.Session, method: str, path: str, data: Mapping[str, Any]) -> Any:
        where = "params" if method == "GET" else "json"
        url = f"{self.api}/repos/{self.repository}/{path}"
        with session.request(
            method,
            url,
            timeout=_SECONDS,
            allow_redirects=False,
            stream=True,
            **{where: data},  # type: ignore[arg-type]
        ) as answer:
            if answer.status_code not in (200, 201):
                raise _Refusal(_why(answer.status_code))
            body = _body(answer)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise _Refusal("GitHub's answer is no JSON") from None


def issue(repository: str, identity: str, environ: Mapping[str, str]) -> Issue:
    """The issue of a repository, with the token in the environment. Raises DiagnosticError."""
    if not _NAME.fullmatch(repository):
        raise DiagnosticError.of(
            "E-NOTIFY", f"-notify github:{escape(repository)} names no repository", "Write github:OWNER/REPO."
        )
    token = next((environ[name] for name in TOKENS if environ.get(name)), "")
    if not token or not token.isascii() or not token.isprintable():
        raise DiagnosticError.of(
            "E-NOTIFY",
            f"-notify github:{repository} needs a token, and none of {' and '.join(TOKENS)} holds one",
            "Hand the job's own token on, with the permission `issues: write`.",
        )
    api = environ.get("GITHUB_API_URL", API).rstrip("/")
    if not api.startswith("https://") and not is_loopback(api):
        raise DiagnosticError.of(
            "E-NOTIFY", "GITHUB_API_URL is not encrypted, and not on this machine", "Write https://HOST/api/v3."
        )
    return Issue(repository, identity, token, api)


def _prepare(session: requests.Session, token: str) -> None:
    """Reads and edits are tried again where GitHub is busy; what creates something is left to the next run."""
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    tries = Retry(
        total=3,
        connect=1,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=frozenset({"GET", "PATCH"}),
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=tries))
    session.headers.update({"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"})
    session.auth = _Bearer(token)


class _Bearer:
    """Our token and no other: with an `auth` of its own the library takes none from a .netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _body(answer: requests.Response) -> bytes:
    """What was answered, and no more of it than GitHub ever sends."""
    found = bytearray()
    for part in answer.iter_content(65_536):
        found += part
        if len(found) > _BYTES:
            raise _Refusal(f"GitHub's answer is longer than {_BYTES // 2**20} MiB")
    return bytes(found)


def _why(status: int) -> str:
    hint = {
        401: ": the token does not count",
        403: ": the token may not write issues here, or the rate limit is used up",
        404: ": there is no such repository, or the token may not see it",
        410: ": the repository has its issues switched off",
    }.get(status, "")
    return f"GitHub answered {status}{hint}"


def _plain(body: object) -> str:
    return body.replace("\r\n", "\n").strip() if isinstance(body, str) else ""
