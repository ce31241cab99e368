"""Requests that show a difference: somebody who is in one set only, and the request as `evaluate_document` takes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import celcalls, judging
from .attributes import attributes_of
from .members import ANYBODY, NOBODY, SIGNED_IN, Who

RESOURCE = "//cloudresourcemanager.googleapis.com/projects/example-project"
_SOMEBODY = "user:somebody@example.com"
_USUAL = attributes_of(RESOURCE, None, {})


def somebody(member: str) -> Who:
    """One principal that a member means, in as few other sets as may be: his groups are a part of the request."""
    if member == ANYBODY:
        return Who(NOBODY, complete=True)
    if member == SIGNED_IN:
        return Who(_SOMEBODY, complete=True)
    if member.startswith(("user:", "serviceAccount:", "principal:", "gke:")):
        return Who(member, complete=True)
    if member.startswith("principalSet://iam.googleapis.com/"):
        return Who(_subject(member), frozenset((member,)), True)
    if member.startswith("domain:"):
        return Who(f"user:somebody@{member.partition(':')[2]}", frozenset((member,)), True)
    return Who(_SOMEBODY, frozenset((member,)), True)


def _subject(member: str) -> str:
    """A subject of the pool that a principal set is in: a pod of the namespace, or anybody."""
    pool = "/".join(member.removeprefix("principalSet").split("/")[: 8 if "/projects/" in member else 6])
    name = pool.rpartition("/")[2]
    if name.endswith(".svc.id.goog"):
        place = member.partition("/namespace/")[2] or "example"
        return f"gke:{name}/ns/{place}/sa/example"
    return f"principal{pool}/subject/example"


def request_of(
    question: judging.Question, document: Mapping[str, Any], kind: str, roles: Mapping[str, Any]
) -> dict[str, Any]:
    """The request with a document beside it: allowed there, and denied with the other one instead."""
    context = dict(question.context)
    tags, attributes = context.pop(celcalls.TAGS, {}), context.pop(celcalls.API, {})
    context.pop(celcalls.ALL_TAGS, None)
    context.pop(celcalls.ALL_API, None)
    policies: dict[str, Any]
    if kind == "allow":
        bare = {name: value for name, value in document.items() if name != "roles"}
        policies = {"allow": [{"resource": RESOURCE, "policy": bare}], "roles": dict(roles)}
    else:
        role = "projects/example-project/roles/everything"
        everything = {"bindings": [{"role": role, "members": [ANYBODY]}]}
        policies = {
            "allow": [{"resource": RESOURCE, "policy": everything}],
            "deny": [{"attach": RESOURCE, "policy": dict(document)}],
            "roles": {role: {"includedPermissions": [question.permission]}},
        }
    return {
        "cloud": "google",
        "principal": written(question.who.member),
        "member_of": sorted(map(written, question.who.sets)),
        "member_of_complete": True,
        "permission": question.permission,
        "resource": question.resource,
        "context": {name: _plain(value) for name, value in sorted(context.items()) if _USUAL.get(name) != value},
        "tags": dict(sorted(tags.items())),
        "tags_complete": True,
        "attributes": dict(sorted(attributes.items())),
        "attributes_complete": True,
        "policies": policies,
    }


def written(member: str) -> str:
    """A canonical member as a policy spells it."""
    if not member.startswith("gke:"):
        return member
    pool, _, place = member.removeprefix("gke:").partition("/")
    _, namespace, _, account = place.split("/")
    return f"serviceAccount:{pool}[{namespace}/{account}]"


def _plain(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


def in_words(question: judging.Question) -> str:
    """`storage.objects.get by user:a@b.c, with request.time 2027-01-01T00:00:00Z`."""
    out = f"{question.permission} by {written(question.who.member)}"
    if question.who.sets:
        out += f", who is in {', '.join(sorted(map(written, question.who.sets)))}"
    context = dict(question.context)
    tags, attributes = context.pop(celcalls.TAGS, {}), context.pop(celcalls.API, {})
    context.pop(celcalls.ALL_TAGS, None)
    context.pop(celcalls.ALL_API, None)
    said = [f"{name} {_plain(value)}" for name, value in sorted(context.items()) if _USUAL.get(name) != value]
    said += [f"tag {name} {value}" for name, value in sorted(tags.items())]
    said += [f"{name} {value}" for name, value in sorted(attributes.items())]
    return f"{out}, with {', '.join(said)}" if said else out
