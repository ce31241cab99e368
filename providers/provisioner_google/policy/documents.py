"""A request that brings its policies along, as plain JSON, and the decision: no world, no configuration.

The form is documented in docs/reference/access-json.md. Policies have the form in which Google's APIs give them. What
is not understood is refused, never left out. Nothing here reads a clock or a network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from provisioner.model.diagnostics import Diagnostic, DiagnosticError
from provisioner.model.requests import Decision

from .. import table
from . import cel, celcalls, judging
from .attributes import attributes_of
from .members import NOBODY, Who, canonical, is_member

CODE = "E-ACCESS-REQUEST"
_ASKED = ("cloud", "id", "principal", "member_of", "member_of_complete", "permission", "resource", "ancestors")
_SAID = ("ancestors_complete", "context", "attributes", "attributes_complete", "tags", "tags_complete", "policies")
_MEMBERS = frozenset((*_ASKED, *_SAID))
_KINDS = frozenset(("allow", "deny", "boundaries", "roles"))
_POLICY = frozenset(("version", "bindings", "etag", "auditConfigs", "kind", "resourceId"))
_RULE = frozenset(
    ("deniedPrincipals", "exceptionPrincipals", "deniedPermissions", "exceptionPermissions", "denialCondition")
)
_PERMISSION = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+){2,}\Z")
_CONTEXT = re.compile(r"(?:request|resource|destination)\.[A-Za-z_][A-Za-z0-9_.]*\Z")
_LINK = " The form is described in docs/reference/access-json.md."


def evaluate_document(request: Mapping[str, Any]) -> Decision:
    """Judge one request. Raises DiagnosticError (E-ACCESS-REQUEST) for what is none, with the member that is wrong."""
    _only(request, _MEMBERS, "the request")
    policies = request.get("policies")
    if not isinstance(policies, Mapping):
        raise problem("the request has no policies object", "Give the policies to judge by; {} where there are none.")
    return judging.decide(question_of(request), _compiled(policies))


def problem(summary: str, fix: str = "Mend this member of the request.") -> DiagnosticError:
    return DiagnosticError([Diagnostic(CODE, summary, fix + _LINK)])


def question_of(request: Mapping[str, Any]) -> judging.Question:
    """The question alone. Raises DiagnosticError."""
    permission, resource = request.get("permission"), request.get("resource")
    if not isinstance(permission, str) or not _PERMISSION.match(permission):
        raise problem(f"permission is {_shown(permission)}", "Name one permission such as storage.objects.get.")
    ancestors = tuple(_resource(name, "ancestors") for name in _texts(request, "ancestors"))
    name = _resource(resource, "resource")
    return judging.Question(
        _who(request), permission, name, ancestors, _flag(request, "ancestors_complete"), _context(request, name)
    )


def _only(given: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    strange = next((name for name in given if name not in known), None)
    if strange is not None:
        raise problem(f"{where} has no member {strange!r}", f"There are {', '.join(sorted(known))}.")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _texts(given: Mapping[str, Any], name: str) -> list[str]:
    found = given.get(name, ())
    if not isinstance(found, list | tuple) or not all(isinstance(item, str) and item for item in found):
        raise problem(f"{name} is {_shown(found)}", "Give a list of texts.")
    return list(found)


def _flag(given: Mapping[str, Any], name: str) -> bool:
    found = given.get(name, False)
    if not isinstance(found, bool):
        raise problem(f"{name} is {_shown(found)}", "Give true or false.")
    return found


def _resource(given: Any, where: str) -> str:
    name = table.full_name(given) if isinstance(given, str) else ""
    if not re.fullmatch(r"//[a-z0-9.-]+\.[a-z]+/[^\s*]+", name):
        fix = "Give a full resource name, such as //storage.googleapis.com/projects/_/buckets/NAME, or projects/ID."
        raise problem(f"{where} is {_shown(given)}", fix)
    return name.rstrip("/")


def _who(request: Mapping[str, Any]) -> Who:
    principal = request.get("principal")
    singular = ("user:", "serviceAccount:", "principal://")
    if not isinstance(principal, str) or not (principal == NOBODY or principal.startswith(singular)):
        fix = "Name one principal, as serviceAccount:EMAIL, user:EMAIL or principal://…; anonymous for nobody."
        raise problem(f"principal is {_shown(principal)}", fix)
    sets = _texts(request, "member_of")
    odd = next((name for name in sets if not is_member(name)), None)
    if odd is not None:
        raise problem(f"member_of holds {_shown(odd)}", "Name groups, domains and principal sets as policies do.")
    return Who(canonical(principal), frozenset(map(canonical, sets)), _flag(request, "member_of_complete"))


def _context(request: Mapping[str, Any], resource: str) -> dict[str, Any]:
    given = request.get("context", {})
    if not isinstance(given, Mapping):
        raise problem(f"context is {_shown(given)}", 'Give an object, as {"request.time": "2027-01-01T00:00:00Z"}.')
    for name, value in given.items():
        if not _CONTEXT.match(name) or not _plain(value):
            fix = "Names begin with request., resource. or destination.; values are texts, numbers, lists or booleans."
            raise problem(f"context has {name!r}: {_shown(value)}", fix)
    time = given.get("request.time")
    if time is not None and (not isinstance(time, str) or cel.moment(time) is None):
        raise problem(f"request.time is {_shown(time)}", "Give a time such as 2027-01-01T00:00:00Z.")
    known = attributes_of(resource, None, given)
    attributes, tags = request.get("attributes", {}), request.get("tags", {})
    if not isinstance(attributes, Mapping) or not all(_plain(value) for value in attributes.values()):
        raise problem(f"attributes is {_shown(attributes)}", "Give an object of texts, booleans or lists.")
    if not isinstance(tags, Mapping) or not all(isinstance(value, str) for value in tags.values()):
        raise problem(f"tags is {_shown(tags)}", 'Give an object of texts, as {"123456789012/env": "prod"}.')
    known |= {celcalls.API: dict(attributes), celcalls.ALL_API: _flag(request, "attributes_complete")}
    known |= {celcalls.TAGS: dict(tags), celcalls.ALL_TAGS: _flag(request, "tags_complete")}
    return known


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str | bool | int) for item in value)
    return isinstance(value, str | bool | int)


_COMPILED: dict[int, tuple[Mapping[str, Any], judging.Policies]] = {}
_REMEMBERED = 256


def _compiled(given: Mapping[str, Any]) -> judging.Policies:
    """Compiled once for each read-only object: who asks many questions of the same policies hands over the same one.

    The object is kept beside what was made of it, so its `id` is not another's.
    """
    if not isinstance(given, MappingProxyType):
        return policies_of(given)
    found = _COMPILED.get(id(given))
    if found is None or found[0] is not given:
        if len(_COMPILED) >= _REMEMBERED:
            _COMPILED.clear()
        found = (given, policies_of(given))
        _COMPILED[id(given)] = found
    return found[1]


def policies_of(given: Mapping[str, Any]) -> judging.Policies:
    """The `policies` of a request. Raises DiagnosticError."""
    _only(given, _KINDS, "policies")
    return judging.Policies(
        tuple(_allow(item, where) for where, item in _listed(given, "allow")),
        tuple(_deny(item, where) for where, item in _listed(given, "deny")),
        tuple(_boundary(item, where) for where, item in _listed(given, "boundaries")),
        roles_of(given.get("roles", {})),
    )


def _listed(given: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a list, each with its place."""
    found = given.get(name, ())
    if not isinstance(found, list | tuple):
        raise problem(f"{name} is {_shown(found)}", "Give a list of objects.")
    for number, item in enumerate(found):
        if not isinstance(item, Mapping):
            raise problem(f"{name}[{number}] is {_shown(item)}", "Give an object.")
        yield f"{name}[{number}]", item


