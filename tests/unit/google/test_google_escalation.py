"""Techniques on small worlds: each is found with its steps, and is not where a permission, target or limit lacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from google_workspace import PROJECT, agent, authority, boundary
from provisioner_google import names, provider, schema
from provisioner_google.bindings import Tuple, address
from provisioner_google.escalation import Technique, describe_path, escalations, techniques

from provisioner.model.authority import Authority
from provisioner.model.configuration import Delegation
from provisioner.model.graph import EscalationPath
from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource

ORGANIZATION = "//cloudresourcemanager.googleapis.com/organizations/123456789012"
HOME = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"
ROLE = f"projects/{PROJECT}/roles/held"
TWO = authority([agent("a"), agent("b")], boundaries=[])


def account(name: str) -> str:
    return names.account_resource(names.email(f"acme-{name}", PROJECT), PROJECT)


def granted(name: str, resource: str, *, when: str = "", role: str = ROLE) -> Resource:
    condition = {"title": "t", "description": "", "expression": when} if when else None
    item = Tuple(resource, role, f"serviceAccount:{names.email(f'acme-{name}', PROJECT)}", condition)
    where = address(schema.grant_kind(resource), PROJECT, name, item)
    return Resource(where, item.attributes(), agent=name, parent=Address("google", PROJECT, schema.ACCOUNT, name))


def role(permissions: Iterable[str], name: str = "held") -> Resource:
    attributes = {"permissions": sorted(permissions), "stage": "GA", "state": "ACTIVE"}
    return Resource(Address("google", PROJECT, schema.CUSTOM_ROLE, name), attributes)


def denying(*permissions: str, to: str = "a", when: str = "") -> Resource:
    rule: dict[str, Any] = {
        "deniedPrincipals": [names.deny_member(f"serviceAccount:{names.email(f'acme-{to}', PROJECT)}")],
        "deniedPermissions": [names.deny_permission(name, {"resourcemanager": "cloudresourcemanager.googleapis.com"})
                              for name in permissions],
    }  # fmt: skip
    if when:
        rule["denialCondition"] = {"title": "t", "expression": when}
    where = Address("google", PROJECT, schema.DENY_POLICY, f"limits@projects/{PROJECT}")
    return Resource(where, {"rules": [rule]})


def bound() -> list[Resource]:
    """An access boundary of the organization, which agent a is bound to and whose project is inside."""
    policy = Address("google", PROJECT, schema.ACCESS_BOUNDARY, "limit@organizations/123456789012")
    attributes = {"rules": [{"effect": "ALLOW", "resources": [HOME, ORGANIZATION]}], "enforcement_version": "1"}
    binding = Address("google", PROJECT, schema.ACCESS_BOUNDARY_BINDING, "limit-a")
    return [
        Resource(policy, attributes),
        Resource(binding, {"policy": "x", "principal_set": "y", "condition": None}, agent="a", uses=(policy,)),
    ]


def pool() -> Resource:
    return Resource(
        Address("google", PROJECT, schema.POOL, "eks"), {"display_name": "", "disabled": False, "state": "ACTIVE"}
    )


TAGGED = 'resource.matchTag("123456789012/env", "test")'


def world(*extra: Resource, found: Authority = TWO) -> World:
    resources = [*(item.resource for item in provider.compile(found)), *extra]
    return World({item.address: item for item in resources}, "2026-11-24T00:00:00Z")


def paths(*extra: Resource, found: Authority = TWO) -> list[EscalationPath]:
    return list(escalations(found, world(*extra, found=found), ["a"]))


def ids(*extra: Resource, found: Authority = TWO) -> set[str]:
    return {path.technique for path in paths(*extra, found=found)}


def scene(technique: Technique, permissions: Iterable[str]) -> list[Resource]:
    """Where a technique has its targets, and the agent the permissions on the whole organization's side of them."""
    kinds = {need.on for need in technique.needs}
    where = ORGANIZATION if kinds & {"folder", "organization", "access_boundary"} else HOME
    extra = [role(permissions), granted("a", where)]
    if "deny_policy" in kinds:
        extra.append(denying("storage.buckets.delete"))
    if "access_boundary" in kinds:
        extra += [*bound(), granted("a", HOME)]
    if "pool" in kinds:
        extra.append(pool())
    if "tagged" in kinds:
        extra.append(granted("a", HOME, when=TAGGED, role="roles/storage.objectViewer"))
    return extra


ALL = pytest.mark.parametrize("technique", techniques(), ids=lambda item: item.id)


def test_the_table_is_sound() -> None:
    table = techniques()
    assert len(table) >= 80 and len({item.id for item in table}) == len(table)
    assert all(item.source.startswith("https://") and item.needs and item.title and item.becomes for item in table)
    assert all(need.permission.count(".") == 2 for item in table for need in item.needs)


@ALL
def test_a_technique_is_found_where_it_works(technique: Technique) -> None:
    found = [path for path in paths(*scene(technique, (n.permission for n in technique.needs)))
             if path.technique == technique.id]  # fmt: skip
    assert found, technique
    assert [step.permission for step in found[0].steps] == [need.permission for need in technique.needs]
    assert all(step.resource.startswith("//") and step.origin for step in found[0].steps)
    assert found[0].source == technique.source


@ALL
def test_it_is_not_where_one_permission_lacks(technique: Technique) -> None:
    wanted = {need.permission for need in technique.needs}
    for lacking in wanted:
        assert technique.id not in ids(*scene(technique, wanted - {lacking}))


