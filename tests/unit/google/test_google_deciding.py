"""A decision about a world names the grants and deny rules that decide, and the resource each stands on."""

from __future__ import annotations

from google_workspace import PROJECT, agent, authority, boundary
from provisioner_google import names, provider, schema
from provisioner_google.bindings import Tuple, address

from provisioner.model.requests import Answer, Attempt, Deciding, Decision, World
from provisioner.model.resources import Address, Resource

BUCKET = "//storage.googleapis.com/projects/_/buckets/b"
SOON = 'request.time < timestamp("2027-01-01T00:00:00Z")'


def grant(name: str, resource: str, role: str, when: str = "") -> Resource:
    condition = {"title": "until_2027", "description": "", "expression": when} if when else None
    item = Tuple(resource, role, f"serviceAccount:{names.email(f'acme-{name}', PROJECT)}", condition)
    where = address(schema.grant_kind(resource), PROJECT, name, item)
    return Resource(where, item.attributes(), agent=name, parent=Address("google", PROJECT, schema.ACCOUNT, name))


def holds(name: str, *permissions: str) -> Resource:
    return Resource(Address("google", PROJECT, schema.ROLE, name), {"permissions": list(permissions), "stage": "GA"})


READER = holds("roles/reader", "storage.objects.get")
CREATOR = holds("roles/creator", "iam.serviceAccounts.getAccessToken")


def asked(*extra: Resource, deny: tuple[str, ...] = ("iam.roles.list",), agent_: str = "a") -> Decision:
    found = authority([agent("a"), agent("b")], boundaries=[boundary(deny=deny)])
    resources = [*(item.resource for item in provider.compile(found)), READER, CREATOR, *extra]
    world = World({item.address: item for item in resources}, "2026-11-24T00:00:00Z")
    settings = {"permission": "storage.objects.get", "resource": f"{BUCKET}/objects/1", "context": {"project": PROJECT}}
    return provider.evaluate(world, Attempt(agent_, settings))


ALLOWS = Deciding("allow policy of storage.googleapis.com/projects/_/buckets/b", "roles/reader", "Allow", BUCKET)


def test_a_grant_is_named_with_its_policy() -> None:
    found = asked(grant("a", BUCKET, "roles/reader"))
    assert (found.answer, found.deciding) == (Answer.ALLOWED, (ALLOWS,))


def test_a_condition_is_named_by_its_title() -> None:
    (named,) = asked(grant("a", BUCKET, "roles/reader", SOON)).deciding
    assert named.statement == "roles/reader (until_2027)"


def test_a_deny_rule_is_named_alone() -> None:
    found = asked(grant("a", BUCKET, "roles/reader"), deny=("storage.objects.get",))
    (named,) = found.deciding
    assert (found.answer, named.effect, named.statement) == (Answer.DENIED, "Deny", "1")
    assert named.policy.startswith("deny policy ")
    assert named.resource == f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"


def test_what_leaves_it_open_is_named_too() -> None:
    found = asked(grant("a", BUCKET, "roles/reader", 'resource.name.matches("1")'))
    assert found.answer is Answer.DEPENDS
    assert [item.statement for item in found.deciding] == ["roles/reader (until_2027)"]


def test_nothing_is_named_where_nothing_grants() -> None:
    assert asked().deciding == ()


def test_a_chain_names_its_first_step_and_its_last() -> None:
    account = names.account_resource(names.email("acme-b", PROJECT), PROJECT)
    found = asked(grant("a", account, "roles/creator"), grant("b", BUCKET, "roles/reader"))
    assert found.answer is Answer.ALLOWED
    assert [item.statement for item in found.deciding] == ["roles/creator", "roles/reader"]
    assert [item.resource for item in found.deciding] == [account, BUCKET]
