"""Two allow policies, roles or deny policies compared: effects, sentences, witnesses that the evaluator bears out."""

from __future__ import annotations

from typing import Any

import pytest
from provisioner_google import provider

from provisioner.model.changes import Effect
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.requests import Answer
from provisioner.sdk.documents import DocumentComparison

ANN, BOB = "user:ann@acme.example", "user:bob@acme.example"
ROBOT = "serviceAccount:robot@acme-prod.iam.gserviceaccount.com"
POOL = "//iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/eks"
ROLES = {
    "roles/reader": {"includedPermissions": ["a.b.get", "a.b.list"]},
    "roles/lister": {"includedPermissions": ["a.b.list"]},
    "roles/writer": {"includedPermissions": ["a.b.get", "a.b.put"]},
}
W, N, E, U = Effect.WIDER, Effect.NARROWER, Effect.EQUAL, Effect.UNKNOWN
SOON, LATER = ('request.time < timestamp("2027-01-01T00:00:00Z")', 'request.time < timestamp("2028-01-01T00:00:00Z")')
INBOX = 'resource.name.startsWith("projects/_/buckets/b/objects/inbox/")'


def bind(role: str, *members: str, when: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"role": role, "members": list(members)}
    return {**made, "condition": {"title": "t", "expression": when}} if when else made


def policy(*bindings: dict[str, Any], roles: Any = ROLES) -> dict[str, Any]:
    return {"version": 3, "bindings": list(bindings), **({"roles": roles} if roles else {})}


def compared(old: dict[str, Any], new: dict[str, Any], kind: str = "allow") -> DocumentComparison:
    provider.check_document(old, kind)
    provider.check_document(new, kind)
    found = provider.compare_documents(old, new, kind)
    if found.witness is not None:
        holds(found, old, kind)
    return found


