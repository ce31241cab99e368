"""Google's comparison never says too little, and its evaluator agrees with another reading of the same policies.

The other reading is the emulator's parser and judge of conditions, and a plain loop over bindings that is written here.
At least 100,000 requests a run. Where a comparison says narrower or equal, none may be newly allowed; where it says
wider, its own example must bear it out.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from provisioner_google import provider
from provisioner_google.policy import documents, judging
from provisioner_google.policy.attributes import attributes_of
from provisioner_google.policy.comparisons import compare_documents
from provisioner_google.policy.members import Who
from provisioner_google.sandbox.conditions import parse

from provisioner.model.changes import Effect
from provisioner.model.requests import Answer

SEEDS = range(4)
PAIRS = 300
REQUESTS = 90
RESOURCE = "//cloudresourcemanager.googleapis.com/projects/p-one-two"
ROLES = {
    "roles/a": ["x.y.get"],
    "roles/ab": ["x.y.get", "x.y.put"],
    "roles/bc": ["x.y.put", "x.y.list"],
    "roles/none": [],
}
PEOPLE = ("user:a@x.y", "user:b@x.y", "serviceAccount:s@p.iam.gserviceaccount.com", "anonymous")
MEMBERS = ("user:a@x.y", "user:b@x.y", "serviceAccount:s@p.iam.gserviceaccount.com", "group:g@x.y", "allUsers",
           "allAuthenticatedUsers")  # fmt: skip
NAMES = ("projects/_/buckets/b/objects/in/1", "projects/_/buckets/b/objects/out/1", "projects/_/buckets/c", "other")
TIMES = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-01T00:00:01Z", "2029-06-01T12:00:00Z")
TYPES = ("storage.googleapis.com/Object", "storage.googleapis.com/Bucket")
ATOMS = (
    'request.time < timestamp("2027-01-01T00:00:00Z")',
    'request.time <= timestamp("2027-01-01T00:00:00Z")',
    'request.time >= timestamp("2027-01-01T00:00:00Z")',
    'request.time < timestamp("2028-01-01T00:00:00Z")',
    'resource.name.startsWith("projects/_/buckets/b/objects/in/")',
    'resource.name.startsWith("projects/_/buckets/b")',
    'resource.name == "projects/_/buckets/c"',
    'resource.name.endsWith("1")',
    'resource.name.extract("/objects/{x}/") == "in"',
    'resource.type == "storage.googleapis.com/Object"',
    'resource.type != "storage.googleapis.com/Bucket"',
    'request.time.getHours("UTC") < 6',
)


def condition(chance: random.Random, depth: int = 2) -> str:
    kind = chance.choice(("atom", "atom", "and", "or", "not")) if depth else "atom"
    if kind == "atom":
        return chance.choice(ATOMS)
    if kind == "not":
        return f"!({condition(chance, depth - 1)})"
    word = {"and": "&&", "or": "||"}[kind]
    return f"({condition(chance, depth - 1)} {word} {condition(chance, depth - 1)})"


def binding(chance: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {
        "role": chance.choice(tuple(ROLES)),
        "members": chance.sample(MEMBERS, chance.choice((1, 1, 2))),
    }
    if chance.random() < 0.6:
        made["condition"] = {"title": "t", "expression": condition(chance)}
    return made


def policy(chance: random.Random) -> dict[str, Any]:
    return {"bindings": [binding(chance) for _ in range(chance.randint(1, 3))], "roles": ROLES}


def edited(old: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    items = [dict(item) for item in old["bindings"]]
    edit = chance.choice(("add", "drop", "tighten", "loosen", "role", "member", "swap"))
    at = chance.randrange(len(items))
    given = items[at].get("condition", {}).get("expression")
    if edit == "add":
        items.append(binding(chance))
    elif edit == "drop":
        items.pop(at)
    elif edit in ("tighten", "loosen"):
        word, more = "&&" if edit == "tighten" else "||", condition(chance, 1)
        items[at]["condition"] = {"title": "t", "expression": f"({given}) {word} ({more})" if given else more}
    elif edit == "role":
        items[at]["role"] = chance.choice(tuple(ROLES))
    elif edit == "member":
        items[at]["members"] = [chance.choice(MEMBERS)]
    else:
        return policy(chance)
    return {"bindings": items, "roles": ROLES}


Asked = tuple[str, frozenset[str], str, dict[str, Any]]


def question(chance: random.Random) -> Asked:
    """Somebody, his groups, a permission, and what the request says of itself, now and then too little."""
    who = chance.choice(PEOPLE)
    groups = frozenset(["group:g@x.y"]) if chance.random() < 0.4 and who != "anonymous" else frozenset()
    known: dict[str, Any] = {"request.time": datetime.fromisoformat(chance.choice(TIMES)).astimezone(UTC)}
    known["resource.name"], known["resource.type"] = chance.choice(NAMES), chance.choice(TYPES)
    for name in [name for name in known if chance.random() < 0.12]:
        del known[name]
    return who, groups, chance.choice(("x.y.get", "x.y.put", "x.y.list")), known


def is_member(who: str, groups: frozenset[str], member: str) -> bool:
    if member == "allAuthenticatedUsers":
        return who != "anonymous"
    return member in (who, "allUsers") or member in groups


def allows(document: dict[str, Any], asked: Asked) -> bool:
    """The other reading. What an expression cannot be told of does not hold."""
    who, groups, permission, known = asked
    return any(
        permission in ROLES[item["role"]]
        and any(is_member(who, groups, member) for member in item["members"])
        and ("condition" not in item or parse(item["condition"]["expression"]).holds(known))
        for item in document["bindings"]
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_no_random_request_is_newly_allowed_where_the_comparison_says_so(seed: int) -> None:
    chance = random.Random(seed)
    asked = [question(chance) for _ in range(REQUESTS)]
    effects: Counter[Effect] = Counter()
    for _ in range(PAIRS):
        old = policy(chance)
        new = edited(old, chance)
        found = compare_documents(old, new, "allow")
        effects[found.effect] += 1
        before, after = ([allows(document, one) for one in asked] for document in (old, new))
        if found.effect in (Effect.NARROWER, Effect.EQUAL):
            assert not any(b and not a for a, b in zip(before, after, strict=True)), (old, new)
        if found.effect is Effect.EQUAL:
            assert before == after, (old, new)
        if found.effect is Effect.WIDER:
            assert found.witness is not None
            assert provider.evaluate_document(found.witness).answer is Answer.ALLOWED, (old, new, found.witness)
            assert not stands(old, found.witness), (old, new, found.witness)
    assert effects[Effect.UNKNOWN] * 50 <= PAIRS, effects  # at least 98 of 100 are decided
    assert min(effects[effect] for effect in (Effect.WIDER, Effect.NARROWER, Effect.EQUAL)) > 0


def stands(document: dict[str, Any], witness: Any) -> bool:
    """Whether the other reading allows a witness."""
    known = dict(attributes_of(witness["resource"], None, witness["context"]))
    asked = (witness["principal"], frozenset(witness["member_of"]), witness["permission"], known)
    return allows(document, asked)


def test_there_are_enough_requests() -> None:
    assert len(SEEDS) * PAIRS * REQUESTS >= 100_000


@pytest.mark.parametrize("seed", range(2))
def test_the_evaluator_agrees_with_the_other_reading(seed: int) -> None:
    chance = random.Random(100 + seed)
    tally: Counter[Answer] = Counter()
    for _ in range(200):
        document = policy(chance)
        bindings = documents.bindings_of({"bindings": document["bindings"]}, "the policy")
        policies = judging.Policies(
            (judging.AllowPolicy(RESOURCE, bindings),), roles={name: frozenset(held) for name, held in ROLES.items()}
        )
        for _ in range(20):
            asked = question(chance)
            who, groups, permission, known = asked
            made = judging.Question(Who(who, groups, True), permission, RESOURCE, (), True, known)
            answer = judging.decide(made, policies).answer
            tally[answer] += 1
            if answer is not Answer.DEPENDS:
                assert (answer is Answer.ALLOWED) == allows(document, asked), (document, asked)
            else:
                assert len(known) < 3, (document, asked)  # only what the request does not say leaves it open
    assert min(tally[answer] for answer in Answer) > 50, tally
