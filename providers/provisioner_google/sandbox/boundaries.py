"""Principal access boundaries (IAM v3): policies of an organisation, and the bindings that put principals under them.

Sources: the types of google-cloud-iam's `iam_v3` (there is no discovery document), https://cloud.google.com/iam/docs/principal-access-boundary-policies,
https://cloud.google.com/iam/quotas (500 resources a policy).
"""

from __future__ import annotations

import re

from .clock import timestamp
from .conditions import BOUNDARY_ROOTS, parse
from .core import Call, masked, page
from .errors import ApiError, Json, aborted, denied, exists, invalid, not_found
from .operations import metadata, start
from .state import Container, Record, State, without_defaults

MAX_RESOURCES = 500
MAX_OPERATORS = 9
_ID = re.compile(r"[a-z][a-z0-9.-]{2,62}")
_RESOURCE = re.compile(r"//cloudresourcemanager\.googleapis\.com/((?:projects|folders|organizations)/[a-z0-9:.-]+)")
_SET = re.compile(
    r"//cloudresourcemanager\.googleapis\.com/((?:projects|folders|organizations)/[a-z0-9:.-]+)"
    r"|//iam\.googleapis\.com/(projects/[0-9]+)/locations/global/workloadIdentityPools/[a-z0-9.-]+"
    r"|//iam\.googleapis\.com/locations/global/(?:workforcePools|workspace)/[A-Za-z0-9-]+"
)
_METADATA = "google.iam.v3.OperationMetadata"
_POLICY_FIELDS = ("displayName", "annotations", "details", "etag")
_BINDING_FIELDS = ("displayName", "annotations", "condition", "etag")


def _parent(state: State, name: str, permission: str) -> tuple[str, Container]:
    """(`projects/NUMBER/locations/global`, its container) of a name that begins with it. Raises ApiError."""
    parts = name.split("/")
    if parts[2:4] != ["locations", "global"]:
        raise invalid("Policies and bindings are in location global only.", "parent")
    owner = "/".join(parts[:2])
    container = state.project(owner, permission) if parts[0] == "projects" else state.container(owner)
    if container is None:
        raise denied(permission, f"//cloudresourcemanager.googleapis.com/{owner}")
    return f"{parts[0]}/{container.number}/locations/global", container


def _name(state: State, name: str, permission: str) -> str:
    return "/".join([_parent(state, name, permission)[0], *name.split("/")[4:]])


def _existing(state: State, table: dict[str, Record], call: Call, permission: str) -> tuple[str, Record]:
    name = _name(state, call.name, permission)
    if name not in table:
        raise not_found(f"Requested entity was not found: {name}")
    return name, table[name]


def _same_etag(record: Record, etag: str) -> None:
    if etag and etag != record.body["etag"]:
        raise aborted("The etag does not match the stored resource. Read it again and retry.")


def _begin(state: State, table: dict[str, Record], name: str, record: Record | None, kind: str, call: Call) -> Json:
    """An operation that stores the record, or deletes where there is none. `validateOnly` changes nothing."""
    only = call.query.get("validateOnly", "").lower() == "true"

    def commit() -> Json:
        if only:
            return _shown(record) if record is not None else {}
        if record is None:
            table.pop(name, None)
            return {}
        table[name] = record
        return _shown(record)

    place = "/".join(name.split("/")[:4])
    verb = call.method.rpartition(".")[2]
    response = "google.protobuf.Empty" if record is None else f"google.iam.v3.{kind}"
    return start(state, f"{place}/", commit, response, metadata(_METADATA, state, target=name, verb=verb))


def _shown(record: Record) -> Json:
    body = {key: value for key, value in record.body.items() if value != {}}
    return without_defaults(body)


