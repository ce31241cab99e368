"""An AWS that asks our own evaluator whether the caller may: a proxy before the sandbox.

As AWS, it judges a call on something that is not there by its bare name, without a path; asks for the tagging action
too where something is made with tags, and for iam:PassRole where a role is handed to a service; and names the action
and the resource when it refuses.
Source: IAM User Guide, «Troubleshoot access denied error messages»; Service Authorization Reference, IAM, EKS and
Bedrock AgentCore.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from provisioner_aws import provider
from provisioner_aws.faulty import FaultyCloud, Reply, refused
from provisioner_aws.policy.context import Context, context_values
from provisioner_aws.policy.document import parse_policy
from provisioner_aws.policy.evaluate import Layer, Policies, PolicyRequest, evaluate
from provisioner_aws.policy.match import Caller
from provisioner_aws.reader import AWSReader
from provisioner_aws.writer import AWSWriter

from provisioner.model.changes import Action, Change, Effect, Operation, Status
from provisioner.model.requests import Answer
from provisioner.model.resources import Desired, Snapshot
from provisioner.planning.diff import compare
from provisioner.planning.order import order
from provisioner.sdk import Scope

RUNNER = "arn:aws:iam::123456789012:role/provisioner/ws-provisioner-apply"
REGION = "eu-west-1"
KINDS = {"aws": provider.schema().kinds}
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
_TAGGED = {
    "CreateRole": "TagRole",
    "CreatePolicy": "TagPolicy",
    "CreateInstanceProfile": "TagInstanceProfile",
    "CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
}
_ASSOCIATIONS = re.compile(r"/clusters/([^/]+)/pod-identity-associations(?:/([^/?]+))?")
_VERBS = {"GET": "ListTagsForResource", "POST": "TagResource", "DELETE": "UntagResource"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that AWS puts to the caller's policies."""

    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)


