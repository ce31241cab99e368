"""The REST resources behind accounts, roles, pools, providers and deny policies: reading one, and writing it.

Sources: IAM REST reference v1 (projects.serviceAccounts, projects.roles, projects.locations.workloadIdentityPools) and
v2 (policies); the discovery documents of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.resources import Address

from . import names, schema
from .client import IAM, Json, Project
from .forms import ACTIVE, DELETED, canonical_attributes
from .operations import ACCOUNT_BODY, DENY_BODY, POOL_BODY, ROLE_BODY, rest_name

State = dict[str, Any]

_VERSIONS = {schema.DENY_POLICY: "v2", schema.ACCESS_BOUNDARY: "v3", schema.ACCESS_BOUNDARY_BINDING: "v3"}
_OPERATIONS = (schema.POOL, schema.POOL_PROVIDER, *_VERSIONS)
"""Kinds whose writes answer with a long-running operation."""


def path_of(kind: str, project: str, name: str) -> str:
    return f"/{_VERSIONS.get(kind, 'v1')}/{rest_name(kind, project, name)}"


def fetch(project: Project, address: Address) -> Json:
    """The live object. Raises CallError; a soft-deleted role, pool or provider is there, an account is not."""
    return project.get(IAM, path_of(address.kind, address.target, address.name))


def state_of(kind: str, raw: Mapping[str, Any]) -> State:
    """An answer as canonical attributes."""
    return canonical_attributes(kind, _STATES[kind](raw))


def _account(raw: Mapping[str, Any]) -> State:
    return {
        "email": raw.get("email"),
        "display_name": raw.get("displayName"),
        "description": raw.get("description"),
        "disabled": bool(raw.get("disabled")),
    }


def _role(raw: Mapping[str, Any]) -> State:
    return {
        "title": raw.get("title"),
        "description": raw.get("description"),
        "permissions": raw.get("includedPermissions"),
        "stage": raw.get("stage"),
        "state": DELETED if raw.get("deleted") else ACTIVE,
    }


def _pool(raw: Mapping[str, Any]) -> State:
    return {
        "display_name": raw.get("displayName"),
        "description": raw.get("description"),
        "disabled": bool(raw.get("disabled")),
        "state": raw.get("state"),
    }


def _provider(raw: Mapping[str, Any]) -> State:
    oidc, aws = raw.get("oidc") or {}, raw.get("aws") or {}
    issuer = f"aws:{aws['accountId']}" if aws.get("accountId") else str(oidc.get("issuerUri") or "").rstrip("/")
    return {
        **_pool(raw),
        "issuer": issuer or next((f"{kind}:" for kind in ("saml", "x509") if raw.get(kind)), ""),
        "audiences": oidc.get("allowedAudiences"),
        "mapping": raw.get("attributeMapping"),
        "condition": raw.get("attributeCondition"),
    }


def _deny(raw: Mapping[str, Any]) -> State:
    rules = [rule.get("denyRule") or rule for rule in raw.get("rules") or ()]
    return {"display_name": raw.get("displayName"), "annotations": raw.get("annotations"), "rules": rules}


def _access_boundary(raw: Mapping[str, Any]) -> State:
    details = raw.get("details") or {}
    return {
        "display_name": raw.get("displayName"),
        "annotations": raw.get("annotations"),
        "rules": [{"resources": rule.get("resources")} for rule in details.get("rules") or ()],
        "enforcement_version": details.get("enforcementVersion"),
    }


def _access_binding(raw: Mapping[str, Any]) -> State:
    return {
        "policy": raw.get("policy"),
        "principal_set": (raw.get("target") or {}).get("principalSet"),
        "condition": raw.get("condition"),
        "annotations": raw.get("annotations"),
    }


_STATES = {
    schema.ACCESS_BOUNDARY: _access_boundary,
    schema.ACCESS_BOUNDARY_BINDING: _access_binding,
    schema.ACCOUNT: _account,
    schema.CUSTOM_ROLE: _role,
    schema.POOL: _pool,
    schema.POOL_PROVIDER: _provider,
    schema.DENY_POLICY: _deny,
}


def write(project: Project, verb: str, address: Address, params: Mapping[str, Any], live: Json) -> None:
    """One signed call, sent once; `live` is the object as just read, for its etag. Raises CallError."""
    word = verb.partition(":")[2]
    path = path_of(address.kind, address.target, address.name)
    if word.startswith("create"):
        _create(project, address, params)
    elif word.startswith("delete"):
        etag = {"etag": live["etag"]} if live.get("etag") and address.kind != schema.ACCOUNT else {}
        _done(project, address, project.send("DELETE", IAM, path, etag))
    elif word.startswith("undelete"):
        target = path.rpartition("/")[0] + f"/{params['uniqueId']}" if params.get("uniqueId") else path
        _done(project, address, project.send("POST", IAM, f"{target}:undelete", {}, {}))
    elif word.startswith(("disable", "enable")):
        _switch(project, address, path, disabled=word.startswith("disable"))
    else:
        _update(project, address, path, params, live)


def _done(project: Project, address: Address, answer: Json) -> None:
    """Wait, where the answer is a long-running operation."""
    if address.kind in _OPERATIONS:
        project.finish(answer, _VERSIONS.get(address.kind, "v1"))


def _create(project: Project, address: Address, params: Mapping[str, Any]) -> None:
    kind, name = address.kind, address.name
    body = body_of(kind, params)
    query: dict[str, str] = {}
    parent = path_of(kind, address.target, name).rpartition("/")[0]
    if kind == schema.ACCOUNT:
        body = {"accountId": name, "serviceAccount": body}
    elif kind == schema.CUSTOM_ROLE:
        body = {"roleId": name, "role": body}
    elif kind == schema.POOL:
        query = {"workloadIdentityPoolId": name}
    elif kind == schema.POOL_PROVIDER:
        query = {"workloadIdentityPoolProviderId": name.partition("/")[2]}
    elif kind == schema.ACCESS_BOUNDARY:
        query = {"principalAccessBoundaryPolicyId": name.partition("@")[0]}
    elif kind == schema.ACCESS_BOUNDARY_BINDING:
        query, body = {"policyBindingId": name}, {**body, "policyKind": "PRINCIPAL_ACCESS_BOUNDARY"}
    else:
        query = {"policyId": name.partition("@")[0]}
    _done(project, address, project.send("POST", IAM, parent, query, body))


def _update(project: Project, address: Address, path: str, params: Mapping[str, Any], live: Json) -> None:
    kind = address.kind
    body = body_of(kind, params)
    if kind == schema.ACCOUNT:
        patch = {"serviceAccount": body, "updateMask": ",".join(sorted(body))}
        project.send("PATCH", IAM, path, {}, patch)
    elif kind == schema.DENY_POLICY:
        kept: Json = {
            name: live[name] for name in ("name", "etag", "displayName", "annotations", "rules") if name in live
        }
        _done(project, address, project.send("PUT", IAM, path, {}, {**kept, **body}))
    else:
        if kind == schema.ACCESS_BOUNDARY and "details" in body:
            body["details"] = {**(live.get("details") or {}), **body["details"]}
        mask = {"updateMask": ",".join(sorted(body))}
        if kind in (schema.CUSTOM_ROLE, *_VERSIONS) and live.get("etag"):
            body["etag"] = live["etag"]
        _done(project, address, project.send("PATCH", IAM, path, mask, body))


def _switch(project: Project, address: Address, path: str, *, disabled: bool) -> None:
    if address.kind == schema.ACCOUNT:
        project.send("POST", IAM, f"{path}:{'disable' if disabled else 'enable'}", {}, {})
    else:
        answer = project.send("PATCH", IAM, path, {"updateMask": "disabled"}, {"disabled": disabled})
        _done(project, address, answer)


def body_of(kind: str, params: Mapping[str, Any]) -> Json:
    """Our attributes as the API's fields."""
    if kind == schema.POOL_PROVIDER:
        return _provider_body(params)
    if kind in (schema.ACCESS_BOUNDARY, schema.ACCESS_BOUNDARY_BINDING):
        return _access_body(params)
    names_ = {schema.ACCOUNT: ACCOUNT_BODY, schema.CUSTOM_ROLE: ROLE_BODY, schema.POOL: POOL_BODY,
              schema.DENY_POLICY: DENY_BODY}[kind]  # fmt: skip
    body = {field: params[name] for name, field in names_.items() if name in params}
    if "rules" in body:
        body["rules"] = [{"denyRule": rule} for rule in body["rules"]]
    return body


