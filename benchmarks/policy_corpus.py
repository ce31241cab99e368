"""Pairs of policies as people change them: AWS-managed policies and typical ones, each under typical edits.

The managed policies are those that moto carries (a test dependency). Deterministic: the same seed gives the same pairs.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
Statements = list[dict[str, Any]]
Edit = Callable[[Statements, random.Random], None]

ACCOUNT = "111122223333"


@dataclass(frozen=True)
class Pair:
    """A policy before and after one or two edits."""

    name: str
    edits: tuple[str, ...]
    old: Document
    new: Document


def pairs(count: int = 1000, seed: int = 7) -> list[Pair]:
    """So many pairs, half from AWS-managed policies and half from typical ones."""
    chance = random.Random(seed)
    managed, typical = managed_policies(), typical_policies()
    names = sorted(managed)
    out = []
    for number in range(count):
        if number % 2:
            name = chance.choice(names)
            old = managed[name]
        else:
            name = chance.choice(sorted(typical))
            old = typical[name]
        new = copy.deepcopy(old)
        applied = []
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            edit = chance.choice(sorted(EDITS))
            EDITS[edit](new["Statement"], chance)
            applied.append(edit)
        if not new["Statement"]:
            continue
        out.append(Pair(name, tuple(applied), old, new))
    return out


def managed_policies() -> dict[str, Document]:
    """AWS-managed policies by name, with their statements as a list."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    found = {}
    for name, item in json.loads(aws_managed_policies_data).items():
        document = item["Document"]
        statements = document["Statement"]
        found[name] = {
            "Version": document["Version"],
            "Statement": statements if isinstance(statements, list) else [statements],
        }
    return found


def _allow(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    out = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**out, "Condition": condition} if condition else out


def _deny(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    return {**_allow(action, resource, **condition), "Effect": "Deny"}


_REGIONS = ["eu-west-1", "eu-central-1"]
_OUTSIDE = {
    "Effect": "Deny",
    "NotAction": ["iam:*", "sts:*", "organizations:*", "support:*"],
    "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:RequestedRegion": _REGIONS}},
}
_NO_MFA = {
    "Effect": "Deny",
    "NotAction": ["iam:ListMFADevices", "sts:GetSessionToken"],
    "Resource": "*",
    "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
}


