"""Trust policies in sentences: who becomes the agent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import describe
from .document import Condition, Policy, Statement
from .evaluate import PolicyRequest

_WORKLOADS = {
    "lambda.amazonaws.com": "Lambda functions",
    "ecs-tasks.amazonaws.com": "ECS tasks",
    "ec2.amazonaws.com": "EC2 instances",
    "pods.eks.amazonaws.com": "EKS pods",
    "bedrock.amazonaws.com": "Bedrock agents",
    "bedrock-agentcore.amazonaws.com": "Bedrock AgentCore runtimes",
}
_JOBS = "GitHub Actions jobs"
_GITHUB = "token.actions.githubusercontent.com"


_IN_SUBJECT = ("environment", "repository", "repository_id", "repository_owner_id", "ref")
"""Claims of GitHub's that need not be said beside a subject that holds their value."""


def become(phrase: str) -> str:
    """`IAM user bob of this account becomes this agent`, `ECS tasks of … become this agent`."""
    many = phrase.startswith((*_WORKLOADS.values(), _JOBS, "tokens "))
    return f"{phrase} become{'' if many else 's'} this agent"


def admitted(trust: Policy, home: str) -> tuple[str, ...]:
    """One phrase for each whom a trust policy admits, such as `Lambda functions of account 111122223333`."""
    found = (phrase for item in trust.statements if item.allow for phrase in statement(item, home))
    return tuple(dict.fromkeys(found))


def statement(item: Statement, home: str) -> Iterator[str]:
    """The phrases of one statement, one for each principal."""
    principals = item.principals
    if principals is None:
        return
    if principals.negated:
        named = describe.listed([value for _, values in principals.kinds for value in values])
        yield f"everyone but {named}{_when(item.conditions)}"
        return
    if principals.everyone:
        yield f"anyone at all, from any account or identity provider{_when(item.conditions)}"
    for kind, values in principals.kinds:
        for value in values:
            yield _principal(kind, value, item.conditions, home)


def caller(request: PolicyRequest, home: str) -> str:
    """Who a witness is: `IAM user bob of this account`, or `a token of ISSUER`."""
    who = request.caller
    if who is None:
        return "anyone"
    if who.kind == "Federated":
        issuer = who.name.partition(":oidc-provider/")[2] or who.name
        subject = request.context.values.get(f"{issuer}:sub")
        return f"a token of {issuer}" + (f" as {subject[0]}" if subject else "")
    return f"the service {who.name}" if who.kind == "Service" else _aws(who.name, home)


def _principal(kind: str, value: str, conditions: Sequence[Condition], home: str) -> str:
    if kind == "Service":
        return _service(value, conditions)
    if kind == "Federated":
        return _federated(value, conditions)
    return f"{_aws(value, home)}{_when(conditions)}"


def _aws(value: str, home: str) -> str:
    if value == "*":
        return "any principal of any AWS account"
    parts = value.split(":", 5)
    if len(parts) < 6:
        return f"the principal with the id {value}"
    kind, _, name = parts[5].partition("/")
    owner = "this account" if parts[4] == home else f"account {parts[4]}"
    if kind == "root":
        return f"whoever the administrators of {owner} let"
    noun = {"user": "IAM user", "role": "role", "assumed-role": "session"}.get(kind, kind)
    return f"{noun} {name} of {owner}"


def _service(name: str, conditions: Sequence[Condition]) -> str:
    """The account and place that the source conditions pin; without them whoever gets the role passed."""
    out = _WORKLOADS.get(name, f"the service {name}")
    accounts = _pinned(conditions, "aws:SourceAccount")
    arns = [value.split(":", 5) for value in _pinned(conditions, "aws:SourceArn")]
    places = [parts for parts in arns if len(parts) == 6]
    named = sorted({parts[5] for parts in places} - {"*", "function:*"})
    accounts = accounts or tuple(sorted({parts[4] for parts in places} - {"*", ""}))
    regions = sorted({parts[3] for parts in places} - {"*", ""})
    if named:
        out += f" {describe.listed(named)}"
    if accounts:
        out += f" of account {describe.listed(accounts)}"
    if regions:
        out += f" in {describe.listed(regions)}"
    if not accounts and not places:
        out += " that somebody passes this role to"
    shown = ("aws:SourceAccount", *(("aws:SourceArn",) if len(places) == len(arns) else ()))
    return out + _when([test for test in conditions if not (test.key in shown and _pins(test))])


def _federated(value: str, conditions: Sequence[Condition]) -> str:
    issuer = value.partition(":oidc-provider/")[2] or value
    subjects = _pinned(conditions, f"{issuer}:sub")
    noun = _JOBS if issuer.startswith(_GITHUB) else f"tokens of {issuer}"
    out = f"{noun} as {describe.listed(subjects, 2)}" if subjects else f"{noun} with any subject"
    hidden = {f"{issuer}:sub", f"{issuer}:aud"}
    if len(subjects) == 1:
        claims = [f"{issuer}:{name}" for name in _IN_SUBJECT]
        hidden |= {key for key in claims if all(value in subjects[0] for value in _pinned(conditions, key))}
    rest = [test for test in conditions if not (test.key in hidden and _pins(test))]
    if not _pinned(conditions, f"{issuer}:aud"):
        out += ", for any audience"
    return out + _when(rest).replace(f"{issuer}:", "")


def _pins(test: Condition) -> bool:
    """Whether a condition limits a key to its values: not if it also holds without the key."""
    positive = test.operator in ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
    return positive and not test.if_exists and test.quantifier == ""


def _pinned(conditions: Sequence[Condition], key: str) -> tuple[str, ...]:
    values = [pattern.text for test in conditions if test.key == key and _pins(test) for pattern in test.values]
    return tuple(dict.fromkeys(values))


def _when(conditions: Sequence[Condition]) -> str:
    return "".join(f", {part}" for part in describe.limits(conditions))
