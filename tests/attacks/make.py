"""Writes the corpus: `python tests/attacks/make.py`. Run it when the form of plans, roots or statements changes.

Each attack is a function that spoils one thing of a situation in which everything is signed; its name is the file's,
its docstring the story, and `@attack("E-CODE")` says what must refuse it.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import scenario as s
from scenario import GRANT, ROLE, Situation

from provisioner import canonical, planfile
from provisioner.approval import dsse, statement
from provisioner.approval.authorship import Authorship
from provisioner.approval.chain import Authorization, RootRecord
from provisioner.approval.past import Past
from provisioner.approval.requirements import of_plan
from provisioner.approval.root import make_root, pin, root_value
from provisioner.approval.root_changes import compare
from provisioner.approval.statement import Accepted, Decision, Role, Witness
from provisioner.approval.verdict import PublishedPlan
from provisioner.approval.wire import string
from provisioner.model.changes import Action, Effect, Surface
from provisioner.model.findings import Finding, Level, TestSummary
from provisioner.model.plan import (
    AgentWorld,
    Declared,
    DeclaredTest,
    Exclusion,
    Plan,
    PlanNotes,
    ResourceState,
    RootChange,
    RootReference,
)
from provisioner.model.resources import Gap
from provisioner.planfile import to_builtins

Made = Situation | dict[str, Any]
ATTACKS: dict[str, tuple[str, Callable[[], Made]]] = {}


def attack(code: str) -> Callable[[Callable[[], Made]], Callable[[], Made]]:
    def register(make: Callable[[], Made]) -> Callable[[], Made]:
        name = make.__name__.replace("_", "-")
        assert name not in ATTACKS, f"two attacks are called {name}"
        ATTACKS[name] = (code, make)
        return make

    return register


def serialized(situation: Situation) -> dict[str, Any]:
    """A situation as JSON values."""
    known = situation.authorship
    recorded = [asdict(item) for item in situation.revocations]
    past = situation.past and {
        "last": situation.past.last and to_builtins(situation.past.last),
        "tools": {str(address): list(tools) for address, tools in situation.past.tools.items()},
        "agents": {str(address): agent for address, agent in situation.past.agents.items()},
        "violations": {name: sorted(map(list, found)) for name, found in situation.past.violations.items()},
    }
    return (
        ({"revocations": recorded} if recorded else {})
        | ({"past": past} if past else {})
        | ({"swept": _file_text(situation.swept)} if situation.swept else {})
        | _circumstances(situation)
        | {
            "workspace": s.WORKSPACE,
            "ledger": s.LEDGER,
            "pin": situation.pin,
            "roots": [_record(record) for record in (RootRecord(situation.root.body()), *situation.later_roots)],
            "plan_file": _file_text(situation.planfile),
            "signoffs": [{"index": item.index, "envelope": item.envelope} for item in situation.signoffs],
            "published": _published(situation.published),
            "base": situation.base,
            "entries": {str(index): digest for index, digest in situation.entries.items()},
            "now": situation.now.isoformat(),
            "revoked": sorted(situation.revoked),
            "authorship": known and {"people": [item.person for item in known.people], "unknown": list(known.unknown)},
        }
    )


def _file_text(file: planfile.PlanFile) -> str:
    return planfile.encode(file.plan, file.notes).decode()


def _published(found: PublishedPlan | None) -> dict[str, Any] | None:
    stored = {"stored": found.stored.isoformat()} if found is not None and found.stored is not None else {}
    return found and {"digest": found.digest, "index": found.index, "since": found.since.isoformat(), **stored}


def _circumstances(given: Any) -> dict[str, Any]:
    """Other plans' sign-offs, the store's clock, announcements: of a situation or of what made a root."""
    carried = [
        {
            "index": item.signoff.index,
            "envelope": item.signoff.envelope,
            "plan_file": _file_text(item.planfile),
            "published": _published(item.published),
        }
        for item in given.carried
    ]
    clock = given.store_time if isinstance(given, Authorization) else given.store_now
    found = {"carried": carried, "store_now": clock and clock.isoformat()}
    found["announced"] = given.announced and given.announced.isoformat()
    return {"circumstances": found} if any(found.values()) else {}


def _record(record: RootRecord) -> dict[str, Any]:
    made = record.authorization
    return {
        "body": record.body,
        "authorization": made
        and {
            "plan_file": _file_text(made.planfile),
            "signoffs": [{"index": item.index, "envelope": item.envelope} for item in made.signoffs],
            "published": _published(made.published),
            "base": made.base,
            "entries": {str(index): digest for index, digest in made.entries.items()},
            "time": made.time.isoformat(),
            **_circumstances(made),
        },
    }


def situation(plan: Plan | None = None, **over: Any) -> Situation:
    root = over.pop("root", None) or make_root(s.root_data())
    signers = over.pop("signers", None)
    file = s.file_of(plan or s.draft(root))
    envelopes = over.pop("envelopes", None)
    return Situation(root=root, planfile=file, envelopes=envelopes or s.signed_by_all(file, signers), **over)


def crafted(**over: Any) -> Situation:
    """A plan written by hand, not by the planner, and signed by everybody for what the root demands of it."""
    root = make_root(s.root_data())
    plan = replace(s.draft(root), **over)
    file = s.file_of(plan)
    return Situation(root=root, planfile=file, envelopes=signed_for_root(root, file))


def signed_for_root(root: Any, file: planfile.PlanFile) -> list[Any]:
    """Sign-offs for the requirements that the root demands, whatever the plan says."""
    return [s.envelope(s.say(file, item), s.SIGNERS[item.owner]) for item in of_plan(root.data, file.plan).requirements]


def instead(owner: str, *made: Any, of: Situation | None = None) -> Situation:
    """Everybody has signed, but in one owner's place stand other sign-offs."""
    base = of or situation()
    kept = [
        item
        for item, wanted in zip(base.envelopes, base.planfile.plan.requirements, strict=True)
        if wanted.owner != owner
    ]
    return replace(base, envelopes=[*made, *kept])


def said(owner: str, of: Situation | None = None, **over: Any) -> Any:
    base = of or situation()
    return s.say(base.planfile, s.requirement(base.planfile, owner), **over)


def other_statement(owner: str, **over: Any) -> Situation:
    """One owner's rightful signer signs a statement that is off in one field."""
    return instead(owner, s.envelope(said(owner, **over), s.SIGNERS[owner]))


def other_payload(change: Callable[[bytes], bytes]) -> Situation:
    """The rightful signer's own key over a payload that our encoder would not write."""
    return instead("iam", s.envelope_of(change(statement.encode(said("iam"))), "alice"))


def other_envelope(change: Callable[[dict[str, Any]], None]) -> Situation:
    made = s.envelope(said("iam"), "alice")
    change(made)
    return instead("iam", made)


def other_blob(change: Callable[[bytes], bytes]) -> Situation:
    def rewrite(made: dict[str, Any]) -> None:
        first = made["signatures"][0]
        first["sig"] = b64encode(change(b64decode(first["sig"]))).decode()

    return other_envelope(rewrite)


# Controls: the corpus would prove nothing if everything were refused.


@attack("verified")
def control_all_signed() -> Made:
    """Everything is as it should be."""
    return situation()


@attack("verified")
def control_touched_security_key() -> Made:
    """A security key signed, and somebody touched it."""
    return instead("iam", s.envelope(said("iam"), "bob-sk"))


@attack("verified")
def control_changed_mind() -> Made:
    """A signer rejected, and signed later."""
    no = said("iam", decision=Decision.REJECT, reason="not yet", issued="2026-11-23T11:00:00Z")
    return instead("iam", s.envelope(no, "alice"), s.envelope(said("iam"), "alice"))


@attack("verified")
def control_next_root() -> Made:
    """A second trust root, signed by the quorum of the first, judges the plan."""
    return with_second_root()


@attack("verified")
def control_plan_of_a_root() -> Made:
    """A plan that makes the next root, signed by both governance people."""
    first, second = second_root()
    return governance_plan(RootChange(2, root_value(second.data), second.digest, worded(first, second)))


