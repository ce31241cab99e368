"""The credentials that a connection's settings lead to: source, web identity, chain of roles.

    profile      = "agents"                                   # or the environment, or SSO through that profile
    web_identity = "github"                                   # or "env:NAME", "file:/path": the token of a CI job
    apply_role   = "arn:aws:iam::1…:role/hub, arn:aws:iam::2…:role/provisioner-apply"
    external_id  = "…"                                        # for the last role
    session_name = "provisioner-ci-4711"

Each role is assumed with the credentials of the one before it; the first with the web identity where one is named.
Everything renews itself before it ends: an apply may take longer than a session. Values never come from HCL.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    AssumeRoleWithWebIdentityCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)

from provisioner.sdk.errors import CloudError

SESSION_NAME = "provisioner"
AUDIENCE = "sts.amazonaws.com"
_TIMEOUT_SECONDS = 15
_GITHUB_URL, _GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

CreateClient = Callable[..., Any]


def roles_of(text: str | None) -> tuple[str, ...]:
    """The roles of a `plan_role` or `apply_role`, first to last."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def assume(
    session: Any, settings: Mapping[str, Any], roles: tuple[str, ...], create: CreateClient, account: str
) -> None:
    """Give a botocore session the credentials at the end of a chain of roles. `create` makes an STS client.

    Raises CloudError where there is nothing to start from.
    """
    web = settings.get("web_identity")
    if not roles:
        if web:
            raise _problem(
                account, "web_identity is set, and no role to assume with it", "Name plan_role or apply_role."
            )
        return
    named = {"RoleSessionName": str(settings.get("session_name") or SESSION_NAME)}
    current: Any = None
    if not web:
        current = session.get_credentials()
        if current is None:
            raise _problem(
                account,
                f"there are no credentials to assume {roles[0]} with",
                "Log in, or name a profile or a web_identity for this provider in the runner file.",
                "Neither the environment nor the profile has any.",
            )
    for at, role in enumerate(roles):
        extra = dict(named)
        if at == len(roles) - 1 and settings.get("external_id"):
            extra["ExternalId"] = str(settings["external_id"])
        if at == 0 and web:
            extra.pop("ExternalId", None)  # the call takes none
            loader = web_identity(str(web), account)
            fetcher: Any = AssumeRoleWithWebIdentityCredentialFetcher(create, loader, role, extra)
            method = "assume-role-with-web-identity"
        else:
            fetcher = AssumeRoleCredentialFetcher(create, current, role, extra)
            method = "assume-role"
        current = DeferredRefreshableCredentials(fetcher.fetch_credentials, method)
    session.register_component("credential_provider", CredentialResolver([Given(current)]))
    session._credentials = None


def web_identity(source: str, account: str) -> Callable[[], str]:
    """Reads the token each time anew: CI systems renew it. Raises CloudError, when called, where there is none."""
    kind, _, name = source.partition(":")
    if source == "github":
        return lambda: _from_github(account)
    if kind == "env" and name:
        return lambda: _from_environment(name, account)
    if kind == "file" and name:
        return lambda: _from_file(name, account)
    raise _problem(
        account,
        f"web_identity {source!r} is none that is known",
        'Write "github" (with `permissions: id-token: write` in the job), "env:NAME" or "file:/path".',
    )


def _from_environment(name: str, account: str) -> str:
    token = os.environ.get(name, "").strip()
    if not token:
        raise _problem(
            account, f"${name} holds no token", "Have the CI job put its OIDC token there (GitLab: `id_tokens`)."
        )
    return token


def _from_file(name: str, account: str) -> str:
    try:
        return Path(name).expanduser().read_text().strip()
    except OSError as error:
        raise _problem(account, f"the token file {name} cannot be read: {error.strerror}", "Check the path.") from error


def _from_github(account: str) -> str:
    """A token of the running job, with STS as its audience. Source: GitHub Docs, «OpenID Connect reference»."""
    url, bearer = os.environ.get(_GITHUB_URL), os.environ.get(_GITHUB_TOKEN)
    if not url or not bearer:
        raise _problem(
            account,
            "this is no GitHub Actions job that may ask for a token",
            "Give the job `permissions: id-token: write`.",
        )
    joint = "&" if "?" in url else "?"
    request = urllib.request.Request(  # noqa: S310 - GitHub's own URL, checked below
        f"{url}{joint}audience={urllib.parse.quote(AUDIENCE)}", headers={"Authorization": f"bearer {bearer}"}
    )
    if request.type != "https" and request.host.split(":")[0] not in ("127.0.0.1", "localhost"):
        raise _problem(account, f"${_GITHUB_URL} is no https URL", "The job's token would travel in the open.")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            token = json.load(answer).get("value")
    except (OSError, ValueError, AttributeError) as error:
        raise _problem(account, "GitHub gave the job no token", "Try again.", str(error)) from error
    if not isinstance(token, str) or not token:
        raise _problem(account, "GitHub's answer holds no token", "Try again.")
    return token


def _problem(account: str, summary: str, fix: str, detail: str = "") -> CloudError:
    return CloudError(account, summary, detail or "Nothing was read or written.", fix, code="E-AWS-CREDENTIALS")


class Given(CredentialProvider):
    """A provider of credentials that are there already."""

    METHOD = "provisioner"

    def __init__(self, credentials: Any) -> None:
        super().__init__()
        self._given = credentials

    def load(self) -> Any:
        return self._given