def holds(found: DocumentComparison, old: dict[str, Any], kind: str) -> None:
    """The witness is allowed beside NEW and denied beside OLD."""
    witness = dict(found.witness or {})
    assert provider.evaluate_document(witness).answer is Answer.ALLOWED
    policies = dict(witness["policies"])
    if kind == "role":
        (name,) = policies["roles"]
        policies["roles"] = {name: {**old}}
    elif kind == "deny":
        policies["deny"] = [{**policies["deny"][0], "policy": old}]
    else:
        bare = {name: value for name, value in old.items() if name != "roles"}
        policies["allow"] = [{**policies["allow"][0], "policy": bare}]
        policies["roles"] = {**policies["roles"], **old.get("roles", {})}
    assert provider.evaluate_document({**witness, "policies": policies}).answer is Answer.DENIED


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([bind("roles/reader", ANN)], [bind("roles/reader", ANN)], E),
        ([bind("roles/reader", ANN)], [bind("roles/reader", "user:ANN@acme.example")], E),
        ([bind("roles/reader", ANN)], [bind("roles/reader", ANN, BOB)], W),
        ([bind("roles/reader", ANN, BOB)], [bind("roles/reader", ANN)], N),
        ([bind("roles/reader", ANN)], [bind("roles/lister", ANN)], N),  # another role that holds less
        ([bind("roles/reader", ANN)], [bind("roles/writer", ANN)], W),
        ([bind("roles/reader", ANN)], [bind("roles/reader", ANN), bind("roles/lister", ANN)], E),
        ([bind("roles/reader", "allUsers")], [bind("roles/reader", ANN, ROBOT, "group:g@acme.example")], N),
        ([bind("roles/reader", "allAuthenticatedUsers")], [bind("roles/reader", ANN, ROBOT)], N),
        ([bind("roles/reader", "allAuthenticatedUsers")], [bind("roles/reader", "allUsers")], W),
        ([bind("roles/reader", "allAuthenticatedUsers")], [bind("roles/reader", f"principal:{POOL}/subject/s")], W),
        ([bind("roles/reader", f"principalSet:{POOL}/*")], [bind("roles/reader", f"principal:{POOL}/subject/s")], N),
        ([bind("roles/reader", f"principalSet:{POOL}/*")], [bind("roles/reader", f"principalSet:{POOL}/group/g")], N),
        ([bind("roles/reader", f"principalSet:{POOL}/group/g")], [bind("roles/reader", f"principalSet:{POOL}/*")], W),
        ([bind("roles/reader", "group:g@acme.example")], [bind("roles/reader", ANN)], W),  # who may not be in it
        ([bind("roles/reader", "group:g@acme.example")], [bind("roles/reader", "group:h@acme.example")], W),
        ([bind("roles/reader", ANN)], [bind("roles/reader", "deleted:user:ann@acme.example?uid=1")], N),
        ([bind("roles/reader", ANN)], [bind("roles/reader", ANN, when=SOON)], N),
        ([bind("roles/reader", ANN, when=SOON)], [bind("roles/reader", ANN)], W),
        ([bind("roles/reader", ANN, when=SOON)], [bind("roles/reader", ANN, when=LATER)], W),
        ([bind("roles/reader", ANN, when=LATER)], [bind("roles/reader", ANN, when=f"{SOON} && {INBOX}")], N),
        ([bind("roles/reader", ANN, when=f"{SOON} && {INBOX}")], [bind("roles/reader", ANN, when=f"{INBOX}&&{SOON}")],
         E),
        ([bind("roles/reader", ANN, when=SOON), bind("roles/writer", ANN, when=INBOX)],
         [bind("roles/lister", ANN, when=SOON), bind("roles/writer", ANN, when=f"{INBOX} && {SOON}")], N),
        ([bind("roles/reader", ANN, when=SOON), bind("roles/reader", ANN, when=INBOX)],
         [bind("roles/reader", ANN, when=f"{SOON} || {INBOX}")], E),
        ([bind("roles/reader", ANN, when=INBOX)], [bind("roles/reader", ANN, when=f"!({SOON})")], W),
        ([bind("roles/reader", ANN, when=f"{SOON} || {INBOX}")], [bind("roles/reader", ANN)], W),
        # two tests that cover everything cover no request that lacks the attribute
        ([bind("roles/reader", ANN, when=f"{INBOX} || !({INBOX})")], [bind("roles/reader", ANN)], U),
        ([bind("roles/reader", ANN, when=f"{SOON}")],
         [bind("roles/reader", ANN, when='request.time < timestamp("2026-01-01T00:00:00Z") || (' + SOON + ")")], E),
        ([bind("roles/reader", ANN, when='resource.matchTag("1/env", "test")')],
         [bind("roles/reader", ANN, when='resource.matchTag("1/env", "prod")')], W),
        ([bind("roles/reader", ANN, when='resource.name.extract("/{x}/") == "a"')],
         [bind("roles/reader", ANN, when='resource.name.matches("a")')], U),
        ([bind("roles/reader", ANN, when='request.time.getHours("Europe/Berlin") < 12')],
         [bind("roles/reader", ANN, when='request.time.getHours("Europe/Berlin") > 8')], W),
    ],
)  # fmt: skip
def test_allow_policies(old: list[Any], new: list[Any], expected: Effect) -> None:
    found = compared(policy(*old), policy(*new))
    assert found.effect is expected, found
    if expected is W:
        assert found.can and found.witness_words and found.witness is not None
    if expected is U:
        assert found.reason.startswith("undecided: ") and found.effect.widens


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([bind("roles/x", ANN)], [bind("roles/x", ANN)], E),
        ([bind("roles/x", ANN)], [bind("roles/x", ANN, when=SOON)], N),
        ([bind("roles/x", ANN)], [bind("roles/y", ANN)], U),  # nobody said what they hold
        ([bind("roles/x", ANN)], [bind("roles/x", ANN), bind("roles/y", BOB)], W),  # Bob had nothing
        ([bind("roles/x", ANN)], [bind("roles/x", ANN), bind("projects/p/roles/y", BOB)], U),  # may hold nothing
        ([bind("roles/owner", ANN)], [bind("roles/editor", ANN), bind("roles/viewer", ANN)], N),
        ([bind("roles/viewer", ANN)], [bind("roles/owner", ANN)], U),
        ([bind("roles/x", "allUsers")], [bind("roles/x", "allUsers"), bind("roles/y", BOB)], U),
    ],
)
def test_roles_that_nobody_knows(old: list[Any], new: list[Any], expected: Effect) -> None:
    assert compared(policy(*old, roles=None), policy(*new, roles=None)).effect is expected


def test_what_one_file_says_of_roles_holds_for_both() -> None:
    found = compared(policy(bind("roles/reader", ANN)), policy(bind("roles/lister", ANN), roles=None))
    assert found.effect is N
    grown = compared(
        policy(bind("roles/reader", ANN)), policy(bind("roles/reader", ANN), roles={"roles/reader": ["a.b.all"]})
    )
    assert (grown.effect, grown.can) == (W, (f"{ANN}: a.b.all (roles/reader)",))
    assert grown.witness_words == f"a.b.all by {ANN}"


