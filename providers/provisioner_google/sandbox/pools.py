"""Workload identity pools and providers: attribute mappings and conditions, soft deletion, long-running operations.

Sources: https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools (and .providers):
deleted ones are kept 30 days, can be undeleted, are still there to `get`, and their id cannot be used again;
https://cloud.google.com/iam/docs/workload-identity-federation (tokens of a deleted provider stay valid, those of a
deleted or disabled pool do not; see `enforcement`).
"""

from __future__ import annotations

import re

from .clock import timestamp
from .conditions import FEDERATION_ROOTS, parse
from .core import Call, masked, page
from .errors import ApiError, Json, exists, invalid, not_found
from .operations import start
from .state import Record, State, without_defaults

KEPT_SECONDS = 30 * 86400.0
MAX_MAPPINGS = 50
MAX_CONDITION = 4096
_ID = re.compile(r"[a-z0-9-]{4,32}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ATTRIBUTE = re.compile(r"attribute\.[a-z0-9_]{1,100}")
_METADATA = "google.iam.v1beta.WorkloadIdentityPoolOperationMetadata"
_POOL_FIELDS = ("displayName", "description", "disabled")
_PROVIDER_FIELDS = (
    *("displayName", "description", "disabled", "attributeMapping", "attributeCondition"),
    *("oidc", "aws", "saml", "x509"),
)
_KINDS = ("oidc", "aws", "saml", "x509")
AWS_MAPPING = {
    "google.subject": "assertion.arn",
    "attribute.aws_role": "assertion.arn.contains('assumed-role') ? assertion.arn.extract('{account_arn}assumed-role/')"
    " + 'assumed-role/' + assertion.arn.extract('assumed-role/{role_name}/') : assertion.arn",
}
"""What an AWS provider maps where it is given no mapping."""


def _canonical(state: State, name: str, permission: str) -> str:
    """The name with the project's number, as every answer has it."""
    parts = name.split("/")
    project = state.project("/".join(parts[:2]), permission)
    if parts[3:4] != ["global"]:
        raise invalid("Workload identity pools are in location global only.", "parent")
    return "/".join(["projects", project.number, *parts[2:]])


def _existing(state: State, table: dict[str, Record], name: str) -> Record:
    record = table.get(name)
    if record is not None and record.deleted is not None and state.now() - record.deleted >= KEPT_SECONDS:
        del table[name]
    return state.read(table, name)


def _shown(state: State, record: Record) -> Json:
    body = {**record.body, "state": "ACTIVE" if record.deleted is None else "DELETED"}
    if record.deleted is not None:
        body["expireTime"] = timestamp(record.deleted + KEPT_SECONDS)
    return without_defaults(body)


def _begin(state: State, table: dict[str, Record], name: str, body: Json | None, deleted: bool | None) -> Json:
    """An operation that writes a body, or deletes (True) or undeletes (False)."""

    def commit() -> Json:
        record = table.setdefault(name, Record({"name": name}, state.now()))
        record.body |= body or {}
        if deleted is not None:
            record.deleted = state.now() if deleted else None
        return _shown(state, record)

    kind = "WorkloadIdentityPoolProvider" if table is state.providers else "WorkloadIdentityPool"
    return start(state, f"{name}/", commit, f"google.iam.v1.{kind}", {"@type": f"type.googleapis.com/{_METADATA}"})


def _new_name(state: State, call: Call, table: dict[str, Record], collection: str, parameter: str) -> str:
    identity = call.query.get(parameter, "")
    if not _ID.fullmatch(identity) or identity.startswith("gcp-"):
        raise invalid(
            f"Invalid {parameter}: 4 to 32 lower-case letters, digits and dashes; the prefix gcp- is reserved.",
            parameter,
        )
    name = f"{_canonical(state, call.name, f'iam.{collection}.create')}/{collection}/{identity}"
    old = table.get(name)
    if old is not None and (old.deleted is None or state.now() - old.deleted < KEPT_SECONDS):
        raise exists("Requested entity already exists")
    table.pop(name, None)
    return name


def _texts(body: Json) -> None:
    if len(body.get("displayName") or "") > 32:
        raise invalid("The display name must be at most 32 characters.", "display_name")
    if len(body.get("description") or "") > 256:
        raise invalid("The description must be at most 256 characters.", "description")


def create_pool(state: State, call: Call) -> Json:
    name = _new_name(state, call, state.pools, "workloadIdentityPools", "workloadIdentityPoolId")
    _texts(call.body)
    if call.body.get("mode") not in (None, "MODE_UNSPECIFIED", "FEDERATION_ONLY"):
        raise invalid("The emulator knows pools of mode FEDERATION_ONLY only.", "mode")
    return _begin(state, state.pools, name, {key: call.body.get(key) for key in _POOL_FIELDS}, None)


def _pool(state: State, call: Call, permission: str) -> tuple[str, Record]:
    name = _canonical(state, call.name, permission)
    return name, _existing(state, state.pools, name)


def get_pool(state: State, call: Call) -> Json:
    return _shown(state, _pool(state, call, "iam.workloadIdentityPools.get")[1])


def _listed(state: State, table: dict[str, Record], prefix: str, call: Call, key: str) -> Json:
    deleted = call.query.get("showDeleted", "").lower() == "true"
    found = []
    for name in sorted(table):
        record = table[name]
        kept = record.deleted is None or (deleted and state.now() - record.deleted < KEPT_SECONDS)
        if name.startswith(prefix) and kept and not state.hidden(record):
            found.append(_shown(state, record))
    return page(found, call, key, 50, 1000)


def list_pools(state: State, call: Call) -> Json:
    prefix = _canonical(state, call.name, "iam.workloadIdentityPools.list") + "/workloadIdentityPools/"
    return _listed(state, state.pools, prefix, call, "workloadIdentityPools")


def _alive(record: Record) -> None:
    if record.deleted is not None:
        raise ApiError("FAILED_PRECONDITION", "The entity is in state DELETED; undelete it first.")


def patch_pool(state: State, call: Call) -> Json:
    name, record = _pool(state, call, "iam.workloadIdentityPools.update")
    _alive(record)
    if not call.query.get("updateMask"):
        raise invalid("The update mask is missing or empty.", "update_mask")
    changed = masked(call, None, _POOL_FIELDS, call.body)
    _texts(changed)
    return _begin(state, state.pools, name, changed, None)


def delete_pool(state: State, call: Call) -> Json:
    name, record = _pool(state, call, "iam.workloadIdentityPools.delete")
    _alive(record)
    return _begin(state, state.pools, name, None, True)


def undelete_pool(state: State, call: Call) -> Json:
    name, record = _pool(state, call, "iam.workloadIdentityPools.undelete")
    if record.deleted is None:
        raise ApiError("FAILED_PRECONDITION", "The entity is not deleted.")
    return _begin(state, state.pools, name, None, False)


def create_provider(state: State, call: Call) -> Json:
    pool = _canonical(state, call.name, "iam.workloadIdentityPoolProviders.create")
    _alive(_existing(state, state.pools, pool))
    name = _new_name(state, call, state.providers, "providers", "workloadIdentityPoolProviderId")
    kinds = [kind for kind in _KINDS if kind in call.body]
    if len(kinds) != 1:
        raise invalid("Exactly one of oidc, aws, saml and x509 is needed.", "workload_identity_pool_provider")
    body = {key: call.body.get(key) for key in _PROVIDER_FIELDS}
    if kinds == ["aws"] and not body["attributeMapping"]:
        body["attributeMapping"] = dict(AWS_MAPPING)
    _checked_provider(body, kinds[0])
    return _begin(state, state.providers, name, body, None)


def _checked_provider(body: Json, kind: str) -> None:
    """Raises ApiError (INVALID_ARGUMENT) for what Google refuses. It does not refuse an unsafe provider: a condition
    that is missing or always true is accepted."""
    _texts(body)
    mapping = body.get("attributeMapping") or {}
    if "google.subject" not in mapping:
        raise invalid("The attribute mapping must map google.subject.", "attribute_mapping")
    if len(mapping) > MAX_MAPPINGS + 2:
        raise invalid(f"At most {MAX_MAPPINGS} custom attributes can be mapped.", "attribute_mapping")
    for target, expression in mapping.items():
        if target not in ("google.subject", "google.groups", "google.display_name") and not _ATTRIBUTE.fullmatch(
            target
        ):
            raise invalid(f"Invalid target attribute: {target}", "attribute_mapping")
        if not expression or len(expression) > 2048:
            raise invalid(f"Invalid mapping of {target}.", "attribute_mapping")
        if kind != "aws":
            parse(expression, FEDERATION_ROOTS)
    condition = body.get("attributeCondition") or ""
    if len(condition) > MAX_CONDITION:
        raise invalid(f"The attribute condition is longer than {MAX_CONDITION} characters.", "attribute_condition")
    if condition:
        parse(condition, FEDERATION_ROOTS)
    if kind == "oidc":
        _checked_oidc(body["oidc"] or {})
    if kind == "aws" and not _ACCOUNT.fullmatch((body["aws"] or {}).get("accountId", "")):
        raise invalid("Invalid AWS account ID.", "aws.account_id")
    if kind == "saml" and not (body["saml"] or {}).get("idpMetadataXml"):
        raise invalid("The identity provider's metadata is missing.", "saml.idp_metadata_xml")


def _checked_oidc(oidc: Json) -> None:
    if not re.fullmatch(r"https://[^\s?#]{1,2000}", oidc.get("issuerUri", "")):
        raise invalid("The issuer must be a URL of scheme https without query and fragment.", "oidc.issuer_uri")
    audiences = oidc.get("allowedAudiences", [])
    if len(audiences) > 10 or any(not one or len(one) > 256 for one in audiences):
        raise invalid("At most 10 audiences of at most 256 characters can be allowed.", "oidc.allowed_audiences")


def _provider(state: State, call: Call, permission: str) -> tuple[str, Record]:
    name = _canonical(state, call.name, permission)
    return name, _existing(state, state.providers, name)


def get_provider(state: State, call: Call) -> Json:
    return _shown(state, _provider(state, call, "iam.workloadIdentityPoolProviders.get")[1])


def list_providers(state: State, call: Call) -> Json:
    pool = _canonical(state, call.name, "iam.workloadIdentityPoolProviders.list")
    if pool not in state.pools:
        raise not_found(f"Requested entity was not found: {pool}")
    return _listed(state, state.providers, f"{pool}/providers/", call, "workloadIdentityPoolProviders")


def patch_provider(state: State, call: Call) -> Json:
    name, record = _provider(state, call, "iam.workloadIdentityPoolProviders.update")
    _alive(record)
    if not call.query.get("updateMask"):
        raise invalid("The update mask is missing or empty.", "update_mask")
    changed = masked(call, None, _PROVIDER_FIELDS, call.body)
    kind = next(kind for kind in _KINDS if record.body.get(kind))
    for other in _KINDS:
        if other != kind and changed.get(other):
            raise invalid("The kind of a provider cannot be changed.", other)
    for path in call.query["updateMask"].split(","):
        top, dot, inner = path.strip().partition(".")
        if dot and top == kind:  # `oidc.allowed_audiences` changes one field of the message
            inner = re.sub(r"_([a-z])", lambda match: match[1].upper(), inner)
            changed[kind] = {**record.body[kind], inner: (call.body.get(kind) or {}).get(inner)}
    _checked_provider(record.body | changed, kind)
    return _begin(state, state.providers, name, changed, None)


def delete_provider(state: State, call: Call) -> Json:
    name, record = _provider(state, call, "iam.workloadIdentityPoolProviders.delete")
    _alive(record)
    return _begin(state, state.providers, name, None, True)


def undelete_provider(state: State, call: Call) -> Json:
    name, record = _provider(state, call, "iam.workloadIdentityPoolProviders.undelete")
    if record.deleted is None:
        raise ApiError("FAILED_PRECONDITION", "The entity is not deleted.")
    return _begin(state, state.providers, name, None, False)
