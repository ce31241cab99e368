"""What rules judge about trust policies: who could become an agent that should not.

Sources: IAM User Guide, «AWS JSON policy elements: Principal», «The confused deputy problem», «Creating a role for
OpenID Connect federation»; GitHub, «OpenID Connect reference».
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final
from weakref import WeakKeyDictionary

from provisioner.model.authority import Authority
from provisioner.model.findings import Hazard
from provisioner.model.resources import Resource

from .policy.document import Condition, Policy, Statement, parse_policy
from .policy.errors import PolicyError
from .policy.holdings import Holdings
from .runtimes import ATTRIBUTIONS, GITHUB_ISSUER, capabilities

_HOUR: Final = 3600

SHARED_ISSUERS: Final[dict[str, tuple[str, ...]]] = {
    GITHUB_ISSUER: ("repository_owner_id", "repository_owner", "repository_id", "repository", "enterprise_id"),
    "gitlab.com": ("namespace_id", "namespace_path", "project_id", "project_path"),
    "accounts.google.com": ("sub", "oaud"),
    "app.terraform.io": ("terraform_organization_id", "terraform_organization_name"),
    "agent.buildkite.com": ("organization_id", "organization_slug"),
    "cognito-identity.amazonaws.com": ("aud",),
    "login.microsoftonline.com": ("tid",),
    "token.actions.circleci.com": ("org_id",),
}
"""Issuers that many customers share, and the claims that name one of them."""

_NAME_BASED: Final = {GITHUB_ISSUER: ("repository_id",), "gitlab.com": ("project_id", "namespace_id")}
"""Issuers whose subject is made of names, and the claims that pin an id beside it."""


def trust_hazards(authority: Authority, held: Holdings, agent: str, role: Resource) -> Iterator[Hazard]:
    """The hazards of one role's trust, and of what its agent asks of its sessions."""
    seen = _Trust(authority, held, agent, role)
    yield from seen.sessions()
    document = role.attributes.get("trust")
    if document is None:
        return
    try:
        policy = parse_policy(document, f"the trust of {role.address.name}")
    except PolicyError as error:
        yield seen.hazard("FED-1", f"cannot be judged: {error}", "replace it with a trust that IAM documents")
        return
    for statement in policy.allows:
        yield from seen.statement(statement)
    yield from seen.shared(policy)


def workloads(policy: Policy) -> Iterator[str]:
    """The workloads that a trust names one by one: a token's issuer and exact subject, a Kubernetes service account,
    the resource that a service acts for.

    A service alone (`lambda.amazonaws.com`) names none, and a wildcard stands for many: FED-2 tells that.
    """
    for statement in policy.allows:
        if statement.principals is None:
            continue
        for value in statement.principals.of("Federated"):
            issuer = value.partition(":oidc-provider/")[2] or value
            yield from (f"{issuer} {subject}" for subject in _exact(statement.conditions, f"{issuer}:sub"))
        if statement.principals.of("Service"):
            yield from _exact(statement.conditions, "aws:SourceArn")
        tags = [_exact(statement.conditions, f"aws:RequestTag/{tag}") for tag in _POD_TAGS]
        yield from (" ".join(("pod", *found)) for found in product(*tags))


def _exact(conditions: Sequence[Condition], key: str) -> list[str]:
    return [
        pattern.text
        for condition in _demanded(conditions, key)
        for pattern in condition.values
        if pattern.text not in _wild(condition)
    ]


_POD_TAGS: Final = ("eks-cluster-arn", "kubernetes-namespace", "kubernetes-service-account")


