"""Federation that is safe by construction: for each runtime the subject, its mapping and the condition that admits it.

Every agent has a provider of its own in its federation's pool, whose condition admits its subject and nothing else. A
subject is made of ids wherever the issuer has them, so that a name that changes hands admits nobody.
Sources: «Configure Workload Identity Federation» with Kubernetes, with deployment pipelines, with AWS; GitHub, «OpenID
Connect reference»; GitLab, «ID token payload»; SPIFFE, «JWT-SVID».
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.model.configuration import Agent, Configuration, Federation, Settings

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
AWS_ROLE_LIMIT = 64

SHARED_ISSUERS = (
    GITHUB_ISSUER,
    "https://gitlab.com",
    "https://accounts.google.com",
    "https://login.microsoftonline.com/common/v2.0",
    "https://app.terraform.io",
    "https://oidc.circleci.com",
    "https://agent.buildkite.com",
    "https://vstoken.dev.azure.com",
)
"""Issuers that sign tokens for everybody's workloads."""

KUBERNETES = ("eks_irsa", "eks_pod_identity")
"""Runtimes of AWS whose pods get a token of the cluster's own issuer."""

_ROLE_FOREIGN = re.compile(r"[^A-Za-z0-9+=,.@-]+")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is admitted: `text` is google.subject, `mapping` how Google gets it from a token, `claims` what else the
    token must say, by claim name."""

    text: str
    mapping: str
    claims: Mapping[str, str]

    def condition(self) -> str:
        """The attribute condition: an AND of exact comparisons, the subject first."""
        tests = [f"google.subject == {literal(self.text)}"]
        tests += [f"{claim(name)} == {literal(value)}" for name, value in sorted(self.claims.items())]
        return " && ".join(tests)


def literal(text: str) -> str:
    """A CEL string literal; JSON's escapes are CEL's."""
    return json.dumps(text, ensure_ascii=False)


def claim(name: str) -> str:
    """`assertion.x`, or `assertion['x y']` for a name that is no identifier."""
    return f"assertion.{name}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else f"assertion[{literal(name)}]"


def issuer_of(federation: Federation) -> str:
    """The issuer URL, or `aws:ACCOUNT`."""
    for block in federation.settings.of("oidc"):
        return str(block.get("issuer", "")).rstrip("/")
    for block in federation.settings.of("aws"):
        return f"aws:{block.get('account_id', '')}"
    return ""


def audiences_of(federation: Federation) -> tuple[str, ...]:
    return tuple(item for block in federation.settings.of("oidc") for item in block.get("audiences") or ())


def pool_of(federation: Federation) -> str:
    return str(federation.settings.get("pool", ""))


def federation_of(configuration: Configuration, agent: Agent) -> Federation | None:
    """The federation that an agent's Google identity names; None where it names none."""
    name = agent.identities["google"].settings.get("federation")
    return configuration.federations.get(str(name)) if name is not None else None


def subject_of(configuration: Configuration, agent: Agent, federation: Federation) -> Subject | None:
    """Who the agent is at its issuer; None for a runtime that cannot come through this federation."""
    runtime = agent.runtime
    label = runtime.labels[0] if runtime.labels else ""
    if federation.settings.of("aws"):
        return _aws(configuration, agent)
    if label in KUBERNETES:
        return _kubernetes(runtime)
    build = {"github_actions": _github, "gitlab_ci": _gitlab, "oidc": _oidc, "spiffe": _spiffe}.get(label)
    return build(runtime) if build is not None else None


def runtime_issuer(runtime: Settings) -> str | None:
    """The issuer that a runtime itself says, or whose it always is."""
    label = runtime.labels[0] if runtime.labels else ""
    given = runtime.get("issuer")
    if given is not None:
        return str(given).rstrip("/")
    return {"github_actions": GITHUB_ISSUER, "gitlab_ci": "https://gitlab.com"}.get(label)


def aws_role_name(workspace: str, agent: str) -> str:
    """The agent's role in AWS, `<workspace>-<agent>`, by the rule of the language."""
    text = f"{workspace}-{agent}"
    name = "-".join(_ROLE_FOREIGN.sub("-", piece) for piece in text.split("_"))
    if len(name) <= AWS_ROLE_LIMIT:
        return name
    return f"{name[: AWS_ROLE_LIMIT - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _aws(configuration: Configuration, agent: Agent) -> Subject | None:
    """Every session of the agent's role in the federation's account: the session's name is not part of the subject."""
    if "aws" not in agent.identities:
        return None
    role = aws_role_name(configuration.workspace.name, agent.name)
    return Subject(role, "assertion.arn.extract('assumed-role/{role}/')", {})


def _kubernetes(runtime: Settings) -> Subject | None:
    namespace, account = runtime.get("namespace"), runtime.get("service_account")
    if not namespace or not account:
        return None
    return Subject(f"system:serviceaccount:{namespace}:{account}", "assertion.sub", {})


def _github(runtime: Settings) -> Subject:
    """`repository:ID:environment:NAME` or `repository:ID:ref:REF`: the id, never a name that somebody may take over."""
    claims = {"repository_id": str(runtime.get("repository_id", ""))}
    for claim_name, attribute in (("repository_owner_id", "owner_id"), ("job_workflow_ref", "job_workflow_ref")):
        if runtime.get(attribute):
            claims[claim_name] = str(runtime.get(attribute))
    ref = _ref(runtime)
    environment = runtime.get("environment")
    if ref:
        claims["ref"] = ref
    prefix = f"repository:{claims['repository_id']}"
    if environment:
        claims["environment"] = str(environment)
        mapping = "'repository:' + assertion.repository_id + ':environment:' + assertion.environment"
        return Subject(f"{prefix}:environment:{environment}", mapping, claims)
    return Subject(f"{prefix}:ref:{ref}", "'repository:' + assertion.repository_id + ':ref:' + assertion.ref", claims)


def _ref(runtime: Settings) -> str:
    branch, tag = runtime.get("branch"), runtime.get("tag")
    return f"refs/heads/{branch}" if branch else f"refs/tags/{tag}" if tag else ""


def _gitlab(runtime: Settings) -> Subject:
    """`project:ID:TYPE:REF`. Without an id the path stands in, and `validate` says what that means."""
    branch, tag = runtime.get("branch"), runtime.get("tag")
    kind, ref = ("branch", branch) if branch else ("tag", tag)
    claims = {"ref_type": kind, "ref": str(ref or "")}
    if runtime.get("environment"):
        claims["environment"] = str(runtime.get("environment"))
    if runtime.get("project_id"):
        claims["project_id"] = str(runtime.get("project_id"))
        mapping = "'project:' + assertion.project_id + ':' + assertion.ref_type + ':' + assertion.ref"
        return Subject(f"project:{claims['project_id']}:{kind}:{claims['ref']}", mapping, claims)
    claims["project_path"] = str(runtime.get("project_path", ""))
    return Subject(
        f"project_path:{claims['project_path']}:ref_type:{kind}:ref:{claims['ref']}", "assertion.sub", claims
    )


def _oidc(runtime: Settings) -> Subject:
    claims = {str(key): str(value) for key, value in (runtime.get("claims") or {}).items()}
    return Subject(str(runtime.get("subject", "")), "assertion.sub", claims)


def _spiffe(runtime: Settings) -> Subject:
    return Subject(str(runtime.get("spiffe_id", "")), "assertion.sub", {})
