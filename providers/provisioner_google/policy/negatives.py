"""The tool's own boundary tests: what must be denied for every agent, whoever wrote the configuration.

Each differs from the agent's real workload or token in one thing only, so that it fails when that one thing is not
checked. They are judged like declared tests, on the planned and on the live policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.changes import Surface
from provisioner.model.configuration import Agent, BoundaryTest, Settings

from .. import federation, names, table
from ..compile import boundary_of
from ..principals import Principal, cluster_project, google_parts, label_of, principal

CANARIES = (
    ("resourcemanager.projects.setIamPolicy", "resourcemanager"),
    ("iam.serviceAccountKeys.create", "iam"),
    ("secretmanager.versions.access", "secretmanager"),
    ("cloudkms.cryptoKeyVersions.destroy", "cloudkms"),
    ("compute.instances.create", "compute"),
)
"""Permissions that an agent hardly ever needs, with the service whose roles might hold them."""

_OUTSIDE = "provisioner-outside-of-every-grant"
Case = tuple[str, Mapping[str, Any]]


def negatives(agent: Agent, authority: Authority) -> tuple[BoundaryTest, ...]:
    """One test a surface, in a stable order; a surface for which nothing can be tried has none."""
    who = principal(authority, agent)
    strangers, elsewhere = _assumes(authority, agent, who)
    tests = [
        _test(agent, Surface.IDENTITY, assumes=strangers),
        _test(agent, Surface.TOOL_ACCESS, attempts=_outside(authority, agent, who)),
        _test(agent, Surface.RUNTIME, attempts=_escapes(authority, agent, who), assumes=elsewhere),
    ]
    return tuple(test for test in tests if test.attempts or test.assumes)


def _test(agent: Agent, surface: Surface, attempts: Iterable[Case] = (), assumes: Iterable[Case] = ()) -> BoundaryTest:
    return BoundaryTest(
        address=f"generated.{agent.name}.google_{surface.value}",
        name=f"{agent.name}_google_{surface.value}",
        agents=(agent.name,),
        surface=surface.value,
        expect="denied",
        attempts=tuple(Settings("attempt", ("google", name), values, range=agent.range) for name, values in attempts),
        assumes=tuple(
            Settings("assume", (name,), {"cloud": "google", "claims": claims}, range=agent.range)
            for name, claims in assumes
        ),
        generated=True,
        range=agent.range,
    )


def _assumes(authority: Authority, agent: Agent, who: Principal) -> tuple[list[Case], list[Case]]:
    """Who must not become the agent: strangers (identity), and the right kind of workload elsewhere (runtime)."""
    other = f"serviceAccount:{_OUTSIDE}@{who.project}.iam.gserviceaccount.com"
    strangers: list[Case] = [
        ("user", {"principal": f"user:{_OUTSIDE}@example.com"}),
        ("other_account", {"principal": other}),
    ]
    found = federation.federation_of(authority.configuration, agent)
    if found is not None:
        subject = federation.subject_of(authority.configuration, agent, found)
        tokens, elsewhere = _tokens(agent, federation.issuer_of(found), subject) if subject else ([], [])
        return [*strangers, *tokens], elsewhere
    if label_of(agent) == "gke":
        own = {
            "namespace": agent.runtime.get("namespace"),
            "service_account": agent.runtime.get("service_account"),
            "project": cluster_project(str(agent.runtime.get("cluster", ""))),
        }
        return [*strangers, ("other_project", {**own, "project": _OUTSIDE})], [
            ("sibling_namespace", {**own, "namespace": _OUTSIDE}),
            ("other_service_account", {**own, "service_account": _OUTSIDE}),
        ]
    return strangers, []


def _tokens(agent: Agent, issuer: str, subject: federation.Subject) -> tuple[list[Case], list[Case]]:
    """The agent's own token, changed in one thing each time."""
    if issuer.startswith("aws:"):
        account = issuer.removeprefix("aws:")
        stranger = "999999999999" if account != "999999999999" else "888888888888"
        return [("other_aws_account", {"arn": f"arn:aws:sts::{stranger}:assumed-role/{subject.text}/s"})], [
            ("other_role", {"arn": f"arn:aws:sts::{account}:assumed-role/{_OUTSIDE}/s"})
        ]
    own: dict[str, Any] = {"issuer": issuer, "sub": subject.text, **subject.claims}
    label = label_of(agent)
    if label == "github_actions":
        own = {**own, "sub": f"repo:{agent.runtime.get('repository')}:any", "ref": own.get("ref", "refs/heads/main")}
        strangers: list[Case] = [("other_repository", {**own, "repository_id": "1"})]
        elsewhere: list[Case] = [("other_branch", {**own, "ref": f"refs/heads/{_OUTSIDE}"})]
        if "environment" in subject.claims:
            elsewhere = [
                ("other_environment", {**own, "environment": _OUTSIDE}),
                ("no_environment", {**own, "environment": None}),
            ]
        return [*strangers, ("other_issuer", {**own, "issuer": f"https://{_OUTSIDE}.example"})], elsewhere
    if label == "gitlab_ci":
        return [("other_project", {**own, "sub": _OUTSIDE, "project_id": "1"})], [
            ("other_branch", {**own, "sub": _OUTSIDE, "ref": _OUTSIDE})
        ]
    if label in federation.KUBERNETES:
        name = agent.runtime.get("service_account")
        return [("other_issuer", {**own, "issuer": f"https://{_OUTSIDE}.example"})], [
            ("sibling_namespace", {**own, "sub": f"system:serviceaccount:{_OUTSIDE}:{name}"})
        ]
    return [("other_issuer", {**own, "issuer": f"https://{_OUTSIDE}.example"})], [
        ("other_subject", {**own, "sub": f"{subject.text}-{_OUTSIDE}"})
    ]