class _Trust:
    def __init__(self, authority: Authority, held: Holdings, agent: str, role: Resource) -> None:
        self._authority = authority
        self._held = held
        self._agent = agent
        self._role = role
        self._accounts = {target.id for target in authority.targets.values()}

    def hazard(self, rule: str, what: str, fix: str) -> Hazard:
        return Hazard(rule, self._role.address, self._agent, f"the trust of agent.{self._agent} {what}", fix)

    def sessions(self) -> Iterator[Hazard]:
        agent = self._authority.configuration.agents.get(self._agent)
        if agent is None or not agent.runtime.labels:
            return
        able = capabilities(agent.runtime)
        wanted = agent.session.attribution
        if wanted is not None and ATTRIBUTIONS.index(wanted) < ATTRIBUTIONS.index(able.attribution):
            yield Hazard(
                "ATT-1",
                self._role.address,
                self._agent,
                f"sessions of {agent.address} are told apart by {wanted}, and its runtime can do {able.attribution}",
                "leave attribution out of session",
            )
        seconds = self._role.attributes.get("max_session_duration")
        if able.session_cap and isinstance(seconds, int) and seconds > _HOUR:
            yield Hazard(
                "ATT-1",
                self._role.address,
                self._agent,
                f"sessions of {agent.address} may last {seconds // 60} minutes",
                'set session { max_duration = "1h" }',
            )
        if agent.runtime.labels[0] == "adopted":
            yield Hazard(
                "ADO-1",
                self._role.address,
                self._agent,
                f"{agent.address} keeps the trust that it was found with",
                "say where it runs with a runtime block of its own",
            )

    def shared(self, policy: Policy) -> Iterator[Hazard]:
        """Workloads that may become another agent, too."""
        for workload in sorted(set(workloads(policy))):
            others = sorted(_agents_of(self._held).get(workload, set()) - {self._agent})
            if others:
                what = f"admits {workload}, which may become agent.{others[0]} too"
                yield self.hazard("ID-1", what, "give each agent a workload of its own")

    def statement(self, item: Statement) -> Iterator[Hazard]:
        principals = item.principals
        if principals is None:
            return
        if principals.negated or principals.everyone or "*" in principals.of("AWS"):
            fix = "name who may become the agent: the workload of its runtime"
            who = "everyone but some (NotPrincipal)" if principals.negated else "anyone, in any account"
            yield self.hazard("HUM-1", f"admits {who}", fix)
            if principals.negated or principals.everyone:
                return
        for value in principals.of("AWS"):
            yield from self._aws(value, item.conditions)
        for value in principals.of("Federated"):
            yield from self._federated(value, item.conditions)

    def _aws(self, value: str, conditions: Sequence[Condition]) -> Iterator[Hazard]:
        if value == "*":
            return
        account, what = _parts(value)
        out = "let the workload of the agent's runtime become it, and nobody else"
        if account not in self._accounts and not _demanded(conditions, "sts:ExternalId"):
            fix = "demand sts:ExternalId, or take the account out"
            yield self.hazard("TP-1", f"admits {value} of another party without an external id", fix)
        if what in ("root", "") or value == account:
            yield self.hazard("HUM-1", f"admits account {account} as a whole, its people included", out)
        elif what.startswith("user/"):
            yield self.hazard("HUM-1", f"admits IAM user {what.removeprefix('user/')}", out)
        elif "AWSReservedSSO_" in what:
            yield self.hazard("HUM-1", f"admits the single sign-on role {what.rpartition('/')[2]}", out)
        else:
            yield from self._agent_role(value)

    def _agent_role(self, arn: str) -> Iterator[Hazard]:
        role = self._held.role(arn)
        if role is None or role.agent in (None, self._agent):
            return
        declared = any(
            one.target == self._agent and role.agent in one.sources and one.via == "assume_role"
            for one in self._authority.configuration.delegations.values()
        )
        if not declared:
            fix = f'declare delegation {{ from = [agent.{role.agent}]  via = "assume_role" }}, or take the role out'
            yield self.hazard("A2A-1", f"admits agent.{role.agent}, which no delegation declares", fix)

    def _federated(self, value: str, conditions: Sequence[Condition]) -> Iterator[Hazard]:
        if ":saml-provider/" in value:
            name = value.rpartition("/")[2]
            fix = "let the workload of the agent's runtime become it, and nobody else"
            yield self.hazard("HUM-1", f"admits people who sign in through SAML provider {name}", fix)
            return
        issuer = value.partition(":oidc-provider/")[2] or value
        subject = _demanded(conditions, f"{issuer}:sub")
        audience = _demanded(conditions, f"{issuer}:aud")
        lacks = [name for name, found in (("subject", subject), ("audience", audience)) if not found]
        if issuer in ("cognito-identity.amazonaws.com",):
            lacks = [name for name in lacks if name != "subject"]
        if lacks:
            what = f"admits tokens of {issuer} without demanding their {' and '.join(lacks)}"
            yield self.hazard("FED-1", what, "demand the exact sub and aud with StringEquals")
        wild = [text for condition in subject for text in _wild(condition)]
        if wild:
            yield self.hazard("FED-2", f"admits every subject like {wild[0]}", "demand the exact subject")
        yield from self._tenant(issuer, conditions, subject, wild)
        pins = _NAME_BASED.get(issuer)
        if pins and subject and not any(_demanded(conditions, f"{issuer}:{claim}") for claim in pins):
            names = [p.text for condition in subject for p in condition.values if "@" not in p.text.partition("/")[0]]
            if names:
                fix = f"demand {pins[0]} too, or an immutable subject"
                yield self.hazard("FED-3", f"knows its caller by name ({names[0]})", fix)

    def _tenant(
        self, issuer: str, conditions: Sequence[Condition], subject: Sequence[Condition], wild: Sequence[str]
    ) -> Iterator[Hazard]:
        host = issuer.partition("/")[0]
        claims = SHARED_ISSUERS.get(issuer) or SHARED_ISSUERS.get(host)
        if claims is None:
            return
        exact = bool(subject) and all(_tenanted(text) for text in wild)
        named = [c for claim in claims for c in _demanded(conditions, f"{issuer}:{claim}") if not list(_wild(c))]
        tenant_in_path = host == "login.microsoftonline.com" and issuer.count("/") and "common" not in issuer
        if not exact and not named and not tenant_in_path:
            what = f"admits tokens of {issuer}, which many share, without naming a tenant"
            yield self.hazard("FED-4", what, f"demand {claims[0]}, or the exact subject")


