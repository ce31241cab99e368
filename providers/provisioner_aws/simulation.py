"""AWS's own judgement of an attempt: IAM's policy simulator.

What is planned goes to SimulateCustomPolicy with its policies and boundary; what is live is asked by the role's name of
SimulatePrincipalPolicy, which also counts the organisation's service control policies. The simulator takes a key that
is not given as not met and says which: where our own reading knows such a key to be absent, that is no gap.
Source: IAM API reference, SimulateCustomPolicy, SimulatePrincipalPolicy, EvaluationResult.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from provisioner.model.requests import Answer, Attempt, Deciding, Decision, World
from provisioner.model.resources import Resource
from provisioner.sdk.provider import Connection

from .client import Account
from .faults import ANSWERS, message
from .policy.context import Context
from .policy.errors import ClaimError, PolicyError
from .policy.holdings import Holdings, holdings, role_arn
from .policy.spelling import spell_key
from .policy.world import context_of

_KINDS: Final = {
    "aws:CurrentTime": "date",
    "aws:EpochTime": "numeric",
    "aws:MultiFactorAuthAge": "numeric",
    "aws:MultiFactorAuthPresent": "boolean",
    "aws:PrincipalIsAWSService": "boolean",
    "aws:SecureTransport": "boolean",
    "aws:SourceIp": "ip",
    "aws:ViaAWSService": "boolean",
}
"""Types of the global keys that are no texts. Source: «AWS global condition context keys»."""

_ANSWERS: Final = {"allowed": Answer.ALLOWED, "explicitDeny": Answer.DENIED, "implicitDeny": Answer.DENIED}


class AWSSimulator:
    """The simulators of the accounts of one run, by account id."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._accounts = {item.target.id: Account(item, "plan_role") for item in connections}

    def simulate(self, world: World, attempt: Attempt, *, live: bool) -> Decision:
        """Ask IAM. Its answer, or DEPENDS with why there is none."""
        roles = holdings(world).roles(attempt.agent)
        if len(roles) != 1:
            return _open(f"agent {attempt.agent} has {len(roles) or 'no'} role here for the simulator to judge")
        role = roles[0]
        account = self._accounts.get(role.address.target)
        if account is None:
            return _open(f"the runner does not reach account {role.address.target}")
        try:
            context = context_of(world, role, attempt)
            verb, params = self._request(world, role, attempt, context, live=live)
            answer = account.read(verb, **params)
        except (ClaimError, PolicyError) as error:
            return _open(str(error))
        except ANSWERS as error:
            return _open(f"IAM's simulator in account {role.address.target} did not answer: {message(error)}")
        return _decision(answer, context)

    def _request(
        self, world: World, role: Resource, attempt: Attempt, context: Context, *, live: bool
    ) -> tuple[str, dict[str, Any]]:
        """The call. Raises PolicyError for what the simulator cannot be given."""
        given = attempt.settings.get("resource") or "*"
        if attempt.settings.get("granted") and live:
            raise PolicyError("a test as if something granted it is about policies that the role does not have")
        params: dict[str, Any] = {
            "ActionNames": [str(attempt.settings.get("action"))],
            "ResourceArns": [str(item) for item in given] if isinstance(given, list | tuple) else [str(given)],
            "ContextEntries": [_entry(key, values) for key, values in sorted(context.values.items()) if values],
        }
        if live:
            return "simulate_principal_policy", {"PolicySourceArn": role_arn(role), **params}
        held = holdings(world)
        boundary = _boundary(held, role)
        documents = _EVERYTHING if attempt.settings.get("granted") else _documents(held, role)
        params["PolicyInputList"] = documents
        if boundary is not None:
            params["PermissionsBoundaryPolicyInputList"] = [boundary]
        return "simulate_custom_policy", params


_EVERYTHING: Final = [
    json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
]


def _open(what: str) -> Decision:
    return Decision(Answer.DEPENDS, missing=(what,))


def _documents(held: Holdings, role: Resource) -> list[str]:
    out = []
    for name, item in held.held(role.address):
        document = item.attributes.get("document")
        if document is None:
            raise PolicyError(f"the document of {name}, which nobody read")
        out.append(document if isinstance(document, str) else json.dumps(document))
    return out or [json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "NotAction": "*",
                                                                      "Resource": "*"}})]  # fmt: skip


def _boundary(held: Holdings, role: Resource) -> str | None:
    arn = role.attributes.get("permissions_boundary")
    if not arn:
        return None
    found = held.managed(str(arn))
    if found is None:
        raise PolicyError(f"the document of boundary {arn}, which nobody read")
    document = found.attributes["document"]
    return document if isinstance(document, str) else json.dumps(document)


def _entry(key: str, values: Sequence[str]) -> dict[str, Any]:
    kind = _KINDS.get(key, "string")
    listed = len(values) > 1
    return {
        "ContextKeyName": key,
        "ContextKeyValues": list(values),
        "ContextKeyType": f"{kind}List" if listed else kind,
    }


def _decision(answer: Mapping[str, Any], context: Context) -> Decision:
    """Every resource's result: one answer where all agree."""
    results = answer.get("EvaluationResults") or ()
    if not results or any(result.get("EvalDecision") not in _ANSWERS for result in results):
        return _open("IAM's simulator gave no decision")
    answers = {_ANSWERS[str(result["EvalDecision"])] for result in results}
    because = tuple(dict.fromkeys(_sentence(result) for result in results))
    deciding = tuple(
        Deciding(str(item.get("SourcePolicyId")), _place(item), "Deny" if denied else "Allow")
        for result in results
        for denied in [result["EvalDecision"] == "explicitDeny"]
        for item in result.get("MatchedStatements") or ()
    )
    lacking = {spell_key(str(key)) for result in results for key in result.get("MissingContextValues") or ()}
    unknown = sorted(key for key in lacking if context.get(key) is None)
    explicit = all(result["EvalDecision"] == "explicitDeny" for result in results)
    if len(answers) > 1:
        return Decision(Answer.DEPENDS, because, ("one answer: the resources are judged differently",), deciding)
    if unknown and not explicit:
        return Decision(Answer.DEPENDS, because, tuple(unknown), deciding)
    return Decision(answers.pop(), because, deciding=deciding)


def _place(item: Mapping[str, Any]) -> str:
    """Where in its policy a statement stands: the simulator names no Sid."""
    start = item.get("StartPosition") or {}
    return f"line {start['Line']}, column {start.get('Column', 1)}" if "Line" in start else "?"


def _sentence(result: Mapping[str, Any]) -> str:
    said = f"IAM's simulator: {result['EvalDecision']} for {result.get('EvalActionName')}"
    limits = {
        "PermissionsBoundaryDecisionDetail": ("AllowedByPermissionsBoundary", "the permissions boundary"),
        "OrganizationsDecisionDetail": ("AllowedByOrganizations", "the organisation's policies"),
    }
    for member, (field, name) in limits.items():
        if (result.get(member) or {}).get(field) is False:
            said += f", {name} left it out"
    return said
