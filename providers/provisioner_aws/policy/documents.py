"""A request that brings its policies along, as plain JSON, and the decision: no world, no configuration.

The form is documented in docs/reference/access-json.md. A request has `principal`, `action`, `resource`, `context` and
`policies`; with `policies.trust` it asks who may become a role. Nothing here reads a clock or a network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from provisioner.model.diagnostics import Diagnostic, DiagnosticError
from provisioner.model.requests import Decision

from .claims import assume_request
from .context import Context, context_values
from .document import Policy, parse_labelled
from .errors import ClaimError, PolicyError
from .evaluate import Layer, Policies, PolicyRequest, all_decisions, evaluate, evaluate_trust
from .match import Caller
from .spelling import spell_key

CODE = "E-ACCESS-REQUEST"
_ASKED = ("cloud", "id", "principal", "action", "resource", "resource_account", "policies")
_SAID = ("context", "context_complete", "unknown", "claims", "tags", "source_identity", "session_name")
_MEMBERS = frozenset((*_ASKED, *_SAID))
_KINDS = frozenset(("identity", "resource", "boundary", "session", "scp", "rcp", "trust"))
_PRINCIPALS = frozenset(("AWS", "session", "Service", "Federated", "CanonicalUser"))
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9-]+\Z")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_SESSION = re.compile(r"arn:([a-z-]+):sts::([0-9]{12}):assumed-role/(?:.+/)?([^/]+)/([^/]+)\Z")
_LINK = " The form is described in docs/reference/access-json.md."


def evaluate_document(request: Mapping[str, Any]) -> Decision:
    """Judge one request. Raises DiagnosticError (E-ACCESS-REQUEST) for what is none, with the member that is wrong."""
    try:
        return _judge(request)
    except (ClaimError, PolicyError) as error:
        raise _problem(str(error)) from error


def _problem(summary: str, fix: str = "Mend this member of the request.") -> DiagnosticError:
    return DiagnosticError([Diagnostic(CODE, summary, fix + _LINK)])


def _judge(request: Mapping[str, Any]) -> Decision:
    _only(request, _MEMBERS, "the request")
    policies = request.get("policies")
    if not isinstance(policies, Mapping):
        raise _problem("the request has no policies object", "Give the policies to judge by; {} where there are none.")
    _only(policies, _KINDS, "policies")
    if policies.get("trust") is not None:
        return _judge_trust(request, policies)
    for name in ("claims", "tags", "source_identity", "session_name"):
        if name in request:
            raise _problem(f"{name} is for requests with policies.trust", "Leave it out, or give policies.trust.")
    caller = None if request.get("principal") is None else _caller(request["principal"])
    if caller is None and policies.get("resource") is not None:
        raise _problem("the request has no principal", "A resource policy is about who asks: give one.")
    action = _action(request.get("action"))
    resource = _resource(request.get("resource"))
    context = _context(request, {} if caller is None else _known_of(caller))
    owner = _owner(request, resource, context)
    return evaluate(PolicyRequest(action, resource, context, caller), _policies(policies, owner))


def _only(given: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    strange = next((name for name in given if name not in known), None)
    if strange is not None:
        raise _problem(f"{where} has no member {strange!r}", f"There are {', '.join(sorted(known))}.")


def _action(given: Any) -> str:
    if not isinstance(given, str) or not _ACTION.match(given):
        raise _problem(f"action is {_shown(given)}", "Name one action such as s3:PutObject, without wildcards.")
    return given


def _resource(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not given:
        raise _problem(f"resource is {_shown(given)}", "Give one ARN, or leave it out where nobody knows which.")
    if given != "*" and ("*" in given or "?" in given):
        raise _problem(f"resource is {_shown(given)}", "Name one resource; * stands for an action that takes none.")
    return given


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _caller(given: Any) -> Caller:
    """`"arn:…"`, `"*"` for anybody at all, or an object with one principal type (and the session of a role)."""
    if given == "*":
        return Caller("Anonymous", "*")
    if isinstance(given, str):
        return _aws_caller(given, None)
    if not isinstance(given, Mapping) or not given:
        raise _problem(
            f"principal is {_shown(given)}", 'Give an ARN, or an object such as {"Service": "lambda.amazonaws.com"}.'
        )
    _only(given, _PRINCIPALS, "principal")
    session = given.get("session")
    kinds = [name for name in given if name != "session"]
    if len(kinds) != 1 or not isinstance(given[kinds[0]], str) or not (session is None or isinstance(session, str)):
        raise _problem("principal does not name exactly one", 'Write one type and one text, as {"AWS": "arn:…"}.')
    kind, name = kinds[0], given[kinds[0]]
    if kind == "AWS":
        return _aws_caller(name, session)
    if session is not None:
        raise _problem("a session belongs to a role", 'Write {"AWS": ROLE, "session": SESSION}.')
    return Caller(kind, name)


def _aws_caller(name: str, session: str | None) -> Caller:
    """A session's own ARN leaves the role's path out; where the request does not give the role, it is taken as `/`."""
    found = _SESSION.match(name)
    if found is not None and session is None:
        partition, account, role, _ = found.groups()
        return Caller("AWS", f"arn:{partition}:iam::{account}:role/{role}", name)
    if _ACCOUNT.match(name):
        name = f"arn:aws:iam::{name}:root"
    parts = name.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not _ACCOUNT.match(parts[4]):
        raise _problem(f"principal is {_shown(name)}", "Give the ARN of a user, a role, a session or an account.")
    return Caller("AWS", name, session)


def _known_of(caller: Caller) -> dict[str, Any]:
    """What every request of this caller carries; the request's own context overrides it."""
    if caller.kind == "Service":
        return {"aws:PrincipalIsAWSService": True, "aws:PrincipalServiceName": caller.name}
    if caller.kind != "AWS":
        return {"aws:PrincipalIsAWSService": False}
    parts = caller.name.split(":", 5)
    kind, _, name = parts[5].partition("/")
    types = {"root": "Account", "user": "User", "role": "AssumedRole", "federated-user": "FederatedUser"}
    known: dict[str, Any] = {"aws:PrincipalAccount": caller.account, "aws:PrincipalIsAWSService": False}
    if kind in types:
        known["aws:PrincipalType"] = types[kind]
        known["aws:PrincipalArn"] = caller.name
        known["aws:username"] = name.rpartition("/")[2] if kind == "user" else None
    return known