@attack("verified")
def control_solo() -> Made:
    """One person decides alone, and the plan says so."""
    return solo()


@attack("verified")
def control_rejection_by_a_stranger() -> Made:
    """Somebody who does not sign for an owner cannot block its part."""
    no = said("iam", decision=Decision.REJECT, reason="I would rather not")
    made = situation()
    return replace(made, envelopes=[*made.envelopes, s.envelope(no, "erin")])


# The plan file.


@attack("E-PLAN-FILE")
def plan_byte_changed() -> Made:
    """One letter of a signed plan was changed in the file."""
    case = serialized(situation())
    case["plan_file"] = case["plan_file"].replace("s3:GetObject", "s3:PutObject", 1)
    return case


@attack("E-PLAN-FILE")
def plan_duplicate_key() -> Made:
    """The plan file says one thing twice, so that two readers read two plans."""
    case = serialized(situation())
    case["plan_file"] = '{"digest":"sha256:00",' + case["plan_file"][1:]
    return case


@attack("E-PLAN-FILE")
def plan_unknown_field() -> Made:
    """A field that nobody displays was added, and the digest made anew."""
    case = serialized(situation())
    value = json.loads(case["plan_file"])
    value["plan"]["silently"] = True
    value["digest"] = planfile.plan_digest(canonical.dumps(value["plan"]))
    case["plan_file"] = canonical.dumps(value).decode()
    return case


@attack("E-PLAN-FILE")
def plan_digest_of_another() -> Made:
    """The file carries the digest of a plan that was signed, and the content of one that was not."""
    case = serialized(situation())
    other = s.draft(make_root(s.root_data()), changes=(ROLE,))
    value = json.loads(planfile.encode(other, PlanNotes()))
    value["digest"] = json.loads(case["plan_file"])["digest"]
    case["plan_file"] = canonical.dumps(value).decode()
    return case


@attack("E-PLAN-DIGEST")
def plan_under_a_signed_digest() -> Made:
    """Past the file's reader, a plan is passed on under the digest of a plan that was signed."""
    signed = s.draft(make_root(s.root_data()), tests=TestSummary(passed=99))
    made = situation()
    forged = replace(made.planfile, digest=s.file_of(signed).digest)
    made = replace(made, envelopes=s.signed_by_all(forged), published=PublishedPlan(forged.digest, 5, s.PUBLISHED))
    return serialized(made) | {"forged_digest": forged.digest}


# The root and its pin.


@attack("E-PIN-MISSING")
def pin_missing() -> Made:
    """A runner that never confirmed a root is given a ledger that looks right."""
    return situation(pin=None)


@attack("E-PIN")
def pin_of_another_ledger() -> Made:
    """The whole ledger was exchanged for one whose root the attacker wrote."""
    return situation(pin="0" * 64)


@attack("E-PIN")
def root_swapped_in_pull_request() -> Made:
    """A root in which mallory signs for everybody, in a ledger of its own; the runner's pin stays."""
    data = s.root_data()
    people = {name: replace(person, keys=(s.key_line(f"mallory-{name}"),)) for name, person in data.people.items()}
    root = make_root(replace(data, people=people))
    file = s.file_of(s.draft(root))
    signers = {owner: f"mallory-{person}" for owner, person in s.SIGNERS.items()}
    return Situation(
        root=root, planfile=file, envelopes=s.signed_by_all(file, signers), pin=pin(make_root(s.root_data()))
    )


@attack("E-PIN-PLACE")
def ledger_copied_elsewhere() -> Made:
    """The ledger of the test workspace was copied to where production's is looked for."""
    case = serialized(situation())
    case["ledger"] = "file:///production"
    return case


@attack("E-ROOT-BROKEN")
def root_data_changed() -> Made:
    """A threshold in the recorded root was lowered, its digest left alone."""
    case = serialized(situation())
    case["roots"] = json.loads(json.dumps(case["roots"]))
    case["roots"][0]["body"]["data"]["owners"]["security"]["threshold"] = 1
    return case


@attack("E-ROOT-BROKEN")
def root_unknown_field() -> Made:
    """A field that this version does not know was added to the root; its digest covers the rest."""
    case = serialized(situation())
    body = json.loads(json.dumps(case["roots"][0]["body"]))
    body["data"]["also"] = {}
    case["roots"][0]["body"] = body
    return case


@attack("E-ROOT-BROKEN")
def root_entry_with_more_fields() -> Made:
    """The root's entry says something beside the root."""
    case = serialized(situation())
    case["roots"][0]["body"] = case["roots"][0]["body"] | {"note": "thresholds are 1 during the migration"}
    return case


@attack("E-ROOT-UNSOUND")
def root_one_key_under_two_people() -> Made:
    """The root gives one key to two people, so that one person is a quorum of two."""
    data = s.root_data()
    people = dict(data.people)
    people["tom"] = replace(people["tom"], keys=people["sam"].keys)
    return situation(root=make_root(replace(data, people=people)))


@attack("E-NO-ROOT")
def root_missing() -> Made:
    """The ledger has no root at all."""
    return serialized(situation()) | {"roots": []}


@attack("E-ROOT")
def plan_of_an_older_root() -> Made:
    """The plan was made and signed under a root with other signers."""
    old = make_root(s.root_data(protect=("arn:old",)))
    plan = s.draft(old)
    return situation(plan)


def worded(first: Any, second: Any) -> tuple[str, ...]:
    return tuple(compare(first.data, second.data))


def second_root() -> tuple[Any, Any]:
    """Root 1 and root 2; in the second, tom's key was replaced."""
    first = make_root(s.root_data())
    people = dict(first.data.people)
    people["tom"] = replace(people["tom"], keys=(s.key_line("tom-new"),))
    return first, make_root(replace(first.data, people=people), 2)


def root_plan(first: Any, second: Any, **over: Any) -> planfile.PlanFile:
    change = RootChange(second.version, root_value(second.data), second.digest, worded(first, second))
    return s.file_of(s.draft(first, **({"changes": (), "findings": (), "next_root": change} | over)))


def authorized(file: planfile.PlanFile, *signers: str, **over: Any) -> Authorization:
    wanted = s.requirement(file, "security")
    made = [s.envelope(s.say(file, wanted, number), name) for number, name in enumerate(signers)]
    values = {
        "planfile": file,
        "signoffs": tuple(s.LedgerSignoff(at, item) for at, item in enumerate(made, start=6)),
        "published": PublishedPlan(file.digest, 5, s.PUBLISHED),
        "base": 0,
        "entries": s.ENTRIES,
        "time": s.NOW,
    }
    return Authorization(**(values | over))


def with_second_root(record: RootRecord | None = None) -> Situation:
    first, second = second_root()
    if record is None:
        file = root_plan(first, second)
        record = RootRecord(second.body(file.digest), authorized(file, "sam", "tom"))
    file = s.file_of(s.draft(second))
    return Situation(root=first, planfile=file, later_roots=(record,), published=None)


@attack("E-ROOT-CHAIN")
def next_root_by_nobody() -> Made:
    """Whoever may write to the ledger appended a second root."""
    _first, second = second_root()
    return with_second_root(RootRecord(second.body("sha256:" + "0" * 64)))


@attack("E-ROOT-CHAIN")
def next_root_by_one_of_two() -> Made:
    """The second root has one governance signature, and the first demands two people."""
    first, second = second_root()
    file = root_plan(first, second)
    return with_second_root(RootRecord(second.body(file.digest), authorized(file, "sam")))


@attack("E-ROOT-CHAIN")
def next_root_by_its_own_keys() -> Made:
    """The second root is signed with a key that only the second root knows."""
    first, second = second_root()
    file = root_plan(first, second)
    return with_second_root(RootRecord(second.body(file.digest), authorized(file, "sam", "tom-new")))