@ALL
def test_it_is_not_where_a_deny_policy_stops_a_step(technique: Technique) -> None:
    wanted = [need.permission for need in technique.needs]
    extra = [one for one in scene(technique, wanted) if one.address.kind != schema.DENY_POLICY]
    stopping = denying(wanted[-1])
    if {need.on for need in technique.needs} & {"folder", "organization", "access_boundary"}:
        where = Address("google", PROJECT, schema.DENY_POLICY, "limits@organizations/123456789012")
        stopping = Resource(where, stopping.attributes)
        extra += [Resource(Address("google", PROJECT, schema.DENY_POLICY, f"limits@projects/{PROJECT}"),
                           stopping.attributes)]  # fmt: skip
    assert technique.id not in ids(*extra, stopping)


@pytest.mark.parametrize("technique", [t for t in techniques() if {n.on for n in t.needs} & {
    "held_role", "deny_policy", "access_boundary", "pool", "tagged", "folder", "organization", "container"}],
    ids=lambda item: item.id)  # fmt: skip
def test_it_is_not_where_nothing_is_there_to_do_it_to(technique: Technique) -> None:
    permissions = sorted({need.permission for need in technique.needs})
    kinds = {need.on for need in technique.needs}
    attributes = {"permissions": permissions, "stage": "GA"}
    predefined = Resource(Address("google", PROJECT, schema.ROLE, "roles/some"), attributes)
    bucket = "//storage.googleapis.com/projects/_/buckets/acme-inbox"
    where = bucket if "container" in kinds else HOME  # a permission to create is of no use on a thing
    assert technique.id not in ids(predefined, granted("a", where, role="roles/some"))


def test_another_agents_account_is_named() -> None:
    (path,) = paths(role(["iam.serviceAccounts.getAccessToken"]), granted("a", account("b")))
    assert (path.technique, path.target, path.target_agent, path.certain) == ("access-token", account("b"), "b", True)
    assert describe_path(path).endswith("it then is agent.b")


def test_a_project_wide_grant_reaches_agents_and_strangers() -> None:
    found = paths(role(["iam.serviceAccounts.actAs", "run.services.create"]), granted("a", HOME))
    assert {path.target_agent for path in found} == {"b", None}
    assert {path.technique for path in found} == {"act-as-run-service-create"}


def test_what_it_may_do_to_itself_is_no_escalation() -> None:
    assert ids(role(["iam.serviceAccounts.getAccessToken"]), granted("a", account("a"))) == set()


def test_the_two_halves_may_come_from_two_grants() -> None:
    two = [role(["iam.serviceAccounts.actAs"]), role(["cloudbuild.builds.create"], "builder")]
    grants = [granted("a", account("b")), granted("a", HOME, role=f"projects/{PROJECT}/roles/builder")]
    (path,) = paths(*two, *grants)
    assert [step.origin for step in path.steps] == [ROLE, f"projects/{PROJECT}/roles/builder"]
    assert path.target_agent == "b"


def test_a_condition_that_is_not_met_is_no_path_and_an_open_one_is_not_certain() -> None:
    tokens = role(["iam.serviceAccounts.getAccessToken"])
    assert ids(tokens, granted("a", account("b"), when='request.time < timestamp("2026-01-01T00:00:00Z")')) == set()
    (path,) = paths(tokens, granted("a", account("b"), when='resource.name.matches("b")'))
    assert not path.certain and describe_path(path).endswith("if the context allows it")


def test_a_declared_delegation_is_no_escalation() -> None:
    declared = Delegation("delegation.d", "d", ("a",), "b", "impersonate", None, None)
    TWO_DECLARED = authority([agent("a"), agent("b")], boundaries=[])
    TWO_DECLARED.configuration.delegations["delegation.d"] = declared  # type: ignore[index]
    extra = [role(["iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.setIamPolicy"]),
             granted("a", account("b"))]  # fmt: skip
    assert ids(*extra, found=TWO_DECLARED) == {"account-policy"}


def test_a_role_that_nobody_read_gives_no_path_but_a_finding() -> None:
    where = world(granted("a", HOME, role="roles/unread"))
    assert list(escalations(TWO, where, ["a"])) == []
    assert [hazard.rule for hazard in provider.hazards(TWO, where, {"a"})] == ["PRV-1"]


def test_a_path_is_a_finding_and_an_edge() -> None:
    where = world(role(["deploymentmanager.deployments.create"]), granted("a", HOME))
    (hazard,) = [one for one in provider.hazards(TWO, where, {"a"}) if one.rule == "PRV-4"]
    assert hazard.message == (
        "agent.a can become more than it is: it deploys resources that the project's own service agent makes:"
        f" deploymentmanager.deployments.create on projects/{PROJECT} ({ROLE}); it then is the Google APIs service"
        " agent, an editor of the project"
    )
    assert [path.technique for path in provider.reach(TWO, where, {"a"}).paths] == ["deployment-manager"]


def test_what_an_agent_may_as_another_is_the_others_path() -> None:
    tokens = [role(["iam.serviceAccounts.getAccessToken"]), granted("a", account("b"))]
    deploys = [role(["deploymentmanager.deployments.create"], "deployer"),
               granted("b", HOME, role=f"projects/{PROJECT}/roles/deployer")]  # fmt: skip
    found = list(escalations(TWO, world(*tokens, *deploys), ["a", "b"]))
    assert [(path.agent, path.technique) for path in found] == [("a", "access-token"), ("b", "deployment-manager")]


def test_the_boundary_that_we_write_stops_what_it_names() -> None:
    bounded = authority([agent("a"), agent("b")], boundaries=[boundary(deny=("iam.serviceAccountKeys.create",))])
    extra = [role(["iam.serviceAccountKeys.create"]), granted("a", account("b"))]
    assert ids(*extra, found=TWO) == {"account-key"}
    assert ids(*extra, found=bounded) == set()
