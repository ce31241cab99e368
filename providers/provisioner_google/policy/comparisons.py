"""Two policies of one kind as plain JSON, compared: what `provisioner access compare -cloud google` asks.

`allow`: an allow policy as Google's APIs give it; `roles` beside `bindings` may say what its roles hold. `role`: a
role. `deny`: a deny policy. NARROWER and EQUAL are proofs, for every principal, permission and condition; WIDER has a
request that the evaluator allows with NEW and denies with OLD. Who is in a group is a part of the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.model.changes import Effect
from provisioner.model.diagnostics import Diagnostic, DiagnosticError
from provisioner.sdk.documents import DocumentComparison

from .documents import bindings_of, problem, roles_of, rules_of
from .gains import Gain, Policy, gains_of_allow
from .gains_of_deny import gains_of_deny
from .witness import RESOURCE, request_of, somebody

KINDS = ("allow", "role", "deny")
"""The kinds of policy, the usual one first."""

_SHOWN = 4
_SAMPLE = "projects/example-project/roles/compared"
_ROLE = frozenset(("name", "title", "description", "includedPermissions", "stage", "etag", "deleted"))


def check_document(document: Mapping[str, Any], kind: str) -> None:
    """Raises DiagnosticError (E-ACCESS-POLICY) for what is no policy of that kind."""
    try:
        _parsed(document, kind)
    except DiagnosticError as error:
        found = error.diagnostics[0]
        raise DiagnosticError([Diagnostic("E-ACCESS-POLICY", found.summary, found.detail)]) from error


def _parsed(document: Mapping[str, Any], kind: str) -> Policy | frozenset[str] | tuple[Any, ...]:
    if kind == "role":
        return _role(document)
    if kind == "deny":
        if "rules" not in document:
            raise problem("the policy has no rules", "A deny policy has a list of them; name the kind with -kind.")
        return rules_of(document, "the policy")
    if "bindings" not in document:
        raise problem("the policy has no bindings", "An allow policy has a list of them; name the kind with -kind.")
    bare = {name: value for name, value in document.items() if name != "roles"}
    return Policy(bindings_of(bare, "the policy"), roles_of(document.get("roles", {})))


def _role(document: Mapping[str, Any]) -> frozenset[str]:
    strange = next((name for name in document if name not in _ROLE), None)
    if strange is not None or not document:
        said = f"the role has no member {strange!r}" if strange else "the role is empty"
        raise problem(said, "Give a role as Google's API does: includedPermissions, stage.")
    return roles_of({"the role": {"includedPermissions": [], **document}})["the role"]


def compare_documents(old: Mapping[str, Any], new: Mapping[str, Any], kind: str) -> DocumentComparison:
    """Compare two documents that `check_document` takes. Pure, bounded in steps."""
    if kind == "role":
        return _compare_roles(_role(old), _role(new), new)
    if kind == "deny":
        one, other = rules_of(old, "the policy"), rules_of(new, "the policy")
        found, lost = gains_of_deny(one, other), gains_of_deny(other, one)
    else:
        left, right = _allow(old, new), _allow(new, old)
        found, lost = gains_of_allow(left, right), gains_of_allow(right, left)
    return _judged(_Compared(list(found), list(lost), new, old, kind))


def _allow(document: Mapping[str, Any], other: Mapping[str, Any]) -> Policy:
    """What one file says of roles, the other may take for granted; what both say, each says of its own."""
    parsed = _parsed(document, "allow")
    assert isinstance(parsed, Policy)
    return Policy(parsed.bindings, {**roles_of(other.get("roles", {})), **parsed.roles})


@dataclass(frozen=True, slots=True)
class _Compared:
    gains: Sequence[Gain]
    losses: Sequence[Gain]
    new: Mapping[str, Any]
    old: Mapping[str, Any]
    kind: str


def _judged(found: _Compared) -> DocumentComparison:
    proved = [gain for gain in found.gains if gain.certain]
    can = _sentences(found.gains)
    cannot = _sentences(gain for gain in found.losses if gain.certain)
    if proved:
        witness = next((gain for gain in proved if gain.question is not None), proved[0])
        document = None
        if witness.question is not None:
            document = request_of(witness.question, found.new, found.kind, _roles(found.new, found.old))
        return DocumentComparison(Effect.WIDER, can, cannot, "", document, witness.example, alone=found.kind != "deny")
    if found.gains:
        reasons = dict.fromkeys(gain.reason for gain in found.gains)
        return DocumentComparison(Effect.UNKNOWN, (), cannot, f"undecided: {'; '.join(list(reasons)[:_SHOWN])}")
    if found.losses:
        open_ = "" if cannot else "nobody proved that anything is lost"
        return DocumentComparison(Effect.NARROWER, (), cannot, open_)
    return DocumentComparison(Effect.EQUAL)


def _roles(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    return {**old.get("roles", {}), **new.get("roles", {})}


def _sentences(gains: Iterable[Gain]) -> tuple[str, ...]:
    said = dict.fromkeys(gain.words for gain in gains if gain.certain)
    return tuple(said)


def _compare_roles(old: frozenset[str], new: frozenset[str], document: Mapping[str, Any]) -> DocumentComparison:
    gained, lost = sorted(new - old), sorted(old - new)
    if not gained:
        return DocumentComparison(Effect.NARROWER if lost else Effect.EQUAL, cannot=tuple(_listed(lost)))
    who = somebody("user:somebody@example.com")
    bindings = {"bindings": [{"role": _SAMPLE, "members": [who.member]}]}
    witness = {
        "cloud": "google",
        "principal": who.member,
        "permission": gained[0],
        "resource": RESOURCE,
        "policies": {
            "allow": [{"resource": RESOURCE, "policy": bindings}],
            "roles": {_SAMPLE: {"includedPermissions": list(document["includedPermissions"])}},
        },
    }
    words = f"{gained[0]}, by whoever holds the role"
    return DocumentComparison(Effect.WIDER, tuple(_listed(gained)), tuple(_listed(lost)), "", witness, words)


def _listed(names: Sequence[str]) -> Iterator[str]:
    for name in names[:_SHOWN]:
        yield f"{name}, wherever the role is granted"
    if len(names) > _SHOWN:
        yield f"{len(names) - _SHOWN} more permissions, wherever the role is granted"