@attack("E-ROOT-CHAIN")
def next_root_other_than_signed() -> Made:
    """Two people signed a second root; another one was recorded under that plan."""
    first, second = second_root()
    file = root_plan(first, second)
    people = dict(second.data.people)
    people["sam"] = replace(people["sam"], keys=(s.key_line("mallory"),))
    forged = make_root(replace(second.data, people=people), 2)
    return with_second_root_in_force(forged, RootRecord(forged.body(file.digest), authorized(file, "sam", "tom")))


def with_second_root_in_force(second: Any, record: RootRecord) -> Situation:
    first, _ = second_root()
    return Situation(root=first, planfile=s.file_of(s.draft(second)), later_roots=(record,))


@attack("E-ROOT-CHAIN")
def next_root_under_another_plan() -> Made:
    """The root's entry names a plan other than the one whose sign-offs are shown."""
    first, second = second_root()
    file = root_plan(first, second)
    return with_second_root(RootRecord(second.body("sha256:" + "2" * 64), authorized(file, "sam", "tom")))


@attack("E-ROOT-CHAIN")
def next_root_skips_a_version() -> Made:
    """Version 3 follows version 1: what stood between was taken out."""
    first, second = second_root()
    third = make_root(second.data, 3)
    file = root_plan(first, third)
    record = RootRecord(third.body(file.digest), authorized(file, "sam", "tom"))
    return with_second_root_in_force(third, record)


@attack("E-ROOT-CHAIN")
def first_root_is_the_second() -> Made:
    """Root 1 was taken out, and a later root stands first."""
    _first, second = second_root()
    case = serialized(situation(s.draft(second)))
    case["roots"] = [{"body": second.body(), "authorization": None}]
    case["pin"] = pin(second)
    return case


# The plan against the root and the ledger.


@attack("E-WORKSPACE")
def plan_of_another_workspace() -> Made:
    """A signed plan of another workspace is brought to this ledger."""
    return crafted(workspace="acme-agents-test")


@attack("E-SOLO")
def solo_claimed() -> Made:
    """The plan says that one person may decide alone; the root does not."""
    return crafted(solo=True)


def solo(**over: Any) -> Situation:
    data = s.root_data()
    owners = {name: replace(owner, signers=("alice",), threshold=1) for name, owner in data.owners.items()}
    root = make_root(replace(data, owners=owners, approval=replace(data.approval, solo=True)))
    plan = replace(s.draft(root, unknown_authors=("commits without a signature",)), **over)
    file = s.file_of(plan)
    return Situation(root=root, planfile=file, envelopes=s.signed_by_all(file, dict.fromkeys(data.owners, "alice")))


@attack("E-SOLO")
def solo_hidden() -> Made:
    """One person decides alone, and the plan keeps quiet about it."""
    return solo(solo=False)


@attack("E-BASE")
def replayed_after_apply() -> Made:
    """The plan was applied once, its changes were reverted, and somebody applies it again."""
    return situation(base=9)


@attack("E-BASE")
def plan_from_a_longer_ledger() -> Made:
    """The plan builds on an entry that this ledger does not have."""
    return situation(s.draft(make_root(s.root_data()), base=8))


@attack("E-NOT-PUBLISHED")
def never_published() -> Made:
    """The plan is signed to files only, so that its life never starts to run out."""
    return serialized(situation()) | {"published": None}


@attack("E-NOT-PUBLISHED")
def another_was_published() -> Made:
    """The publication shown is that of another plan."""
    return situation(published=PublishedPlan("sha256:" + "3" * 64, 5, s.PUBLISHED))


@attack("E-EXPIRED")
def plan_expired() -> Made:
    """All have signed again lately, but the plan was published four days ago."""
    made = situation()
    return replace(made, published=PublishedPlan(made.planfile.digest, 5, s.NOW - timedelta(hours=72)))


@attack("E-CLOCK")
def clock_set_back() -> Made:
    """The machine's clock was set back, so that a plan lives longer."""
    made = situation()
    return replace(made, published=PublishedPlan(made.planfile.digest, 5, s.NOW + timedelta(hours=2)))


# Plans written by hand.


def operations_of(*changes: Any) -> tuple[Any, ...]:
    return tuple(replace(item, agent=change.agent) for change in changes for item in s.Cloud().operations(change))


@attack("E-PLAN-SHAPE")
def operation_of_no_change() -> Made:
    """A call stands in the plan that no change shows."""
    stray = replace(operations_of(ROLE)[0], id="9.1", change=9)
    return crafted(operations=(*operations_of(ROLE, GRANT), stray))


@attack("E-PLAN-SHAPE")
def operation_on_another_resource() -> Made:
    """A call of a harmless change goes to another resource."""
    one, two = operations_of(ROLE, GRANT)
    return crafted(operations=(one, replace(two, address=s.address("role_policy", "admin/all"))))


@attack("E-PLAN-SHAPE")
def operation_twice() -> Made:
    """Two calls share one id, so that the journal takes the second for done."""
    one, two = operations_of(ROLE, GRANT)
    return crafted_anew(operations=(one, two, two))


@attack("E-PLAN-SHAPE")
def operation_out_of_order() -> Made:
    """The grant comes before the boundary that it depends on."""
    one, two = operations_of(ROLE, GRANT)
    return crafted(operations=(replace(one, depends=(two.id,)), two))


@attack("E-PLAN-SHAPE")
def operation_of_another_agent() -> Made:
    """A call is said to belong to another agent, whose world is not looked at."""
    one, two = operations_of(ROLE, GRANT)
    return crafted(operations=(one, replace(two, agent=None)))


@attack("E-PLAN-SHAPE")
def changes_with_one_number() -> Made:
    """Two changes have one number; what is signed for one lets the other pass."""
    twin = replace(GRANT, number=1)
    return crafted(changes=(ROLE, twin), operations=operations_of(ROLE))


@attack("E-PLAN-SHAPE")
def change_outside_targets() -> Made:
    """A change is in an account that the plan's list of accounts does not show."""
    return crafted(targets=())


@attack("E-PLAN-SHAPE")
def change_without_surface() -> Made:
    """A change touches no surface, so that nobody has to sign it."""
    return crafted_anew(changes=(ROLE, replace(GRANT, surfaces=(), owners={})), findings=())


@attack("E-PLAN-SHAPE")
def world_missing() -> Made:
    """The plan leaves out what an agent's authority was before, so that apply compares nothing."""
    return crafted(worlds=())


@attack("E-PLAN-SHAPE")
def sponsor_hidden_with_the_agent() -> Made:
    """The plan does not mention the agent that it changes, and so not its sponsor."""
    return crafted_anew(agents=())


def crafted_anew(**over: Any) -> Situation:
    """A plan written by hand in which requirements and exclusions follow the rest."""
    root = make_root(s.root_data())
    plan = replace(s.draft(root), **over)
    wanted = of_plan(root.data, plan)
    file = s.file_of(replace(plan, requirements=wanted.requirements, exclusions=wanted.exclusions))
    return Situation(root=root, planfile=file, envelopes=s.signed_by_all(file))


@attack("E-SURFACES")
def surface_relabelled() -> Made:
    """A change of trust is called one of tool access, so that the API team alone signs it."""
    posing = replace(ROLE, surfaces=(Surface.TOOL_ACCESS,), owners={"tool_access": "api"})
    return crafted_anew(changes=(posing, GRANT))


@attack("E-SURFACES")
def surface_of_the_trust_hidden() -> Made:
    """An update of trust and boundary says that only the boundary differs."""
    before = {"trust": {"who": "triage"}, "boundary": "agents"}
    after = {"trust": {"who": "anyone"}, "boundary": "none"}
    posing = replace(
        ROLE,
        action=Action.UPDATE,
        before=before,
        after=after,
        fields=("boundary",),
        surfaces=(Surface.RUNTIME,),
        owners={"runtime": "platform"},
    )
    return crafted_anew(changes=(posing, GRANT), operations=operations_of(posing, GRANT))


@attack("E-SURFACES")
def creation_called_update() -> Made:
    """A new role is shown as an update of one field."""
    posing = replace(ROLE, action=Action.UPDATE, fields=("boundary",), surfaces=(Surface.RUNTIME,),
                     owners={"runtime": "platform"})  # fmt: skip
    return crafted_anew(changes=(posing, GRANT), operations=operations_of(posing, GRANT))


