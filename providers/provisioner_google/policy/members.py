"""Who is meant by a member of an allow policy or a principal of a deny policy, in three values.

One spelling for both: that of allow policies. Whether somebody is in a group, of a domain or of a set that an issuer's
claim decides is not in any policy: the question says it, or it is UNKNOWN.
Sources: «Principal identifiers» (allow, deny and principal access boundary policies), «allUsers and
allAuthenticatedUsers», «Principals in deny policies».
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .cel import Truth

ANYBODY, SIGNED_IN = "allUsers", "allAuthenticatedUsers"
NOBODY = "anonymous"
"""Who sends no credentials at all: a principal of requests, never a member of policies."""

_POOL = re.compile(
    r"(?:principal|principalSet)://iam\.googleapis\.com/"
    r"((?:projects/[^/]+/)?locations/global/work(?:loadIdentity|force)Pools/[^/]+)/(.+)"
)
_GKE = re.compile(r"serviceAccount:([a-z0-9:.-]+\.svc\.id\.goog)\[([^/\]]+)/([^/\]]+)\]")
_SUBJECT = "principal://goog/subject/"
_ACCOUNT = "principal://iam.googleapis.com/projects/-/serviceAccounts/"
_GROUP = "principalSet://goog/group/"
_EMAIL_KINDS = ("user", "serviceAccount", "group", "domain")
_PLACES = "principalSet://cloudresourcemanager.googleapis.com/"
_KINDS = (
    "user:", "serviceAccount:", "group:", "domain:", "principal://", "principalSet://", "projectOwner:",
    "projectEditor:", "projectViewer:", "deleted:",
)  # fmt: skip

Judged = tuple[Truth, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who asks. `member` is himself in the one spelling (or `anonymous`), `sets` the groups, domains and
    principal sets that he is known to be in; `complete`: he is in no others."""

    member: str
    sets: frozenset[str] = frozenset()
    complete: bool = False


def is_member(text: str) -> bool:
    """Whether a text has the form of a member or principal."""
    return text in (ANYBODY, SIGNED_IN) or (text.startswith(_KINDS) and not text.endswith((":", "//")))


def canonical(member: str) -> str:
    """A member or principal in the spelling of allow policies; emails and domains in lower case."""
    if member == "principalSet://goog/public:all":
        return ANYBODY
    for prefix, kind in ((_SUBJECT, "user"), (_ACCOUNT, "serviceAccount"), (_GROUP, "group")):
        if member.startswith(prefix):
            member = f"{kind}:{member.removeprefix(prefix)}"
    found = _GKE.fullmatch(member)
    if found is not None:
        return f"gke:{found[1]}/ns/{found[2]}/sa/{found[3]}"
    pool = _POOL.fullmatch(member)
    if pool is not None and pool[1].endswith(".svc.id.goog") and pool[2].startswith("subject/ns/"):
        return f"gke:{pool[1].rpartition('/')[2]}/{pool[2].removeprefix('subject/')}"
    kind, _, value = member.partition(":")
    return f"{kind}:{value.lower()}" if kind in _EMAIL_KINDS else member


def belongs(who: Who, member: str) -> Judged:
    """Whether a member, in its canonical spelling, is or holds somebody."""
    if member in (ANYBODY, who.member):
        return Truth.YES, ()
    if member == SIGNED_IN:
        return (Truth.YES if who.member.startswith(("user:", "serviceAccount:")) else Truth.NO), ()
    if member.startswith("deleted:") or who.member == NOBODY:
        return Truth.NO, ()
    if member in who.sets:
        return Truth.YES, ()
    decided = _by_form(who.member, member)
    if decided is not None:
        return decided, ()
    if who.complete:
        return Truth.NO, ()
    return Truth.UNKNOWN, (f"whether {who.member} is in {member}",)


def _by_form(one: str, member: str) -> Truth | None:
    """What the names alone tell; None where only somebody who knows the set can say."""
    kind = member.partition(":")[0]
    if kind in ("user", "serviceAccount", "principal", "gke"):
        return Truth.NO
    if kind == "domain":
        return None if one.startswith("user:") and one.endswith(f"@{member.partition(':')[2]}") else Truth.NO
    if member.startswith(_PLACES) or kind != "principalSet":
        return None
    mine, theirs = _POOL.fullmatch(_pool_spelling(one)), _POOL.fullmatch(member)
    if theirs is None:
        return None
    if one.startswith("gke:"):
        return _in_gke(one, theirs[1], theirs[2])
    if mine is None or mine[1] != theirs[1]:
        return Truth.NO
    return Truth.YES if theirs[2] == "*" else None


def _pool_spelling(one: str) -> str:
    return one if one.startswith("principal:") else ""


def _in_gke(one: str, pool: str, rest: str) -> Truth | None:
    """A pod: of its cluster's project, its namespace."""
    name, _, place = one.removeprefix("gke:").partition("/")
    if pool.rpartition("/")[2] != name:
        return Truth.NO
    if rest == "*":
        return Truth.YES
    if rest.startswith("namespace/"):
        return Truth.YES if place.startswith(f"ns/{rest.removeprefix('namespace/')}/") else Truth.NO
    return None
