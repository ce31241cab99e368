"""Who a CI run works for, by its environment, its event and its identity token. It only excludes, and never admits.

GitHub: https://docs.github.com/actions/reference/workflows-and-actions/variables and …/security/oidc
GitLab: https://docs.gitlab.com/ci/variables/predefined_variables/ and …/ci/secrets/id_token_authentication/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ..approval import idtoken
from ..approval.authors import AUTHOR, PLANNER
from ..approval.authorship import Actor, Actors
from ..approval.idtoken import TokenError
from ..runner import is_loopback
from .asking import Unanswered, get_json

AUDIENCE: Final = "provisioner"
GITLAB_TOKEN: Final = "PROVISIONER_ID_TOKEN"  # noqa: S105 - the name of a variable
_GITHUB: Final = "https://github.com"
_GITHUB_ISSUER: Final = "https://token.actions.githubusercontent.com"
_MAX_EVENT: Final = 32 << 20


def actors(environ: Mapping[str, str], *, ask: bool = True) -> Actors | None:
    """Who runs this in CI; None where it is no CI that is known. Without `ask` no network is used."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _Gathered("github").github(environ, ask)
    if environ.get("GITLAB_CI") == "true":
        return _Gathered("gitlab").gitlab(environ, ask)
    return None


@dataclass(slots=True)
class _Gathered:
    """What is known of who runs it, each once, in a stable order."""

    platform: str
    found: dict[Actor, None] = field(default_factory=dict)
    emails: dict[str, None] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def result(self) -> Actors:
        if not self.found:
            self.doubts.append("the CI run does not say who started it")
        return Actors(tuple(self.found), tuple(self.emails), tuple(self.doubts), tuple(self.details))

    def add(self, login: Any, number: Any, reason: str) -> Actor | None:
        """Somebody by login and number, as far as they are there."""
        names = [f"{self.platform}:{login}"] if isinstance(login, str) and login else []
        if isinstance(number, int | str) and str(number).isdigit():
            names.append(f"{self.platform}-id:{number}")
        if not names:
            return None
        actor = Actor(tuple(names), reason)
        self.found[actor] = None
        return actor

    def github(self, environ: Mapping[str, str], ask: bool) -> Actors:
        said = self.add(environ.get("GITHUB_ACTOR"), environ.get("GITHUB_ACTOR_ID"), PLANNER)
        triggered = environ.get("GITHUB_TRIGGERING_ACTOR")
        if triggered and triggered != environ.get("GITHUB_ACTOR"):
            self.add(triggered, None, PLANNER)
        self._event(environ.get("GITHUB_EVENT_PATH"))
        if ask and (url := environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")):
            self._compare(said, lambda: _github_claims(url, environ), ("actor", "actor_id"))
        return self.result()

    def gitlab(self, environ: Mapping[str, str], ask: bool) -> Actors:
        said = self.add(environ.get("GITLAB_USER_LOGIN"), environ.get("GITLAB_USER_ID"), PLANNER)
        if mail := environ.get("GITLAB_USER_EMAIL"):
            self.emails[mail] = None
        if ask and environ.get(GITLAB_TOKEN):
            self._compare(said, lambda: _gitlab_claims(environ), ("user_login", "user_id"))
        elif ask and environ.get("CI_JOB_TOKEN") and environ.get("CI_API_V4_URL"):
            self._compare(said, lambda: _gitlab_job(environ), ("username", "id"))
        return self.result()

    def _event(self, path: str | None) -> None:
        """Who opened the pull request wrote it; who merged it, or sent the event, had it planned."""
        if not path:
            return
        try:
            file = Path(path)
            event = json.loads(file.read_bytes()) if file.stat().st_size <= _MAX_EVENT else None
        except (OSError, ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            self.doubts.append("the event of the CI run could not be read")
            return
        for who, reason in _named(event):
            self.add(who.get("login"), who.get("id"), reason)

    def _compare(self, said: Actor | None, claims: Any, names: tuple[str, str]) -> None:
        """What the platform itself says goes beside what the environment says; a difference is a doubt."""
        try:
            told = claims()
        except Unanswered as error:
            self.details.append(f"the CI's identity could not be asked for: {error}")
            return
        except TokenError as error:
            self.doubts.append("the CI's identity token does not hold")
            self.details.append(f"the CI's identity token does not hold: {error}")
            return
        actor = self.add(told.get(names[0]), told.get(names[1]), PLANNER)
        if actor is None:
            self.doubts.append("the CI's identity token names nobody")
        elif said is not None and said.names[0].casefold() != actor.names[0].casefold():
            self.doubts.append("the CI's environment and its identity token name different people")


def _named(event: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    pull = event.get("pull_request")
    if isinstance(pull, dict):
        for name, reason in (("user", AUTHOR), ("merged_by", PLANNER)):
            if isinstance(pull.get(name), dict):
                yield pull[name], reason
    if isinstance(event.get("sender"), dict):
        yield event["sender"], PLANNER


def _github_claims(url: str, environ: Mapping[str, str]) -> Mapping[str, Any]:
    joint = "&" if urlsplit(url).query else "?"
    headers = {"Authorization": f"bearer {environ.get('ACTIONS_ID_TOKEN_REQUEST_TOKEN', '')}"}
    answer = get_json(f"{url}{joint}audience={quote(AUDIENCE)}", headers)
    token = answer.get("value") if isinstance(answer, dict) else None
    if not isinstance(token, str):
        raise TokenError("the platform gave none")
    known, issuer = _github_issuer(environ.get("GITHUB_SERVER_URL", _GITHUB)), idtoken.issuer_of(token)
    if issuer != known and not issuer.startswith(f"{known}/"):  # an enterprise may have an issuer of its own
        raise TokenError("it is of another issuer")
    return _claims(token, issuer, f"{issuer}/.well-known/jwks")


def _github_issuer(server: str) -> str:
    """https://docs.github.com/enterprise-server/actions/reference/security/oidc"""
    host = urlsplit(server).hostname or ""
    if server.rstrip("/") == _GITHUB:
        return _GITHUB_ISSUER
    if host.endswith(".ghe.com"):
        return f"https://token.actions.{host}"
    return f"{server.rstrip('/')}/_services/token"


def _gitlab_claims(environ: Mapping[str, str]) -> Mapping[str, Any]:
    token, server = environ[GITLAB_TOKEN], environ.get("CI_SERVER_URL", "").rstrip("/")
    issuer = idtoken.issuer_of(token)
    if not server or issuer.rstrip("/") != server:
        raise TokenError("it is of another issuer")
    return _claims(token, issuer, f"{server}/oauth/discovery/keys")


def _gitlab_job(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """The job's own user, by the server that gave out the job's token."""
    url = f"{environ['CI_API_V4_URL'].rstrip('/')}/job"
    answer = get_json(url, {"JOB-TOKEN": environ["CI_JOB_TOKEN"]})
    user = answer.get("user") if isinstance(answer, dict) else None
    if not isinstance(user, dict):
        raise TokenError("the server names no user of this job")
    return user


def _claims(token: str, issuer: str, keys_url: str) -> Mapping[str, Any]:
    if not issuer.startswith("https://") and not is_loopback(issuer):
        raise TokenError("its issuer is neither https nor on this machine")
    answer = get_json(keys_url, {})
    keys = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise TokenError("its issuer shows no keys")
    return idtoken.verify(token, keys, issuer=issuer, audience=AUDIENCE, now=datetime.now(UTC))
