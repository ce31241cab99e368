"""The emulator with the real clients on it: google.auth's session for REST, google-cloud-iam for gRPC."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import Any

import grpc
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials
from provisioner_google.sandbox import start

PROJECT, NUMBER = "acme-fin-prod", "987654321098"
OTHER = "acme-data-prod"
FOLDER, ORGANIZATION = "folders/345678901234", "organizations/123456789012"
POOLS = f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools"
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools"

Json = dict[str, Any]


class Cloud:
    """An emulator and its clients. REST calls give the answer's JSON, or the `error` of a refusal (`refused`)."""

    def __init__(self, **switches: Any) -> None:
        self.emulator = start(**switches)
        self.endpoint = self.emulator.endpoint
        # A 401 is what is looked for, not a reason to fetch another token.
        self._anonymous = AuthorizedSession(AnonymousCredentials(), refresh_status_codes=())

    def __enter__(self) -> Cloud:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.emulator.stop()

    def answer(self, verb: str, path: str, body: Json | None = None, caller: str = "", **headers: str) -> Any:
        session = self._anonymous
        if caller:
            session = AuthorizedSession(Credentials(token=caller), refresh_status_codes=())
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return session.request(verb, self.endpoint + path, json=body, headers=named or None, timeout=10)

    def call(self, verb: str, path: str, body: Json | None = None, caller: str = "", **headers: str) -> Json:
        answer = self.answer(verb, path, body, caller, **headers)
        assert answer.ok, answer.text
        return answer.json() if answer.text else {}

    def get(self, path: str, caller: str = "") -> Json:
        return self.call("GET", path, caller=caller)

    def post(self, path: str, body: Json | None = None, caller: str = "") -> Json:
        return self.call("POST", path, body if body is not None else {}, caller)

    def refused(self, verb: str, path: str, body: Json | None = None, caller: str = "", **headers: str) -> Json:
        answer = self.answer(verb, path, body, caller, **headers)
        assert not answer.ok, answer.text
        error = answer.json()["error"]
        assert error["code"] == answer.status_code
        return error

    def status(
        self, verb: str, path: str, body: Json | None = None, caller: str = "", **headers: str
    ) -> tuple[int, str]:
        """(HTTP status, canonical status) of a refusal."""
        error = self.refused(verb, path, body, caller, **headers)
        return error["code"], error.get("status", "")

    def account(self, identity: str = "triage-agent", project: str = PROJECT, **fields: str) -> Json:
        """A new service account."""
        body = {"accountId": identity, "serviceAccount": fields}
        return self.post(f"/v1/projects/{project}/serviceAccounts", body)

    def policy(self, resource: str = f"/v3/projects/{PROJECT}", version: int = 3) -> Json:
        return self.post(f"{resource}:getIamPolicy", {"options": {"requestedPolicyVersion": version}})

    def set_policy(self, bindings: list[Json], resource: str = f"/v3/projects/{PROJECT}", **fields: Any) -> Json:
        """A read-modify-write with the live etag."""
        etag = self.policy(resource)["etag"]
        policy = {"version": 3, "bindings": bindings, "etag": etag} | fields
        return self.post(f"{resource}:setIamPolicy", {"policy": policy})

    def pool(self, identity: str = "agents", **fields: Any) -> Json:
        """A new pool, its operation waited for."""
        return self.done(self.post(f"{POOLS}?workloadIdentityPoolId={identity}", fields))

    def done(self, operation: Json, version: str = "v1") -> Json:
        """The response of an operation, which must be done by the next poll."""
        polled = self.get(f"/{version}/{operation['name']}")
        assert polled["done"], polled
        assert "error" not in polled, polled
        return {key: value for key, value in polled["response"].items() if key != "@type"}

    @cached_property
    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self.endpoint.removeprefix("http://"))

    @cached_property
    def iam(self) -> Any:
        from google.cloud import iam_admin_v1
        from google.cloud.iam_admin_v1.services.iam.transports import IAMGrpcTransport

        return iam_admin_v1.IAMClient(transport=IAMGrpcTransport(channel=self.channel))

    @cached_property
    def deny(self) -> Any:
        from google.cloud import iam_v2
        from google.cloud.iam_v2.services.policies.transports import PoliciesGrpcTransport

        return iam_v2.PoliciesClient(transport=PoliciesGrpcTransport(channel=self.channel))

    @cached_property
    def boundaries(self) -> Any:
        from google.cloud import iam_v3
        from google.cloud.iam_v3.services.principal_access_boundary_policies.transports import (
            PrincipalAccessBoundaryPoliciesGrpcTransport as Transport,
        )

        return iam_v3.PrincipalAccessBoundaryPoliciesClient(transport=Transport(channel=self.channel))

    @cached_property
    def bindings(self) -> Any:
        from google.cloud import iam_v3
        from google.cloud.iam_v3.services.policy_bindings.transports import PolicyBindingsGrpcTransport

        return iam_v3.PolicyBindingsClient(transport=PolicyBindingsGrpcTransport(channel=self.channel))