def _access_body(params: Mapping[str, Any]) -> Json:
    body: Json = {"displayName": params["display_name"]} if "display_name" in params else {}
    if "annotations" in params:
        body["annotations"] = dict(params["annotations"])
    details: Json = {}
    if "rules" in params:
        details["rules"] = [{"resources": rule["resources"], "effect": "ALLOW"} for rule in params["rules"]]
    if "enforcement_version" in params:
        details["enforcementVersion"] = params["enforcement_version"]
    if details:
        body["details"] = details
    if "policy" in params:
        body["policy"] = params["policy"]
    if "principal_set" in params:
        body["target"] = {"principalSet": params["principal_set"]}
    if params.get("condition") is not None:
        body["condition"] = {name: text for name, text in params["condition"].items() if text}
    elif "condition" in params and "policy" not in params:
        body["condition"] = None  # an update that takes it off: what the mask names and the body lacks is cleared
    return body


def _provider_body(params: Mapping[str, Any]) -> Json:
    body: Json = {}
    for name, field in (("display_name", "displayName"), ("description", "description"),
                        ("mapping", "attributeMapping"), ("condition", "attributeCondition")):  # fmt: skip
        if name in params:
            body[field] = params[name]
    issuer = str(params.get("issuer") or "")
    if issuer.startswith("aws:"):
        body["aws"] = {"accountId": issuer.removeprefix("aws:")}
    elif "issuer" in params or "audiences" in params:
        oidc: Json = {"issuerUri": issuer} if issuer else {}
        if params.get("audiences") or "audiences" in params:
            oidc["allowedAudiences"] = list(params.get("audiences") or ())
        body["oidc"] = oidc
    return body


def mark_text(kind: str, state: Mapping[str, Any]) -> Any:
    """The ownership mark that a state carries; None where it carries none."""
    if kind in _VERSIONS:
        return names.annotated_mark(state.get("annotations"))
    return names.mark_of(state.get("description"))
