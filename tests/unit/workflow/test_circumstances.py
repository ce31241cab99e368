"""What the ledger says beside a plan's own sign-offs: earlier ones, the store's clock, announcements, reviews owed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "attacks"))

import scenario as s
import standing_attacks as attacks

from provisioner import planfile
from provisioner.approval.root import make_root, pin
from provisioner.approval.statement import Decision, Role, Witness
from provisioner.ledger.entries import Entry, EntryError, Kind, encode
from provisioner.ledger.log import Ledger
from provisioner.ledger.memory import MemoryStore
from provisioner.planfile import PlanFile
from provisioner.runner import Runner
from provisioner.workflow import approving, authorized, circumstances, reviewing
from provisioner.workflow.roots import root_in_force

REMOTE = "s3://ledgers/acme?region=eu-west-1"


class Remote(MemoryStore):
    """A store with a clock of its own, which the test moves."""

    def __init__(self, location: str = REMOTE) -> None:
        self.time = datetime.now(UTC).replace(microsecond=0)
        self.place = location
        super().__init__(lambda: self.time)

    @property
    def location(self) -> str:
        return self.place

    def now(self) -> datetime:
        return self.time


class Scene:
    """A ledger with a root, and what people put into it as time passes."""

    def __init__(self, location: str = REMOTE, **approval: Any) -> None:
        self.store = Remote(location)
        self.ledger = Ledger.open(self.store, s.WORKSPACE)
        data = attacks.root_with(approval=approval).data
        self.root = make_root(replace(data, ledger=location))
        self.ledger.append(Kind.ROOT, self.root.body())
        self.runner = Runner(Path("runner.toml"), root_pin="sha256:" + pin(self.root))

    def publish(self, file: PlanFile, after: timedelta = timedelta()) -> PlanFile:
        self.store.time += after
        self.ledger.append(
            Kind.PLAN, {"digest": file.digest, "file": json.loads(planfile.encode(file.plan, file.notes))}
        )
        return file

    def sign(self, file: PlanFile, owner: str, person: str, number: int = 0, **over: Any) -> Entry:
        head = self.ledger.head
        times = {
            "issued": f"{self.store.time:%Y-%m-%dT%H:%M:%SZ}",
            "expires": f"{self.store.time + timedelta(minutes=50):%Y-%m-%dT%H:%M:%SZ}",
        }
        said = s.say(
            file, s.requirement(file, owner), number, **(times | {"witness": Witness(head.index, head.digest)} | over)
        )
        body = {"envelope": dict(s.envelope(said, person)), "plan": file.digest}
        return self.ledger.append(Kind.SIGNOFF, body)

    def sign_all(self, file: PlanFile, *but: str) -> None:
        for item in file.plan.requirements:
            if item.owner not in but:
                self.sign(file, item.owner, s.SIGNERS[item.owner])

    def carry_out(self, file: PlanFile) -> None:
        self.ledger.append(Kind.INTENT, {"plan": file.digest, "operation": "1.1", "holder": "h"})
        self.ledger.append(Kind.CONSUMED, {"plan": file.digest, "result": "applied"})


@pytest.fixture(autouse=True)
def one_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """The company's plans are of a cloud that is no installed provider."""
    known: Mapping[str, Any] = {"cloud": s.Cloud()}
    for module in (approving, authorized):
        monkeypatch.setattr(module, "providers", lambda: known)


def plan(scene: Scene, **over: Any) -> PlanFile:
    return s.file_of(s.draft(scene.root, **over))


def test_a_local_ledger_has_no_clock_to_go_by() -> None:
    assert circumstances.store_now(Scene("local:/ledger").ledger) is None
    scene = Scene()
    assert circumstances.store_now(scene.ledger) == scene.store.time
    assert circumstances.store_now(scene.ledger, scene.ledger.history[0]) == scene.ledger.history[0].stored_at


def test_sign_offs_are_carried_since_the_last_applied_plan_and_where_the_root_lets_them() -> None:
    scene = Scene(carry="unchanged")
    first = scene.publish(plan(scene))
    scene.sign_all(first)
    second = plan(scene, changes=(s.ROLE, attacks.LESS))

    def found(mode: str = "unchanged", before: int | None = None) -> list[int]:
        return [item.signoff.index for item in circumstances.carried(scene.ledger, mode, second.digest, before)]

    assert found() == [3, 4, 5] and found(before=5) == [3, 4] and found("none") == []
    told = circumstances.carried(scene.ledger, "unchanged", second.digest)[0]
    assert told.planfile == first and told.published.stored == scene.store.time
    states = {state.requirement.owner: state for state in approving.verdict(second, scene.ledger, scene.runner).states}
    assert states["iam"].signed[0].made_for == first.digest and states["api"].signed == ()
    scene.carry_out(first)
    assert found() == []


def test_an_announcement_counts_from_the_first_plan_that_could_be_signed() -> None:
    scene = Scene()
    wanted = attacks.taking_over(scene.root)
    file = attacks.root_file(scene.root, wanted)
    assert circumstances.announced(scene.ledger, file.plan) is None
    unasked = replace(file.plan, requirements=tuple(item for item in file.plan.requirements if item.owner != "iam"))
    stale = replace(file.plan, base=1)
    for hidden in (unasked, stale, replace(file.plan, workspace="other")):
        scene.publish(s.file_of(hidden), timedelta(hours=1))
    assert circumstances.announced(scene.ledger, file.plan) is None
    scene.publish(attacks.root_file(scene.root, replace(wanted, protect=("arn:x",))), timedelta(hours=1))
    assert circumstances.announced(scene.ledger, file.plan) is None
    scene.publish(file, timedelta(hours=1))
    at = scene.store.time
    again = attacks.root_file(scene.root, wanted, changes=(s.GRANT,))
    scene.publish(again, timedelta(hours=1))
    assert circumstances.announced(scene.ledger, again.plan) == at
    assert circumstances.announced(scene.ledger, again.plan, before=3) is None
    assert circumstances.announced(scene.ledger, plan(scene).plan) is None