def _checked_policy(body: Json) -> None:
    if len(body.get("displayName") or "") > 63:
        raise invalid("The display name must be at most 63 characters.", "display_name")
    rules = (body.get("details") or {}).get("rules", [])
    count = 0
    for rule in rules:
        if rule.get("effect") != "ALLOW":
            raise invalid("The effect of a rule must be ALLOW.", "details.rules.effect")
        if not rule.get("resources"):
            raise invalid("A rule needs at least one resource.", "details.rules.resources")
        for resource in rule["resources"]:
            count += 1
            if not _RESOURCE.fullmatch(resource):
                raise invalid(
                    f"Invalid resource: {resource}. Only projects, folders and organisations are supported.",
                    "details.rules.resources",
                )
    if count > MAX_RESOURCES:
        raise invalid(f"A policy has at most {MAX_RESOURCES} resources.", "details.rules.resources")


def _identity(call: Call, parameter: str) -> str:
    identity = call.query.get(parameter, "")
    if not _ID.fullmatch(identity):
        raise invalid("The id has 3 to 63 lower-case letters, digits, hyphens and dots.", parameter)
    return identity


def _stamped(state: State, body: Json, name: str) -> Json:
    now = timestamp(state.now())
    return {
        **body,
        "name": name,
        "uid": f"{next(state.counter):032x}",
        "etag": state.new_etag(),
        "createTime": now,
        "updateTime": now,
    }


def create_policy(state: State, call: Call) -> Json:
    parent, container = _parent(state, call.name, "iam.principalaccessboundarypolicies.create")
    if not container.name.startswith("organizations/"):
        raise invalid("A principal access boundary policy belongs to an organisation.", "parent")
    identity = _identity(call, "principalAccessBoundaryPolicyId")
    name = f"{parent}/principalAccessBoundaryPolicies/{identity}"
    if name in state.boundaries:
        raise exists("Requested entity already exists")
    _checked_policy(call.body)
    body = {key: call.body.get(key) for key in _POLICY_FIELDS}
    if body["details"] is not None and not body["details"].get("enforcementVersion"):
        body["details"] = {**body["details"], "enforcementVersion": "3"}
    record = Record(_stamped(state, body, name), state.now())
    return _begin(state, state.boundaries, name, record, "PrincipalAccessBoundaryPolicy", call)


def get_policy(state: State, call: Call) -> Json:
    return _shown(_existing(state, state.boundaries, call, "iam.principalaccessboundarypolicies.get")[1])


def list_policies(state: State, call: Call) -> Json:
    prefix = _parent(state, call.name, "iam.principalaccessboundarypolicies.list")[0]
    found = [_shown(record) for name, record in sorted(state.boundaries.items()) if name.startswith(f"{prefix}/")]
    return page(found, call, "principalAccessBoundaryPolicies", 50, 1000)


def patch_policy(state: State, call: Call) -> Json:
    name, record = _existing(state, state.boundaries, call, "iam.principalaccessboundarypolicies.update")
    return _patched(state, state.boundaries, name, record, _POLICY_FIELDS, "PrincipalAccessBoundaryPolicy", call)


def _patched(
    state: State,
    table: dict[str, Record],
    name: str,
    record: Record,
    fields: tuple[str, ...],
    kind: str,
    call: Call,
) -> Json:
    _same_etag(record, call.body.get("etag", ""))
    sent = {key: value for key, value in call.body.items() if key in fields}
    changed = masked(call, None, fields, sent)
    changed.pop("etag", None)
    body = record.body | changed
    if kind == "PolicyBinding":
        _checked_condition(body)
    else:
        _checked_policy(body)
    body |= {"etag": state.new_etag(), "updateTime": timestamp(state.now())}
    return _begin(state, table, name, Record(body, record.created), kind, call)


