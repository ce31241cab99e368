"""Plain words for what a plan says, for a reader who knows no policy language and no HCL."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Final

from ...model.changes import Action, Change, Effect
from ...model.findings import Level
from ...model.plan import Plan
from ...planfile import PlanFile
from ..escape import escape
from ..human import users
from ..signoff import SignOffRow, SignOffs
from ..text import count, listing, some_ranges
from .markup import Child, Html, join, tag

EFFECTS: Final = {
    Effect.WIDER: "something becomes possible that is not possible today",
    Effect.UNKNOWN: "could not be decided, so it counts as wider",
    Effect.NARROWER: "something that is possible today no longer is; nothing becomes possible",
    Effect.EQUAL: "the same stays possible",
}
SURFACES: Final = {
    "identity": "who the agent is, and who may become it",
    "tool_access": "which tools it may use, and on what",
    "runtime": "where it runs, and its outer boundary",
    "governance": "who decides, exceptions and limits",
}
LEVELS: Final = {
    Level.BLOCK: "blocks: nothing can be applied",
    Level.ACCEPT: "needs to be accepted",
    Level.WARN: "warning",
    Level.EXCEPTED: "set aside by an exception",
}
DEEDS: Final = {
    Action.CREATE: "new",
    Action.UPDATE: "changed",
    Action.DELETE: "removed",
    Action.CLAIM: "taken over as it is",
    Action.RELEASE: "let go of as it is",
}
SIGNS: Final = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    Action.CLAIM: "=",
    Action.RELEASE: "=",
}


def readiness(plan: Plan, signoffs: SignOffs) -> tuple[bool, str]:
    """Whether the plan may be applied, and in few words why not. Not escaped."""
    blocks = sum(finding.level is Level.BLOCK for finding in plan.findings)
    reasons = [f"{count(blocks, 'finding')} block{'s' if blocks == 1 else ''}"] if blocks else []
    if plan.tests.failed:
        reasons.append(f"{count(plan.tests.failed, 'boundary test')} fail{'s' if plan.tests.failed == 1 else ''}")
    if signoffs.refusals:
        reasons.append("it is refused")
    rejected = sum(bool(row.rejected) for row in signoffs.missing)
    if rejected:
        reasons.append(f"{rejected} rejected")
    if missing := len(signoffs.missing) - rejected:
        reasons.append(f"{count(missing, 'sign-off')} {'missing' if signoffs.looked else 'needed'}")
    if reasons:
        return False, f"not ready: {', '.join(reasons)}"
    if not plan.changes and plan.next_root is None:
        return True, "no changes"
    return True, "ready: signed" if signoffs.rows else "ready: no sign-off is needed"


def agents_of(plan: Plan) -> set[str]:
    """The agents that a plan is about, directly or through what they share."""
    named = {change.agent for change in plan.changes if change.agent}
    return named | {agent for change in plan.changes for agent in users(plan, change)}


def tally(changes: Sequence[Change]) -> str:
    """`2 wider, 1 unknown (counts as wider), 1 narrower`, what there is none of left out."""
    found = Counter(change.effect for change in changes)
    said = []
    for effect in (Effect.WIDER, Effect.UNKNOWN, Effect.NARROWER, Effect.EQUAL):
        if found[effect]:
            said.append(f"{found[effect]} {effect}{' (counts as wider)' if effect is Effect.UNKNOWN else ''}")
    return ", ".join(said)


def badge(effect: Effect) -> Html:
    """An effect as a word in a frame; its colour only adds."""
    return tag("span", effect.value, class_=f"effect {effect.value}")


def numbers(found: Sequence[int], limit: int = 30) -> Html:
    """Changes by number, each a link, the first few of many."""
    links = [tag("a", str(number), href=f"#change-{number}") for number in found[:limit]]
    more = len(found) - limit
    return join([join(links, ", "), f" and {more} more ({some_ranges(found[limit:])})" if more > 0 else None])


def sign_command(file: PlanFile, owner: str, accept: Sequence[str]) -> str:
    """What the owner types: with the whole digest, so that no other plan can be signed by it. Names are quoted for a
    shell; nothing in them can run."""
    words = ["provisioner", "sign", file.short, "-owner", owner, "-digest", file.digest]
    for name in accept:
        words += ["-accept", f"{name}=REASON"]
    return " ".join(_quoted(escape(word)) for word in words)


def people(row: SignOffRow) -> Child:
    """Who may sign, and who may not and why."""
    said = []
    if able := [person for person in row.may_sign if person not in row.signed_by]:
        said.append(f"May sign: {listing(able, 'or')}.")
    if row.may_not:
        said.append(f"May not sign: {'; '.join(f'{person} ({reason})' for person, reason in row.may_not)}.")
    return " ".join(said) or None


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[A-Za-z0-9_./:-]+", word) else shlex.quote(word)
