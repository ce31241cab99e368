from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import scenario

from provisioner.approval.chain import RootRecord, TrustError, follow
from provisioner.approval.ownership import change_owner, resolve_owner
from provisioner.approval.root import (
    RootBaseline,
    RootData,
    RootError,
    RootException,
    RootInForce,
    RootOwner,
    RootPerson,
    RootRule,
    RootTest,
    make_root,
    parse_root,
    pin,
    root_data,
    test_digest,
)
from provisioner.approval.root_changes import compare
from provisioner.approval.root_checks import problems
from provisioner.model.configuration import (
    Agent,
    Approval,
    BoundaryTest,
    Configuration,
    ControlOwner,
    Escalation,
    LedgerConfig,
    Limits,
    Person,
    Session,
    Settings,
    Tool,
    Workspace,
)
from provisioner.model.source import Position, SourceRange
from provisioner.planfile import from_builtins, to_builtins

test_digest.__test__ = False  # type: ignore[attr-defined]


def at(line: int) -> SourceRange:
    return SourceRange("main.hcl", Position(line, 1, 0), Position(line, 9, 8))


def configuration(**over: Any) -> Configuration:
    people = {
        name: Person(name, (f"{name}@acme.example",), (scenario.key_line(name),), at(line))
        for line, name in enumerate(scenario.PEOPLE, start=10)
    }
    owners = {
        name: ControlOwner(
            name,
            owner.title,
            owner.contact,
            owner.surfaces,
            owner.default_for,
            owner.signers,
            owner.threshold,
            None,
            at(line),
        )
        for line, (name, owner) in enumerate(scenario.root_data().owners.items(), start=30)
    }
    agent = Agent(
        address="module.a.agent.triage", name="triage", purpose="p", sponsor="dana", inputs="untrusted",
        environment="prod", review_by="2027-01-01", boundary=None, owners={"runtime": "platform"},
        session=Session(), runtime=Settings("lambda"), identities={}, range=at(50),
    )  # fmt: skip
    attempt = Settings("attempt", ("aws", "put"), {"action": "s3:PutObject"}, (), at(61), {"action": at(62)})
    values: dict[str, Any] = {
        "workspace": Workspace("acme-agents", LedgerConfig("local", {}), protect=("b", "a", "b"), range=at(1)),
        "providers": {},
        "people": people,
        "owners": owners,
        "boundaries": {},
        "tools": {
            "tool.inbox": Tool("tool.inbox", "inbox", "p", "api", "internal", "read", {}, range=at(55)),
            "tool.plain": Tool("tool.plain", "plain", "p", None, "internal", "read", {}),
        },
        "agents": {agent.address: agent},
        "grants": {},
        "tests": {
            "test.x": BoundaryTest("test.x", "x", ("triage",), "tool_access", "denied", (attempt,), range=at(60)),
            "test.generated": BoundaryTest("test.generated", "g", ("triage",), "identity", "denied", generated=True),
        },
    }
    return Configuration(**(values | over))


def test_root_data_holds_what_the_configuration_says() -> None:
    data = root_data(configuration(), scenario.LEDGER)
    assert data.workspace == "acme-agents" and data.ledger == scenario.LEDGER
    assert data.people["alice"] == RootPerson(("alice@acme.example",), (scenario.key_line("alice"),))
    assert data.owners["security"].signers == ("sam", "tom")
    assert data.agents == {"triage": {"runtime": "platform"}}
    assert data.tools == {"tool.inbox": "api"}
    assert data.protect == ("a", "b")
    assert list(data.tests) == ["test.x"]
    assert data.tests["test.x"].agents == ("triage",)
    assert problems(data, configuration()) == ()


def test_a_root_reads_back_from_its_ledger_body() -> None:
    root = make_root(root_data(configuration(), scenario.LEDGER), 3)
    assert parse_root(root.body("sha256:" + "0" * 64)) == root


def test_where_things_stand_in_the_files_does_not_matter() -> None:
    one = configuration()
    moved = replace(one.tests["test.x"], range=at(99), attempts=(
        replace(one.tests["test.x"].attempts[0], range=None, ranges={}),))  # fmt: skip
    two = replace(one, tests={"test.x": moved})
    assert root_data(one, "l") == root_data(two, "l")
    assert test_digest(one.tests["test.x"]) != test_digest(replace(moved, expect="allowed"))


