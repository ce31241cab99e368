"""Where `drift -notify` may lead, and what each place is told: a webhook, a GitHub issue, whatever apprise reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urlsplit

from ..canonical import digest
from ..model.diagnostics import DiagnosticError
from ..model.drift import DriftReport, Transition
from .notifying import Limits, Told, Webhook, tell, webhook

_FROM_ENVIRONMENT = "env:"
_GITHUB = "github:"


@dataclass(frozen=True, slots=True)
class News:
    """What there is to tell: the whole report, and what came and went that this channel was not told yet."""

    report: DriftReport
    transitions: tuple[Transition, ...]

    @property
    def workspace(self) -> str:
        return self.report.workspace


class Channel(Protocol):
    """Somebody who is told. Never raises for what the other side does or does not do."""

    @property
    def identity(self) -> str:
        """By which a record knows the channel: a digest, since addresses hold secrets."""

    def tell(self, news: News) -> Told:
        """Tell it, within a deadline."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook: one signed CloudEvent a transition."""

    hook: Webhook
    identity: str
    limits: Limits | None = None

    def tell(self, news: News) -> Told:
        return tell(self.hook, news.workspace, news.transitions, self.limits)


def channels(targets: Sequence[str], environ: Mapping[str, str]) -> tuple[Channel, ...]:
    """A channel for each target, each once. Raises DiagnosticError for one that will not do.

    A target is `https://…` (a webhook), `github:OWNER/REPO` (an issue kept in place), or a URL that apprise knows
    (`slack://…`, `mailto://…`); `env:NAME` takes any of them from the environment, since most hold a secret.
    """
    found: dict[str, Channel] = {}
    for given in targets:
        target = _resolved(given, environ)
        one = _channel(target, environ)
        found.setdefault(one.identity, one)
    return tuple(found.values())


def identity(target: str) -> str:
    """A channel's identity: the digest of where it leads."""
    return digest("drift-channel/1", {"target": target})


def still_due(due: Sequence[Transition], told: Mapping[str, Told]) -> tuple[Transition, ...]:
    """What the next run is to tell: what channels did not take, and what waits for channels that this run left out."""
    if not told:
        return tuple(due)
    waiting = [one for one in due if one.to and one.to not in told]
    return (*waiting, *(replace(one, to=name) for name, result in told.items() for one in result.due))


def _resolved(given: str, environ: Mapping[str, str]) -> str:
    if not given.startswith(_FROM_ENVIRONMENT):
        return given
    name = given.removeprefix(_FROM_ENVIRONMENT)
    if not environ.get(name):
        raise DiagnosticError.of(
            "E-NOTIFY", f"-notify {given}: {name or 'it'} is not set", f"Set {name or 'the variable'} to the address."
        )
    return environ[name]


def _channel(target: str, environ: Mapping[str, str]) -> Channel:
    if target.startswith(_GITHUB):
        from .issuing import issue

        return issue(target.removeprefix(_GITHUB), identity(target), environ)
    try:
        scheme = urlsplit(target).scheme
    except ValueError:
        scheme = ""
    if scheme in ("http", "https", ""):
        return Hook(webhook(target, environ), identity(target))
    from .messaging import messages

    return messages(target, scheme, identity(target))
