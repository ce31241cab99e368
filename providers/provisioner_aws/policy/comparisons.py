"""Two policy documents as plain JSON, compared: what `provisioner access compare` asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.changes import Effect
from provisioner.model.diagnostics import Diagnostic, DiagnosticError
from provisioner.sdk.documents import DocumentComparison

from . import describe
from .compare import Comparison, compare_policies, in_words
from .document import Policy, Statement, parse_policy
from .errors import PolicyError
from .evaluate import PolicyRequest

KINDS = ("identity", "boundary", "resource", "trust", "scp", "rcp")
"""The kinds of policy, the usual one first."""

_NAMES_ACTIONS_ONLY = ("trust",)
_NAMES_PRINCIPALS = ("resource", "trust", "rcp")
_OUTRIGHT = ("identity", "boundary", "resource")
"""Kinds beside which another policy may allow what these only do not allow: there a Deny counts by itself."""

_ELSEWHERE = "444455556666"
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def check_document(document: Mapping[str, Any], kind: str) -> None:
    """Raises DiagnosticError (E-ACCESS-POLICY) for what is no policy of that kind."""
    _parsed(document)
    for number, statement in _given(document):
        names = {str(key).lower() for key in statement}
        has_principal = not names.isdisjoint({"principal", "notprincipal"})
        has_resource = not names.isdisjoint({"resource", "notresource"})
        if has_principal != (kind in _NAMES_PRINCIPALS):
            wrong = "has no Principal" if kind in _NAMES_PRINCIPALS else "names a Principal"
            raise _problem(f"statement {number} {wrong}", f"{_kind(kind)} does otherwise; name the kind with -kind.")
        if has_resource == (kind in _NAMES_ACTIONS_ONLY):
            wrong = "names a Resource" if kind in _NAMES_ACTIONS_ONLY else "has no Resource"
            raise _problem(f"statement {number} {wrong}", f"{_kind(kind)} does otherwise; name the kind with -kind.")


def _kind(kind: str) -> str:
    return {
        "identity": "An identity policy",
        "boundary": "A permissions boundary",
        "resource": "A resource policy",
        "trust": "A trust policy",
        "scp": "A service control policy",
        "rcp": "A resource control policy",
    }[kind]


def _given(document: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """The statements as written, numbered from 1."""
    found = next((value for name, value in document.items() if str(name).lower() == "statement"), ())
    items = found if isinstance(found, list | tuple) else [found]
    return [(number, item) for number, item in enumerate(items, 1) if isinstance(item, Mapping)]


def _parsed(document: Mapping[str, Any]) -> Policy:
    try:
        return parse_policy(document, "the policy")
    except PolicyError as error:
        raise _problem(str(error), "Mend the document.") from error


def _problem(summary: str, fix: str) -> DiagnosticError:
    return DiagnosticError([Diagnostic("E-ACCESS-POLICY", summary, fix)])


def compare_documents(old: Mapping[str, Any], new: Mapping[str, Any], kind: str) -> DocumentComparison:
    """Compare two documents of one kind. Pure, bounded in steps. Raises DiagnosticError for what is no policy."""
    found = compare_policies([_parsed(old)], [_parsed(new)], outright=kind in _OUTRIGHT)
    words = in_words(found, _said)
    return DocumentComparison(
        effect=found.effect,
        can=words.can,
        cannot=words.cannot,
        reason=words.reason if found.effect is not Effect.WIDER else "",
        witness=_request(found, new, kind),
        witness_words=_in_words(found.gain) if found.gain is not None else "",
        alone=found.alone,
    )


def _said(item: Statement) -> list[str]:
    who = item.principals
    if who is None:
        return [describe.statement(item)]
    named = [value for _, values in who.kinds for value in values] or ["anybody"]
    return [f"{'all but ' if who.negated else ''}{describe.listed(named)}: {describe.statement(item)}"]


def _in_words(request: PolicyRequest) -> str:
    """`s3:PutObject on arn:aws:s3:::b/k, with s3:prefix a, without aws:TagKeys, by arn:…`."""
    out = request.action if request.resource in (None, "*") else f"{request.action} on {request.resource}"
    usual = _usual()
    for key, values in sorted(request.context.values.items()):
        if usual.get(key) == values or key in ("aws:PrincipalArn", "aws:PrincipalAccount"):
            continue
        out += f", with {key} {describe.listed(values)}" if values else f", without {key}"
    return out + (f", by {request.caller.name}" if request.caller is not None else "")


def _usual() -> dict[str, tuple[str, ...]]:
    from .search import USUAL

    return {key: (value,) for key, value in USUAL.items()}


def _request(found: Comparison, new: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """The witness with NEW beside it, as `evaluate_document` takes it: allowed there, and denied with OLD instead."""
    request = found.gain
    if request is None:
        return None
    context = {
        key: None if not values else values[0] if len(values) == 1 else list(values)
        for key, values in sorted(request.context.values.items())
    }
    out: dict[str, Any] = {"action": request.action, "resource": request.resource, "context": context}
    out["context_complete"] = True
    policies: dict[str, Any] = {kind: [new] if kind != "boundary" else new}
    if kind != "identity":
        policies["identity"] = [_EVERYTHING]
    if request.caller is not None:
        who = request.caller
        out["principal"] = who.name if who.kind == "AWS" else {who.kind: who.name}
    if kind == "resource":
        out["resource_account"] = _ELSEWHERE
    if kind == "trust":
        out["resource"] = f"arn:aws:iam::{_ELSEWHERE}:role/example"
    out["policies"] = policies
    return out
