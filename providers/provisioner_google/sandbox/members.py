"""Members of allow policies: their syntax, and how they follow the service account they name.

A binding holds on to the unique id of a service account, not to its email: when the account is deleted the member
reads `deleted:serviceAccount:EMAIL?uid=ID`, and an account made again under the same email is somebody else.
Source: https://cloud.google.com/iam/docs/principal-identifiers, https://cloud.google.com/iam/docs/service-accounts-delete-undelete.
"""

from __future__ import annotations

import re

from .errors import invalid
from .state import State

_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")
_OWN_ACCOUNT = re.compile(r"[a-z0-9-]+@([a-z0-9.:-]+)\.iam\.gserviceaccount\.com")
_SERVICE_AGENT = re.compile(
    r"(service-[0-9]+@[a-z0-9.-]+\.iam\.gserviceaccount\.com|[0-9]+@cloudservices\.gserviceaccount\.com"
    r"|[0-9]+-compute@developer\.gserviceaccount\.com|[a-z0-9-]+@appspot\.gserviceaccount\.com"
    r"|[a-z0-9._-]+@system\.gserviceaccount\.com)"
)
_GKE_MEMBER = re.compile(r"[a-z0-9:.-]+\.svc\.id\.goog\[[a-z0-9-]+/[a-z0-9.-]+\]")
_POOL = r"//iam\.googleapis\.com/projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9.:-]+"
_WORKFORCE = r"//iam\.googleapis\.com/locations/global/workforcePools/[a-z0-9-]+"
_AGENT = r"//agents\.global\.(?:org-[0-9]+|proj(?:ect)?-[0-9]+)\.system\.id\.goog"
_PRINCIPAL = re.compile(rf"principal:(?:{_POOL}|{_WORKFORCE})/subject/.+|principal:{_AGENT}/resources/.+")
_PRINCIPAL_SET = re.compile(
    rf"principalSet:(?:{_POOL}|{_WORKFORCE})/(?:group/.+|attribute\.[a-z0-9_]+/.+|\*)"
    rf"|principalSet:{_POOL}/(?:namespace/[a-z0-9.-]+|kubernetes\.cluster/.+)"
    rf"|principalSet:{_AGENT}/(?:attribute\.[A-Za-z0-9_.]+/.+|\*)"
    r"|principalSet://cloudresourcemanager\.googleapis\.com/(?:projects|folders|organizations)/[0-9]+/type/[A-Za-z]+"
)
_DELETED = re.compile(r"deleted:(?:user|group|serviceAccount|principal|principalSet):.+\?uid=[0-9A-Za-z]+")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_UID = "?uid="


def stored_member(state: State, member: str, known: frozenset[str], project_roles: bool) -> str:
    """The member as the policy keeps it: emails in lower case, a service account with its unique id (`?uid=`).

    `known` are the stored members of the policy that is replaced: a deleted one among them may stay. `project_roles`
    admits `projectOwner:` and its like. Raises ApiError (INVALID_ARGUMENT).
    """
    kind, _, value = member.partition(":")
    if member in ("allUsers", "allAuthenticatedUsers"):
        return member
    if kind == "deleted" and _DELETED.fullmatch(member):
        plain = member.removeprefix("deleted:")
        if plain in known or member in known:
            return plain if plain in known else member
        raise invalid(f"Deleted member {member} cannot be added to a policy.", "policy.bindings")
    if kind in ("user", "group") and _EMAIL.fullmatch(value):
        return f"{kind}:{value.lower()}"
    if kind == "domain" and _DOMAIN.fullmatch(value):
        return f"domain:{value.lower()}"
    if kind in ("projectOwner", "projectEditor", "projectViewer") and project_roles:
        return member
    if kind == "serviceAccount":
        return _stored_account(state, value)
    if _PRINCIPAL.fullmatch(member) or _PRINCIPAL_SET.fullmatch(member):
        return member
    message = f"The member {member} is of an unknown type. Please set a valid type prefix for the member."
    if ":" in member and kind in ("user", "group", "serviceAccount", "domain", "principal", "principalSet"):
        message = f"Invalid member: {member}"
    raise invalid(message, "policy.bindings")


def _stored_account(state: State, email: str) -> str:
    lower = email.lower()
    if _GKE_MEMBER.fullmatch(email) or _SERVICE_AGENT.fullmatch(lower):
        return f"serviceAccount:{email}"
    unique = state.emails.get(lower)
    if unique is not None and visible(state, unique):
        return f"serviceAccount:{lower}{_UID}{unique}"
    if _OWN_ACCOUNT.fullmatch(lower) or _EMAIL.fullmatch(email):
        raise invalid(f"Service account {email} does not exist.", "policy.bindings")
    raise invalid(f"Invalid service account ({email}).", "policy.bindings")


def visible(state: State, unique: str) -> bool:
    """False while the switch for new things hides a fresh service account."""
    return not state.hidden(state.accounts[unique])


def shown_member(state: State, stored: str) -> str:
    """The member as an answer shows it: with `deleted:` and `?uid=` when its service account is gone."""
    if not stored.startswith("serviceAccount:") or _UID not in stored:
        return stored
    plain, _, unique = stored.partition(_UID)
    record = state.accounts.get(unique)
    if record is None or record.deleted is not None:
        return f"deleted:{stored}"
    return plain


def caller_member(state: State, stored: str) -> str | None:
    """The member as a token names it; None for one that nobody is any more."""
    shown = shown_member(state, stored)
    return None if shown.startswith("deleted:") else shown
