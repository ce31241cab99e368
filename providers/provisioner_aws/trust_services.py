"""Trusts of workloads that an AWS service vouches for.

Sources: Amazon ECS Developer Guide, «Task IAM role» (SourceArn must end in `:*`); IAM User Guide, «The confused deputy
problem»; Amazon EC2 User Guide, «IAM roles for Amazon EC2» (no source condition is documented); Amazon EKS User Guide,
«Create IAM role with trust policy required by EKS Pod Identity» and «Grant Pods access to AWS resources based on
tags»; Amazon Bedrock AgentCore Developer Guide, «Permissions for AgentCore Runtime»; Amazon Bedrock User Guide,
«Create a service role for Amazon Bedrock Agents»; IAM Roles Anywhere User Guide, «The IAM Roles Anywhere trust model».
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from provisioner.model.configuration import Agent, Settings
from provisioner.model.diagnostics import Diagnostic, Severity

from .places import (
    SET_SOURCE_IDENTITY,
    TAG_SESSION,
    Place,
    check_exact,
    check_regions,
    problem,
    regions_of,
    service_statement,
    source_condition,
)
from .runtimes import X509_TAGS

SERVICES = {
    "lambda": "lambda.amazonaws.com",
    "ecs": "ecs-tasks.amazonaws.com",
    "ec2": "ec2.amazonaws.com",
    "eks_pod_identity": "pods.eks.amazonaws.com",
    "bedrock_agentcore": "bedrock-agentcore.amazonaws.com",
    "bedrock_agent": "bedrock.amazonaws.com",
    "roles_anywhere": "rolesanywhere.amazonaws.com",
}
"""The service principal by runtime."""

CLUSTER = re.compile(r"arn:(aws[a-z-]*):eks:([a-z0-9-]+):([0-9]{12}):cluster/([0-9A-Za-z][A-Za-z0-9_-]{0,99})")
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
SERVICE_ACCOUNT = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RUNTIME_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}-[A-Za-z0-9]{10}")
_AGENT_ID = re.compile(r"[0-9A-Za-z]{10}")
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ANCHOR = re.compile(rf"arn:aws[a-z-]*:rolesanywhere:[a-z0-9-]+:([0-9]{{12}}):trust-anchor/{_UUID}")
_ANYWHERE_PROFILE = re.compile(rf"arn:aws[a-z-]*:rolesanywhere:[a-z0-9-]+:([0-9]{{12}}):profile/{_UUID}")


def ecs(runtime: Settings, place: Place) -> dict[str, Any]:
    arns = (f"arn:{place.partition}:ecs:{region}:{place.account}:*" for region in regions_of(runtime, place))
    return service_statement(SERVICES["ecs"], source_condition(place, arns))


def lambda_(runtime: Settings, place: Place) -> dict[str, Any]:
    if not runtime.get("source_condition"):
        return service_statement(SERVICES["lambda"], None)
    arns = lambda_functions(runtime, place) or tuple(
        _function_arn(place, region, "*") for region in regions_of(runtime, place)
    )
    return service_statement(SERVICES["lambda"], source_condition(place, arns))


def lambda_functions(runtime: Settings, place: Place) -> tuple[str, ...]:
    """ARNs of the functions that a lambda runtime names, in every region it runs in."""
    names = runtime.get("functions") or ()
    return tuple(_function_arn(place, region, name) for region in regions_of(runtime, place) for name in names)


def _function_arn(place: Place, region: str, name: str) -> str:
    return f"arn:{place.partition}:lambda:{region}:{place.account}:function:{name}"


def ec2(runtime: Settings, place: Place) -> dict[str, Any]:
    """EC2 sends no source condition; what limits it is the one instance profile that the role stands in."""
    return service_statement(SERVICES["ec2"], None)


def pod_identity(runtime: Settings, place: Place) -> dict[str, Any]:
    tags = {
        "eks-cluster-arn": runtime.get("cluster"),
        "kubernetes-namespace": runtime.get("namespace"),
        "kubernetes-service-account": runtime.get("service_account"),
    }
    condition = {"StringEquals": {f"aws:RequestTag/{tag}": value for tag, value in tags.items()}}
    return service_statement(SERVICES["eks_pod_identity"], condition, TAG_SESSION)


def agentcore(runtime: Settings, place: Place) -> dict[str, Any]:
    names = runtime.get("runtime_ids") or ("*",)
    prefix = f"arn:{place.partition}:bedrock-agentcore"
    arns = [
        f"{prefix}:{region}:{place.account}:runtime/{id_}" for region in regions_of(runtime, place) for id_ in names
    ]
    return service_statement(SERVICES["bedrock_agentcore"], source_condition(place, arns))


def bedrock_agent(runtime: Settings, place: Place) -> dict[str, Any]:
    id_ = runtime.get("agent_id", "*")
    arns = bedrock_agents(runtime, place, id_)
    return service_statement(SERVICES["bedrock_agent"], source_condition(place, arns))


def bedrock_agents(runtime: Settings, place: Place, id_: str) -> tuple[str, ...]:
    """ARNs of a Bedrock agent in every region of the runtime."""
    prefix = f"arn:{place.partition}:bedrock"
    return tuple(f"{prefix}:{region}:{place.account}:agent/{id_}" for region in regions_of(runtime, place))


def roles_anywhere(runtime: Settings, place: Place) -> dict[str, Any]:
    tags = {f"aws:PrincipalTag/{tag}": runtime.get(name) for name, tag in X509_TAGS.items()}
    condition = {
        "ArnEquals": {"aws:SourceArn": [runtime.get("trust_anchor")]},
        "StringEquals": {key: value for key, value in tags.items() if value},
    }
    return service_statement(SERVICES["roles_anywhere"], condition, SET_SOURCE_IDENTITY, TAG_SESSION)


def check_lambda(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    if runtime.get("source_condition") or runtime.get("regions"):
        yield from check_regions(agent, place)
    if runtime.get("bind_grants") and not runtime.get("functions"):
        yield problem(
            agent,
            "bind_grants",
            "bind_grants names no function to bind its grants to",
            "List the agent's functions in functions, or take bind_grants out.",
        )
    for name in runtime.get("functions") or ():
        if not _FUNCTION.fullmatch(name):
            yield problem(
                agent,
                "functions",
                f"{name!r} is no Lambda function name",
                "A name has up to 64 letters, digits, hyphens and underscores. Write neither an ARN nor a wildcard: a"
                " wildcard would let other agents' functions in.",
            )


def check_pod_identity(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    yield from check_exact(agent, ("cluster", "namespace", "service_account"))
    yield from check_service_account(agent)
    runtime = agent.runtime
    found = CLUSTER.fullmatch(runtime.get("cluster", ""))
    if found is None:
        yield problem(
            agent,
            "cluster",
            f"{runtime.get('cluster')!r} is no ARN of an EKS cluster",
            "The trust pins it exactly: `aws eks describe-cluster --name NAME --query cluster.arn` prints it.",
        )
    elif found[3] != place.account:
        yield problem(
            agent,
            "cluster",
            f"its cluster is in account {found[3]}, its role in {place.account}",
            "A pod identity association needs a role of the cluster's own account. Put the agent's identity into the"
            ' cluster\'s account, or use runtime "eks_irsa", which crosses accounts.',
        )
    if runtime.get("session_tags") is False:
        yield problem(
            agent,
            "session_tags",
            "session tags are disabled",
            "Without the six tags of EKS the trust cannot tell one service account from another, and any pod with an"
            " association to this role would become the agent. Take session_tags = false out.",
        )


def check_service_account(agent: Agent) -> Iterable[Diagnostic]:
    """Kubernetes names: a namespace is an RFC 1123 label, a service account an RFC 1123 subdomain."""
    for name, pattern in (("namespace", NAMESPACE), ("service_account", SERVICE_ACCOUNT)):
        value = agent.runtime.get(name, "")
        if not pattern.fullmatch(value) and not any(char in value for char in "*?$&"):
            yield problem(
                agent,
                name,
                f"{value!r} is no Kubernetes {name.replace('_', ' ')}",
                "Lower-case letters, digits and hyphens, as `kubectl get serviceaccounts -A` prints it.",
            )
    if agent.runtime.get("service_account") == "default":
        yield problem(
            agent,
            "service_account",
            "it is the namespace's default service account",
            "Every pod that names none runs as `default`, and each of them would become this agent. Make a service"
            " account for the agent.",
        )


def check_agentcore(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    yield from check_regions(agent, place)
    for id_ in agent.runtime.get("runtime_ids") or ():
        if not _RUNTIME_ID.fullmatch(id_):
            yield problem(
                agent,
                "runtime_ids",
                f"{id_!r} is no id of an AgentCore runtime",
                "It ends in a hyphen and ten letters or digits, as `aws bedrock-agentcore-control list-agent-runtimes`"
                " prints it; leave runtime_ids out until the runtime exists. A wildcard would admit other runtimes.",
            )
    if not agent.runtime.get("runtime_ids"):
        yield stage(
            agent,
            "runtime_ids",
            "every AgentCore runtime of the account that this role is passed to can become it",
            "create the runtime with this role, then set runtime_ids to its id",
        )


def stage(agent: Agent, attribute: str, summary: str, way_out: str) -> Diagnostic:
    """A trust that gets narrower once the cloud has minted an id: not wrong yet, and said until it is done."""
    return Diagnostic(
        "W-AWS-STAGE",
        f"{agent.address}: {summary}",
        f"The id only exists after the workload does: apply this, {way_out}.",
        severity=Severity.WARNING,
        subject=agent.runtime.range_of(attribute),
    )


def check_bedrock_agent(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    yield from check_regions(agent, place)
    id_ = agent.runtime.get("agent_id")
    if id_ is None:
        yield stage(
            agent,
            "agent_id",
            "every Bedrock agent of the account that this role is passed to can become it",
            "create the Bedrock agent with this role, then set agent_id to its id",
        )
    elif not _AGENT_ID.fullmatch(id_):
        yield problem(
            agent,
            "agent_id",
            f"{id_!r} is no id of a Bedrock agent",
            "It has ten letters or digits, as `aws bedrock-agent list-agents` prints it. agent/* would let every"
            " Bedrock agent of the account become this one.",
        )


def check_roles_anywhere(agent: Agent, place: Place) -> Iterable[Diagnostic]:
    runtime = agent.runtime
    yield from check_exact(agent, X509_TAGS)
    for name, pattern, noun in (
        ("trust_anchor", _ANCHOR, "trust anchor"),
        ("profile", _ANYWHERE_PROFILE, "Roles Anywhere profile"),
    ):
        value = runtime.get(name)
        found = pattern.fullmatch(value or "")
        if value is not None and found is None:
            yield problem(
                agent,
                name,
                f"{value!r} is no ARN of a {noun}",
                f"Write the whole ARN, as `aws rolesanywhere list-{name.replace('_', '-')}s` prints it. Without the"
                " exact anchor, any certificate authority of the account could vouch for this agent.",
            )
        elif found is not None and found[1] != place.account:
            yield problem(
                agent,
                name,
                f"its {noun} is in account {found[1]}, its role in {place.account}",
                "IAM Roles Anywhere only hands out roles of its own account. Name one of the role's account.",
            )
    if not any(runtime.get(name) for name in ("common_name", "san_uri", "san_dns")):
        yield problem(
            agent,
            "common_name",
            "nothing says which certificate may become it",
            "Every certificate of the trust anchor could. Set common_name, san_uri or san_dns.",
        )
