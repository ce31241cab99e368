"""The gRPC face: generic handlers that turn protocol buffers into the core's JSON and back.

It serves google.iam.admin.v1.IAM, google.iam.v2.Policies, google.iam.v3.PrincipalAccessBoundaryPolicies and
PolicyBindings, and google.longrunning.Operations, so that the clients of google-cloud-iam work unmodified. A table row
is: method id, where the resource's name is in the request, and what of the request is the body.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .core import Call, Core
from .errors import ApiError, Json
from .rest import caller


@dataclass(frozen=True, slots=True)
class _Rpc:
    """`id` may hold `{parent}`: the plural of what the name begins with. `name` is the path of the name's field;
    `body` the field that is the body ("*": what is left of the request, "": none), `query` what is not in it."""

    id: str
    request: str
    response: str
    name: str = "name"
    body: str = ""


_SA = "iam.projects.serviceAccounts"
_EMPTY = "google.protobuf.Empty"
ADMIN: dict[str, _Rpc] = {
    "ListServiceAccounts": _Rpc(f"{_SA}.list", "ListServiceAccountsRequest", "ListServiceAccountsResponse"),
    "GetServiceAccount": _Rpc(f"{_SA}.get", "GetServiceAccountRequest", "ServiceAccount"),
    "CreateServiceAccount": _Rpc(f"{_SA}.create", "CreateServiceAccountRequest", "ServiceAccount", body="*"),
    "UpdateServiceAccount": _Rpc(f"{_SA}.update", "ServiceAccount", "ServiceAccount", body="*"),
    "PatchServiceAccount": _Rpc(
        f"{_SA}.patch", "PatchServiceAccountRequest", "ServiceAccount", "serviceAccount.name", "*"
    ),
    "DeleteServiceAccount": _Rpc(f"{_SA}.delete", "DeleteServiceAccountRequest", _EMPTY),
    "UndeleteServiceAccount": _Rpc(
        f"{_SA}.undelete", "UndeleteServiceAccountRequest", "UndeleteServiceAccountResponse"
    ),
    "EnableServiceAccount": _Rpc(f"{_SA}.enable", "EnableServiceAccountRequest", _EMPTY),
    "DisableServiceAccount": _Rpc(f"{_SA}.disable", "DisableServiceAccountRequest", _EMPTY),
    "ListServiceAccountKeys": _Rpc(
        f"{_SA}.keys.list", "ListServiceAccountKeysRequest", "ListServiceAccountKeysResponse", body="*"
    ),
    "GetServiceAccountKey": _Rpc(f"{_SA}.keys.get", "GetServiceAccountKeyRequest", "ServiceAccountKey"),
    "CreateServiceAccountKey": _Rpc(
        f"{_SA}.keys.create", "CreateServiceAccountKeyRequest", "ServiceAccountKey", body="*"
    ),
    "UploadServiceAccountKey": _Rpc(
        f"{_SA}.keys.upload", "UploadServiceAccountKeyRequest", "ServiceAccountKey", body="*"
    ),
    "DeleteServiceAccountKey": _Rpc(f"{_SA}.keys.delete", "DeleteServiceAccountKeyRequest", _EMPTY),
    "DisableServiceAccountKey": _Rpc(f"{_SA}.keys.disable", "DisableServiceAccountKeyRequest", _EMPTY),
    "EnableServiceAccountKey": _Rpc(f"{_SA}.keys.enable", "EnableServiceAccountKeyRequest", _EMPTY),
    "GetIamPolicy": _Rpc(
        f"{_SA}.getIamPolicy", "google.iam.v1.GetIamPolicyRequest", "google.iam.v1.Policy", "resource", "*"
    ),
    "SetIamPolicy": _Rpc(
        f"{_SA}.setIamPolicy", "google.iam.v1.SetIamPolicyRequest", "google.iam.v1.Policy", "resource", "*"
    ),
    "TestIamPermissions": _Rpc(
        f"{_SA}.testIamPermissions",
        "google.iam.v1.TestIamPermissionsRequest",
        "google.iam.v1.TestIamPermissionsResponse",
        "resource",
        "*",
    ),
    "ListRoles": _Rpc("iam.{parent}.roles.list", "ListRolesRequest", "ListRolesResponse", "parent"),
    "GetRole": _Rpc("iam.{parent}.roles.get", "GetRoleRequest", "Role"),
    "CreateRole": _Rpc("iam.{parent}.roles.create", "CreateRoleRequest", "Role", "parent", "*"),
    "UpdateRole": _Rpc("iam.{parent}.roles.patch", "UpdateRoleRequest", "Role", body="role"),
    "DeleteRole": _Rpc("iam.{parent}.roles.delete", "DeleteRoleRequest", "Role"),
    "UndeleteRole": _Rpc("iam.{parent}.roles.undelete", "UndeleteRoleRequest", "Role", body="*"),
    "QueryTestablePermissions": _Rpc(
        "iam.permissions.queryTestablePermissions",
        "QueryTestablePermissionsRequest",
        "QueryTestablePermissionsResponse",
        "",
        "*",
    ),
    "QueryGrantableRoles": _Rpc(
        "iam.roles.queryGrantableRoles", "QueryGrantableRolesRequest", "QueryGrantableRolesResponse", "", "*"
    ),
}
_LRO = "google.longrunning.Operation"
DENY: dict[str, _Rpc] = {
    "ListPolicies": _Rpc("iam.policies.listPolicies", "ListPoliciesRequest", "ListPoliciesResponse", "parent"),
    "GetPolicy": _Rpc("iam.policies.get", "GetPolicyRequest", "Policy"),
    "CreatePolicy": _Rpc("iam.policies.createPolicy", "CreatePolicyRequest", _LRO, "parent", "policy"),
    "UpdatePolicy": _Rpc("iam.policies.update", "UpdatePolicyRequest", _LRO, "policy.name", "policy"),
    "DeletePolicy": _Rpc("iam.policies.delete", "DeletePolicyRequest", _LRO),
}
_PAB = "iam.organizations.locations.principalAccessBoundaryPolicies"
_P = "PrincipalAccessBoundaryPolicy"
BOUNDARIES: dict[str, _Rpc] = {
    f"Create{_P}": _Rpc(f"{_PAB}.create", f"Create{_P}Request", _LRO, "parent", "principalAccessBoundaryPolicy"),
    f"Get{_P}": _Rpc(f"{_PAB}.get", f"Get{_P}Request", _P),
    f"Update{_P}": _Rpc(
        f"{_PAB}.patch",
        f"Update{_P}Request",
        _LRO,
        "principalAccessBoundaryPolicy.name",
        "principalAccessBoundaryPolicy",
    ),
    f"Delete{_P}": _Rpc(f"{_PAB}.delete", f"Delete{_P}Request", _LRO),
    "ListPrincipalAccessBoundaryPolicies": _Rpc(
        f"{_PAB}.list",
        "ListPrincipalAccessBoundaryPoliciesRequest",
        "ListPrincipalAccessBoundaryPoliciesResponse",
        "parent",
    ),
    f"Search{_P}Bindings": _Rpc(
        f"{_PAB}.searchPolicyBindings", f"Search{_P}BindingsRequest", f"Search{_P}BindingsResponse"
    ),
}
_BIND = "iam.{parent}.locations.policyBindings"
BINDINGS: dict[str, _Rpc] = {
    "CreatePolicyBinding": _Rpc(f"{_BIND}.create", "CreatePolicyBindingRequest", _LRO, "parent", "policyBinding"),
    "GetPolicyBinding": _Rpc(f"{_BIND}.get", "GetPolicyBindingRequest", "PolicyBinding"),
    "UpdatePolicyBinding": _Rpc(
        f"{_BIND}.patch", "UpdatePolicyBindingRequest", _LRO, "policyBinding.name", "policyBinding"
    ),
    "DeletePolicyBinding": _Rpc(f"{_BIND}.delete", "DeletePolicyBindingRequest", _LRO),
    "ListPolicyBindings": _Rpc(f"{_BIND}.list", "ListPolicyBindingsRequest", "ListPolicyBindingsResponse", "parent"),
    "SearchTargetPolicyBindings": _Rpc(
        f"{_BIND}.searchTargetPolicyBindings",
        "SearchTargetPolicyBindingsRequest",
        "SearchTargetPolicyBindingsResponse",
        "parent",
    ),
}


def _services() -> dict[str, tuple[dict[str, _Rpc], Any]]:
    """Full service name → its table, and the module with its messages."""
    from google.cloud import iam_admin_v1, iam_v2, iam_v3

    return {
        "google.iam.admin.v1.IAM": (ADMIN, iam_admin_v1),
        "google.iam.v2.Policies": (DENY, iam_v2),
        "google.iam.v3.PrincipalAccessBoundaryPolicies": (BOUNDARIES, iam_v3),
        "google.iam.v3.PolicyBindings": (BINDINGS, iam_v3),
    }


def _message(module: Any, name: str) -> Any:
    """The protocol buffer class of a message: of the module, or a shared one by its full name."""
    from google.iam.v1 import iam_policy_pb2, policy_pb2
    from google.longrunning import operations_pb2
    from google.protobuf import empty_pb2

    shared = {
        _EMPTY: empty_pb2.Empty,
        _LRO: operations_pb2.Operation,
        "google.iam.v1.Policy": policy_pb2.Policy,
        "google.iam.v1.GetIamPolicyRequest": iam_policy_pb2.GetIamPolicyRequest,
        "google.iam.v1.SetIamPolicyRequest": iam_policy_pb2.SetIamPolicyRequest,
        "google.iam.v1.TestIamPermissionsRequest": iam_policy_pb2.TestIamPermissionsRequest,
        "google.iam.v1.TestIamPermissionsResponse": iam_policy_pb2.TestIamPermissionsResponse,
    }
    return shared[name] if name in shared else getattr(module, name).pb()


def call_of(rpc: _Rpc, request: Json, token: str) -> Call:
    """The core's call of a request in JSON."""
    name = request
    for part in rpc.name.split(".") if rpc.name else []:
        name = name.get(part, {})
    named = name if isinstance(name, str) else ""
    rest = {key: value for key, value in request.items() if key != rpc.name}
    body = rest if rpc.body == "*" else request.get(rpc.body, {}) if rpc.body else {}
    query = {
        key: value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in rest.items()
        if isinstance(value, str | bool | int) and key != rpc.body
    }
    parent = named.partition("/")[0] if "/" in named else ""
    if not named or parent == "roles":
        parent = ""
    method = rpc.id.replace("{parent}.", f"{parent}." if parent else "")
    return Call(method, named, body, query, caller(token))