def test_the_pin_binds_data_workspace_and_ledger() -> None:
    data = scenario.root_data()
    pins = {
        pin(make_root(item))
        for item in (data, replace(data, ledger="s3://x"), replace(data, workspace="w"), replace(data, protect=("x",)))
    }
    assert len(pins) == 4
    assert all(len(item) == 64 for item in pins)
    assert pin(make_root(data, 2)) != pin(make_root(data, 1))


@pytest.mark.parametrize("version", [0, -1, True, "1", 1.0, None])
def test_a_version_that_is_none(version: object) -> None:
    with pytest.raises(RootError):
        parse_root(scenario.Situation().root.body() | {"version": version})


def person(name: str, **over: Any) -> RootPerson:
    return replace(scenario.root_data().people[name], **over)


def owner(name: str, **over: Any) -> dict[str, RootOwner]:
    owners = dict(scenario.root_data().owners)
    owners[name] = replace(owners[name], **over)
    return owners


def with_people(**people: RootPerson) -> dict[str, Any]:
    return {"people": {**scenario.root_data().people, **people}}


UNSOUND = [
    ("E-PERSON-KEY", "a key of person.alice cannot be used", with_people(alice=person("alice", keys=("ssh-rsa x",)))),
    ("E-KEY-TWICE", "lists the key", with_people(alice=person("alice", keys=(scenario.key_line("alice"),) * 2))),
    ("E-KEY-TWICE", "have one key", with_people(alice=person("alice", keys=(scenario.key_line("tom"),)))),
    ("E-EMAIL-TWICE", "have one e-mail", with_people(alice=person("alice", emails=("TOM@acme.example",)))),
    ("E-SIGNER", "person.alice signs for control_owner.iam and", with_people(alice=person("alice", keys=()))),
    ("E-SIGNER", "no person: zoe", {"owners": owner("iam", signers=("zoe",))}),
    ("E-SIGNER", "lists a signer twice", {"owners": owner("iam", signers=("alice", "alice", "bob"))}),
    ("E-THRESHOLD", "needs 3 of 2 people", {"owners": owner("iam", threshold=3)}),
    ("E-THRESHOLD", "needs 0 of 2 people", {"owners": owner("iam", threshold=0)}),
    ("E-THRESHOLD", "needs 2 of 1 people", {"owners": owner("iam", signers=("bob", "bob"), threshold=2)}),
    ("E-THRESHOLD", "needs 1 of 0 people", {"owners": owner("iam", signers=())}),
    ("E-DEFAULT-OWNER", "no control owner is the default of identity", {"owners": owner("iam", default_for=())}),
    ("E-DEFAULT-OWNER", "2 owners are the default of identity",
     {"owners": owner("api", surfaces=("identity", "tool_access"), default_for=("identity", "tool_access"))}),
    ("E-GOVERNANCE", "no control owner is the default of governance", {"owners": owner("security", default_for=())}),
    ("E-OWNER-SURFACE", "which it does not hold", {"owners": owner("iam", surfaces=("runtime",))}),
    ("E-OWNER-SURFACE", "holds no surface", {"owners": owner("iam", surfaces=(), default_for=())}),
    ("E-OWNER-SURFACE", '"network" is no surface', {"owners": owner("iam", surfaces=("identity", "network"))}),
    ("E-OWNER-SURFACE", "gives runtime to control_owner.api", {"agents": {"triage": {"runtime": "api"}}}),
    ("E-OWNER-SURFACE", "gives tool_access to control_owner.iam", {"tools": {"tool.inbox": "iam"}}),
    ("E-OWNER", "not declared: nobody", {"tools": {"tool.inbox": "nobody"}}),
    ("E-SOLO", "solo = true, but there are 7 signers", {"approval": Approval(solo=True)}),
    ("E-CHECKPOINT-KEY", "a checkpoint key cannot be used", {"approval": Approval(checkpoint_keys=("x",))}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "summary", "over"), UNSOUND, ids=lambda item: item if isinstance(item, str) else "")
def test_unsound_roots(code: str, summary: str, over: dict[str, Any]) -> None:
    root = make_root(scenario.root_data(**over))
    found = problems(root.data)
    assert any(item.code == code and summary in item.summary for item in found), [item.summary for item in found]
    assert all(item.is_error and item.detail for item in found)
    with pytest.raises(TrustError) as caught:
        follow([RootRecord(root.body())], pin(root), root.data.workspace, root.data.ledger)
    assert caught.value.refusal.code == "E-ROOT-UNSOUND"