def test_notice_runs_by_the_store_and_the_new_root_is_followed_ever_after() -> None:
    scene = Scene()
    wanted = attacks.taking_over(scene.root)
    file = scene.publish(attacks.root_file(scene.root, wanted))
    scene.store.time += timedelta(hours=71, minutes=30)
    scene.sign(file, "security", "sam")
    scene.sign(file, "security", "tom", 1)

    def judged() -> Any:
        root = root_in_force(scene.ledger, scene.runner)
        evidence = replace(approving.evidence(scene.ledger, root, file), now=scene.store.time)
        return approving.verify(file, evidence)

    before = judged()
    assert before.verified is None and [item.code for item in before.refusals] == ["E-MISSING"]
    iam = next(state for state in before.states if state.requirement.owner == "iam")
    assert approving.notice_text(iam).startswith("iam is asked because erin comes to sign for it; sam comes to sign")
    end = scene.store.time + timedelta(minutes=30)
    assert f"from {end:%Y-%m-%d %H:%MZ} two people of governance do without it" in approving.notice_text(iam)
    scene.store.time += timedelta(minutes=40)
    assert judged().verified is not None
    second = make_root(wanted, 2)
    scene.ledger.append(Kind.ROOT, second.body(file.digest))
    scene.ledger.append(Kind.CONSUMED, {"plan": file.digest, "result": "applied"})
    assert root_in_force(scene.ledger, scene.runner).root == second
    assert authorized.counted(scene.ledger, scene.runner)(file.digest)


def glass(scene: Scene, **over: Any) -> PlanFile:
    file = scene.publish(plan(scene, **over))
    scene.sign_all(file, "iam")
    for number, person in enumerate(("sam", "tom")):
        scene.sign(file, "iam", person, 40 + number, role=Role.BREAK_GLASS, reason="INC-1")
    return file


def review(scene: Scene, file: PlanFile, person: str, number: int = 90, **over: Any) -> None:
    scene.sign(file, "iam", person, number, **({"role": Role.REVIEW, "reason": "looked at"} | over))


def test_a_review_is_owed_once_the_plan_was_acted_on() -> None:
    scene = Scene()
    file = glass(scene)
    assert reviewing.owed(scene.ledger, scene.runner) == ()
    scene.carry_out(file)
    (owed,) = reviewing.owed(scene.ledger, scene.runner)
    assert (owed.requirement.owner, owed.people, owed.reason) == ("iam", ("sam", "tom"), "INC-1")
    at = scene.ledger.history.of(Kind.INTENT)[0].index
    assert [index for index, _ in reviewing.unrecorded(scene.ledger, scene.runner)] == [at]


@pytest.mark.parametrize(
    ("person", "over"),
    [
        ("carol", {}),
        ("mallory", {}),
        ("alice", {"role": Role.OWNER}),
        ("alice", {"part": "sha256:" + "5" * 64}),
        ("alice", {"surface": "runtime"}),
    ],
)
def test_what_closes_no_review(person: str, over: dict[str, Any]) -> None:
    scene = Scene()
    file = glass(scene)
    scene.carry_out(file)
    review(scene, file, person, **over)
    assert len(reviewing.owed(scene.ledger, scene.runner)) == 1


def test_a_review_before_anything_was_done_closes_nothing_and_one_after_does() -> None:
    scene = Scene()
    file = glass(scene)
    review(scene, file, "alice")
    scene.carry_out(file)
    assert len(reviewing.owed(scene.ledger, scene.runner)) == 1
    review(scene, file, "bob", 91, decision=Decision.REJECT, reason="no need")
    (owed,) = reviewing.owed(scene.ledger, scene.runner)
    assert owed.objections == ("bob: no need",)
    review(scene, file, "alice", 92)
    assert len(reviewing.owed(scene.ledger, scene.runner)) == 1, "an objection is settled by who made it"
    review(scene, file, "bob", 93)
    assert reviewing.owed(scene.ledger, scene.runner) == ()


def test_who_broke_the_glass_or_wrote_the_change_does_not_review_it() -> None:
    scene = Scene()
    owners = dict(scene.root.data.owners)
    owners["iam"] = replace(owners["iam"], signers=("alice", "sam"))
    scene = Scene()
    scene.root = make_root(replace(scene.root.data, owners=owners))
    scene.store = Remote()
    scene.ledger = Ledger.open(scene.store, s.WORKSPACE)
    scene.ledger.append(Kind.ROOT, scene.root.body())
    scene.runner = Runner(Path("runner.toml"), root_pin="sha256:" + pin(scene.root))
    file = glass(scene, authors=(s.Exclusion("alice", "author"),))
    scene.carry_out(file)
    review(scene, file, "sam")
    review(scene, file, "alice", 91)
    (owed,) = reviewing.owed(scene.ledger, scene.runner)
    assert owed.reviewed == ()


def test_an_obligation_says_whose_and_by_whom() -> None:
    body = {"plan": "sha256:" + "0" * 64, "parts": ["identity iam"], "people": ["sam", "tom"]}
    encode(1, "", Kind.OBLIGATION, s.WORKSPACE, s.NOW, body)
    for wrong in ({"parts": []}, {"people": [1]}, {"people": [""]}, {"plan": 7}):
        with pytest.raises(EntryError):
            encode(1, "", Kind.OBLIGATION, s.WORKSPACE, s.NOW, body | wrong)