def _context(request: Mapping[str, Any], known: Mapping[str, Any]) -> Context:
    given = request.get("context")
    if given is not None and not isinstance(given, Mapping):
        raise _problem(f"context is {_shown(given)}", 'Give an object, as {"aws:SourceIp": "192.0.2.1"}.')
    unknown = request.get("unknown", ())
    if not isinstance(unknown, list | tuple) or not all(isinstance(item, str) for item in unknown):
        raise _problem(f"unknown is {_shown(unknown)}", "Give a list of condition keys.")
    complete = request.get("context_complete", False)
    if not isinstance(complete, bool):
        raise _problem(f"context_complete is {_shown(complete)}", "Give true or false.")
    values = {**context_values(known), **context_values(given or {})}
    for key in (spell_key(item) for item in unknown):
        values.pop(key, None)
    return Context(values, frozenset(map(spell_key, unknown)), complete)


def _owner(request: Mapping[str, Any], resource: str | None, context: Context) -> str | None:
    """The account that the resource belongs to: as given, as the context or the ARN says; None takes the caller's."""
    given = request.get("resource_account")
    if given is not None:
        if not isinstance(given, str) or not _ACCOUNT.match(given):
            raise _problem(f"resource_account is {_shown(given)}", "An AWS account id is a string of 12 digits.")
        return given
    said = context.values.get("aws:ResourceAccount")
    parts = (resource or "").split(":", 5)
    owner = said[0] if said else parts[4] if len(parts) == 6 else ""
    return owner if _ACCOUNT.match(owner) else None


_COMPILED: dict[int, tuple[Mapping[str, Any], Policies]] = {}
_REMEMBERED = 256


def _policies(given: Mapping[str, Any], owner: str | None) -> Policies:
    """Compiled once for each read-only object: who asks many questions of the same policies hands over the same one.

    The object is kept beside what was made of it, so its `id` is not another's.
    """
    if not isinstance(given, MappingProxyType):
        return replace(_compiled(given), owner=owner)
    found = _COMPILED.get(id(given))
    if found is None or found[0] is not given:
        if len(_COMPILED) >= _REMEMBERED:
            _COMPILED.clear()
        found = (given, _compiled(given))
        _COMPILED[id(given)] = found
    return replace(found[1], owner=owner) if owner is not None else found[1]


def _compiled(given: Mapping[str, Any]) -> Policies:
    session = _listed(given, "session")
    return Policies(
        identity=_layer(given, "identity", "the identity policies"),
        boundary=_limit(given, "boundary", "the permissions boundary"),
        session=Layer("the session policies", session) if session else None,
        limits=(*_levels(given, "scp"), *_levels(given, "rcp")),
        resource=_limit(given, "resource", "the resource policy"),
    )


def _layer(given: Mapping[str, Any], kind: str, name: str) -> Layer:
    return Layer(name, _listed(given, kind))


def _limit(given: Mapping[str, Any], kind: str, name: str) -> Layer | None:
    return Layer(name, _listed(given, kind)) if given.get(kind) is not None else None


def _listed(given: Mapping[str, Any], kind: str) -> tuple[Policy, ...]:
    return tuple(_parsed(item, name) for name, item in _documents(given.get(kind), kind))