def test_escalation_to_nowhere() -> None:
    from provisioner.approval.root import RootEscalation

    for to in ("iam", "nobody"):
        found = problems(scenario.root_data(owners=owner("iam", escalation=RootEscalation(to, 60))))
        assert [item.code for item in found] == ["E-ESCALATION"]


def test_problems_point_into_the_files() -> None:
    made = configuration()
    people = made.people | {"alice": replace(made.people["alice"], keys=("nonsense",))}
    owners = made.owners | {"iam": replace(made.owners["iam"], threshold=9, escalation=Escalation("iam", 1))}
    tools = {"tool.inbox": replace(made.tools["tool.inbox"], owner="iam")}
    made = replace(made, people=people, owners=owners, tools=tools)
    found = {item.code: item.subject for item in problems(root_data(made, "l"), made)}
    assert found["E-PERSON-KEY"] == people["alice"].range
    assert found["E-THRESHOLD"] == found["E-ESCALATION"] == owners["iam"].range
    assert found["E-OWNER-SURFACE"] == tools["tool.inbox"].range


def test_owner_of_a_surface() -> None:
    root = scenario.root_data(
        agents={"triage": {"tool_access": "finance", "runtime": "edge"}}, tools={"tool.inbox": "mail"}
    )
    assert resolve_owner(root, "tool_access", "triage", "tool.inbox") == "mail"
    assert resolve_owner(root, "tool_access", "triage", "tool.other") == "finance"
    assert resolve_owner(root, "tool_access", "other", "tool.other") == "api"
    assert resolve_owner(root, "runtime", "triage", "tool.inbox") == "edge"
    assert resolve_owner(root, "runtime") == "platform"
    assert resolve_owner(root, "identity", "triage") == "iam"
    assert resolve_owner(root, "network", "triage") is None


def test_two_defaults_are_none() -> None:
    both = owner("api", default_for=("tool_access", "identity"))
    assert resolve_owner(scenario.root_data(owners=both), "identity") is None


def test_tools_of_two_owners_have_none() -> None:
    root = scenario.root_data(tools={"tool.inbox": "mail"})
    change = replace(scenario.GRANT, tools=("tool.inbox", "tool.other"))
    assert change_owner(root, change, "tool_access") is None
    assert change_owner(root, replace(change, tools=("tool.inbox",)), "tool_access") == "mail"
    assert change_owner(root, replace(change, tools=()), "tool_access") == "api"


BASE = scenario.root_data(
    agents={"triage": {"runtime": "platform"}, "old": {"runtime": "platform"}},
    tools={"tool.inbox": "api", "tool.old": "api"},
    tests={"test.a": RootTest("sha256:" + "1" * 64, ("old", "triage"))},
    exceptions={
        "exception.a": RootException("FED-3", ("agent.triage",), "r", "c", "SEC-77", "security", "2027-01-15"),
    },
    baselines={"baseline.start": RootBaseline(("PRV-1",), ("triage",), "2027-01-15")},
    rules={"rule.named": RootRule("agent", "block", "identity", 'self.name != ""')},
)


def changed(**over: Any) -> RootData:
    return replace(BASE, **over)


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (changed(workspace="w"), "~ workspace: acme-agents → w"),
        (changed(ledger="s3://x"), "~ ledger: file:///ledger → s3://x"),
        (changed(people={k: v for k, v in BASE.people.items() if k != "tom"}), "- person.tom"),
        (changed(people={**BASE.people, "zoe": RootPerson((), ())}), "+ person.zoe: no key"),
        (changed(people={**BASE.people, "tom": person("tom", emails=("t@x",))}), "~ person.tom: emails"),
        (
            changed(people={**BASE.people, "tom": person("tom", keys=(scenario.key_line("new"),))}),
            "+ key of person.tom: SHA",
        ),
        (changed(people={**BASE.people, "tom": person("tom", keys=())}), "- key of person.tom: SHA256:"),
        (changed(people={**BASE.people, "bob": person("bob", keys=BASE.people["bob"].keys[::-1])}), "order of keys"),
        (changed(owners=owner("iam", threshold=2)), "~ control_owner.iam: threshold: 1 → 2"),
        (changed(owners=owner("iam", signers=("bob",))), "~ control_owner.iam: signers: alice, bob → bob"),
        (changed(owners={k: v for k, v in BASE.owners.items() if k != "iam"}), "- control_owner.iam"),
        (changed(owners={**BASE.owners, "new": BASE.owners["iam"]}), "+ control_owner.new: title identity"),
        (changed(agents={"old": BASE.agents["old"]}), "- agent triage: runtime = platform"),
        (changed(agents={**BASE.agents, "new": {"runtime": "x"}}), "+ agent new: runtime = x"),
        (changed(tools={"tool.inbox": "iam", "tool.old": "api"}), "~ owner of tool.inbox: api → iam"),
        (changed(approval=Approval(plan_ttl_seconds=60)), "~ approval: plan_ttl_seconds: 259200 → 60"),
        (changed(approval=Approval(solo=True)), "~ approval: solo: false → true"),
        (changed(limits=Limits(max_changes=9)), "~ limits: max_changes: 5 → 9"),
        (changed(protect=("arn:x",)), "+ protect arn:x"),
        (changed(severity={}), "- severity of TRI-1: accept"),
        (changed(tests={}), "- test.a"),
        (changed(tests={"test.a": RootTest("sha256:" + "2" * 64, ("old", "triage"))}), "~ test.a: what it asserts"),
        (changed(tests={"test.a": RootTest("sha256:" + "1" * 64, ("old",))}), "~ test.a: no longer about triage"),
    ],
)
def test_differences_are_worded(wanted: RootData, line: str) -> None:
    lines = compare(BASE, wanted)
    assert any(line in found for found in lines), lines
    assert compare(wanted, wanted) == []