def delete_policy(state: State, call: Call) -> Json:
    name, record = _existing(state, state.boundaries, call, "iam.principalaccessboundarypolicies.delete")
    _same_etag(record, call.query.get("etag", ""))
    bound = [one for one, binding in state.bindings.items() if binding.body["policy"] == name]
    forced = call.query.get("force", "").lower() == "true"
    if bound and not forced:
        raise ApiError("FAILED_PRECONDITION", f"The policy is bound by {len(bound)} policy bindings.")
    for one in bound:
        del state.bindings[one]
    return _begin(state, state.boundaries, name, None, "PrincipalAccessBoundaryPolicy", call)


def search_bindings(state: State, call: Call) -> Json:
    name, _ = _existing(state, state.boundaries, call, "iam.principalaccessboundarypolicies.searchPolicyBindings")
    found = [_shown(one) for _, one in sorted(state.bindings.items()) if one.body["policy"] == name]
    return page(found, call, "policyBindings", 50, 1000)


def _checked_condition(body: Json) -> None:
    condition = (body.get("condition") or {}).get("expression", "")
    if not condition:
        return
    found = parse(condition, BOUNDARY_ROOTS)
    if len(condition) > 250 or found.operators > MAX_OPERATORS:
        raise invalid("The condition has at most 250 characters and 10 parts.", "policy_binding.condition")


def create_binding(state: State, call: Call) -> Json:
    parent, container = _parent(state, call.name, "iam.policybindings.create")
    name = f"{parent}/policyBindings/{_identity(call, 'policyBindingId')}"
    if name in state.bindings:
        raise exists("Requested entity already exists")
    target = call.body.get("target", {}).get("principalSet", "")
    match = _SET.fullmatch(target)
    if match is None:
        raise invalid(f"Invalid principal set: {target!r}", "policy_binding.target.principal_set")
    owner = state.container(match[1] or match[2]) if match[1] or match[2] else container
    if owner is not container:
        raise invalid("The principal set must be the binding's parent or directly under it.", "policy_binding.target")
    policy = call.body.get("policy", "")
    if policy not in state.boundaries:
        raise not_found(f"Requested entity was not found: {policy}")
    kind = call.body.get("policyKind") or "PRINCIPAL_ACCESS_BOUNDARY"
    if kind not in ("PRINCIPAL_ACCESS_BOUNDARY", "POLICY_KIND_UNSPECIFIED"):
        raise invalid(f"The policy is not of kind {kind}.", "policy_binding.policy_kind")
    _checked_condition(call.body)
    body = {key: call.body.get(key) for key in ("displayName", "annotations", "target", "policy", "condition")}
    body |= {"policyKind": "PRINCIPAL_ACCESS_BOUNDARY", "policyUid": state.boundaries[policy].body["uid"]}
    record = Record(_stamped(state, body, name), state.now())
    return _begin(state, state.bindings, name, record, "PolicyBinding", call)


def get_binding(state: State, call: Call) -> Json:
    return _shown(_existing(state, state.bindings, call, "iam.policybindings.get")[1])


def list_bindings(state: State, call: Call) -> Json:
    prefix = _parent(state, call.name, "iam.policybindings.list")[0]
    found = [_shown(record) for name, record in sorted(state.bindings.items()) if name.startswith(f"{prefix}/")]
    return page(found, call, "policyBindings", 50, 1000)


def search_target(state: State, call: Call) -> Json:
    _parent(state, call.name, "iam.policybindings.list")
    wanted = call.query.get("target", "")
    found = [_shown(one) for _, one in sorted(state.bindings.items()) if one.body["target"]["principalSet"] == wanted]
    return page(found, call, "policyBindings", 50, 1000)


def patch_binding(state: State, call: Call) -> Json:
    name, record = _existing(state, state.bindings, call, "iam.policybindings.update")
    return _patched(state, state.bindings, name, record, _BINDING_FIELDS, "PolicyBinding", call)


def delete_binding(state: State, call: Call) -> Json:
    name, record = _existing(state, state.bindings, call, "iam.policybindings.delete")
    _same_etag(record, call.query.get("etag", ""))
    return _begin(state, state.bindings, name, None, "PolicyBinding", call)


