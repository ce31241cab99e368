"""Tells people where they are: whatever the apprise library reaches (chat, e-mail, paging), one message a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..model.diagnostics import DiagnosticError
from ..model.drift import Transition, Turn
from ..render.escape import escape
from .channels import News
from .notifying import Told, within

if TYPE_CHECKING:
    from collections.abc import Sequence

DEADLINE = 30.0
_LINES = 20
_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Messages:
    """One address that apprise understands. `name` is what may be shown of it: never more than its scheme."""

    service: Any = field(repr=False)
    name: str
    identity: str
    deadline: float = DEADLINE

    def tell(self, news: News) -> Told:
        """One message with everything new; all of it is due again where the service did not take it."""
        if not news.transitions:
            return Told(self.name, (), ())
        title, body = message(news)
        problem = within(self.deadline, lambda: self._send(title, body), f"no answer within {self.deadline:g} s")
        if problem:
            return Told(self.name, (), news.transitions, problem)
        return Told(self.name, news.transitions, ())

    def _send(self, title: str, body: str) -> str:
        from apprise import NotifyFormat, NotifyType

        taken = self.service.notify(
            body=body,
            title=title,
            notify_type=NotifyType.WARNING,
            body_format=NotifyFormat.TEXT,
            interpret_escapes=False,
        )
        return "" if taken else "It was not delivered"


def messages(url: str, scheme: str, identity: str) -> Messages:
    """A channel by an apprise URL. Raises DiagnosticError for one that it does not know, or where it is not installed.

    What the library logs can hold the address, so nothing of it is shown.
    """
    if find_spec("apprise") is None:
        raise DiagnosticError.of(
            "E-NOTIFY",
            f"-notify {scheme}://… needs the apprise library, which is not installed",
            "Install it: pip install 'agent-provisioner[notify]'. Webhooks and GitHub issues need nothing.",
        )
    import logging

    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    service = apprise.Apprise()
    if not service.add(url):
        raise DiagnosticError.of(
            "E-NOTIFY",
            f"-notify names no address that apprise knows: {escape(scheme)}://…",
            "Write it as apprise documents it for the service, https://HOST/PATH for a webhook, or github:OWNER/REPO.",
        )
    return Messages(service, f"{escape(scheme)}://", identity)


def message(news: News) -> tuple[str, str]:
    """Title and plain text. Names are escaped; long lists are cut, and say so."""
    turns = Counter(one.turn for one in news.transitions)
    counted = [f"{turns[turn]} {turn}" for turn in Turn if turns[turn]]
    lines = [_line(one) for one in news.transitions[:_LINES]]
    if len(news.transitions) > _LINES:
        lines.append(f"and {len(news.transitions) - _LINES} more")
    owners = _owners(news.transitions)
    lines += ["", f"For: {', '.join(owners)}"] if owners else []
    lines += ["", "provisioner drift shows all of it, and the ways out."]
    return f"Drift in {_quiet(news.workspace)}: {', '.join(counted)}", "\n".join(lines)


def _line(one: Transition) -> str:
    known = one.known
    where = " ".join(_quiet(text) for text in (known.agent, known.place) if text)
    effect = f" {known.effect}" if known.effect else ""
    kind = str(known.kind).replace("_", " ")
    return f"{str(one.turn).upper()} {kind}{effect}: {where}: {_quiet(known.what)}"[:_CHARACTERS]


def _quiet(text: str) -> str:
    """Safe text that mentions nobody: some services call everyone for an `@here` in plain text."""
    return escape(text).replace("@", "@\u200b")


def _owners(transitions: Sequence[Transition]) -> list[str]:
    return sorted({_quiet(owner) for one in transitions for owner in one.known.tell})