def test_a_witness_says_what_the_request_needs() -> None:
    found = compared(policy(bind("roles/reader", ANN, when=SOON)), policy(bind("roles/reader", ANN, when=LATER)))
    assert found.witness is not None
    assert found.witness["context"] == {"request.time": "2027-12-31T23:59:59Z"}
    assert found.witness_words == f"a.b.get by {ANN}, with request.time 2027-12-31T23:59:59Z"
    group = compared(policy(), policy(bind("roles/lister", "group:g@acme.example")))
    assert group.witness_words == "a.b.list by user:somebody@example.com, who is in group:g@acme.example"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"includedPermissions": ["a.b.get"]}, {"includedPermissions": ["a.b.get"], "title": "x"}, E),
        ({"includedPermissions": ["a.b.get", "a.b.list"]}, {"includedPermissions": ["a.b.get"]}, N),
        ({"includedPermissions": ["a.b.get"]}, {"includedPermissions": ["a.b.put"]}, W),
        ({"includedPermissions": ["a.b.get"]}, {"includedPermissions": ["a.b.get"], "stage": "DISABLED"}, N),
        ({"includedPermissions": ["a.b.get"], "deleted": True}, {"includedPermissions": ["a.b.get"]}, W),
    ],
)
def test_roles(old: dict[str, Any], new: dict[str, Any], expected: Effect) -> None:
    assert compared(old, new, "role").effect is expected


def rules(*denied: dict[str, Any]) -> dict[str, Any]:
    usual = {"deniedPrincipals": ["principalSet://goog/public:all"], "deniedPermissions": ["a.googleapis.com/b.get"]}
    return {"rules": [{"denyRule": {**usual, **rule}} for rule in denied]}


TEST = {"denialCondition": {"expression": '!resource.matchTag("1/env", "test")'}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([{}], [{}], E),
        ([{}], [], W),
        ([], [{}], N),
        ([{}], [{"deniedPermissions": ["a.googleapis.com/b.*"]}], N),
        ([{"deniedPermissions": ["a.googleapis.com/b.*"]}], [{}], W),
        ([{}], [{"exceptionPrincipals": ["principal://goog/subject/ann@acme.example"]}], W),
        ([{"exceptionPrincipals": ["principal://goog/subject/ann@acme.example"]}], [{}], N),
        ([{}], [{"exceptionPermissions": ["a.googleapis.com/b.get"]}], W),
        ([{}], [{"deniedPrincipals": ["principalSet://goog/group/g@acme.example"]}], W),
        ([{}], [TEST], W),
        ([TEST], [{}], N),
        ([TEST], [TEST], E),
        ([{}, {"deniedPermissions": ["a.googleapis.com/b.put"]}],
         [{"deniedPermissions": ["a.googleapis.com/b.put", "a.googleapis.com/b.get"]}], E),
    ],
)  # fmt: skip
def test_deny_policies(old: list[Any], new: list[Any], expected: Effect) -> None:
    found = compared(rules(*old), rules(*new), "deny")
    assert found.effect is expected, found
    if expected is W:
        assert found.witness is not None and not found.alone  # something must still grant it


@pytest.mark.parametrize(
    ("document", "kind", "said"),
    [
        ({"Version": "2012-10-17", "Statement": []}, "allow", "no bindings"),
        ({"bindings": [{"role": "roles/x", "members": ["ann"]}]}, "allow", "binding 1 has the member"),
        ({"bindings": [], "rules": []}, "allow", "no member 'rules'"),
        ({"bindings": []}, "deny", "no rules"),
        (rules({"deniedPermissions": ["a.b.get"]}), "deny", "rule 1 has the permission"),
        ({}, "role", "empty"),
        ({"bindings": []}, "role", "no member 'bindings'"),
        (policy(bind("roles/reader", ANN, when="a &&")), "allow", "cannot be read"),
    ],
)
def test_what_is_no_policy(document: dict[str, Any], kind: str, said: str) -> None:
    with pytest.raises(DiagnosticError) as raised:
        provider.check_document(document, kind)
    assert raised.value.diagnostics[0].code == "E-ACCESS-POLICY"
    assert said in raised.value.diagnostics[0].summary