def resource_of(state: State, call: Call) -> str:
    """What the caller needs the permission on."""
    return f"//cloudresourcemanager.googleapis.com/{_parent(state, call.name, 'iam.policybindings.list')[1].name}"


_CONTAINER_HOST = "//cloudresourcemanager.googleapis.com/"
_ON_POLICY = {"create": "bind", "patch": "bind", "delete": "unbind"}
_ON_TARGET = {"create": "createPolicyBinding", "patch": "updatePolicyBinding", "delete": "deletePolicyBinding"}


def binding_needs(state: State, call: Call) -> list[tuple[str, str]]:
    """What a write of a binding takes: one permission on the principal set's owner, one on the policy's organisation.

    Source: https://cloud.google.com/iam/docs/principal-access-boundary-policies-create (required permissions), and
    «…-edit», «…-remove» for the other two.
    """
    verb = call.method.rpartition(".")[2]
    where = resource_of(state, call)
    found = call.body
    if verb != "create":
        _, record = _existing(state, state.bindings, call, "iam.policybindings.get")
        found = record.body
    target = str((found.get("target") or {}).get("principalSet", ""))
    kind = "iam.workloadIdentityPools"
    if not target.startswith("//iam.googleapis.com/"):
        kind = f"resourcemanager.{where.removeprefix(_CONTAINER_HOST).partition('/')[0]}"
    organization = "/".join(str(found.get("policy", "")).split("/")[:2])
    return [
        (f"{kind}.{_ON_TARGET[verb]}", where),
        (f"iam.principalaccessboundarypolicies.{_ON_POLICY[verb]}", f"{_CONTAINER_HOST}{organization}"),
    ]


def within(state: State, caller: str, above: list[str]) -> bool:
    """False when boundaries are bound to the caller and none of their rules holds the resource."""
    bound = [
        state.boundaries[one.body["policy"]]
        for one in state.bindings.values()
        if one.body["policy"] in state.boundaries and _applies(state, one.body, caller)
    ]
    if not bound:
        return True
    places = {place.removeprefix("//cloudresourcemanager.googleapis.com/") for place in above}
    for policy in bound:
        for rule in (policy.body.get("details") or {}).get("rules", []):
            for resource in rule["resources"]:
                container = state.container(resource.removeprefix("//cloudresourcemanager.googleapis.com/"))
                if container is not None and container.name in places:
                    return True
    return False


def _applies(state: State, binding: Json, caller: str) -> bool:
    kind, _, value = caller.partition(":")
    expression = (binding.get("condition") or {}).get("expression", "")
    types = {"serviceAccount": "ServiceAccount", "principal": "WorkloadPoolIdentity", "user": "WorkspaceIdentity"}
    subject = value.rpartition("/subject/")[2] if kind == "principal" else value
    attributes = {"principal.type": f"iam.googleapis.com/{types.get(kind, '')}", "principal.subject": subject}
    if expression and not parse(expression, BOUNDARY_ROOTS).holds(attributes):
        return False
    principal_set = binding["target"]["principalSet"]
    if principal_set.startswith("//iam.googleapis.com/"):
        return kind == "principal" and value.startswith(f"{principal_set}/")
    home = _home(state, kind, value)
    wanted = state.container(principal_set.removeprefix("//cloudresourcemanager.googleapis.com/"))
    while home is not None:
        if home is wanted:
            return True
        home = state.container(home.parent) if home.parent else None
    return False


def _home(state: State, kind: str, value: str) -> Container | None:
    """The project that a principal lives in."""
    if kind == "serviceAccount" and value in state.emails:
        return state.container(f"projects/{state.accounts[state.emails[value]].body['projectId']}")
    match = re.match(r"//iam\.googleapis\.com/(projects/[0-9]+)/", value)
    return state.container(match[1]) if kind == "principal" and match is not None else None
