"""What AWS's documentation of AgentCore warns of, beside the trust.

`GetWorkloadAccessTokenForUserId` gives out tokens for whatever user id the caller writes: nothing proves that the user
is there. Where callers come with a JWT, `GetWorkloadAccessTokenForJWT` takes the user from that, and checks it.
Source: Amazon Bedrock AgentCore Developer Guide, «Get workload access token» (the JWT is recommended for production;
«Security controls for GetWorkloadAccessTokenForUserId API»).
"""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.model.authority import Authority
from provisioner.model.configuration import Settings
from provisioner.model.diagnostics import Diagnostic, Severity

from .catalogue import actions_like
from .compile import aws_parts
from .grants import statements_of
from .trust import runtime_label

FOR_ANY_USER = "bedrock-agentcore:GetWorkloadAccessTokenForUserId"
_FOR_JWT = "bedrock-agentcore:GetWorkloadAccessTokenForJWT"


def check_user_tokens(authority: Authority) -> Iterable[Diagnostic]:
    """Grants by which an agent on AgentCore gets tokens for any user: refused where its callers come with a JWT, and a
    warning where nothing says how they come."""
    seen: set[tuple[str, str, str]] = set()
    for part in aws_parts(authority):
        if runtime_label(part.agent.runtime) != "bedrock_agentcore":
            continue
        inbound = part.agent.runtime.get("inbound_auth")
        for tool in part.tools if inbound != "iam" else ():
            for statement in statements_of(tool):
                for action in _giving(statement):
                    key = (tool.address, part.agent.address, action)
                    if key not in seen:
                        seen.add(key)
                        yield _problem(tool.address, part.agent.address, action, statement, inbound is not None)


def _giving(statement: Settings) -> Iterable[str]:
    """The actions of a statement that are, or whose pattern matches, the call in question."""
    for action in statement.get("actions") or ():
        service, _, _ = action.partition(":")
        if service.lower() == "bedrock-agentcore" and FOR_ANY_USER in actions_like(action):
            yield action


def _problem(tool: str, agent: str, action: str, statement: Settings, is_known: bool) -> Diagnostic:
    say = "" if is_known else ' Or say inbound_auth = "iam" in its runtime block: then there is no JWT to be had.'
    return Diagnostic(
        "E-AWS-USER-TOKEN" if is_known else "W-AWS-USER-TOKEN",
        f"{tool}: with {action}, {agent} gets tokens for whatever user it names",
        f"GetWorkloadAccessTokenForUserId takes the user's id unproved. Grant {_FOR_JWT}, which takes the user from the"
        f" JWT that the caller brought.{say}",
        severity=Severity.ERROR if is_known else Severity.WARNING,
        subject=statement.range_of("actions"),
    )