def _handler(core: Core, rpc: _Rpc, module: Any) -> Any:
    import grpc
    from google.protobuf import json_format

    request_class, response_class = _message(module, rpc.request), _message(module, rpc.response)

    def handle(request: Any, context: Any) -> Any:
        given = json_format.MessageToDict(request)
        token = dict(context.invocation_metadata()).get("authorization", "")
        try:
            answer = core.call(call_of(rpc, given, token))
        except ApiError as error:
            context.abort_with_status(_status(error))
        return json_format.ParseDict(answer, response_class())

    return grpc.unary_unary_rpc_method_handler(
        handle, request_deserializer=request_class.FromString, response_serializer=response_class.SerializeToString
    )


def _operations(core: Core) -> Any:
    """google.longrunning.Operations/GetOperation over every service's operations."""
    import grpc
    from google.longrunning import operations_pb2
    from google.protobuf import json_format

    def handle(request: Any, context: Any) -> Any:
        token = dict(context.invocation_metadata()).get("authorization", "")
        try:
            answer = core.call(Call("cloudresourcemanager.operations.get", request.name, caller=caller(token)))
        except ApiError as error:
            context.abort_with_status(_status(error))
        return json_format.ParseDict(answer, operations_pb2.Operation())

    handler = grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=operations_pb2.GetOperationRequest.FromString,
        response_serializer=operations_pb2.Operation.SerializeToString,
    )
    return grpc.method_handlers_generic_handler("google.longrunning.Operations", {"GetOperation": handler})


