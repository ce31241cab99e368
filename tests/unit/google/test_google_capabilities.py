"""The capability table of Google Cloud: docs/reference/google-runtimes.md is made from it, and the provider keeps it.

`UPDATE_GOLDEN=1 pytest tests/unit/google/test_google_capabilities.py` writes the page's tables anew.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google_workspace import (
    CLOUD_RUN,
    EKS,
    agent,
    authority,
    aws_federation,
    block,
    eks,
    github,
    github_federation,
    gke,
    irsa,
)
from provisioner_google import provider, schema, table
from provisioner_google.capabilities import CAPABILITIES, TOKEN_SECONDS, Capabilities

from provisioner.model.configuration import Identity, Session

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "google-runtimes.md"
GITLAB = "https://gitlab.com"
SPECIMENS: dict[str, Any] = {
    "cloud_run": CLOUD_RUN,
    "gce": block("runtime", "gce", instances=("one",)),
    "gke": gke(),
    "agent_engine": block("runtime", "agent_engine", location="europe-west1", unique_id="7231985", organization="1"),
    "github_actions": github(),
    "gitlab_ci": block("runtime", "gitlab_ci", project_path="a/b", project_id="42", branch="main", issuer=GITLAB),
    "oidc": block("runtime", "oidc", subject="triage", issuer=EKS),
    "spiffe": block("runtime", "spiffe", spiffe_id="spiffe://acme.example/triage", issuer=EKS),
    "eks_irsa": irsa(),
    "eks_pod_identity": block("runtime", "eks_pod_identity", cluster="arn", namespace="n", service_account="s"),
    **{one: block("runtime", one) for one in ("lambda", "ecs", "ec2", "bedrock_agentcore", "roles_anywhere")},
}
FEDERATIONS = {"github_actions": github_federation("it"), "gitlab_ci": eks("it", issuer=GITLAB)}
OF_A_POD_OR_ISSUER = ("oidc", "spiffe", "eks_irsa", "eks_pod_identity")


def with_identity(runtime: str, kind: str, session: Session | None = None) -> Any:
    """One agent on the runtime with this kind of identity; through a federation where it runs outside of Google."""
    row = CAPABILITIES[runtime]
    values: dict[str, Any] = {"kind": kind}
    federations = []
    if row.federated_by == "federation":
        values["federation"] = "federation.it"
        federations = [
            FEDERATIONS.get(runtime) or (eks("it") if runtime in OF_A_POD_OR_ISSUER else aws_federation("it"))
        ]
    one = agent("triage", SPECIMENS[runtime], identity=values)
    own = {"google": one.identities["google"]}
    if runtime in ("lambda", "ecs", "ec2", "bedrock_agentcore", "roles_anywhere"):
        own["aws"] = Identity("aws", "aws", block("identity", "aws"))
    one = replace(one, identities=own, session=session or one.session)
    return authority([one], federations=federations)


def codes(of: Any) -> list[str]:
    return [item.code for item in provider.validate(of) if item.is_error]


def made(of: Any) -> set[str]:
    identities = (schema.ACCOUNT, schema.POOL_PROVIDER, schema.POOL)
    return {item.resource.address.kind for item in provider.compile(of) if item.resource.address.kind in identities}


@pytest.mark.parametrize("runtime", CAPABILITIES)
def test_a_runtime_has_the_kinds_of_identity_that_the_table_says(runtime: str) -> None:
    row = CAPABILITIES[runtime]
    pool = {schema.POOL, schema.POOL_PROVIDER} if row.federated_by == "federation" else set()
    for kind in ("federated", "service_account"):
        of = with_identity(runtime, kind)
        if kind not in row.kinds:
            assert codes(of), kind
            continue
        assert codes(of) == [], kind
        assert made(of) == pool | ({schema.ACCOUNT} if kind == "service_account" else set())


@pytest.mark.parametrize("runtime", [name for name, row in CAPABILITIES.items() if row.federated_by != "federation"])
def test_what_google_cannot_enforce_is_an_error_where_an_agent_asks_for_it(runtime: str) -> None:
    kind = CAPABILITIES[runtime].kinds[0]
    assert codes(with_identity(runtime, kind, Session(max_seconds=TOKEN_SECONDS - 1))) == ["E-GOOGLE-SESSION"]
    assert codes(with_identity(runtime, kind, Session(max_seconds=TOKEN_SECONDS))) == []
    for attribution in ("source_identity", "workload_tags"):
        assert codes(with_identity(runtime, kind, Session(attribution=attribution))) == ["E-GOOGLE-ATTRIBUTION"]


WORDS = {
    "service_account": "the service account",
    "workload_subject": "the workload's subject; with an account, both",
    "": "none",
    "google": "Google's own",
    "federation": "the federation's",
}


def _runtime(name: str, row: Capabilities) -> str:
    kinds = " or ".join(f"`{kind}`" for kind in row.kinds)
    return f"| `{name}` | {kinds} | {WORDS[row.federated_by]} | {WORDS[row.attribution]} | {row.why} |"


def _kind(row: table.Row) -> str:
    pattern = re.sub(r"\(\[[^)]*\)", "…", row.pattern.pattern)
    conditions = "yes" if row.conditions else "no"
    if row.kind == "bucket":
        conditions = "with uniform access"
    return f"| {row.kind} | `//{row.host}/{pattern}` | {conditions} | `{row.permission}.setIamPolicy` |"


def tables() -> dict[str, str]:
    runtimes = [_runtime(name, row) for name, row in CAPABILITIES.items()]
    kinds = [_kind(row) for row in table.ROWS]
    return {
        "runtimes": "\n".join(
            ["| runtime | identity | pool | audit logs name | why |", "|---|---|---|---|---|", *runtimes]
        ),
        "kinds": "\n".join(["| kind | full name | conditions | written with |", "|---|---|---|---|", *kinds]),
    }


def test_the_page_has_the_tables_of_the_code() -> None:
    text = PAGE.read_text()
    for name, content in tables().items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        head, found, rest = text.partition(begin)
        assert found, name
        shown, found, tail = rest.partition(end)
        assert found, name
        if os.environ.get("UPDATE_GOLDEN"):
            text = head + begin + content + end + tail
            PAGE.write_text(text)
            shown = content
        assert shown == content, name
