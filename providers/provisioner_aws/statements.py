"""Preflight of what a tool or boundary asks for: actions, resources and conditions that AWS would refuse or ignore."""

from __future__ import annotations

import re
from collections.abc import Iterable

from provisioner.model.configuration import Settings
from provisioner.model.diagnostics import Diagnostic, Severity
from provisioner.model.source import SourceRange

from .catalogue import actions_like, fits, key_exists, keys_of, resource_types, services, suggest
from .policy.canonical import OPERATORS, spell_operator

_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_ARN = re.compile(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.+", re.DOTALL)
_ACCOUNT = re.compile(r"[0-9]{12}|[0-9*?]+|aws|cloudfront|")
_KEY = re.compile(r"[A-Za-z0-9./_-]+:.+")


def check_statement(statement: Settings, where: str, partitions: frozenset[str]) -> Iterable[Diagnostic]:
    """One statement block of a tool. `where` names the tool; `partitions` are those of the declared accounts."""
    name = f"{where}, statement {statement.labels[0]!r}" if statement.labels else where
    for plain, negated in (("actions", "not_actions"), ("resources", "not_resources")):
        given = [attribute for attribute in (plain, negated) if statement.get(attribute)]
        if len(given) != 1:
            yield Diagnostic(
                "E-AWS-STATEMENT",
                f"{name} needs {plain} or {negated}, and not both",
                "IAM takes exactly one of the two, with at least one value. Write out what is allowed.",
                subject=statement.range_of(given[-1] if given else plain),
            )
    for attribute in ("actions", "not_actions"):
        for action in statement.get(attribute) or ():
            yield from check_action(action, name, statement.range_of(attribute))
    for attribute in ("resources", "not_resources"):
        for resource in statement.get(attribute) or ():
            yield from check_arn(resource, name, partitions, statement.range_of(attribute))
    yield from _check_fit(statement, name)
    for block in statement.of("condition"):
        yield from _check_condition(block, name)


def check_action(action: str, where: str, subject: SourceRange | None, wildcards: bool = True) -> Iterable[Diagnostic]:
    """An action or, with `wildcards`, a pattern of actions: its shape, its service, that it exists."""
    if action == "*" and wildcards:
        return
    if not _ACTION.fullmatch(action) or (not wildcards and ("*" in action or "?" in action)):
        wanted = "service:Action, for example s3:GetObject" + (" or s3:Get*" if wildcards else "; one action exactly")
        yield Diagnostic("E-AWS-ACTION", f"{where}: {action!r} is no action", f"Write {wanted}.", subject=subject)
        return
    service = action.partition(":")[0].lower()
    if service not in services():
        hint = suggest(service, services())
        yield Diagnostic(
            "E-AWS-ACTION",
            f"{where}: AWS has no service {service!r}",
            f"{action} would never match a request.{hint} The Service Authorization Reference lists the prefixes.",
            subject=subject,
        )
    elif not actions_like(action):
        hint = suggest(action, actions_like(f"{service}:*"))
        yield Diagnostic(
            "E-AWS-ACTION",
            f"{where}: {service} has no action that {action!r} names",
            f"It would never match a request.{hint} The Service Authorization Reference lists {service}'s actions.",
            subject=subject,
        )


def check_arn(
    resource: str, where: str, partitions: frozenset[str], subject: SourceRange | None
) -> Iterable[Diagnostic]:
    """An ARN, with or without wildcards, or `*`: its shape, its partition, its account."""
    if resource.strip("*") == "" and resource:
        return
    if not _ARN.fullmatch(resource):
        yield Diagnostic(
            "E-AWS-ARN",
            f"{where}: {resource!r} is no ARN",
            'An ARN is arn:partition:service:region:account:resource; the last part may hold wildcards. "*" means'
            " everything.",
            subject=subject,
        )
        return
    _, partition, _, _, account, _ = resource.split(":", 5)
    if "{" not in partition and not any(char in partition for char in "*?") and partition not in partitions:
        yield Diagnostic(
            "E-AWS-ARN",
            f"{where}: {resource!r} is in partition {partition!r}",
            f"The declared accounts are in {', '.join(sorted(partitions))}: it would never match. Write that"
            " partition.",
            subject=subject,
        )
    if "{" not in account and not _ACCOUNT.fullmatch(account):
        yield Diagnostic(
            "E-AWS-ARN",
            f"{where}: {account!r} in {resource!r} is no account id",
            "The fifth part of an ARN is an account id of 12 digits, or empty (S3 buckets).",
            subject=subject,
        )


def _check_fit(statement: Settings, where: str) -> Iterable[Diagnostic]:
    """Every action must work on one of the resources, and every resource with one of the actions."""
    resources = tuple(statement.get("resources") or ())
    if not resources or any(item.strip("*") == "" for item in resources):
        return
    unused = set(resources)
    for action in statement.get("actions") or ():
        expanded = actions_like(action) if ":" in action else ()
        if not expanded:
            return
        used = {item for item in resources for one in expanded if _works(one, item)}
        unused -= used
        if not used:
            yield _misfit(action, expanded, where, statement.range_of("resources"))
    if statement.get("actions"):
        for resource in (item for item in resources if item in unused):
            yield Diagnostic(
                "E-AWS-RESOURCE",
                f"{where}: no action of it works on {resource}",
                "The resource has no effect here. Take it out, or add the action that needs it.",
                subject=statement.range_of("resources"),
            )


def _works(action: str, resource: str) -> bool:
    return any(fits(resource, template) for _, template in resource_types(action))


def _misfit(action: str, expanded: tuple[str, ...], where: str, subject: SourceRange | None) -> Diagnostic:
    types = {name: template for one in expanded for name, template in resource_types(one)}
    if not types:
        detail = f'AWS cannot limit {action} to resources: give it a statement of its own with resources = ["*"].'
    else:
        shapes = "; ".join(f"{name}: {template}" for name, template in sorted(types.items())[:4])
        detail = f"It works on {shapes}. Add such an ARN, or take the action out."
    return Diagnostic("E-AWS-RESOURCE", f"{where}: {action} works on none of its resources", detail, subject=subject)


def _check_condition(block: Settings, where: str) -> Iterable[Diagnostic]:
    operator, key = str(block.get("operator", "")), str(block.get("key", ""))
    spelled = spell_operator(operator)
    base = spelled.rpartition(":")[2].removesuffix("IfExists")
    if base not in OPERATORS:
        yield Diagnostic(
            "E-AWS-CONDITION",
            f"{where}: IAM has no condition operator {operator!r}",
            f"IAM would refuse the policy.{suggest(base, OPERATORS)} Write one of IAM's operators, with ForAnyValue: or"
            " ForAllValues: before it and IfExists behind it where needed.",
            subject=block.range_of("operator"),
        )
    if not _KEY.fullmatch(key):
        yield Diagnostic(
            "E-AWS-CONDITION",
            f"{where}: {key!r} is no condition key",
            "Write service:name, for example s3:prefix or aws:ResourceTag/team.",
            subject=block.range_of("key"),
        )
    elif not key_exists(key):
        service = key.partition(":")[0].lower()
        hint = suggest(key, keys_of(service))
        yield Diagnostic(
            "W-AWS-CONDITION",
            f"{where}: AWS has no condition key {key!r}",
            f"No request carries it, so the condition is never met.{hint} The Service Authorization Reference lists the"
            " keys of each service, and the IAM User Guide those that begin with aws:.",
            severity=Severity.WARNING,
            subject=block.range_of("key"),
        )
    if not block.get("values"):
        yield Diagnostic(
            "E-AWS-CONDITION",
            f"{where}: the condition on {key} has no values",
            "It could never be met. Give the values of which one must match.",
            subject=block.range_of("values"),
        )
    if spelled.startswith("ForAllValues:"):
        yield Diagnostic(
            "W-AWS-CONDITION",
            f"{where}: ForAllValues on {key} is also met by requests without the key",
            "In an Allow that lets in more than it seems. Use ForAnyValue, or add a Null condition on the key.",
            severity=Severity.WARNING,
            subject=block.range_of("operator"),
        )
