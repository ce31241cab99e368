"""Inherited grants and access boundaries in the evaluator: what a read found above a project decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from google_workspace import BUCKET, DATA, DATASET, PROJECT, agent, authority, boundary, google, grant, tool
from provisioner_google import live, provider, schema
from provisioner_google.bindings import Tuple, address

from provisioner.model.requests import Answer, Attempt, Decision, World
from provisioner.model.resources import Address, Resource

CRM = "//cloudresourcemanager.googleapis.com"
FOLDER, ORGANIZATION = f"{CRM}/folders/345678901234", f"{CRM}/organizations/123456789012"
OTHER_FOLDER = f"{CRM}/folders/111111111111"
MEMBER = f"serviceAccount:acme-triage@{PROJECT}.iam.gserviceaccount.com"
VIEWER = "roles/bigquery.dataViewer"
HERE = f"{CRM}/projects/{PROJECT}"
ELSEWHERE = f"//bigquery.googleapis.com/projects/{DATA}/datasets/suppliers"


def world(*more: Resource, unread: Iterable[str] = (), above: Iterable[str] = (FOLDER, ORGANIZATION),
          resources: tuple[str, ...] = ()) -> World:  # fmt: skip
    """One agent with nothing but its account (and an access boundary to `resources`), in a project below a folder."""
    made = authority(
        [agent("triage")],
        boundaries=[boundary(resources=resources)] if resources else [],
        organization="123456789012",
    )
    found = [item.resource for item in provider.compile(made)]
    role = Resource(Address("google", PROJECT, schema.ROLE, VIEWER), {"permissions": ["bigquery.tables.getData"],
                                                                      "stage": "GA"})  # fmt: skip
    place = live.place(PROJECT, HERE, above, unread, True)
    return World({one.address: one for one in (*found, role, place, *more)})


def granted(resource: str, role: str = VIEWER) -> Resource:
    item = Tuple(resource, role, MEMBER, None)
    where = address(schema.BINDING, PROJECT, "triage", item)
    anchor = Address("google", PROJECT, schema.ACCOUNT, "acme-triage")
    return Resource(where, item.attributes(), agent="triage", parent=anchor)


def asked(where: World, resource: str = f"{DATASET}/tables/t", permission: str = "bigquery.tables.getData",
          **context: Any) -> Decision:  # fmt: skip
    return provider.evaluate(
        where, Attempt("triage", {"permission": permission, "resource": resource, "context": context})
    )


@pytest.mark.parametrize("above", [FOLDER, ORGANIZATION, HERE])
def test_a_grant_above_counts_below(above: str) -> None:
    assert asked(world(granted(above))).answer is Answer.ALLOWED


def test_a_grant_on_another_folder_does_not() -> None:
    assert asked(world(granted(OTHER_FOLDER))).answer is Answer.DENIED


def test_without_a_look_above_a_folders_grant_is_not_judged() -> None:
    bare = world(granted(FOLDER))
    bare = World({a: r for a, r in bare.resources.items() if a.kind != schema.PLACE})
    found = asked(bare)
    assert found.answer is Answer.DEPENDS and "folders/345678901234" in found.missing[0]


def test_what_was_not_read_above_is_missing_and_never_a_no() -> None:
    where = world(unread=[f"the allow policy of {ORGANIZATION}"])
    found = asked(where)
    assert found.answer is Answer.DEPENDS and ORGANIZATION in found.missing[0]
    assert asked(world()).answer is Answer.DENIED, "everything was read"


def test_where_the_chain_ends_early_a_folder_further_up_may_count() -> None:
    where = world(granted(OTHER_FOLDER), above=[FOLDER], unread=["what is above folders/345678901234"])
    assert asked(where).answer is Answer.DEPENDS


def test_a_bucket_that_was_read_says_in_which_project_it_is() -> None:
    objects = f"{BUCKET}/objects/a"
    role = Resource(Address("google", PROJECT, schema.ROLE, "roles/storage.objectViewer"),
                    {"permissions": ["storage.objects.get"], "stage": "GA"})  # fmt: skip
    where = world(granted(HERE, "roles/storage.objectViewer"), role)
    assert asked(where, objects, "storage.objects.get").answer is Answer.DEPENDS
    seen = live.place(PROJECT, BUCKET, (HERE,), (), True)
    placed = World({**where.resources, seen.address: seen})
    assert asked(placed, objects, "storage.objects.get").answer is Answer.ALLOWED


def test_an_access_boundary_that_excludes_denies_what_it_is_known_to_block() -> None:
    where = world(granted(ELSEWHERE), resources=(f"projects/{PROJECT}",))
    found = asked(where, f"{ELSEWHERE}/tables/t")
    assert (
        found.answer is Answer.DENIED and "access boundary acme-agents@organizations/123456789012" in found.because[0]
    )
    assert asked(world(granted(DATASET), resources=(f"projects/{PROJECT}",))).answer is Answer.ALLOWED


def test_of_a_permission_that_is_not_known_to_be_blocked_nothing_is_concluded() -> None:
    role = Resource(Address("google", PROJECT, schema.ROLE, "roles/pubsub.publisher"),
                    {"permissions": ["pubsub.topics.publish"], "stage": "GA"})  # fmt: skip
    topic = f"//pubsub.googleapis.com/projects/{DATA}/topics/t"
    where = world(granted(topic, "roles/pubsub.publisher"), role, resources=(f"projects/{PROJECT}",))
    assert asked(where, topic, "pubsub.topics.publish").answer is Answer.DEPENDS


def test_a_boundary_that_is_bound_to_somebody_else_proves_nothing() -> None:
    where = world(granted(ELSEWHERE), resources=(f"projects/{PROJECT}",))
    kind = schema.ACCESS_BOUNDARY_BINDING
    binding = next(r for r in where.resources.values() if r.address.kind == kind)
    other = {**binding.attributes["condition"], "expression": "principal.subject == 'other@acme.example'"}
    changed = replace(binding, attributes={**binding.attributes, "condition": other})
    found = asked(World({**where.resources, binding.address: changed}), f"{ELSEWHERE}/tables/t")
    assert found.answer is Answer.DEPENDS


def test_a_folder_in_a_boundary_reaches_the_projects_below_it() -> None:
    where = world(granted(DATASET), resources=("folders/345678901234",))
    assert asked(where).answer is Answer.ALLOWED
    other = world(granted(DATASET), resources=("folders/111111111111",))
    assert asked(other).answer is Answer.DENIED


def test_a_tool_may_name_a_folder_and_a_project_role_may_not_be_made_for_it() -> None:
    folder = authority(
        [agent("triage")],
        [tool("jobs", google(role="roles/bigquery.jobUser", resource="folders/345678901234"))],
        [grant("runs", ["triage"], ["jobs"])],
        boundaries=[],
    )
    assert list(provider.validate(folder)) == []
    custom = google(role=None, permissions=("bigquery.jobs.create",), resource="folders/345678901234")
    wrong = authority([agent("triage")], [tool("jobs", custom)], [grant("runs", ["triage"], ["jobs"])], boundaries=[])
    assert [d.code for d in provider.validate(wrong)] == ["E-GOOGLE-ROLE"]