_KNOWN: WeakKeyDictionary[Holdings, dict[str, set[str]]] = WeakKeyDictionary()
"""The agents that each workload may become, by world."""


def _agents_of(held: Holdings) -> dict[str, set[str]]:
    if held not in _KNOWN:
        found: dict[str, set[str]] = {}
        for agent in held.agents():
            for role in held.roles(agent):
                for workload in _admitted(role):
                    found.setdefault(workload, set()).add(agent)
        _KNOWN[held] = found
    return _KNOWN[held]


def _admitted(role: Resource) -> set[str]:
    try:
        return set(workloads(parse_policy(role.attributes.get("trust") or {"Statement": []})))
    except PolicyError:
        return set()  # told under FED-1, which blocks by itself


def _tenanted(subject: str) -> bool:
    """Whether a subject with wildcards names its owner before the first of them: `repo:acme/*` does, `repo:*` not."""
    head = subject.partition("*")[0].partition("?")[0]
    return "/" in head


def _parts(arn: str) -> tuple[str, str]:
    """Account and what it names, of a principal's ARN or a bare account id."""
    parts = arn.split(":", 5)
    return (parts[4], parts[5]) if len(parts) == 6 else (arn, "")


def _demanded(conditions: Sequence[Condition], key: str) -> tuple[Condition, ...]:
    """The conditions that a request without the key, or with another value, does not meet."""
    return tuple(
        condition
        for condition in conditions
        if condition.key.lower() == key.lower()
        and condition.operator in ("StringEquals", "StringLike", "StringEqualsIgnoreCase", "ArnEquals", "ArnLike")
        and not condition.if_exists
        and condition.quantifier != "ForAllValues"
        and condition.known
    )


def _wild(condition: Condition) -> Iterator[str]:
    if condition.operator in ("StringLike", "ArnLike"):
        yield from (pattern.text for pattern in condition.values if "*" in pattern.text or "?" in pattern.text)
    yield from (pattern.text for pattern in condition.values if pattern.variables)
