"""Buckets and their policies (Cloud Storage JSON API). Only buckets with uniform access take conditions.

Sources: https://cloud.google.com/storage/docs/json_api/v1/buckets, https://cloud.google.com/storage/docs/uniform-bucket-level-access;
a stale etag is 412 conditionNotMet, not 409 (hashicorp/terraform-provider-google issues 6833 and 7853).
"""

from __future__ import annotations

import re
from dataclasses import replace

from .clock import timestamp
from .core import Call, page
from .errors import ApiError, Json, exists, invalid
from .kinds import by_prefix
from .policies import Rules, get_policy, set_policy, version_at
from .resources import add_resource, existing
from .state import EMPTY_ETAG, Resource, State, without_defaults

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_FIXED = ("name", "id", "kind", "projectNumber", "metageneration", "timeCreated", "etag", "iamConfiguration")
_HOST = "//storage.googleapis.com/projects/_/buckets/"


def complete(state: State, made: Resource) -> None:
    """What a new bucket has besides what was sent. A seed has uniform access unless it says otherwise."""
    body = made.record.body
    name = made.full_name.rpartition("/")[2]
    body["iamConfiguration"] = {**body.get("iamConfiguration", {})}
    body["iamConfiguration"].setdefault("uniformBucketLevelAccess", {"enabled": True})
    body |= {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "projectNumber": state.containers[made.project].number,
        "location": body.get("location", "US"),
        "timeCreated": timestamp(made.record.created),
        "metageneration": "1",
        "etag": state.new_etag(),
    }


def _bucket(state: State, call: Call) -> Resource:
    try:
        return existing(state, _HOST + call.name.split("/")[1])
    except ApiError as error:
        raise ApiError(error.status, "The specified bucket does not exist.") from error


def insert(state: State, call: Call) -> Json:
    name, project = call.body.get("name", ""), call.query.get("project", "")
    if not project:
        raise invalid("Required parameter: project")
    if not _NAME.fullmatch(name):
        raise invalid(f"Invalid bucket name: '{name}'")
    owner = state.project(f"projects/{project}", "storage.buckets.create")
    if _HOST + name in state.resources:
        raise exists("The requested bucket name is not available.")
    body = {**call.body, "iamConfiguration": _access(call.body, {"enabled": False})}  # the API's own default
    return without_defaults(add_resource(state, _HOST + name, body, owner.name).record.body)


def _access(body: Json, default: Json) -> Json:
    """The `iamConfiguration` of a body, with `uniformBucketLevelAccess` whole. Raises ApiError for another shape."""
    given = body.get("iamConfiguration", {})
    uniform = given.get("uniformBucketLevelAccess", default)
    if not isinstance(uniform, dict) or not isinstance(uniform.get("enabled", False), bool):
        raise invalid("Invalid value for uniformBucketLevelAccess", "iamConfiguration.uniformBucketLevelAccess")
    return {**given, "uniformBucketLevelAccess": {"enabled": uniform.get("enabled", False)}}


def get(state: State, call: Call) -> Json:
    return without_defaults(_bucket(state, call).record.body)


def list_buckets(state: State, call: Call) -> Json:
    owner = state.project(f"projects/{call.query.get('project', '')}", "storage.buckets.list")
    prefix = _HOST + call.query.get("prefix", "")
    found = [
        without_defaults(one.record.body)
        for name, one in sorted(state.resources.items())
        if name.startswith(prefix) and one.project == owner.name
    ]
    return {"kind": "storage#buckets", **page(found, call, "items", 1000, 1000)}


def patch(state: State, call: Call) -> Json:
    """Labels and uniform access. It cannot be switched off while the policy has conditions."""
    bucket = _bucket(state, call)
    access = _access(call.body, bucket.record.body["iamConfiguration"]["uniformBucketLevelAccess"])
    policy = version_at(state.policies.get(bucket.full_name), float("inf"))[1]
    if not access["uniformBucketLevelAccess"]["enabled"] and any("condition" in binding for binding in policy):
        raise ApiError(
            "CONDITION_NOT_MET", "Uniform bucket-level access cannot be disabled: the policy has conditions."
        )
    sent = {key: value for key, value in call.body.items() if key not in _FIXED}
    bucket.record.body |= {**sent, "iamConfiguration": bucket.record.body["iamConfiguration"] | access}
    bucket.record.body["metageneration"] = str(int(bucket.record.body["metageneration"]) + 1)
    return without_defaults(bucket.record.body)


def delete(state: State, call: Call) -> Json:
    full = _bucket(state, call).full_name
    del state.resources[full]
    state.policies.pop(full, None)
    return {}


def _rules(bucket: Resource) -> Rules:
    rules = by_prefix()["storage.buckets"].rules
    if bucket.record.body["iamConfiguration"]["uniformBucketLevelAccess"].get("enabled"):
        return rules
    why = "Conditions need uniform bucket-level access, which is disabled on this bucket."
    return replace(rules, conditions=False, why=why)


def _policy_shape(bucket: Resource, policy: Json) -> Json:
    shape = {"kind": "storage#policy", "resourceId": f"projects/_/buckets/{bucket.record.body['name']}", **policy}
    shape.setdefault("version", 1)
    return shape


def get_iam_policy(state: State, call: Call) -> Json:
    """A policy that was never written is empty here; Google gives the project's owners the legacy roles."""
    bucket = _bucket(state, call)
    try:
        requested = int(call.query.get("optionsRequestedPolicyVersion") or 1)
    except ValueError as error:
        raise invalid("Invalid optionsRequestedPolicyVersion") from error
    policy = get_policy(state, bucket.full_name, requested)
    if policy["etag"] == EMPTY_ETAG:
        policy = {**policy, "etag": "CAE="}
    return _policy_shape(bucket, policy)


def set_iam_policy(state: State, call: Call) -> Json:
    bucket = _bucket(state, call)
    policy = {key: value for key, value in call.body.items() if key in ("bindings", "etag", "version")}
    if policy.get("etag") == "CAE=":
        policy["etag"] = EMPTY_ETAG
    return _policy_shape(bucket, set_policy(state, bucket.full_name, policy, "", _rules(bucket), bucket.project))


def test_iam_permissions(state: State, call: Call) -> Json:
    from .enforcement import allowed

    full = _bucket(state, call).full_name
    held = [one for one in call.repeated.get("permissions", ()) if allowed(state, call.caller, one, full)]
    return {"kind": "storage#testIamPermissionsResponse", **({"permissions": held} if held else {})}
