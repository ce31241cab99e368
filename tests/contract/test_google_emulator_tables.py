"""The emulator's hand-written route and field tables against the discovery documents that google-api-python-client
ships, and against google-cloud-iam's transports where there is no document."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from provisioner_google.sandbox import fields, grpc_face, routes
from provisioner_google.sandbox.methods import all_methods

FOUND = importlib.util.find_spec("googleapiclient")
DOCUMENTS = Path(str(FOUND.origin)).parent / "discovery_cache" / "documents" if FOUND else Path()
needs_documents = pytest.mark.skipif(FOUND is None, reason="google-api-python-client is not installed")
DOCUMENTED = [service for service in routes.TABLES if service != "iam.v3"]
ROUTES = [route for route in routes.all_routes().values() if route.service in DOCUMENTED]
SCHEMAS = [
    (service, message) for service, messages in fields.MESSAGES.items() if service != "iam.v3" for message in messages
]
RENAMED = {"cloudresourcemanager.v3": "", "run.v2": "GoogleIamV1"}
FORMATS = {"string": "string", "boolean": "bool", "integer": "int", "object": "any"}


@cache
def document(service: str) -> dict[str, Any]:
    return json.loads((DOCUMENTS / f"{service}.json").read_text())


@cache
def methods(service: str) -> dict[str, dict[str, Any]]:
    return {method["id"]: method for method in _walk(document(service))}


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from node.get("methods", {}).values()
    for child in node.get("resources", {}).values():
        yield from _walk(child)


@needs_documents
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_a_route_is_the_documents(route: routes.Route) -> None:
    real = methods(route.service)[route.id]
    path = document(route.service)["servicePath"] + (real.get("flatPath") or real["path"])
    assert route.verb == real["httpMethod"]
    assert route.path == re.sub(r"\{[^}]*\}", "*", path)
    query = {name for name, one in real.get("parameters", {}).items() if one["location"] == "query"}
    assert route.query == query
    name = real.get("request", {}).get("$ref", "")
    assert (route.body or "") in (name, name.removeprefix(RENAMED.get(route.service, "")))


@needs_documents
@pytest.mark.parametrize(("service", "message"), SCHEMAS, ids=[f"{one}-{two}" for one, two in SCHEMAS])
def test_a_message_has_the_documents_fields(service: str, message: str) -> None:
    real = document(service)["schemas"][message.partition(".")[0]]
    if "." in message:  # `Dataset.access` is the inline item of a list
        real = real["properties"][message.partition(".")[2]]["items"]
    table = fields.fields_of(service, message)
    assert set(table) == set(real.get("properties", {}))
    for name, kind in table.items():
        assert _fits(kind, real["properties"][name]), f"{message}.{name}: {kind}, {real['properties'][name]}"


def _fits(kind: str, real: dict[str, Any]) -> bool:
    if kind.startswith("["):
        return real.get("type") == "array" and _fits(kind[1:-1], real["items"])
    if "$ref" in real:
        return kind in ("any", real["$ref"])
    if kind == "map":
        return real["type"] == "object" and real["additionalProperties"]["type"] == "string"
    if kind == "bytes":
        return real.get("format") == "byte"
    if "." in kind:
        return real["type"] == "object"
    return kind == FORMATS[real["type"]] and real.get("format") != "byte"


@needs_documents
@pytest.mark.parametrize("service", DOCUMENTED)
def test_the_policy_messages_of_every_service_are_the_same(service: str) -> None:
    prefix = RENAMED.get(service, "")
    schemas = document(service)["schemas"]
    uses = any(route.body in ("SetIamPolicyRequest", "Policy") for route in ROUTES if route.service == service)
    for message in ("Policy", "Binding", "SetIamPolicyRequest") if uses and service != "storage.v1" else ():
        assert set(schemas[prefix + message]["properties"]) == set(fields.fields_of(service, message))


@needs_documents
@pytest.mark.parametrize("service", DOCUMENTED)
def test_the_query_parameters_of_every_method_are_known(service: str) -> None:
    assert set(routes.STANDARD_QUERY) >= {"alt", "fields", "key", "prettyPrint", "quotaUser"}
    extra = {"uploadType", "upload_protocol", "userIp", "$.xgafv"}
    assert set(document(service)["parameters"]) - extra <= routes.STANDARD_QUERY


def _transport_options(path: str) -> set[tuple[str, str, str]]:
    """(verb, path, body) of every http option of a REST transport of google-cloud-iam."""
    text = (Path(str(importlib.util.find_spec("google.cloud.iam_v3").origin)).parent / path).read_text()  # type: ignore[union-attr]
    rows = re.findall(r'"method": "(\w+)",\s+"uri": "([^"]+)",(?:\s+"body": "(\w+)",)?', text)
    found = set()
    for verb, uri, body in rows:
        plain = re.sub(r"\{[a-z_.]+=([^}]*)\}", r"\1", uri).lstrip("/")
        found.add((verb.upper(), plain, body))
    return found


@pytest.mark.parametrize("service", ["principal_access_boundary_policies", "policy_bindings"])
def test_the_v3_routes_are_those_of_the_real_client(service: str) -> None:
    real = _transport_options(f"services/{service}/transports/rest_base.py")
    ours = {
        (route.verb, route.path, "".join(f"_{c.lower()}" if c.isupper() else c for c in route.body or "").lstrip("_"))
        for route in routes.all_routes().values()
        if route.service == "iam.v3"
    }
    assert real and real <= ours


V3_MESSAGES = [(message, table) for message, table in fields.MESSAGES["iam.v3"].items() if message != "Expr"]


@pytest.mark.parametrize("message", [message for message, _ in V3_MESSAGES])
def test_the_v3_messages_are_those_of_the_real_client(message: str) -> None:
    from google.cloud import iam_v3

    real = iam_v3.PolicyBinding.Target if message == "Target" else getattr(iam_v3, message)
    names = {re.sub(r"_([a-z])", lambda match: match[1].upper(), name) for name in real.meta.fields}
    assert set(fields.fields_of("iam.v3", message)) == names


def test_every_route_has_a_handler_and_every_handler_a_route() -> None:
    assert set(routes.all_routes()) == set(all_methods())


def test_every_rpc_is_one_of_the_real_service_and_reaches_a_method() -> None:
    from google.cloud import iam_admin_v1, iam_v2, iam_v3

    clients = {
        "google.iam.admin.v1.IAM": iam_admin_v1.IAMClient,
        "google.iam.v2.Policies": iam_v2.PoliciesClient,
        "google.iam.v3.PrincipalAccessBoundaryPolicies": iam_v3.PrincipalAccessBoundaryPoliciesClient,
        "google.iam.v3.PolicyBindings": iam_v3.PolicyBindingsClient,
    }
    for service, (table, _) in grpc_face._services().items():
        for name, rpc in table.items():
            assert hasattr(clients[service], re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower())
            method = rpc.id.replace("{parent}", "organizations")
            assert method in all_methods(), method


def test_the_rpcs_that_are_left_out_are_known() -> None:
    """What the real clients can call and the emulator cannot: a new version of the library shows here."""
    from google.cloud.iam_admin_v1.services.iam.transports import IAMGrpcTransport

    calls = set(re.findall(r"google\.iam\.admin\.v1\.IAM/(\w+)", Path(_source(IAMGrpcTransport)).read_text()))
    assert calls - set(grpc_face.ADMIN) == {"SignBlob", "SignJwt", "QueryAuditableServices", "LintPolicy"}


def _source(cls: type) -> str:
    import inspect

    return str(inspect.getsourcefile(cls))
