"""What Google would refuse, what cannot be enforced, and mistakes of federation, found without reading anything."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from provisioner.model.authority import Authority, GrantPart
from provisioner.model.configuration import Boundary, Settings, Tool
from provisioner.model.diagnostics import Diagnostic, Severity
from provisioner.model.source import SourceRange

from . import delegations, table
from .bindings import tool_resource, written_condition
from .capabilities import check_sessions
from .compile import boundary_of
from .identities import check_identities
from .limits import limit
from .policy import cel
from .principals import google_agents, google_parts, principal
from .roles import ABOVE_PROJECTS, BASIC_ROLES, BECOMING, BECOMING_ROLES

_ROLE = re.compile(
    r"(?:roles/[A-Za-z0-9_.]+|projects/[a-z][a-z0-9-]+/roles/[A-Za-z0-9_.]+|organizations/[0-9]+/roles/[A-Za-z0-9_.]+)"
)
_PERMISSION = re.compile(r"[a-z][a-zA-Z0-9]*(?:\.[a-zA-Z0-9]+)+")
_DENY_PERMISSION = re.compile(r"(?:[a-z][a-z0-9.-]*/)?[a-zA-Z0-9]+(?:\.[a-zA-Z0-9*]+)+")
_ATTACH = re.compile(r"(?:projects/[a-z][a-z0-9-]{4,28}[a-z0-9]|folders/[0-9]+|organizations/[0-9]+)")
_TAG_KEY = re.compile(r"[A-Za-z0-9._-]+/[^/]+")


def validate(authority: Authority) -> Iterable[Diagnostic]:
    """Every finding, in the order of the configuration. Pure."""
    yield from _providers(authority)
    for tool in authority.configuration.tools.values():
        for block in tool.clouds.get("google", ()):
            yield from _tool(authority, tool, block)
    yield from check_identities(authority)
    yield from delegations.check(authority)
    yield from _boundaries(authority)
    yield from check_sessions(authority)
    for part in google_parts(authority):
        yield from _grant(authority, part)
    yield from _twice(authority)
    yield from _quotas(authority)
    yield from _attempts(authority)


def _error(code: str, summary: str, detail: str, subject: SourceRange | None) -> Diagnostic:
    return Diagnostic(code, summary, detail, subject=subject)


def _providers(authority: Authority) -> Iterable[Diagnostic]:
    for config in authority.configs.values():
        for name in config.settings.get("watch") or ():
            if table.row_of(table.full_name(str(name))) is None:
                yield _error(
                    "E-GOOGLE-RESOURCE",
                    f"provider {config.key!r} watches {name!r}, which is no resource that this version knows",
                    f"It knows {table.known_kinds()}. Write projects/ID, or a full resource name.",
                    config.settings.range_of("watch"),
                )


def _tool(authority: Authority, tool: Tool, block: Settings) -> Iterable[Diagnostic]:
    where, label = block.range_of("resource"), f'{tool.address} google "{"".join(block.labels)}"'
    resource = tool_resource(block)
    found = table.row_of(resource)
    if found is None:
        yield _error(
            "E-GOOGLE-RESOURCE",
            f"{label}: {block.get('resource')!r} is no resource that a role can be granted on here",
            f"This version knows {table.known_kinds()}. Write the full name, for example"
            " //storage.googleapis.com/projects/_/buckets/NAME or //bigquery.googleapis.com/projects/P/datasets/D.",
            where,
        )
    role, permissions = block.get("role"), block.get("permissions")
    if (role is None) == (not permissions):
        yield _error(
            "E-GOOGLE-ROLE",
            f"{label} needs either a role or permissions",
            "permissions = [...] becomes a custom role with exactly these: the least that the tool needs.",
            block.range,
        )
    elif role is not None:
        yield from _role(block, label, str(role))
    else:
        yield from _permissions(authority, block, label, resource)
    for condition in block.of("condition"):
        yield from _condition(label, condition, found[0] if found else None)


def _role(block: Settings, label: str, role: str) -> Iterable[Diagnostic]:
    if role in BASIC_ROLES:
        yield _error(
            "E-GOOGLE-BASIC",
            f"{label} grants the basic role {role}",
            "It holds thousands of permissions on everything in the project, and takes no condition. Name a predefined"
            " role or permissions = [...].",
            block.range_of("role"),
        )
    elif not _ROLE.fullmatch(role):
        yield _error(
            "E-GOOGLE-ROLE",
            f"{label}: {role!r} is no role",
            "Write roles/SERVICE.NAME, projects/P/roles/ID or organizations/N/roles/ID.",
            block.range_of("role"),
        )
    if role in BECOMING_ROLES:
        yield _becoming(label, role, block.range_of("role"))


def _becoming(label: str, what: str, subject: SourceRange | None) -> Diagnostic:
    return _error(
        "E-GOOGLE-IMPERSONATE",
        f"{label} lets an agent become a service account: {what}",
        "A chain of impersonation is authority that no plan shows, and a key outlives every plan. Grant what the other"
        " account may do, or declare a delegation between two agents.",
        subject,
    )


def _permissions(authority: Authority, block: Settings, label: str, resource: str) -> Iterable[Diagnostic]:
    subject = block.range_of("permissions")
    for permission in block.get("permissions") or ():
        if not _PERMISSION.fullmatch(str(permission)):
            yield _error(
                "E-GOOGLE-PERMISSION",
                f"{label}: {permission!r} is no permission",
                "Write it as IAM does, for example storage.objects.get; a custom role takes no wildcard.",
                subject,
            )
        if permission in BECOMING:
            yield _becoming(label, str(permission), subject)
        if str(permission).startswith(ABOVE_PROJECTS):
            yield _error(
                "E-GOOGLE-PERMISSION",
                f"{label}: a custom role of a project cannot hold {permission}",
                "Only a role of the organization can. Name one, or a predefined role that has it, or leave it out.",
                subject,
            )
    project = table.project_of(resource)
    targets = {target.id for target in authority.targets.values()}
    row = table.row_of(resource)
    if (project is not None and project not in targets) or (row and row[0].kind in ("folder", "organization")):
        yield _error(
            "E-GOOGLE-ROLE",
            f"{label}: a custom role of a project cannot be granted on {resource}",
            f"It would be made in {', '.join(sorted(targets))}, and counts in that project only. Name a role that the"
            " resource's own project, or the organization, has.",
            subject,
        )


def _condition(label: str, condition: Settings, row: table.Row | None) -> Iterable[Diagnostic]:
    expression, subject = str(condition.get("expression", "")).strip(), condition.range_of("expression")
    if row is not None and not row.conditions:
        yield _conditionless(f"{label} has a condition", row, subject)
    if expression in ("", "true"):
        yield _error(
            "E-GOOGLE-CONDITION",
            f"{label} has a condition that is always true",
            "Take it out, or say what must hold.",
            subject,
        )
        return
    problem = cel.syntax_error(expression)
    if problem:
        yield _error(
            "E-GOOGLE-CONDITION",
            f"{label}: the condition is no expression that IAM takes: {problem}",
            "Strings stand in quotes, and are joined to conditions by && and ||.",
            subject,
        )


def _conditionless(what: str, row: table.Row, subject: SourceRange | None) -> Diagnostic:
    return _error(
        "E-GOOGLE-CONDITION",
        f"{what}, and a {row.kind} takes none",
        "Google ignores or refuses conditions in the policy of this kind of resource, so nothing would be enforced."
        " Grant on the project, with a condition on resource.name; or leave the condition out.",
        subject,
    )


def _grant(authority: Authority, part: GrantPart) -> Iterable[Diagnostic]:
    grant, subject = part.grant, part.grant.range
    if grant.when.get("session_tags"):
        yield _error(
            "E-GOOGLE-WHEN",
            f"{grant.address} asks for session tags, which Google does not have",
            "Nothing would be enforced there. Narrow the grant with clouds, or leave session_tags out.",
            subject,
        )
    for key in grant.when.get("resource") or {}:
        if not _TAG_KEY.fullmatch(str(key)):
            yield _error(
                "E-GOOGLE-WHEN",
                f"{grant.address}: {key!r} is no tag key of Google Cloud",
                "A tag key has its parent in front: ORGANIZATION_NUMBER/key or PROJECT/key.",
                subject,
            )
    quotas = authority.configs[part.agent.identities["google"].provider].settings.get("quotas")
    most = limit("condition_operators", quotas)
    for tool in part.tools:
        for block in tool.clouds.get("google", ()):
            row = table.row_of(tool_resource(block))
            written = written_condition(part, block)
            if written is None or row is None:
                continue
            if not row[0].conditions and not block.of("condition"):
                yield _conditionless(f"{grant.address} has a condition on {tool.address}", row[0], subject)
            if cel.operators(written["expression"]) > most:
                yield _error(
                    "E-GOOGLE-CONDITION",
                    f"{grant.address}: the condition on {tool.address} has more than {most} logical operators",
                    "Google refuses it. Make two tools of it, or name a narrower resource.",
                    block.range or subject,
                )


def _twice(authority: Authority) -> Iterable[Diagnostic]:
    """One unconditional tuple, asked for by grants of two owners: nobody could say who answers for it."""
    seen: dict[tuple[str, str, str, str], GrantPart] = {}
    for part in google_parts(authority):
        for tool in part.tools:
            for block in tool.clouds.get("google", ()):
                if written_condition(part, block) is not None or block.get("role") is None:
                    continue
                project = part.agent.identities["google"].provider
                first = seen.setdefault((project, part.agent.name, tool_resource(block), str(block.get("role"))), part)
                if first.owner != part.owner:
                    yield _error(
                        "E-GOOGLE-TWICE",
                        f"{first.grant.address} and {part.grant.address} give {part.agent.address} the same role on the"
                        " same resource, and two owners answer for it",
                        "Google keeps one binding for both. Take the role out of one of the tools.",
                        part.grant.range,
                    )


def _boundaries(authority: Authority) -> Iterable[Diagnostic]:
    used: dict[str, Boundary] = {}
    for agent in google_agents(authority):
        boundary = boundary_of(authority.configuration, agent)
        if boundary is not None:
            used[boundary.address] = boundary
    for boundary in used.values():
        settings = boundary.clouds["google"]
        attach = str(settings.get("attach", ""))
        if not _ATTACH.fullmatch(attach):
            yield _error(
                "E-GOOGLE-ATTACH",
                f"{boundary.address}: a deny policy cannot be attached to {attach!r}",
                "Write projects/ID, folders/NUMBER or organizations/NUMBER.",
                settings.range_of("attach"),
            )
        for permission in settings.get("deny") or ():
            if not _DENY_PERMISSION.fullmatch(str(permission)):
                yield _error(
                    "E-GOOGLE-PERMISSION",
                    f"{boundary.address} denies {permission!r}, which is no permission",
                    "Write it as IAM does, for example iam.serviceAccountKeys.create.",
                    settings.range_of("deny"),
                )
        for name in settings.get("resources") or ():
            found = table.row_of(table.full_name(str(name)))
            if found is None or found[0].kind not in ("project", "folder", "organization"):
                yield _error(
                    "E-GOOGLE-RESOURCE",
                    f"{boundary.address}: {name!r} is no project, folder or organization",
                    "A principal access boundary takes nothing smaller. Write projects/ID, folders/NUMBER or"
                    " organizations/NUMBER.",
                    settings.range_of("resources"),
                )
    yield from _access_boundaries(authority)


def _access_boundaries(authority: Authority) -> Iterable[Diagnostic]:
    """Where an access boundary cannot be made; and two of them in one pool, which Google would add up."""
    pools: dict[str, tuple[str, Boundary]] = {}
    for agent in google_agents(authority):
        boundary = boundary_of(authority.configuration, agent)
        if boundary is None or not boundary.clouds["google"].get("resources"):
            continue
        key, who = agent.identities["google"].provider, principal(authority, agent)
        subject = boundary.clouds["google"].range_of("resources")
        own_pool = who.account is None and who.provider is None
        if not authority.configs[key].settings.get("organization") or own_pool:
            why = "its principal is in a pool of Google's own" if own_pool else f"provider {key!r} has no organization"
            yield Diagnostic(
                "W-GOOGLE-BOUNDARY",
                f"{boundary.address}: resources are not enforceable for {agent.address}",
                f"A principal access boundary cannot be bound there: {why}. What deny lists is enforced by a deny"
                " policy. Give the provider its organization, or the agent a service account.",
                severity=Severity.WARNING,
                subject=subject,
            )
        elif who.account is None and who.provider is not None:
            pool = who.provider.name.partition("/")[0]
            first = pools.setdefault(pool, (agent.address, boundary))
            if first[1] is not boundary:
                yield _error(
                    "E-GOOGLE-BOUNDARY",
                    f"{first[0]} and {agent.address} share the pool {pool} and stand in different boundaries",
                    "An access boundary is bound to the whole pool, and two add up: each agent would reach what the"
                    " other may. Give one of them a federation of its own, or both the same boundary.",
                    subject,
                )


def _quotas(authority: Authority) -> Iterable[Diagnostic]:
    members: dict[str, Counter[str]] = defaultdict(Counter)
    roles: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for part in google_parts(authority):
        key = part.agent.identities["google"].provider
        for tool in part.tools:
            for block in tool.clouds.get("google", ()):
                members[key][tool_resource(block)] += 1
                if block.get("permissions"):
                    roles[key].add((tool.address, "".join(block.labels)))
    for key, counts in members.items():
        quotas = authority.configs[key].settings.get("quotas")
        most = limit("members_per_policy", quotas)
        for resource, count in counts.items():
            if count > most:
                yield _too_many(authority, key, f"{count} grants on {resource}", f"a policy holds {most} members")
        allowed = limit("custom_roles_per_project", quotas)
        if len(roles[key]) > allowed:
            yield _too_many(authority, key, f"{len(roles[key])} custom roles", f"a project holds {allowed}")


def _too_many(authority: Authority, key: str, what: str, most: str) -> Diagnostic:
    return _error(
        "E-GOOGLE-LIMIT",
        f"provider {key!r}: the configuration asks for {what}, and {most}",
        "Google would refuse the last of them in the middle of an apply. Grant on a narrower resource or to fewer"
        " agents; where Google raised the limit for you, write it in quotas.",
        authority.configs[key].range,
    )


def _attempts(authority: Authority) -> Iterable[Diagnostic]:
    for test in authority.configuration.tests.values():
        for attempt in test.attempts:
            if not attempt.labels or attempt.labels[0] != "google":
                continue
            permission = str(attempt.get("permission", ""))
            if not _PERMISSION.fullmatch(permission):
                yield _error(
                    "E-GOOGLE-PERMISSION",
                    f"{test.address}: {permission!r} is no permission",
                    "Write it as IAM does, for example storage.objects.get.",
                    attempt.range_of("permission"),
                )