def typical_policies() -> dict[str, Document]:
    """Policies as agents and their people have them: buckets by prefix, tables by tag, regions, secrets, denies."""
    home = "arn:aws:s3:::acme-home/${aws:username}"
    statements: dict[str, Statements] = {
        "bucket-by-prefix": [
            _allow("s3:GetObject", "arn:aws:s3:::acme-invoices/inbox/*"),
            _allow("s3:ListBucket", "arn:aws:s3:::acme-invoices", StringLike={"s3:prefix": ["inbox/*", ""]}),
        ],
        "home-folder": [
            _allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [home, f"{home}/*"]),
            _allow("s3:ListBucket", "arn:aws:s3:::acme-home", StringLike={"s3:prefix": "${aws:username}/*"}),
            _deny("s3:*", "*", Bool={"aws:SecureTransport": "false"}),
        ],
        "regions": [_allow(["ec2:*", "rds:Describe*", "s3:*"]), copy.deepcopy(_OUTSIDE)],
        "mfa": [_allow(["iam:*", "s3:Get*", "s3:List*"]), copy.deepcopy(_NO_MFA)],
        "by-tag": [
            _allow(
                ["ec2:StartInstances", "ec2:StopInstances"],
                f"arn:aws:ec2:*:{ACCOUNT}:instance/*",
                StringEquals={"aws:ResourceTag/team": "${aws:PrincipalTag/team}"},
            ),
            _allow("ec2:Describe*"),
            _deny("ec2:TerminateInstances", "*", StringNotEquals={"aws:ResourceTag/env": "sandbox"}),
        ],
        "tables": [
            _allow(
                ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"],
                [f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{name}" for name in ("suppliers", "triage")],
                **{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:userid}"]}},
            ),
            _allow("dynamodb:PutItem", f"arn:aws:dynamodb:*:{ACCOUNT}:table/triage"),
        ],
        "secrets": [
            _allow(
                "secretsmanager:GetSecretValue",
                f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:agents/*",
                StringEquals={"secretsmanager:VersionStage": "AWSCURRENT"},
            ),
            _allow(["kms:Decrypt"], "*", StringLike={"kms:ViaService": "secretsmanager.*.amazonaws.com"}),
            _deny("secretsmanager:*", f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:agents/root/*"),
        ],
        "pass-role": [
            _allow(
                "iam:PassRole",
                f"arn:aws:iam::{ACCOUNT}:role/agents/*",
                StringEquals={"iam:PassedToService": ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com"]},
            ),
            _allow(["lambda:*Function", "lambda:GetFunction*"], f"arn:aws:lambda:*:{ACCOUNT}:function:agent-*"),
            _deny(["iam:Create*", "iam:Delete*", "iam:Put*", "iam:Attach*"]),
        ],
        "expiring": [
            _allow(
                "sqs:*",
                f"arn:aws:sqs:eu-west-1:{ACCOUNT}:jobs",
                DateLessThan={"aws:CurrentTime": "2027-02-01T00:00:00Z"},
            ),
            _allow(
                "sns:Publish",
                f"arn:aws:sns:*:{ACCOUNT}:alerts",
                NumericLessThanEquals={"aws:MultiFactorAuthAge": "3600"},
            ),
        ],
        "network": [
            _allow(
                ["s3:GetObject", "s3:PutObject"],
                "arn:aws:s3:::acme-lake/*",
                IpAddress={"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]},
            ),
            _deny("s3:*", "arn:aws:s3:::acme-lake/*", StringNotEqualsIfExists={"aws:SourceVpce": ["vpce-1", "vpce-2"]}),
            _deny("s3:PutObject", "*", Null={"s3:x-amz-server-side-encryption": "true"}),
            _deny("s3:PutObject", "*", StringNotEquals={"s3:x-amz-server-side-encryption": ["aws:kms", "AES256"]}),
        ],
        "boundary": [
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
            _allow(["iam:Get*", "iam:List*"]),
            _deny(["kms:ScheduleKeyDeletion", "cloudtrail:StopLogging", "cloudtrail:DeleteTrail"]),
            _deny("sts:AssumeRole", "*", StringNotEquals={"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}),
            copy.deepcopy(_OUTSIDE),
        ],
        "tagging": [
            _allow(
                "ec2:RunInstances",
                f"arn:aws:ec2:*:{ACCOUNT}:instance/*",
                StringEquals={"aws:RequestTag/team": ["a", "b"]},
            ),
            _allow(
                "ec2:RunInstances",
                [f"arn:aws:ec2:*:{ACCOUNT}:{kind}/*" for kind in ("subnet", "volume", "network-interface")],
            ),
            _allow(
                "ec2:CreateTags",
                f"arn:aws:ec2:*:{ACCOUNT}:instance/*",
                **{"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "env"]}},
            ),
            _deny("ec2:DeleteTags", "*", **{"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}),
        ],
    }
    return {name: {"Version": "2012-10-17", "Statement": items} for name, items in statements.items()}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _some(statements: Statements, chance: random.Random, **has: str) -> dict[str, Any] | None:
    fitting = [
        item
        for item in statements
        if all(item.get(name) == value if value else name in item for name, value in has.items())
    ]
    return chance.choice(fitting) if fitting else None


def _with_action(statements: Statements, chance: random.Random) -> dict[str, Any]:
    item = _some(statements, chance, Action="")
    if item is None:
        item = _allow("s3:GetObject")
        statements.append(item)
    return item


def _add_action(statements: Statements, chance: random.Random) -> None:
    item = _with_action(statements, chance)
    more = ["s3:PutObject", "s3:DeleteObject", "dynamodb:Scan", "sqs:SendMessage", "iam:PassRole", "ec2:Describe*"]
    item["Action"] = [*_listed(item["Action"]), chance.choice(more)]


def _drop_action(statements: Statements, chance: random.Random) -> None:
    item = _with_action(statements, chance)
    actions = _listed(item["Action"])
    if len(actions) > 1:
        actions.pop(chance.randrange(len(actions)))
    item["Action"] = actions


def _widen_action(statements: Statements, chance: random.Random) -> None:
    item = _with_action(statements, chance)
    actions = _listed(item["Action"])
    at = chance.randrange(len(actions))
    service, _, name = actions[at].partition(":")
    actions[at] = f"{service}:{name[:3]}*" if service and chance.random() < 0.6 else f"{service or 's3'}:*"
    item["Action"] = actions


def _narrow_action(statements: Statements, chance: random.Random) -> None:
    item = _with_action(statements, chance)
    actions = _listed(item["Action"])
    at = chance.randrange(len(actions))
    if actions[at].endswith("*"):
        actions[at] = "s3:Get*" if actions[at] == "*" else f"{actions[at][:-1]}Get*"
    item["Action"] = actions


def _resource(statements: Statements, chance: random.Random) -> dict[str, Any]:
    item = _some(statements, chance, Resource="")
    if item is None:
        item = _allow("s3:GetObject", "arn:aws:s3:::acme/*")
        statements.append(item)
    return item


def _narrow_resource(statements: Statements, chance: random.Random) -> None:
    item = _resource(statements, chance)
    resources = _listed(item["Resource"])
    at = chance.randrange(len(resources))
    if resources[at] == "*":
        resources[at] = chance.choice(
            ["arn:aws:s3:::acme-*", f"arn:aws:ec2:*:{ACCOUNT}:*", "arn:aws:logs:*:*:log-group:/a/*"]
        )
    elif resources[at].endswith("*"):
        resources[at] = resources[at][:-1] + chance.choice(["prod/*", "a*", "2026-*"])
    item["Resource"] = resources


def _widen_resource(statements: Statements, chance: random.Random) -> None:
    item = _resource(statements, chance)
    resources = _listed(item["Resource"])
    at = chance.randrange(len(resources))
    resources[at] = chance.choice(["*", resources[at].rpartition("/")[0] + "/*", f"{resources[at]}*"])
    item["Resource"] = resources


def _add_resource(statements: Statements, chance: random.Random) -> None:
    item = _resource(statements, chance)
    item["Resource"] = [*_listed(item["Resource"]), f"arn:aws:s3:::acme-{chance.randrange(5)}/*"]


_CONDITIONS: list[dict[str, Any]] = [
    {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}},
    {"NotIpAddress": {"aws:SourceIp": ["192.168.0.0/16", "10.0.0.0/8"]}},
    {"StringLike": {"aws:PrincipalTag/team": ["a*", "b"]}},
    {"StringEquals": {"aws:ResourceTag/owner": "${aws:PrincipalTag/owner}"}},
    {"DateGreaterThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}},
    {"NumericLessThan": {"s3:max-keys": "100"}},
    {"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{ACCOUNT}:function:agent-*"}},
    {"ForAnyValue:StringLike": {"aws:TagKeys": ["cost*", "team"]}},
    {"Null": {"aws:TokenIssueTime": "false"}},
    {"StringEqualsIgnoreCase": {"aws:PrincipalTag/env": "Prod"}},
]


def _add_condition(statements: Statements, chance: random.Random) -> None:
    item = chance.choice(statements) if statements else _with_action(statements, chance)
    block = item.setdefault("Condition", {})
    for operator, tests in copy.deepcopy(chance.choice(_CONDITIONS)).items():
        block.setdefault(operator, {}).update(tests)


def _drop_condition(statements: Statements, chance: random.Random) -> None:
    item = _some(statements, chance, Condition="")
    if item is not None:
        del item["Condition"]


def _change_condition(statements: Statements, chance: random.Random) -> None:
    item = _some(statements, chance, Condition="")
    if item is None:
        _add_condition(statements, chance)
        return
    operator = chance.choice(sorted(item["Condition"]))
    tests = item["Condition"][operator]
    if not tests:
        return
    key = chance.choice(sorted(tests))
    values = _listed(tests[key])
    if len(values) > 1 and chance.random() < 0.5:
        values.pop(chance.randrange(len(values)))
    elif operator.startswith(("String", "ForA")):
        values.append(chance.choice(["other", "prod", "eu-north-1"]))
    elif operator.startswith("Numeric"):
        values = [str(chance.choice([10, 7200]))]
    elif operator.startswith("Date"):
        values = [chance.choice(["2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z"])]
    tests[key] = values


def _if_exists(statements: Statements, chance: random.Random) -> None:
    item = _some(statements, chance, Condition="")
    if item is None:
        return
    operator = chance.choice(sorted(item["Condition"]))
    other = operator.removesuffix("IfExists") if operator.endswith("IfExists") else f"{operator}IfExists"
    if operator != "Null" and other not in item["Condition"]:
        item["Condition"][other] = item["Condition"].pop(operator)


def _drop_statement(statements: Statements, chance: random.Random) -> None:
    if len(statements) > 1:
        statements.pop(chance.randrange(len(statements)))


def _drop_deny(statements: Statements, chance: random.Random) -> None:
    item = _some(statements, chance, Effect="Deny")
    if item is not None and len(statements) > 1:
        statements.remove(item)


def _add_deny(statements: Statements, chance: random.Random) -> None:
    more = [
        _deny("s3:Delete*", "arn:aws:s3:::acme-*"),
        _deny(["iam:*", "organizations:*"]),
        _deny("*", "*", StringNotEquals={"aws:RequestedRegion": "eu-west-1"}),
        copy.deepcopy(_OUTSIDE),
        copy.deepcopy(_NO_MFA),
    ]
    statements.append(chance.choice(more))


def _narrow_deny(statements: Statements, chance: random.Random) -> None:
    item = _some(statements, chance, Effect="Deny")
    if item is None:
        return
    for operator, tests in copy.deepcopy(chance.choice(_CONDITIONS)).items():
        item.setdefault("Condition", {}).setdefault(operator, {}).update(tests)


def _add_statement(statements: Statements, chance: random.Random) -> None:
    more = [
        _allow("logs:PutLogEvents", f"arn:aws:logs:*:{ACCOUNT}:log-group:/agents/*"),
        _allow("s3:GetObject", "arn:aws:s3:::acme-invoices/inbox/2026/*"),
        _allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/reader"),
        _allow("ec2:DescribeInstances"),
    ]
    statements.append(chance.choice(more))


def _split(statements: Statements, chance: random.Random) -> None:
    """One statement as two: by action, by resource, or by a condition and its contrary."""
    item = _some(statements, chance, Action="", Resource="")
    if item is None:
        return
    statements.remove(item)
    one, two = copy.deepcopy(item), copy.deepcopy(item)
    actions, resources = _listed(item["Action"]), _listed(item["Resource"])
    if len(actions) > 1:
        one["Action"], two["Action"] = actions[: len(actions) // 2], actions[len(actions) // 2 :]
    elif len(resources) > 1:
        one["Resource"], two["Resource"] = resources[:1], resources[1:]
    elif "Condition" not in item:
        one["Condition"] = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
        two["Condition"] = {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}
    statements.extend([one, two])


def _invert(statements: Statements, chance: random.Random) -> None:
    """`Action: X` as a Deny of everything else beside an Allow of everything of the service."""
    item = _some(statements, chance, Action="", Effect="Allow")
    if item is None:
        return
    actions = _listed(item["Action"])
    services = sorted({action.partition(":")[0] for action in actions if ":" in action})
    if not services:
        return
    item["Action"] = [f"{service}:*" for service in services]
    statements.append({"Effect": "Deny", "NotAction": actions, "Resource": "*"})


EDITS: dict[str, Edit] = {
    "add action": _add_action,
    "drop action": _drop_action,
    "widen action": _widen_action,
    "narrow action": _narrow_action,
    "add resource": _add_resource,
    "narrow resource": _narrow_resource,
    "widen resource": _widen_resource,
    "add condition": _add_condition,
    "drop condition": _drop_condition,
    "change condition": _change_condition,
    "if exists": _if_exists,
    "drop statement": _drop_statement,
    "add statement": _add_statement,
    "drop deny": _drop_deny,
    "add deny": _add_deny,
    "narrow deny": _narrow_deny,
    "split": _split,
    "invert": _invert,
}


def documents(items: list[Pair]) -> Iterator[Document]:
    """Every document of the pairs."""
    for pair in items:
        yield from (pair.old, pair.new)