def _status(error: ApiError) -> Any:
    """The error as gRPC has it: code, message, and the details in the trailing metadata."""
    import grpc
    from google.protobuf import any_pb2, json_format
    from google.rpc import code_pb2, error_details_pb2, status_pb2

    assert error_details_pb2 is not None  # its messages must be known to the JSON parser
    code = "FAILED_PRECONDITION" if error.status == "CONDITION_NOT_MET" else error.status
    details = [json_format.ParseDict(one, any_pb2.Any()) for one in error.details]
    status = status_pb2.Status(code=code_pb2.Code.Value(code), message=error.message, details=details)
    made = grpc.Status()
    made.code, made.details = getattr(grpc.StatusCode, code), error.message
    made.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    return made


def serve(core: Core, address: str, workers: int = 16) -> Callable[[], None]:
    """Start the server on an address (`unix:PATH`); the result stops it."""
    import grpc

    server = grpc.server(ThreadPoolExecutor(workers, thread_name_prefix="emulator-grpc"))
    for service, (table, module) in _services().items():
        handlers = {name: _handler(core, rpc, module) for name, rpc in table.items()}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_generic_rpc_handlers((_operations(core),))
    server.add_insecure_port(address)
    server.start()

    def stop() -> None:
        server.stop(grace=None).wait()

    return stop