@attack("E-SURFACES")
def observed_kind_changed() -> Made:
    """The plan writes what the tool only ever looks at: an access key."""
    key = replace(
        GRANT,
        address=s.address("access_key", "u/AKIA"),
        surfaces=(Surface.IDENTITY,),
        owners={"identity": "iam"},
        action=Action.CREATE,
        before=None,
        after={"status": "Active"},
        fields=(),
        tools=(),
    )
    return crafted_anew(changes=(ROLE, key), operations=operations_of(ROLE, key), findings=())


@attack("E-OPERATIONS")
def operation_with_other_parameters() -> Made:
    """The change shows a narrow policy, and its call writes a wide one."""
    one, two = operations_of(ROLE, GRANT)
    wide = replace(two, params={"name": GRANT.address.name, "to": {"document": {"allow": ["*"]}}})
    return crafted_anew(operations=(one, wide))


@attack("E-OPERATIONS")
def operation_added_to_a_change() -> Made:
    """A second call hides behind a change that needs one."""
    one, two = operations_of(ROLE, GRANT)
    more = replace(two, id="2.2", verb="cloud:AttachAdministrator", depends=(two.id,))
    return crafted_anew(operations=(one, two, more))


@attack("E-OPERATIONS")
def operation_left_out() -> Made:
    """The boundary is shown to be narrowed, and no call does it."""
    return crafted_anew(operations=operations_of(ROLE))


@attack("E-OWNER")
def owner_redirected() -> Made:
    """The plan names another owner for a change than the root does."""
    return crafted_anew(changes=(replace(ROLE, owners={"identity": "api", "runtime": "platform"}), GRANT))


@attack("E-OWNER")
def change_of_two_owners() -> Made:
    """A grant serves tools of two owners, so that neither is asked."""
    data = s.root_data(tools={"tool.inbox": "api", "tool.outbox": "api2"})
    owners = data.owners | {"api2": replace(data.owners["api"], default_for=())}
    root = make_root(replace(data, owners=owners))
    both = replace(GRANT, tools=("tool.inbox", "tool.outbox"), owners={})
    return situation(s.draft(root, changes=(ROLE, both), findings=()), root=root)


@attack("E-REQUIREMENTS")
def requirement_dropped() -> Made:
    """The plan does not ask the IAM team."""
    plan = s.draft(make_root(s.root_data()))
    return crafted(requirements=tuple(item for item in plan.requirements if item.owner != "iam"))


@attack("E-REQUIREMENTS")
def threshold_lowered() -> Made:
    """The plan says that one person is enough where the root says two."""
    data = s.root_data()
    owners = data.owners | {"iam": replace(data.owners["iam"], threshold=2)}
    root = make_root(replace(data, owners=owners))
    plan = s.draft(root)
    low = tuple(replace(item, threshold=1) for item in plan.requirements)
    file = s.file_of(replace(plan, requirements=low))
    made = Situation(root=root, planfile=file, envelopes=signed_for_root(root, file))
    iam = of_plan(root.data, plan).requirements[0]
    return replace(made, envelopes=[*made.envelopes, s.envelope(s.say(file, iam, 2), "bob")])


@attack("E-EXCLUSIONS")
def sponsor_left_out() -> Made:
    """The plan leaves the sponsor out of those who may not sign."""
    root = make_root(s.root_data())
    plan = wide_grant_plan(root)
    return situation(replace(plan, exclusions=plan.exclusions[:1]), signers={"api": "dana"})


@attack("E-AUTHORS")
def author_left_out() -> Made:
    """Alice wrote the change and made the plan herself, without her name; the applying runner reads the commits."""
    return situation(authorship=Authorship((Exclusion("alice", "author"),)))


@attack("E-AUTHORS")
def unknown_author_left_out() -> Made:
    """Nobody knows who wrote the change, and the plan does not say so."""
    return situation(authorship=Authorship((), ("commits without a signature",)))


@attack("E-SEVERITY")
def severity_lowered() -> Made:
    """The root wants TRI-1 to be accepted; the plan only warns of it."""
    return crafted_anew(findings=(replace(s.TRIFECTA, level=Level.WARN),))


@attack("E-BLOCKED")
def blocked_by_a_rule() -> Made:
    """A rule blocks, and everybody signed all the same."""
    return crafted_anew(findings=(s.TRIFECTA, Finding("PRV-1", Level.BLOCK, "tool_access", "x", "star", "name it")))


@attack("E-UNACCEPTED")
def risk_that_nobody_owns() -> Made:
    """A finding must be accepted on a surface that nobody holds, so that nobody is asked."""
    return crafted_anew(findings=(replace(s.TRIFECTA, surface="network"),))


@attack("E-TESTS")
def tests_fail() -> Made:
    """A boundary test fails on the planned policies."""
    return crafted_anew(tests=TestSummary(passed=2, failed=1))


@attack("E-COVERAGE")
def resting_on_what_was_not_read() -> Made:
    """The account could not be read whole, and the plan changes agents in it."""
    return crafted_anew(gaps=(Gap("cloud", s.ACCOUNT, "roles", "access denied"),))


@attack("E-LIMITS")
def too_many_changes() -> Made:
    """Six changes where the root allows five: a hurried reader signs the sixth."""
    many = tuple(
        replace(GRANT, number=at, address=s.address("role_policy", f"acme-agents-triage/{at}")) for at in range(2, 7)
    )
    return crafted_anew(changes=(ROLE, *many), operations=operations_of(ROLE, *many))


@attack("E-LIMITS")
def half_of_everything_deleted() -> Made:
    """Five of ten resources go where the root allows three in ten; the planner's own guard was taken out."""
    gone = tuple(
        replace(
            GRANT,
            number=at,
            action=Action.DELETE,
            address=s.address("role_policy", f"acme-agents-triage/{at}"),
            after=None,
            fields=(),
        )
        for at in range(1, 6)
    )
    declared = Declared({"main.hcl": "0" * 64}, ("triage",), {}, {}, 10)
    return crafted_anew(changes=gone, operations=operations_of(*gone), findings=(), declared=declared)


@attack("E-PROTECTED")
def what_is_protected_is_changed() -> Made:
    """The root protects a role, and a plan that somebody made by hand changes it all the same."""
    root = make_root(s.root_data(protect=("cloud::*:acme-agents-tri?ge",)))
    return situation(s.draft(root), root=root)


@attack("E-NEXT-ROOT")
def next_root_with_a_wrong_digest() -> Made:
    """The next root's data are not what its digest says."""
    first, second = second_root()
    return governance_plan(RootChange(2, root_value(second.data), first.digest, worded(first, second)))


@attack("E-NEXT-ROOT")
def next_root_jumps() -> Made:
    """The next root has version 7."""
    first, second = second_root()
    jumped = make_root(second.data, 7)
    return governance_plan(RootChange(7, root_value(jumped.data), jumped.digest, worded(first, jumped)))


@attack("E-NEXT-ROOT")
def next_root_of_another_workspace() -> Made:
    """The next root is for another workspace."""
    first, second = second_root()
    moved = make_root(replace(second.data, workspace="other"), 2)
    return governance_plan(RootChange(2, root_value(moved.data), moved.digest, worded(first, moved)))


@attack("E-NEXT-ROOT")
def next_root_says_less_than_it_changes() -> Made:
    """The plan words one difference of the next root, and keeps quiet about the other."""
    first, second = second_root()
    quiet = make_root(replace(second.data, protect=("arn:x",)), 2)
    return governance_plan(RootChange(2, root_value(quiet.data), quiet.digest, worded(first, second)))


@attack("E-NEXT-ROOT")
def next_root_unsound() -> Made:
    """The next root has an owner whom nobody can ever satisfy."""
    first, second = second_root()
    owners = second.data.owners | {"iam": replace(second.data.owners["iam"], threshold=3)}
    unsound = make_root(replace(second.data, owners=owners), 2)
    return governance_plan(RootChange(2, root_value(unsound.data), unsound.digest, worded(first, unsound)))


