"""An AWS that asks our own evaluator whether the caller may: a proxy before the sandbox.

As AWS, it judges a call on something that is not there by its bare name, without a path; asks for the tagging action
too where something is made with tags; and names the action and the resource when it refuses.
Source: IAM User Guide, «Troubleshoot access denied error messages»; Service Authorization Reference, IAM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provisioner_aws.faulty import FaultyCloud, Reply, refused
from provisioner_aws.policy.context import Context, context_values
from provisioner_aws.policy.document import parse_policy
from provisioner_aws.policy.evaluate import Layer, Policies, PolicyRequest, evaluate
from provisioner_aws.policy.match import Caller

from provisioner.model.requests import Answer

RUNNER = "arn:aws:iam::123456789012:role/provisioner/ws-provisioner-apply"
_ON_POLICY = (
    "CreatePolicyVersion",
    "DeletePolicy",
    "DeletePolicyVersion",
    "GetPolicy",
    "GetPolicyVersion",
    "ListPolicyTags",
    "ListPolicyVersions",
    "TagPolicy",
    "UntagPolicy",
)


class EnforcingCloud(FaultyCloud):
    """`policy` is what the caller may do, None for everything; `withheld` are actions taken out of it. `iam` is a way
    to the same account past the proxy."""

    def __init__(self, upstream: int, iam: Any, account: str = "123456789012") -> None:
        super().__init__(upstream)
        self.policy: Mapping[str, Any] | None = None
        self.withheld: frozenset[str] = frozenset()
        self.used: set[str] = set()
        self._iam, self._account = iam, account

    def _reply(self, parameters: dict[str, str]) -> Reply | None:
        found = super()._reply(parameters)
        if found is not None or self.policy is None or parameters.get("Action") == "GetCallerIdentity":
            return found
        resource, context = self._about(parameters)
        for action in self._actions(parameters):
            self.used.add(action)
            if action in self.withheld or not self._allowed(action, resource, context):
                return refused(
                    "AccessDenied",
                    403,
                    f"User: {RUNNER} is not authorized to perform: {action} on resource: {resource} because no"
                    f" identity-based policy allows the {action} action",
                )
        return None

    def _actions(self, parameters: dict[str, str]) -> list[str]:
        name = parameters["Action"]
        tagged = {"CreateRole": "TagRole", "CreatePolicy": "TagPolicy"}.get(name)
        return [f"iam:{name}", *([f"iam:{tagged}"] if tagged and "Tags.member.1.Key" in parameters else [])]

    def _allowed(self, action: str, resource: str, context: dict[str, Any]) -> bool:
        policies = Policies(Layer("the runner's policy", (parse_policy(self.policy or {}),)))
        exact = None if resource == "*" else resource
        values = context_values({"aws:PrincipalArn": RUNNER, **context})
        asked = PolicyRequest(action, exact, Context(values, closed=True), Caller("AWS", RUNNER))
        return evaluate(asked, policies).answer is Answer.ALLOWED

    def _about(self, parameters: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """The resource's ARN and the condition keys of a call."""
        name = parameters["Action"]
        keys = [parameters[key] for key in parameters if re.fullmatch(r"Tags\.member\.\d+\.Key", key)]
        values = [parameters[key] for key in parameters if re.fullmatch(r"Tags\.member\.\d+\.Value", key)]
        context: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in zip(keys, values, strict=True)}
        if "PermissionsBoundary" in parameters:
            context["iam:PermissionsBoundary"] = parameters["PermissionsBoundary"]
        here = f"arn:aws:iam::{self._account}"
        if name in ("CreateRole", "CreatePolicy"):
            noun = name.removeprefix("Create").lower()
            return f"{here}:{noun}{parameters['Path']}{parameters[f'{noun.capitalize()}Name']}", context
        if name in _ON_POLICY:
            return parameters["PolicyArn"], context | self._tags(
                lambda: self._iam.list_policy_tags(PolicyArn=parameters["PolicyArn"])["Tags"]
            )
        if "RoleName" in parameters:
            return self._role(parameters, context)
        if "UserName" in parameters:
            return f"{here}:user/{parameters['UserName']}", context
        return parameters.get("OpenIDConnectProviderArn", "*"), context

    def _role(self, parameters: dict[str, str], context: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if "PolicyArn" in parameters:
            context["iam:PolicyARN"] = parameters["PolicyArn"]
        try:
            role = self._iam.get_role(RoleName=parameters["RoleName"])["Role"]
        except self._iam.exceptions.NoSuchEntityException:
            return f"arn:aws:iam::{self._account}:role/{parameters['RoleName']}", context
        return role["Arn"], context | self._tags(lambda: role.get("Tags", []))

    def _tags(self, read: Any) -> dict[str, Any]:
        try:
            return {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in read()}
        except self._iam.exceptions.NoSuchEntityException:
            return {}
