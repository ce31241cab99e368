"""Cloud Audit Logs → who called what on which resources, what a tool could do without, who changed what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aws_workspace as ws
import pytest
import usage_logs as logs
from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_google import audit, audit_lookup, names, provider, schema
from provisioner_google.bindings import Tuple
from provisioner_google.bindings import address as tuple_address
from provisioner_google.faults import CallError, Fault

from provisioner.model.authority import Target
from provisioner.model.resources import Address
from provisioner.model.usage import Observed
from provisioner.sdk.provider import Connection
from provisioner.sdk.usage import Attributing, Fitting, LogReading

PROJECT = "acme-fin-prod"
EMAIL = f"ws-triage@{PROJECT}.iam.gserviceaccount.com"
SUBJECT = "//iam.googleapis.com/projects/9876/locations/global/workloadIdentityPools/eks/subject/ns/a/sa/b"
DATASET = f"projects/{PROJECT}/datasets/suppliers"
FULL = f"//bigquery.googleapis.com/{DATASET}"


def read_rows(**more: Any) -> dict[str, Any]:
    checked = ("bigquery.tables.getData", f"{DATASET}/tables/t")
    return logs.entry("bigquery", "google.cloud.bigquery.v2.TableDataService.List", checked, **{"email": EMAIL, **more})


def test_the_provider_offers_all_that_use_asks_for():
    assert isinstance(provider, LogReading) and isinstance(provider, Fitting) and isinstance(provider, Attributing)


def test_a_call_is_known_by_its_member_project_and_log():
    call = audit.call_of(read_rows())
    assert (call.target, call.principal, call.denied) == (PROJECT, f"serviceAccount:{EMAIL}", False)
    assert call.witnesses == (f"{PROJECT} bigquery.googleapis.com data_access",)
    federated = audit.call_of(read_rows(email="", subject=f"principal:{SUBJECT}"))
    assert federated.principal == f"principal:{SUBJECT}"
    assert audit.call_of(read_rows(email="dana@acme.example")).principal == ""
    assert audit.call_of(read_rows(payload={"status": {"code": 7}})).denied


def test_permissions_are_those_that_were_granted():
    (use,) = audit.uses_of(read_rows())
    assert (use.permission, use.resource) == ("bigquery.tables.getData", f"{DATASET}/tables/t")
    denied = read_rows()
    denied["protoPayload"]["authorizationInfo"][0]["granted"] = False
    assert audit.uses_of(denied) == ()


def test_a_token_that_was_given_out_shows_that_the_account_lives():
    entry = logs.entry(
        "iamcredentials", "GenerateAccessToken", payload={"resourceName": f"projects/-/serviceAccounts/{EMAIL}"}
    )
    assert audit.call_of(entry).becomes == f"serviceAccount:{EMAIL}"


@pytest.mark.parametrize(
    "entry", [{}, {"logName": "projects/p/logs/syslog", "timestamp": logs.ago(1)}, logs.get_object("x")]
)
def test_other_entries_are_foreign(entry):
    assert audit.call_of(entry) is None


def observed(uses, services=("bigquery.googleapis.com",), unmapped=()) -> Observed:
    witnesses = frozenset(f"{PROJECT} {service} data_access" for service in services)
    return Observed((PROJECT,), {name: frozenset(where) for name, where in uses.items()}, tuple(unmapped), witnesses)


GIVEN = ("bigquery.tables.getData", "bigquery.tables.list", "pubsub.topics.publish")
BLOCK = ws.block("google", "data", permissions=GIVEN, resource=FULL)


def test_permissions_that_nobody_used_go_and_what_is_not_logged_stays():
    found = audit.fit(BLOCK, observed({"bigquery.tables.getData": ["projects/9876/datasets/suppliers/tables/t"]}))
    assert found.unused == ("bigquery.tables.list",)
    assert found.unjudged == (
        "pubsub.topics.publish: the logs hold no Data Access entries of pubsub.googleapis.com in project acme-fin-prod",
    )
    assert found.edits[0].path == ()
    assert found.edits[0].attributes == {"permissions": ("bigquery.tables.getData", "pubsub.topics.publish")}


def test_a_use_elsewhere_is_no_use_of_this_tool_and_one_of_the_whole_project_may_be():
    uses = observed({"bigquery.tables.getData": [f"projects/{PROJECT}/datasets/other"]})
    other = ws.block("google", "o", role="roles/bigquery.dataViewer", resource=FULL.replace("suppliers", "other"))
    assert "bigquery.tables.getData" in audit.fit(BLOCK, replace(uses, blocks=(BLOCK, other))).unused
    assert "bigquery.tables.getData" not in audit.fit(BLOCK, uses).unused  # then nobody knows what allowed it
    above = audit.fit(BLOCK, observed({"bigquery.tables.getData": [f"projects/{PROJECT}"]}))
    assert "bigquery.tables.getData" not in above.unused


def test_a_role_of_google_is_not_judged_and_says_what_was_used():
    block = ws.block("google", "data", role="roles/bigquery.dataViewer", resource=FULL)
    found = audit.fit(block, observed({"bigquery.tables.getData": [DATASET]}))
    assert found.edits == () and "the logs show bigquery.tables.getData used here" in found.unjudged[0]


def test_entries_without_permissions_keep_their_service():
    found = audit.fit(BLOCK, observed({}, unmapped=["bigquery.googleapis.com jobservice.insert"]))
    assert "bigquery.tables.list" not in found.unused


MEMBER = f"serviceAccount:{EMAIL}"
BINDING = tuple_address(schema.BINDING, PROJECT, "triage", Tuple(FULL, "roles/bigquery.dataOwner", MEMBER, None))
ON_PROJECT = tuple_address(
    schema.BINDING,
    PROJECT,
    "triage",
    Tuple(f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}", "roles/viewer", MEMBER, None),
)


def set_policy(service: str, resource: str, role: str, member: str = MEMBER, **more: Any) -> dict[str, Any]:
    deltas = {"policyDelta": {"bindingDeltas": [{"action": "ADD", "role": role, "member": member}]}}
    payload = {"resourceName": resource, "serviceData": deltas}
    return logs.entry(service, "SetIamPolicy", email="hugo@acme.example", payload=payload, **more)


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        (set_policy("bigquery", DATASET, "roles/bigquery.dataOwner"), BINDING),
        (set_policy("cloudresourcemanager", f"projects/{PROJECT}", "roles/viewer"), ON_PROJECT),
        (set_policy("cloudresourcemanager", PROJECT, "roles/viewer"), ON_PROJECT),
        (
            logs.entry(
                "iam",
                "google.iam.admin.v1.DisableServiceAccount",
                email="hugo@acme.example",
                payload={"resourceName": f"projects/-/serviceAccounts/{names.email('ws-triage', PROJECT)}"},
            ),
            Address("google", PROJECT, schema.ACCOUNT, "ws-triage"),
        ),
        (
            logs.entry(
                "iam",
                "google.iam.admin.v1.UpdateRole",
                email="hugo@acme.example",
                payload={"resourceName": f"projects/{PROJECT}/roles/ws_reader"},
            ),
            Address("google", PROJECT, schema.CUSTOM_ROLE, "ws_reader"),
        ),
    ],
)
def test_calls_that_change_something_are_known_by_its_address(entry, address):
    deed = audit.deed_of(entry, [address])
    assert deed is not None and deed.addresses == (address,)
    assert (deed.attribution.actor, deed.attribution.source) == ("hugo@acme.example", "Cloud Audit Logs")
    failed = {**entry, "protoPayload": {**entry["protoPayload"], "status": {"code": 7}}}
    assert audit.deed_of(failed, [address]) is None


def test_another_member_role_or_resource_is_another_deed():
    for entry in (
        set_policy("bigquery", DATASET, "roles/bigquery.dataViewer"),
        set_policy("bigquery", DATASET, "roles/bigquery.dataOwner", member="user:eve@acme.example"),
        set_policy("bigquery", f"projects/{PROJECT}/datasets/other", "roles/bigquery.dataOwner"),
        set_policy("cloudresourcemanager", "projects/acme-other", "roles/viewer"),
    ):
        assert audit.deed_of(entry, [BINDING, ON_PROJECT]) is None


def look_up(monkeypatch, pages=(), error=None):
    asked = []

    def read(self, method, host, path, params, body=None):
        self.calls += 1
        asked.append((method, host, path, dict(body)))
        if error is not None:
            raise error
        token = {"nextPageToken": "t"} if len(asked) < len(pages) else {}
        return {"entries": list(pages[min(len(asked), len(pages)) - 1]), **token}

    monkeypatch.setattr(audit_lookup.Project, "read", read)
    connection = Connection(Target("google", "google", PROJECT, "prod"))
    return audit_lookup.look_up([connection], [BINDING, ON_PROJECT]), asked


def test_cloud_logging_is_asked_once_a_project_for_the_newest_call(monkeypatch):
    owner = set_policy("bigquery", DATASET, "roles/bigquery.dataOwner", days=1)
    older = set_policy("bigquery", DATASET, "roles/bigquery.dataOwner", days=5)
    viewer = set_policy("cloudresourcemanager", f"projects/{PROJECT}", "roles/viewer", days=2)
    looked, asked = look_up(monkeypatch, [[owner], [viewer, older]])
    assert looked.found[BINDING].time == logs.ago(1) and looked.found[ON_PROJECT].time == logs.ago(2)
    assert looked.calls == {f"google:{PROJECT}": 2}
    assert asked[0][2] == "/v2/entries:list" and asked[0][3]["resourceNames"] == [f"projects/{PROJECT}"]
    assert "cloudaudit.googleapis.com%2Factivity" in asked[0][3]["filter"]


def test_what_cannot_be_read_is_not_known_and_says_what_the_reader_lacks(monkeypatch):
    looked, _ = look_up(monkeypatch, error=CallError(Fault.DENIED, "PERMISSION_DENIED", "no"))
    assert looked.found[BINDING].unknown == "reader lacks logging.logEntries.list on project acme-fin-prod"
    nothing, _ = look_up(monkeypatch, [[]])
    assert "hold no such call" in nothing.found[BINDING].unknown and not nothing.found[BINDING].actor


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=120, deadline=None)
@given(
    top=st.dictionaries(st.sampled_from(["logName", "timestamp", "protoPayload", "resource"]), JSON, max_size=1),
    inner=st.dictionaries(
        st.sampled_from(sorted({*read_rows()["protoPayload"], "serviceData", "request"})), JSON, max_size=4
    ),
)
def test_no_shape_of_an_entry_is_an_error(top, inner):
    entry = set_policy("bigquery", DATASET, "roles/bigquery.dataOwner")
    entry["protoPayload"].update(inner)
    entry.update(top)
    audit.call_of(entry)
    audit.uses_of(entry)
    audit.deed_of(entry, [BINDING, Address("google", PROJECT, schema.CUSTOM_ROLE, "r")])
