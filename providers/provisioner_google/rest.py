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


def path_of(kind: str, project: str, name: str) -> str:
    version = "v2" if kind == schema.DENY_POLICY else "v1"
    return f"/{version}/{rest_name(kind, project, name)}"


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


_STATES = {
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
    """Pools, providers and deny policies answer with a long-running operation."""
    if address.kind in (schema.POOL, schema.POOL_PROVIDER, schema.DENY_POLICY):
        project.finish(answer, "v2" if address.kind == schema.DENY_POLICY else "v1")


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
        mask = {"updateMask": ",".join(sorted(body))}
        if kind == schema.CUSTOM_ROLE and live.get("etag"):
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
    names_ = {schema.ACCOUNT: ACCOUNT_BODY, schema.CUSTOM_ROLE: ROLE_BODY, schema.POOL: POOL_BODY,
              schema.DENY_POLICY: DENY_BODY}[kind]  # fmt: skip
    body = {field: params[name] for name, field in names_.items() if name in params}
    if "rules" in body:
        body["rules"] = [{"denyRule": rule} for rule in body["rules"]]
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


def expected(kind: str, state: Mapping[str, Any]) -> State:
    return canonical_attributes(kind, state)


def mark_text(kind: str, state: Mapping[str, Any]) -> Any:
    """The ownership mark that a state carries; None where it carries none."""
    if kind == schema.DENY_POLICY:
        return names.annotated_mark(state.get("annotations"))
    return names.mark_of(state.get("description"))