class EnforcingCloud(FaultyCloud):
    """`policy` is what the caller may do, None for everything; `withheld` are actions taken out of it. `iam` is a way
    to the same account past the proxy, `eks` where pod identities are used."""

    def __init__(self, upstream: int, iam: Any, account: str = "123456789012", eks: Any = None) -> None:
        super().__init__(upstream)
        self.policy: Mapping[str, Any] | None = None
        self.withheld: frozenset[str] = frozenset()
        self.used: set[str] = set()
        self._iam, self._account, self._eks = iam, account, eks

    def _reply(self, parameters: dict[str, str]) -> Reply | None:
        found = super()._reply(parameters)
        if found is not None or self.policy is None or parameters["Action"] == "GetCallerIdentity":
            return found
        said = self._judge(self._questions(parameters))
        return refused("AccessDenied", 403, said) if said else None

    def _refusal(self, method: str, path: str, body: bytes) -> tuple[int, str, bytes] | None:
        found = super()._refusal(method, path, body)
        if found is not None or self.policy is None:
            return found
        said = self._judge(self._regional_questions(method, unquote(path.partition("?")[0]), body))
        return (403, "AccessDeniedException", json.dumps({"message": said}).encode()) if said else None

    def _judge(self, questions: Iterable[Asked]) -> str:
        """The refusal of the first that is not allowed; empty where all are."""
        for asked in questions:
            self.used.add(asked.action)
            if asked.action in self.withheld or not self._allowed(asked):
                return (
                    f"User: {RUNNER} is not authorized to perform: {asked.action} on resource: {asked.resource}"
                    f" because no identity-based policy allows the {asked.action} action"
                )
        return ""

    def _allowed(self, asked: Asked) -> bool:
        policies = Policies(Layer("the runner's policy", (parse_policy(self.policy or {}),)))
        exact = None if asked.resource == "*" else asked.resource
        values = context_values({"aws:PrincipalArn": RUNNER, **asked.context})
        request = PolicyRequest(asked.action, exact, Context(values, closed=True), Caller("AWS", RUNNER))
        return evaluate(request, policies).answer is Answer.ALLOWED

    def _questions(self, parameters: dict[str, str]) -> Iterable[Asked]:
        name = parameters["Action"]
        resource, context = self._about(parameters)
        yield Asked(f"iam:{name}", resource, context)
        if name in _TAGGED and "Tags.member.1.Key" in parameters:
            yield Asked(f"iam:{_TAGGED[name]}", resource, context)
        if name == "AddRoleToInstanceProfile":
            yield self._passing(self._role({"RoleName": parameters["RoleName"]}, {})[0], "ec2.amazonaws.com")

    def _passing(self, role: str, service: str) -> Asked:
        return Asked("iam:PassRole", role, {"iam:PassedToService": service})

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
        if name == "CreateOpenIDConnectProvider":
            return f"{here}:oidc-provider/{parameters['Url'].removeprefix('https://')}", context
        if name in _ON_POLICY:
            return parameters["PolicyArn"], context | self._tags(
                lambda: self._iam.list_policy_tags(PolicyArn=parameters["PolicyArn"])["Tags"]
            )
        if "InstanceProfileName" in parameters:
            return self._profile(parameters, context)
        if "RoleName" in parameters:
            return self._role(parameters, context)
        if "UserName" in parameters:
            return f"{here}:user/{parameters['UserName']}", context
        arn = parameters.get("OpenIDConnectProviderArn", "*")
        if arn == "*":
            return arn, context
        return arn, context | self._tags(
            lambda: self._iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn).get("Tags", [])
        )

    def _role(self, parameters: dict[str, str], context: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if "PolicyArn" in parameters:
            context["iam:PolicyARN"] = parameters["PolicyArn"]
        try:
            role = self._iam.get_role(RoleName=parameters["RoleName"])["Role"]
        except self._iam.exceptions.NoSuchEntityException:
            return f"arn:aws:iam::{self._account}:role/{parameters['RoleName']}", context
        return role["Arn"], context | self._tags(lambda: role.get("Tags", []))

    def _profile(self, parameters: dict[str, str], context: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        name = parameters["InstanceProfileName"]
        try:
            profile = self._iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        except self._iam.exceptions.NoSuchEntityException:
            return f"arn:aws:iam::{self._account}:instance-profile{parameters.get('Path', '/')}{name}", context
        return profile["Arn"], context | self._tags(lambda: profile.get("Tags", []))

    def _tags(self, read: Any) -> dict[str, Any]:
        try:
            return {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in read()}
        except self._iam.exceptions.NoSuchEntityException:
            return {}

    def _regional_questions(self, method: str, path: str, body: bytes) -> list[Asked]:
        given: dict[str, Any] = json.loads(body) if body else {}
        wanted = {f"aws:RequestTag/{key}": value for key, value in (given.get("tags") or {}).items()}
        if path.startswith("/tags/"):
            arn = path.removeprefix("/tags/")
            return [Asked(f"{arn.split(':')[2]}:{_VERBS[method]}", arn, wanted | self._owned(arn))]
        association = _ASSOCIATIONS.fullmatch(path)
        if association is not None:
            return self._association(method, association[1], association[2], given, wanted)
        action = path.rpartition("/")[2]
        directory = f"arn:aws:bedrock-agentcore:{REGION}:{self._account}:workload-identity-directory/default"
        asked = [Asked(f"bedrock-agentcore:{action}", directory, wanted)]
        if "name" in given:
            arn = f"{directory}/workload-identity/{given['name']}"
            asked.append(Asked(f"bedrock-agentcore:{action}", arn, wanted))
            asked += [Asked("bedrock-agentcore:TagResource", arn, wanted)] if wanted else []
        return asked

    def _association(
        self, method: str, cluster: str, id_: str | None, given: dict[str, Any], wanted: dict[str, Any]
    ) -> list[Asked]:
        here = f"arn:aws:eks:{REGION}:{self._account}"
        if id_ is not None:
            verb = {"GET": "Describe", "POST": "Update", "DELETE": "Delete"}[method]
            arn = f"{here}:podidentityassociation/{cluster}/{id_}"
            return [Asked(f"eks:{verb}PodIdentityAssociation", arn, self._owned(arn))]
        if method == "GET":
            return [Asked("eks:ListPodIdentityAssociations", f"{here}:cluster/{cluster}")]
        made = [Asked("eks:CreatePodIdentityAssociation", f"{here}:cluster/{cluster}", wanted)]
        if wanted:
            made.append(Asked("eks:TagResource", f"{here}:podidentityassociation/{cluster}/a-1", wanted))
        made.append(Asked("iam:GetRole", given["roleArn"]))
        return [*made, self._passing(given["roleArn"], "pods.eks.amazonaws.com")]

    def _owned(self, arn: str) -> dict[str, Any]:
        """The tags that an association has; AgentCore's are not asked for by any policy of ours."""
        if ":podidentityassociation/" not in arn:
            return {}
        tags = self._eks.list_tags_for_resource(resourceArn=arn)["tags"]
        return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


class Runner:
    """Plans and applies through a proxy; where that is an `EnforcingCloud`, with what the caller's policy allows."""

    def __init__(self, cloud: Any, connect: Callable[[int], Any]) -> None:
        self.cloud = cloud
        self.reader = AWSReader([connect(cloud.port)])
        self.writer = AWSWriter([connect(cloud.port)], sleep=lambda _: None)
        self.needed: set[str] = set()

    def read(self, desired: Iterable[Desired], agents: frozenset[str] | None = None) -> Snapshot:
        for account in self.reader._accounts.values():
            account.bulk_cost = None  # so that a few agents are read one by one
        return self.reader.read(Scope("ws", frozenset(item.resource.address for item in desired), agents))

    def operations(self, desired: tuple[Desired, ...]) -> tuple[Operation, ...]:
        snapshot = self.read(desired)
        assert snapshot.coverage.complete, snapshot.coverage.gaps
        out: list[Operation] = []
        for number, item in enumerate(compare("ws", desired, snapshot.resources, KINDS).found, start=1):
            one = item.desired.resource if item.desired is not None else item.live
            assert one is not None
            before = item.live.attributes if item.live is not None else None
            after = item.desired.resource.attributes if item.desired is not None else None
            change = Change(
                number, item.action, one.address, "it", one.agent, None, (), {}, Effect.WIDER, (), (), "", before, after
            )
            out += [replace(operation, agent=one.agent) for operation in provider.operations(change)]
        live = {resource.address: resource for resource in snapshot.resources}
        wanted = {item.resource.address: item.resource for item in desired}
        return order(out, live, wanted, lambda operation: provider.rank(operation, True))

    def apply(self, desired: tuple[Desired, ...]) -> None:
        """Carry out what a plan would; before each call, once without each of its permissions that was not missed
        yet: then it fails, names what it lacks, and does nothing."""
        self.carry_out(self.operations(desired))

    def release(self, desired: tuple[Desired, ...], kind: str) -> None:
        """Let go of everything of a kind, as `release` does: the mark goes, the rest stays."""
        live = [one for one in self.read(desired).resources if one.address.kind == kind]
        shape = provider.schema().kinds[kind]
        out: list[Operation] = []
        for number, one in enumerate(live, start=1):
            after = {**one.attributes, "tags": {}}
            change = Change(
                number, Action.RELEASE, one.address, "it", one.agent, None, shape.adoption(), {}, Effect.EQUAL,
                (), (), "", one.attributes, after, ("tags",),
            )  # fmt: skip
            out += [replace(operation, agent=one.agent) for operation in provider.operations(change)]
        assert out
        self.carry_out(out)

    def carry_out(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            for action in sorted({operation.verb, *operation.permissions} - self.needed):
                self.cloud.withheld = frozenset({action})
                self.cloud.used.clear()
                outcome = self.writer.execute(operation, lambda: None)
                self.cloud.withheld = frozenset()
                if outcome.status is not Status.FAILED:
                    assert outcome.status is not Status.DONE or action not in self.cloud.used
                    continue
                assert action in outcome.detail, (operation.verb, action, outcome)
                self.needed.add(action)
            outcome = self.writer.execute(operation, lambda: None)
            assert outcome.status in (Status.DONE, Status.ALREADY), (operation.verb, outcome)