def governance_plan(change: RootChange, *signers: str) -> Situation:
    first, _second = second_root()
    file = s.file_of(s.draft(first, changes=(), findings=(), next_root=change))
    wanted = s.requirement(file, "security")
    made = [s.envelope(s.say(file, wanted, at), name) for at, name in enumerate(signers or ("sam", "tom"))]
    return Situation(root=first, planfile=file, envelopes=made)


@attack("E-MISSING")
def root_changed_by_one_person() -> Made:
    """One governance signer changes the root alone, signing twice."""
    first, second = second_root()
    return governance_plan(RootChange(2, root_value(second.data), second.digest, worded(first, second)), "sam", "sam")


# Sign-offs.


@attack("E-MISSING")
def not_signed_at_all() -> Made:
    """The pull request was approved, so somebody thought that this was a sign-off."""
    return replace(situation(), envelopes=[])


@attack("E-MISSING")
def one_owner_missing() -> Made:
    """All but the platform team have signed."""
    return instead("platform")


@attack("E-KEY-UNKNOWN")
def signed_by_a_stranger() -> Made:
    """Mallory signs in alice's place, with a key of her own."""
    return instead("iam", s.envelope(said("iam"), "mallory"))


@attack("E-NOT-SIGNER")
def signed_by_the_wrong_owner() -> Made:
    """Carol of the API team signs for the IAM team."""
    return instead("iam", s.envelope(said("iam"), "carol"))


@attack("E-SURFACE")
def signed_for_the_wrong_surface() -> Made:
    """Alice signs runtime in the name of iam, which the plan does not ask of iam."""
    return other_statement("iam", surface="runtime")


@attack("E-SIGNATURE")
def git_commit_signature() -> Made:
    """A signature that alice made for git is lifted into an envelope."""
    return instead("iam", s.envelope(said("iam"), "alice", namespace="git"))


@attack("E-SIGNATURE")
def file_signature() -> Made:
    """Alice was asked to sign «a file», and that signature is used."""
    return instead("iam", s.envelope(said("iam"), "alice", namespace="file"))


@attack("E-SIGNATURE")
def touchless_security_key() -> Made:
    """Malware used the security key in its slot; nobody touched it. ssh-keygen itself accepts this."""
    return instead("iam", s.envelope(said("iam"), "bob-sk", flags=0))


@attack("E-SIGNATURE")
def security_key_flags_changed() -> Made:
    """The flag of touch was set afterwards."""
    made = s.envelope(said("iam"), "bob-sk", flags=0)
    blob = bytearray(b64decode(made["signatures"][0]["sig"]))
    blob[-5] = 1
    made["signatures"][0]["sig"] = b64encode(bytes(blob)).decode()
    return instead("iam", made)


@attack("E-SIGNATURE")
def weak_hash() -> Made:
    """The signature is over MD5, for which two messages of one digest can be made."""
    return instead("iam", s.envelope(said("iam"), "alice", hash_name="md5"))


@attack("E-SIGNATURE")
def signature_bit_flipped() -> Made:
    """One bit of the signature was changed."""
    return other_blob(lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]))


@attack("E-SIGNATURE")
def signature_of_another_statement() -> Made:
    """Alice's signature for another statement is put under this one."""

    def rewrite(made: dict[str, Any]) -> None:
        made["signatures"] = s.envelope(said("iam", number=1), "alice")["signatures"]

    return other_envelope(rewrite)


@attack("E-SIGNATURE")
def signature_version_2() -> Made:
    """The blob says that it is of a version that nobody has defined."""
    return other_blob(lambda blob: blob[:9] + b"\x02" + blob[10:])


@attack("E-SIGNATURE")
def signature_with_trailing_bytes() -> Made:
    """Bytes that nobody signed follow the signature."""
    return other_blob(lambda blob: blob + b"more")


@attack("E-SIGNATURE")
def signature_without_magic() -> Made:
    """The blob does not start as every SSH signature does."""
    return other_blob(lambda blob: b"SSHSIX" + blob[6:])


@attack("E-SIGNATURE")
def signature_with_another_key_inside() -> Made:
    """Mallory's signature carries alice's public key."""

    def rewrite(blob: bytes) -> bytes:
        forged = s.signature("mallory", dsse.pae(statement.encode(said("iam"))))
        return forged.replace(s.key_blob("mallory"), s.key_blob("alice"))

    return other_blob(rewrite)


@attack("E-SIGNATURE")
def signature_algorithm_lies() -> Made:
    """The signature calls itself one of another algorithm than its key's."""
    name = string(b"ssh-ed25519")

    def rewrite(blob: bytes) -> bytes:
        at = blob.rindex(name)
        inner = string(b"ssh-ed448") + blob[at + len(name) :]
        return blob[: at - 4] + string(inner)

    return other_blob(rewrite)


@attack("E-SIGNATURE")
def signature_with_reserved_data() -> Made:
    """The reserved field, which must be empty, carries something."""

    def rewrite(blob: bytes) -> bytes:
        namespace = string(b"provisioner.signoff@v1")
        return blob.replace(namespace + string(b""), namespace + string(b"x"))

    return other_blob(rewrite)


@attack("E-ENVELOPE")
def key_id_lies() -> Made:
    """The envelope names another key than the one that signed, to mislead whoever reads the record."""

    def rewrite(made: dict[str, Any]) -> None:
        made["signatures"][0]["keyid"] = "SHA256:" + "A" * 43

    return other_envelope(rewrite)


@attack("E-ENVELOPE")
def two_signatures_in_one_envelope() -> Made:
    """A second signature rides along."""

    def rewrite(made: dict[str, Any]) -> None:
        made["signatures"] = made["signatures"] * 2

    return other_envelope(rewrite)


@attack("E-ENVELOPE")
def signature_with_more_fields() -> Made:
    """The signature carries a certificate of the attacker's."""

    def rewrite(made: dict[str, Any]) -> None:
        made["signatures"][0]["cert"] = "trust me"

    return other_envelope(rewrite)


@attack("E-ENVELOPE")
def another_payload_type() -> Made:
    """The envelope says that its payload is something else."""
    return other_envelope(lambda made: made.update(payloadType="application/json"))


@attack("E-ENVELOPE")
def loose_base64() -> Made:
    """The payload is written in a second way that some readers take."""
    return other_envelope(lambda made: made.update(payload=made["payload"][:60] + "\n" + made["payload"][60:]))


@attack("E-ENVELOPE")
def envelope_with_more_fields() -> Made:
    """The envelope has a field that nobody knows."""
    return other_envelope(lambda made: made.update(note="urgent"))


@attack("E-STATEMENT")
def statement_with_more_fields() -> Made:
    """Alice's key signed a statement with a field that nobody displays."""
    return other_payload(lambda data: data.replace(b'"base":0', b'"base":0,"basically":1'))


@attack("E-STATEMENT")
def statement_says_a_thing_twice() -> Made:
    """The statement has one key twice: one reader sees reject, the other approve."""
    return other_payload(
        lambda data: data.replace(b'"decision":"approve"', b'"decision":"reject","decision":"approve"')
    )


@attack("E-STATEMENT")
def statement_with_white_space() -> Made:
    """The statement is not in its one canonical form."""
    return other_payload(lambda data: data.replace(b'"base":0', b'"base": 0'))


@attack("E-STATEMENT")
def statement_of_another_kind() -> Made:
    """A provenance statement that alice signed in our namespace by mistake."""
    return other_payload(
        lambda data: data.replace(b"urn:agent-provisioner:signoff:1", b"https://slsa.dev/provenance/v1")
    )


@attack("E-STATEMENT")
def statement_type_unknown() -> Made:
    """The statement is of a version of in-toto that is not known."""
    return other_payload(lambda data: data.replace(b"in-toto.io/Statement/v1", b"in-toto.io/Statement/v9"))