def _object(given: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    found = given.get(name)
    if not isinstance(found, Mapping):
        raise problem(f"{where} has no {name} object", "Give the policy as Google's API does.")
    return found


def _allow(item: Mapping[str, Any], where: str) -> judging.AllowPolicy:
    _only(item, frozenset(("resource", "policy")), where)
    policy = _object(item, "policy", where)
    return judging.AllowPolicy(_resource(item.get("resource"), f"{where}.resource"), bindings_of(policy, where))


def bindings_of(policy: Mapping[str, Any], where: str) -> tuple[judging.Binding, ...]:
    """The bindings of an allow policy as Google's APIs give it. Raises DiagnosticError that names `binding N`."""
    _only(policy, _POLICY, where)
    return tuple(
        _binding(item, f"{where}: binding {number}", str(number))
        for number, (_, item) in enumerate(_listed(policy, "bindings"), 1)
    )


def _binding(item: Mapping[str, Any], where: str, label: str) -> judging.Binding:
    _only(item, frozenset(("role", "members", "condition", "bindingId")), where)
    role, members = item.get("role"), _texts(item, "members")
    if not isinstance(role, str) or "roles/" not in role:
        raise problem(f"{where} has the role {_shown(role)}", "Name it as roles/NAME or projects/P/roles/NAME.")
    odd = next((name for name in members if not is_member(name)), None)
    if odd is not None:
        raise problem(f"{where} has the member {_shown(odd)}", "Write members as allow policies do.")
    return judging.Binding(role, tuple(map(canonical, members)), condition_of(item, "condition", where), label)


def condition_of(item: Mapping[str, Any], name: str, where: str) -> str:
    """The expression of a condition; empty where there is none. Raises DiagnosticError for what is none."""
    found = item.get(name)
    if found is None:
        return ""
    if not isinstance(found, Mapping) or not isinstance(found.get("expression"), str) or not found["expression"]:
        raise problem(f"{where} has the {name} {_shown(found)}", 'Give {"expression": "…"}.')
    _only(found, frozenset(("title", "description", "expression", "location")), f"{where}.{name}")
    wrong = cel.syntax_error(found["expression"])
    if wrong:
        raise problem(f"{where}: its {name} cannot be read: {wrong}", "Write it in the Common Expression Language.")
    return str(found["expression"])


def _deny(item: Mapping[str, Any], where: str) -> judging.DenyPolicy:
    _only(item, frozenset(("name", "attach", "policy")), where)
    name = item.get("name", where)
    if not isinstance(name, str):
        raise problem(f"{where} has the name {_shown(name)}", "Give a text.")
    rules = rules_of(_object(item, "policy", where), where)
    return judging.DenyPolicy(name, _resource(item.get("attach"), f"{where}.attach"), rules)


def rules_of(policy: Mapping[str, Any], where: str) -> tuple[judging.DenyRule, ...]:
    """The rules of a deny policy as Google's API gives it. Raises DiagnosticError that names `rule N`."""
    known = frozenset(
        ("name", "uid", "kind", "displayName", "annotations", "etag", "createTime", "updateTime", "deleteTime",
         "managingAuthority", "rules")
    )  # fmt: skip
    _only(policy, known, where)
    out = []
    for number, (_, item) in enumerate(_listed(policy, "rules"), 1):
        place = f"{where}: rule {number}"
        _only(item, frozenset(("description", "denyRule")), place)
        rule = _object(item, "denyRule", place)
        _only(rule, _RULE, place)
        principals = [_texts(rule, name) for name in ("deniedPrincipals", "exceptionPrincipals")]
        odd = next((name for names in principals for name in names if not is_member(name)), None)
        if odd is not None:
            raise problem(f"{place} has the principal {_shown(odd)}", "Write principals as deny policies do.")
        permissions = [_texts(rule, name) for name in ("deniedPermissions", "exceptionPermissions")]
        odd = next((name for names in permissions for name in names if "/" not in name), None)
        if odd is not None:
            raise problem(f"{place} has the permission {_shown(odd)}", "Write it as SERVICE.googleapis.com/KIND.VERB.")
        denied, exempt = (tuple(map(canonical, names)) for names in principals)
        condition = condition_of(rule, "denialCondition", place)
        out.append(
            judging.DenyRule(denied, exempt, tuple(permissions[0]), tuple(permissions[1]), condition, str(number))
        )
    return tuple(out)


def _boundary(item: Mapping[str, Any], where: str) -> judging.AccessBoundary:
    _only(item, frozenset(("name", "rules", "bindings", "enforced_permissions")), where)
    name = item.get("name", where)
    if not isinstance(name, str):
        raise problem(f"{where} has the name {_shown(name)}", "Give a text.")
    resources = []
    for place, rule in _listed(item, "rules"):
        _only(rule, frozenset(("description", "resources", "effect")), f"{where}.{place}")
        if rule.get("effect", "ALLOW") != "ALLOW":
            raise problem(f"{where}.{place} has the effect {_shown(rule['effect'])}", "There is ALLOW only.")
        resources.append(tuple(_resource(name, f"{where}.{place}") for name in _texts(rule, "resources")))
    bound = []
    for place, binding in _listed(item, "bindings"):
        _only(binding, frozenset(("target", "condition")), f"{where}.{place}")
        target = _object(binding, "target", f"{where}.{place}").get("principalSet")
        if not isinstance(target, str) or "//" not in target:
            raise problem(f"{where}.{place} has the target {_shown(target)}", 'Give {"principalSet": "//…"}.')
        bound.append((target, condition_of(binding, "condition", f"{where}.{place}")))
    blocks = frozenset(_texts(item, "enforced_permissions")) if "enforced_permissions" in item else None
    return judging.AccessBoundary(name, tuple(resources), tuple(bound), blocks)


def roles_of(given: Any) -> dict[str, frozenset[str]]:
    """What roles hold: `{"roles/x": {"includedPermissions": […]}}`, or a list alone. A deleted or disabled role holds
    nothing. Raises DiagnosticError."""
    if not isinstance(given, Mapping):
        raise problem(f"roles is {_shown(given)}", 'Give an object, as {"roles/x": {"includedPermissions": […]}}.')
    out = {}
    for name, role in given.items():
        found = role if isinstance(role, Mapping) else {"includedPermissions": role}
        out[name] = frozenset() if gone(found) else frozenset(_texts(found, "includedPermissions"))
    return out


def gone(role: Mapping[str, Any]) -> bool:
    return role.get("deleted") is True or role.get("stage") == "DISABLED"