def _outside(authority: Authority, agent: Agent, who: Principal) -> Iterator[Case]:
    """A permission that none of its roles is about; a permission of its own on another resource."""
    services: set[str] = set()
    for part in google_parts(authority):
        if part.agent.name != agent.name:
            continue
        for tool in part.tools:
            for block in tool.clouds.get("google", ()):
                services.add(str(block.get("role") or "").removeprefix("roles/").partition(".")[0])
                services |= {str(name).partition(".")[0] for name in block.get("permissions") or ()}
    project = table.full_name(f"projects/{who.project}")
    for permission, service in CANARIES:
        if service not in services:
            yield "ungranted_permission", {"permission": permission, "resource": project}
            break
    yield from _other_resource(authority, agent)


def _other_resource(authority: Authority, agent: Agent) -> Iterator[Case]:
    for part in google_parts(authority):
        if part.agent.name != agent.name:
            continue
        for tool in part.tools:
            for block in tool.clouds.get("google", ()):
                resource = table.full_name(str(block.get("resource", "")))
                permissions = block.get("permissions") or ()
                if permissions and table.row_of(resource) is not None:
                    head = resource.rpartition("/")[0]
                    yield "ungranted_resource", {"permission": permissions[0], "resource": f"{head}/{_OUTSIDE}",
                                                 "context": {"project": _OUTSIDE}}  # fmt: skip
                    return


def _escapes(authority: Authority, agent: Agent, who: Principal) -> Iterator[Case]:
    """What the boundary must stop even where something grants it; and starting other workloads as itself."""
    boundary = boundary_of(authority.configuration, agent)
    denied = boundary.clouds["google"].get("deny") if boundary is not None else ()
    for permission in [str(name) for name in denied or () if "*" not in str(name) and str(name).count(".") >= 2][:1]:
        attach = str(boundary.clouds["google"].get("attach", "")) if boundary is not None else ""
        if attach.startswith("projects/") and "/" not in permission:
            yield "outside_boundary", {"permission": permission, "resource": table.full_name(attach), "granted": True}
    if who.account is not None:
        own = names.account_resource(names.email(who.account.name, who.project), who.project)
        yield "attach_itself_elsewhere", {"permission": "iam.serviceAccounts.actAs", "resource": own}