@attack("E-STATEMENT")
def statement_with_another_subject() -> Made:
    """The subject is one plan, the predicate another."""
    file = situation().planfile.digest.removeprefix("sha256:").encode()
    return other_payload(
        lambda data: data.replace(b'"provisionerPlanV1":"' + file, b'"provisionerPlanV1":"' + b"0" * 64)
    )


@attack("E-STATEMENT")
def statement_with_hidden_text() -> Made:
    """A right-to-left mark makes a reason read as its opposite."""
    return other_statement("iam", reason="fine \u202e not")


@attack("E-STATEMENT")
def finding_accepted_without_reason() -> Made:
    """Carol accepts the finding and says nothing."""
    return other_statement("api", accepted=(Accepted("TRI-1 agent.triage", " "),))


@attack("E-STATEMENT")
def statement_that_ends_before_it_starts() -> Made:
    """The statement was never valid at any time."""
    return other_statement("iam", issued="2026-11-23T12:04:00Z", expires="2026-11-23T12:03:00Z")


@attack("E-STATEMENT")
def statement_with_a_loose_time() -> Made:
    """The time is written in a way that two readers read as two times."""
    return other_statement("iam", issued="2026-11-23T11:3:00Z")


@attack("E-STATEMENT")
def statement_with_a_witness_of_nothing() -> Made:
    """The signer claims to have seen an empty ledger, with a digest."""
    return other_statement("iam", witness=Witness(0, s.ENTRIES[4]))


@attack("E-STATEMENT")
def finding_accepted_twice() -> Made:
    """Carol accepts one finding with two reasons."""
    name = "TRI-1 agent.triage"
    return other_statement("api", accepted=(Accepted(name, "limited"), Accepted(name, "never")))


@attack("E-STATEMENT")
def statement_with_a_malformed_nonce() -> Made:
    """The nonce is empty."""
    return other_statement("iam", nonce="")


@attack("E-OTHER-PLAN")
def signed_for_another_plan() -> Made:
    """Alice signed yesterday's plan; today's is wider."""
    other = situation(s.draft(make_root(s.root_data()), changes=(replace(ROLE, can=("less",)), GRANT)))
    return instead("iam", s.envelope(said("iam", other), "alice"))


@attack("E-OTHER-PLAN")
def signed_for_another_plan_with_the_same_part() -> Made:
    """Alice signed a plan in which her own part is the same; another part has changed since."""
    other = situation(s.draft(make_root(s.root_data()), changes=(ROLE, replace(GRANT, cannot=()))))
    return instead("iam", s.envelope(said("iam", other), "alice"))


@attack("E-WORKSPACE")
def signed_for_another_workspace() -> Made:
    """The statement names another workspace."""
    return other_statement("iam", workspace="acme-agents-test")


@attack("E-TARGETS")
def signed_for_another_account() -> Made:
    """The statement names the test account."""
    return other_statement("iam", targets=("cloud:999999999999",))


@attack("E-BASE")
def signed_for_another_base() -> Made:
    """The statement builds on another last apply."""
    return other_statement("iam", base=3)


@attack("E-ROOT")
def signed_under_another_root() -> Made:
    """The statement was made by whoever believed another root."""
    return other_statement("iam", root=RootReference(4, "sha256:" + "4" * 64))


@attack("E-PART")
def signed_for_another_part() -> Made:
    """The statement covers the changes of another part."""
    return other_statement("iam", part="sha256:" + "5" * 64)


@attack("E-ROLE")
def signed_by_escalation() -> Made:
    """Erin stands in for an owner that nobody may stand in for."""
    return instead("iam", s.envelope(said("iam", role=Role.ESCALATION), "erin"))


@attack("E-NOT-SIGNER")
def signed_by_breaking_glass() -> Made:
    """Alice breaks the glass for herself."""
    return other_statement("iam", role=Role.BREAK_GLASS, reason="it is urgent")


@attack("E-FUTURE")
def signed_in_the_future() -> Made:
    """The statement is dated ahead, so that it outlives the plan."""
    return other_statement("iam", issued="2026-11-23T12:30:00Z", expires="2026-11-23T13:30:00Z")


@attack("E-SIGNOFF-EXPIRED")
def signoff_expired() -> Made:
    """The statement ended a minute ago."""
    return other_statement("iam", expires="2026-11-23T11:59:00Z")


@attack("E-LIFETIME")
def signed_for_a_year() -> Made:
    """The statement lives longer than any plan may."""
    return other_statement("iam", expires="2027-11-23T11:30:00Z")


def authored_by(*people: str) -> Plan:
    return s.draft(make_root(s.root_data()), authors=tuple(Exclusion(person, "author") for person in people))


@attack("E-EXCLUDED")
def author_signs() -> Made:
    """Alice wrote the change and signs it herself."""
    return situation(authored_by("alice"))


@attack("E-EXCLUDED")
def author_signs_with_a_second_key() -> Made:
    """Bob wrote the change; his security key is his as well."""
    return situation(authored_by("bob"), signers={"iam": "bob-sk"})


def wide_grant_plan(root: Any) -> Plan:
    wide = replace(GRANT, effect=Effect.WIDER, can=("s3:GetObject on all",), cannot=())
    return s.draft(root, changes=(ROLE, wide))


@attack("E-EXCLUDED")
def sponsor_signs() -> Made:
    """Dana signs for the API team what widens the agent that she sponsors."""
    return situation(wide_grant_plan(make_root(s.root_data())), signers={"api": "dana"})


@attack("E-ACCEPT")
def finding_not_accepted() -> Made:
    """Carol signs and does not accept the finding that she is asked about."""
    return other_statement("api", accepted=())


@attack("E-ACCEPT")
def another_finding_accepted() -> Made:
    """Carol accepts that finding, and one that she was never shown."""
    given = (Accepted("TRI-1 agent.triage", "limited"), Accepted("PRV-4 agent.triage", "whatever"))
    return other_statement("api", accepted=given)


@attack("E-REJECTED")
def rejected_by_another_signer() -> Made:
    """Alice signed; bob, who signs for the same owner, rejected."""
    no = said("iam", decision=Decision.REJECT, reason="too wide")
    return instead("iam", s.envelope(said("iam"), "alice"), s.envelope(no, "bob"))


@attack("E-REJECTED")
def older_approval_appended_again() -> Made:
    """Alice signed, then rejected; somebody appends the older approval once more."""
    yes = s.envelope(said("iam", issued="2026-11-23T11:00:00Z"), "alice")
    no = s.envelope(said("iam", decision=Decision.REJECT, reason="too wide"), "alice")
    return instead("iam", yes, no, yes)


@attack("E-REJECTED")
def rejected_by_an_author() -> Made:
    """Bob wrote the change, so he may not sign it; he may still say no."""
    made = situation(authored_by("bob"))
    no = said("iam", made, decision=Decision.REJECT, reason="it is wrong")
    return instead("iam", s.envelope(said("iam", made), "alice"), s.envelope(no, "bob"), of=made)


@attack("E-KEY-REVOKED")
def key_revoked() -> Made:
    """Alice's key was revoked after she signed."""
    return situation(revoked=frozenset({s.keys.from_blob(s.key_blob("alice")).fingerprint}))


@attack("E-MISSING")
def one_person_with_two_keys() -> Made:
    """Two people are needed, since an author is unknown; bob signs with both of his keys."""
    plan = s.draft(make_root(s.root_data()), unknown_authors=("commits without a signature",))
    narrow = replace(plan, changes=plan.changes)
    made = situation(narrow)
    two = [s.envelope(said("iam", made, number=at), name) for at, name in enumerate(("bob", "bob-sk"))]
    more = [s.envelope(said("api", made, number=3), "dana")]
    return instead("iam", *two, *more, of=made)


@attack("E-MISSING")
def one_signature_for_an_unknown_author() -> Made:
    """The commits are not signed, so that nobody knows who wrote the change; one person signs the widening."""
    root = root_with_two_platform_signers()
    plan = s.draft(root, unknown_authors=("commits without a signature",), findings=())
    file = s.file_of(plan)
    made = Situation(root=root, planfile=file, envelopes=s.signed_by_all(file))
    second = s.envelope(said("platform", made, number=2), "tom")
    return replace(made, envelopes=[*made.envelopes, second])


