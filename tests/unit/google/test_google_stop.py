"""What stopping an agent does on Google Cloud, and that nothing else counts as a stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google_workspace import PROJECT, agent, authority, eks, gke, google, grant, irsa, tool
from provisioner_google import provider

from provisioner.model.changes import Action, Change, Effect
from provisioner.model.resources import Address, Coverage, Resource, Snapshot
from provisioner.sdk.provider import Clearing


def live() -> Snapshot:
    wanted = authority(
        [
            agent("account"),
            agent("outside", irsa(), identity={"federation": "federation.eks"}),
            agent("pod", gke(), identity={"kind": "federated"}),
        ],
        [tool("jobs", google(role="roles/bigquery.jobUser", resource=f"projects/{PROJECT}"))],
        [grant("runs", ["account", "outside", "pod"], ["jobs"])],
        federations=[eks()],
        boundaries=[],
    )
    return Snapshot(tuple(item.resource for item in provider.compile(wanted)), Coverage())


def kinds(found: Any) -> list[str]:
    return [(item.address if isinstance(item, Resource) else item).kind for item in found]


@pytest.mark.parametrize(
    ("name", "disabled", "cleared"),
    [
        ("account", ["google_service_account"], []),
        ("outside", ["google_workload_identity_provider"], ["google_binding"]),
        ("pod", [], ["google_binding"]),
    ],
)
def test_what_is_disabled_and_what_is_taken_off(name: str, disabled: list[str], cleared: list[str]) -> None:
    assert isinstance(provider, Clearing)
    assert kinds(provider.stop(name, live(), "2026-11-24T00:00:00Z")) == disabled
    assert kinds(provider.cleared(name, live())) == cleared
    assert all(address.name.startswith(f"{name}/") for address in provider.cleared(name, live()))


def binding(name: str) -> Resource:
    return next(r for r in live().resources if r.agent == name and r.address.kind == "google_binding")


def change(action: Action, resource: Resource, before: Any, after: Any) -> Change:
    return Change(1, action, resource.address, "", resource.agent, None, (), {}, Effect.NARROWER, (), (), "", before,
                  after)  # fmt: skip


def test_only_taking_off_a_federated_grant_is_a_stop() -> None:
    federated, attached = binding("outside"), binding("account")
    gone = change(Action.DELETE, federated, federated.attributes, None)
    assert provider.stops(gone) and provider.narrows(gone)
    assert not provider.stops(change(Action.DELETE, attached, attached.attributes, None)), "its account is disabled"
    assert not provider.stops(change(Action.CREATE, federated, None, federated.attributes))
    other = {**federated.attributes, "role": "roles/viewer"}
    assert not provider.stops(change(Action.UPDATE, federated, federated.attributes, other))
    assert not provider.stops(change(Action.DELETE, federated, None, None))
    pool = replace(federated, address=Address("google", PROJECT, "google_workload_identity_pool", "eks-agents-prod"))
    assert not provider.stops(change(Action.DELETE, pool, federated.attributes, None))