def test_a_protection_that_goes_is_a_difference() -> None:
    assert compare(changed(protect=("arn:x",)), BASE) == ["- protect arn:x"]


def test_tests_may_be_added_and_widened() -> None:
    more = {
        "test.a": RootTest("sha256:" + "1" * 64, ("new", "old", "triage")),
        "test.b": RootTest("sha256:" + "2" * 64, ()),
    }
    assert compare(BASE, changed(tests=more)) == []


def test_what_is_gone_from_the_files_is_no_difference() -> None:
    """Retiring an agent or a tool does not need governance; weakening a living one does."""
    gone = changed(
        agents={"triage": {"runtime": "platform"}},
        tools={"tool.inbox": "api"},
        tests={"test.a": RootTest("sha256:" + "1" * 64, ("triage",))},
    )
    assert compare(BASE, gone, agents={"triage"}, tools={"tool.inbox"}) == []
    assert compare(BASE, gone, agents={"triage", "old"}, tools={"tool.inbox", "tool.old"}) == [
        "- agent old: runtime = platform",
        "- owner of tool.old: api",
        "~ test.a: no longer about old",
    ]


def test_a_root_in_force_comes_from_the_chain_alone() -> None:
    import copy
    import pickle

    root = make_root(BASE)
    with pytest.raises(TypeError, match=r"comes from chain\.follow alone"):
        RootInForce(root, pin(root), True, seal=object())
    found = follow([RootRecord(root.body())], pin(root), BASE.workspace, BASE.ledger)
    assert found.pinned and found.root == root
    for spread in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            spread(found)
    with pytest.raises((TypeError, ValueError)):
        replace(found, pinned=True)


@pytest.mark.parametrize("remembered", ["", "0" * 63, "0" * 64, "Ｆ" * 64])
def test_a_pin_that_does_not_fit(remembered: str) -> None:
    root = make_root(BASE)
    with pytest.raises(TrustError) as caught:
        follow([RootRecord(root.body())], remembered, BASE.workspace, BASE.ledger)
    assert caught.value.refusal.code == "E-PIN"


def test_without_a_pin_everything_is_shown_and_nothing_applied() -> None:
    root = make_root(BASE)
    assert not follow([RootRecord(root.body())], None, BASE.workspace, BASE.ledger).pinned


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [leaf for key, item in items for leaf in leaves(item, (*path, key))] or [path]


def test_no_change_of_any_leaf_goes_unnoticed() -> None:
    """Every text, number and flag of the root, changed alone, is a difference."""
    plain = to_builtins(BASE)
    seen = 0
    for path in leaves(plain):
        copy = json.loads(json.dumps(plain))
        place = copy
        for key in path[:-1]:
            place = place[key]
        old = place[path[-1]]
        place[path[-1]] = {str: "changed", int: 77, bool: not old, type(None): {"to": "api", "after_seconds": 1}}.get(
            type(old), ["changed"]
        )
        changed_root = from_builtins(copy, RootData)
        assert compare(BASE, changed_root) != [], path
        seen += 1
    assert seen > 50