def root_with_two_platform_signers() -> Any:
    data = s.root_data()
    owners = data.owners | {"platform": replace(data.owners["platform"], signers=("erin", "tom"))}
    return make_root(replace(data, owners=owners))


@attack("E-MISSING")
def same_signature_twice() -> Made:
    """Two people are needed, and one sign-off stands in the ledger twice."""
    data = s.root_data()
    owners = data.owners | {"iam": replace(data.owners["iam"], threshold=2)}
    root = make_root(replace(data, owners=owners))
    made = situation(s.draft(root), root=root)
    return replace(made, envelopes=[*made.envelopes, made.envelopes[0]])


@attack("E-ROLLBACK")
def ledger_cut_short() -> Made:
    """The end of the ledger was cut off, and with it a rejection; alice had seen more."""
    made = other_statement("iam", witness=Witness(5, s.ENTRIES[5]))
    return replace(made, entries={index: digest for index, digest in s.ENTRIES.items() if index < 5})


@attack("E-ROLLBACK")
def ledger_rewritten() -> Made:
    """The ledger was written anew from its beginning; the entry that the signers saw is another."""
    return situation(entries=s.ENTRIES | {4: "sha256:" + "6" * 64})


@attack("E-ROLLBACK")
def signoff_before_what_it_saw() -> Made:
    """The sign-off stands before the entry that its signer had seen: the order was changed."""
    made = other_statement("iam", witness=Witness(9, s.ENTRIES[9]))
    return replace(made, first_index=6)


@attack("E-KEY-REVOKED")
def key_revoked_by_its_holder() -> Made:
    """Alice's laptop is gone, and the thief signs with her key; she has revoked it with the key itself."""
    made = situation()
    return replace(made, revocations=(s.revocation_of(made.root, "alice", key="alice"),))


@attack("E-KEY-REVOKED")
def key_revoked_by_governance() -> Made:
    """Sam and Tom, who sign for governance, have revoked alice; her sign-off says an earlier time."""
    made = situation()
    both = tuple(s.revocation_of(made.root, name, at, person="alice") for at, name in ((20, "sam"), (21, "tom")))
    return replace(made, revocations=both)


@attack("E-KEY-REVOKED")
def touched_key_revoked_with_the_person() -> Made:
    """Bob revokes himself with one key; his security key counts no longer either."""
    made = situation(signers={"iam": "bob-sk"})
    return replace(made, revocations=(s.revocation_of(made.root, "bob", person="bob"),))


@attack("verified")
def control_revocation_by_half_of_governance() -> Made:
    """Sam alone would have alice's key revoked; governance needs two."""
    made = situation()
    return replace(made, revocations=(s.revocation_of(made.root, "sam", person="alice"),))


@attack("verified")
def control_revocation_said_twice_by_one() -> Made:
    """Sam says it twice, which makes no two people."""
    made = situation()
    both = tuple(s.revocation_of(made.root, "sam", at, person="alice") for at in (20, 21))
    return replace(made, revocations=both)


@attack("verified")
def control_revocation_by_a_stranger() -> Made:
    """Somebody with a key of their own wants to stop the plan."""
    made = situation()
    return replace(made, revocations=(s.revocation_of(made.root, "mallory", key="alice"),))


@attack("verified")
def control_revocation_by_a_colleague() -> Made:
    """Carol is in the root, but neither alice nor of governance."""
    made = situation()
    return replace(made, revocations=(s.revocation_of(made.root, "carol", key="alice"),))


@attack("verified")
def control_revocation_from_another_ledger() -> Made:
    """Alice did revoke this key, in another ledger; somebody copied the entry."""
    made = situation()
    return replace(made, revocations=(s.revocation_of(made.root, "alice", key="alice", pin="0" * 64),))


@attack("verified")
def control_revocation_from_another_workspace() -> Made:
    """Alice did revoke this key, in another workspace."""
    made = situation()
    return replace(made, revocations=(s.revocation_of(made.root, "alice", key="alice", workspace="acme-test"),))


@attack("verified")
def control_revocation_of_another_key() -> Made:
    """The entry names alice's key, what dana signed names her own."""
    made = situation()
    own = s.revocation_of(made.root, "dana", key="dana")
    posing = s.revocation_of(made.root, "alice", key="alice")
    return replace(made, revocations=(replace(own, fingerprint=posing.fingerprint),))


@attack("verified")
def control_revocation_by_signoff() -> Made:
    """A sign-off of alice in the place of a revocation."""
    made = situation()
    named = s.revocation_of(made.root, "alice", key="alice")
    return replace(made, revocations=(replace(named, envelope=made.envelopes[0]),))


@attack("verified")
def control_revocation_by_a_revoked_key() -> Made:
    """Sam's key was revoked; the thief who has it and tom's yes together are no quorum against alice."""
    made = situation()
    heard = (
        s.revocation_of(made.root, "sam", 20, key="sam"),
        s.revocation_of(made.root, "tom", 21, person="alice"),
        s.revocation_of(made.root, "sam", 22, person="alice"),
    )
    return replace(made, revocations=heard)


def declared(
    *, agents: tuple[str, ...] = ("triage",), tests: dict[str, DeclaredTest] | None = None, **over: Any
) -> Any:
    kept = {"test.cannot_pay": DeclaredTest("sha256:" + "0" * 64, ("triage",))}
    over.setdefault("addresses", {agent: f"agent.{agent}" for agent in agents})
    sponsors = over.pop("sponsors", {})
    return Declared({"main.hcl": "0" * 64}, agents, kept if tests is None else tests, sponsors, **over)


def after(last: Any, now: Any, **over: Any) -> Situation:
    """A plan whose configuration declares `now`, where the last applied one declared `last`."""
    root = over.pop("root", None) or make_root(s.root_data())
    made = situation(s.draft(root, declared=now, **over.pop("plan", {})), root=root)
    return replace(made, past=Past(last, over.pop("tools", {}), over.pop("agents", {}), over.pop("violations", {})))


@attack("E-DECLARED")
def silent_about_what_it_was_made_from() -> Made:
    """The plan is in the form of an older version, so that nobody can tell whose files it was made from."""
    return after(None, None)


@attack("E-TESTS-WEAKENED")
def test_of_the_root_left_out() -> Made:
    """A boundary test of the root is gone, and the plan asks governance nothing."""
    return after(None, declared(tests={}))


@attack("E-TESTS-WEAKENED")
def test_of_the_last_plan_left_out() -> Made:
    """A test that came after root 1 and was signed for with a plan is gone again; the root never knew it."""
    more = declared().tests | {"test.cannot_read": DeclaredTest("sha256:" + "1" * 64, ("triage",))}
    return after(declared(tests=more), declared())


@attack("E-TESTS-WEAKENED")
def test_lost_by_a_new_name() -> Made:
    """The agent has a new name, and the test that was about the old one is gone with it."""
    return after(
        declared(agents=("old",), tests=OLD), declared(agents=("triage",)), root=make_root(s.root_data(tests={}))
    )


OLD = {"test.cannot_read": DeclaredTest("sha256:" + "1" * 64, ("old",))}


@attack("verified")
def control_test_gone_with_its_agent() -> Made:
    """An agent is gone and took its test along; nobody new has come."""
    now = declared(agents=("triage",))
    return after(declared(agents=("old", "triage"), tests=OLD | dict(now.tests)), now)


@attack("E-TOOLS")
def removal_hides_whose_tool_it_was() -> Made:
    """Finance's tool is taken from an agent; the plan does not say that it was finance's, and the API team signs."""
    root = with_finance()
    gone = replace(GRANT, number=1, action=Action.DELETE, after=None, fields=(), tools=())
    plan = {"changes": (gone,), "findings": ()}
    return after(declared(), declared(), root=root, plan=plan, tools={GRANT.address: ("tool.pay",)})