def _levels(given: Mapping[str, Any], kind: str) -> Iterator[Layer]:
    """Service or resource control policies: each entry is one level of the organisation, a document or several."""
    levels = given.get(kind)
    if levels is None:
        return
    if not isinstance(levels, list | tuple):
        levels = [levels]
    for number, level in enumerate(levels):
        name = f"{kind}[{number}]"
        yield Layer(name, tuple(_parsed(item, label) for label, item in _documents(level, name)))


def _documents(given: Any, name: str) -> Iterator[tuple[str, Any]]:
    if given is None:
        return
    if isinstance(given, list | tuple):
        yield from ((f"{name}[{number}]", item) for number, item in enumerate(given))
    else:
        yield name, given


def _parsed(item: Any, name: str) -> Policy:
    """A document, or `{"name": …, "document": …}` for one that answers call by its name."""
    if isinstance(item, Mapping) and "document" in item:
        _only(item, frozenset(("name", "document")), name)
        label = item.get("name", name)
        if not isinstance(label, str):
            raise _problem(f"the name of {name} is {_shown(label)}", "Give a text.")
        name, item = label, item["document"]
    if not isinstance(item, Mapping | str):
        raise _problem(f"{name} is {_shown(item)}", "Give a policy document, as an object or as its JSON text.")
    try:
        return parse_labelled(item, name)
    except PolicyError as error:
        raise _problem(f"{name}: {error}", "Mend the document.") from error


def _judge_trust(request: Mapping[str, Any], given: Mapping[str, Any]) -> Decision:
    """Whether somebody may become a role: `resource` is the role's ARN."""
    if given.get("resource") is not None or given.get("rcp") is not None:
        raise _problem("policies.trust stands alone on the role's side", "Leave resource and rcp out.")
    role = request.get("resource")
    parts = role.split(":", 5) if isinstance(role, str) else []
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        raise _problem(f"resource is {_shown(role)}", "For policies.trust it is the ARN of the role.")
    trusts = _listed(given, "trust")
    layer = Layer("the trust policy", trusts)
    if "claims" in request:
        claims = request["claims"]
        if not isinstance(claims, Mapping):
            raise _problem(f"claims is {_shown(claims)}", "Give an object, as the claims of a boundary test.")
        merged = Policy("the trust policy", tuple(item for policy in trusts for item in policy.statements))
        asked = assume_request(claims, merged, parts[4])
        caller, actions = asked.caller, asked.actions
        context = Context({**asked.context.values, **_context(request, {}).values}, asked.context.unknown)
    else:
        caller = _caller(request.get("principal"))
        actions, extra, unknown = _assumption(request, caller)
        plain = _context(request, {**_known_of(caller), **extra})
        context = Context(plain.values, plain.unknown | unknown, plain.closed)
    own = None
    if any(given.get(kind) is not None for kind in ("identity", "boundary", "session", "scp")):
        own = _policies(given, None)
    questions = [PolicyRequest(action, role, context, caller) for action in actions]
    return all_decisions([evaluate_trust(question, layer, parts[4], own) for question in questions])


def _assumption(request: Mapping[str, Any], caller: Caller) -> tuple[tuple[str, ...], dict[str, Any], frozenset[str]]:
    """The `sts:` actions that must all be allowed, what they add to the context, and what nobody said."""
    usual = "sts:AssumeRole"
    if caller.kind == "Federated":
        usual = "sts:AssumeRoleWithSAML" if ":saml-provider/" in caller.name else "sts:AssumeRoleWithWebIdentity"
    actions = [_action(request["action"]) if request.get("action") is not None else usual]
    extra: dict[str, Any] = {}
    unknown: frozenset[str] = frozenset()
    if caller.kind == "Federated":
        extra["aws:FederatedProvider"] = caller.name
        unknown = frozenset({"saml:" if ":saml-provider/" in caller.name else _issuer(caller.name)})
    tags = request.get("tags")
    if tags is not None and not (isinstance(tags, Mapping) and all(isinstance(v, str) for v in tags.values())):
        raise _problem(f"tags is {_shown(tags)}", "Give an object of texts.")
    if tags:
        actions.append("sts:TagSession")
        extra["aws:TagKeys"] = sorted(tags)
        extra |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    for member, key, action in (
        ("source_identity", "sts:SourceIdentity", "sts:SetSourceIdentity"),
        ("session_name", "sts:RoleSessionName", None),
    ):
        value = request.get(member)
        if value is None:
            continue
        if not isinstance(value, str):
            raise _problem(f"{member} is {_shown(value)}", "Give a text.")
        extra[key] = value
        if action is not None:
            actions.append(action)
    return tuple(dict.fromkeys(actions)), extra, unknown


def _issuer(provider: str) -> str:
    """What the keys of this provider's claims begin with, as `spell_key` spells it."""
    return spell_key(f"{provider.partition(':oidc-provider/')[2] or provider}:")