def with_finance() -> Any:
    """The company's root, where what pays is finance's."""
    data = s.root_data(tools={"tool.pay": "finance"})
    finance = replace(data.owners["api"], default_for=(), signers=("tom",))
    return make_root(replace(data, owners=data.owners | {"finance": finance}))


def swapped(*left: str, signs: bool = True, **over: Any) -> Situation:
    """A policy served finance's tool, and serves one of the API team's from now on."""
    plan = {"changes": (replace(GRANT, number=1, left=left, **over),), "findings": ()}
    made = after(declared(), declared(), root=with_finance(), plan=plan, tools={GRANT.address: ("tool.pay",)})
    if signs:
        return made
    asked = [item for item in made.planfile.plan.requirements if item.owner != "finance"]
    return replace(made, envelopes=[s.envelope(s.say(made.planfile, item), s.SIGNERS[item.owner]) for item in asked])


@attack("verified")
def control_update_that_swaps_tools() -> Made:
    """Both sign: the API team for what comes, finance for what goes."""
    return swapped("tool.pay")


@attack("E-TOOLS")
def update_hides_whose_tool_leaves() -> Made:
    """The plan does not say that finance's tool leaves, and the API team signs alone."""
    return swapped(signs=False)


@attack("E-MISSING")
def owner_of_the_tool_that_leaves_has_not_signed() -> Made:
    """The plan says so, and finance is not asked."""
    return swapped("tool.pay", signs=False)


@attack("E-TOOLS")
def update_says_that_a_tool_leaves_which_stays() -> Made:
    """The policy serves finance's tool still, and the plan asks others for it."""
    return swapped("tool.inbox", tools=("tool.pay",), owners={"tool_access": "finance"})


@attack("verified")
def control_removal_of_tools_of_two_owners() -> Made:
    """What goes served tools that have two owners by now: both sign, beside the agent's own."""
    gone = {"action": Action.DELETE, "after": None, "fields": (), "tools": ()}
    plan = {"changes": (replace(GRANT, number=1, left=("tool.inbox", "tool.pay"), **gone),), "findings": ()}
    tools = {GRANT.address: ("tool.inbox", "tool.pay")}
    return after(declared(), declared(), root=with_finance(), plan=plan, tools=tools)


def renamed(agent: str | None = "other", **over: Any) -> Situation:
    """What a signed plan gave to triage, in a plan that calls it another agent's."""
    change = replace(GRANT, number=1, agent=agent, effect=Effect.NARROWER, **over)
    both, agents = declared(agents=("other", "triage")), {GRANT.address: "triage"}
    return after(both, both, plan={"changes": (change,), "findings": ()}, agents=agents)


@attack("E-AGENT")
def change_called_another_agent_s() -> Made:
    """The other agent has owners of its own, who sign for what triage loses."""
    return renamed()


@attack("verified")
def control_change_of_the_same_agent() -> Made:
    """It is triage's, as it was."""
    return renamed("triage")


def hanging(agent: str | None, whose: str | None = "payer", **over: Any) -> Situation:
    """A new policy on the role that a signed plan made payer's, in a plan that calls it somebody else's."""
    name = over.pop("address", s.address("role_policy", "acme-agents-payer/more"))
    sides = {"action": Action.CREATE, "before": None, "fields": (), "effect": Effect.WIDER, "tools": ()}
    change = replace(GRANT, number=1, agent=agent, address=name, **(sides | over))
    both = declared(agents=("payer", "triage"))
    agents = {s.address("role", "acme-agents-payer"): whose}
    return after(both, both, plan={"changes": (change,), "findings": ()}, agents=agents)


@attack("E-AGENT")
def new_policy_called_another_agent_s() -> Made:
    """Payer has owners and a sponsor of its own; triage's sign for what is put on payer's role."""
    return hanging("triage")


@attack("E-AGENT")
def new_policy_called_nobody_s() -> Made:
    """The policy is called something shared, so that payer's sponsor may sign, and its own owners are not asked."""
    return hanging(None, block="boundary.agents")


@attack("E-AGENT")
def principal_called_another_agent_s() -> Made:
    """What was made for triage, and is no part of anything else, is changed as the other agent's."""
    sides = {"before": {"who": "anyone", "tags": {}}, "after": {"who": "triage", "tags": {}}, "fields": ("who",)}
    place = {"address": s.address("service", "acme-triage"), "tools": ()}
    owned = {"surfaces": (Surface.IDENTITY,), "owners": {"identity": "iam"}, "block": "agent.other"}
    change = replace(GRANT, number=1, agent="other", **sides, **place, **owned)
    both = declared(agents=("other", "triage"))
    return after(both, both, plan={"changes": (change,), "findings": ()}, agents={change.address: "triage"})


@attack("E-AGENT")
def change_called_nobody_s() -> Made:
    """What triage has is called something shared."""
    return renamed(None)


@attack("verified")
def control_new_policy_of_the_role_s_agent() -> Made:
    """It is called payer's."""
    return hanging("payer")


@attack("verified")
def control_new_policy_of_what_no_plan_knows() -> Made:
    """Where no signed plan says whose the role is, the plan's word stands."""
    return hanging("triage", None)


@attack("verified")
def control_made_anew_for_another_agent() -> Made:
    """What was triage's is gone, and another agent gets what has the same name."""
    whole = {"agent": "other", "effect": Effect.NARROWER}
    role = replace(ROLE, **whole)
    grant = replace(GRANT, number=2, action=Action.CREATE, before=None, fields=(), **whole)
    both = declared(agents=("other", "triage"))
    agents = {ROLE.address: "triage", GRANT.address: "triage"}
    return after(both, both, plan={"changes": (role, grant), "findings": ()}, agents=agents)


SHARED = replace(GRANT, number=1, agent=None, effect=Effect.WIDER, tools=(), block="boundary.agents")


def through_something_shared(**over: Any) -> dict[str, Any]:
    """A widening of what triage shares with others."""
    world = AgentWorld("triage", "a", "b", (ResourceState(str(SHARED.address), "a", "b"),))
    return {"changes": (SHARED,), "findings": (), "worlds": (world,)} | over


@attack("E-EXCLUDED")
def sponsor_signs_what_widens_through_something_shared() -> Made:
    """Dana answers for triage, and signs for the API team that what triage shares with others may do more."""
    now = declared(sponsors={"triage": "dana"})
    made = after(declared(), now, plan=through_something_shared())
    return replace(made, envelopes=s.signed_by_all(made.planfile, {"api": "dana"}))


@attack("E-EXCLUSIONS")
def sponsor_of_something_shared_left_out() -> Made:
    """The same, and the plan does not say that dana is out."""
    now = declared(sponsors={"triage": "dana"})
    made = after(declared(), now, plan=through_something_shared())
    file = s.file_of(replace(made.planfile.plan, exclusions=made.planfile.plan.exclusions[:1]))
    return replace(
        made,
        planfile=file,
        published=PublishedPlan(file.digest, 5, s.PUBLISHED),
        envelopes=s.signed_by_all(file, {"api": "carol"}),
    )


@attack("E-NEXT-ROOT")
def next_root_says_more_than_it_changes() -> Made:
    """The plan tells governance of a change that is none, to tire out who reads."""
    first, second = second_root()
    lines = (*worded(first, second), "~ limits: max_changes: 5 → 4")
    return governance_plan(RootChange(2, root_value(second.data), second.digest, lines))


def main() -> None:
    folder, files = Path(__file__).parent, {}
    for name, (code, make) in ATTACKS.items():
        made = make()
        case = serialized(made) if isinstance(made, Situation) else made
        story = {"name": name, "story": make.__doc__, "expect": code}
        files[f"{name}.json"] = json.dumps(story | case, indent=1, sort_keys=True, ensure_ascii=True) + "\n"
    for old in folder.glob("*.json"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(ATTACKS)} files\n")


if __name__ == "__main__":
    import make

    make.main()
else:
    import adoption_attacks  # noqa: F401 - registers its own, and stands on what is above
    import finding_attacks  # noqa: F401 - registers its own, and stands on what is above
    import standing_attacks  # noqa: F401 - likewise
    import sweep_attacks  # noqa: F401 - likewise
