"""Comparison never says too little: random requests, judged by the independent reading in `policy_worlds`.

At least 100,000 requests a run. Where a comparison says narrower or equal, none may be newly allowed, nor be freed of
an outright Deny (another policy could then allow it); where it says wider, its own example must bear it out.
"""

from __future__ import annotations

import copy
import random
import sys
from collections import Counter

import policy_worlds as worlds
import pytest
from provisioner_aws.policy import search
from provisioner_aws.policy.compare import Comparison, compare_policies
from provisioner_aws.policy.document import parse_policy

from provisioner.model.changes import Effect

SEEDS = range(4)
PAIRS = 330
REQUESTS = 80


def edited(old: worlds.Document, chance: random.Random) -> worlds.Document:
    new = copy.deepcopy(old)
    items = new["Statement"]
    edit = chance.choice(("add", "drop", "condition", "open", "replace", "other"))
    if edit == "add":
        items.append(worlds.statement(chance))
    elif edit == "drop":
        items.pop(chance.randrange(len(items)))
    elif edit == "condition":
        items[0]["Condition"] = worlds.statement(chance).get("Condition", {})
    elif edit == "open":
        items[-1].pop("Condition", None)
    elif edit == "replace":
        items[chance.randrange(len(items))] = worlds.statement(chance)
    else:
        return worlds.document(chance)
    return new


def compared(old: worlds.Document, new: worlds.Document) -> Comparison:
    return compare_policies([parse_policy(old)], [parse_policy(new)])


def more(old: worlds.Document, new: worlds.Document, action: str, resource: str, given: worlds.Values) -> bool:
    """Whether NEW lets pass what OLD stops, alone or with the help of a policy elsewhere."""
    if worlds.allows([new], action, resource, given) and not worlds.allows([old], action, resource, given):
        return True
    denied = [worlds.speaks([policy], "Deny", action, resource, given) for policy in (old, new)]
    return denied == [True, False]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_random_request_is_newly_allowed_where_the_comparison_says_so(seed: int) -> None:
    chance = random.Random(seed)
    asked = [
        (chance.choice(worlds.ACTIONS), chance.choice(worlds.RESOURCES), worlds.context(chance))
        for _ in range(REQUESTS)
    ]
    effects: Counter[Effect] = Counter()
    for _ in range(PAIRS):
        old = worlds.document(chance)
        new = edited(old, chance)
        found = compared(old, new)
        effects[found.effect] += 1
        if found.gain is not None:
            given = {key: list(values) for key, values in found.gain.context.values.items()}
            assert found.effect is Effect.WIDER
            assert more(old, new, found.gain.action, str(found.gain.resource), given), (old, new, found.gain)
        for action, resource, given in asked:
            if found.effect in (Effect.NARROWER, Effect.EQUAL):
                assert not more(old, new, action, resource, given), (old, new, action, resource, given)
            if found.effect is Effect.EQUAL:
                assert not more(new, old, action, resource, given), (old, new, action, resource, given)
    assert effects[Effect.UNKNOWN] * 50 <= PAIRS  # at least 98 of 100 are decided, even here
    assert min(effects[effect] for effect in (Effect.WIDER, Effect.NARROWER, Effect.EQUAL)) > 0


def test_there_are_enough_requests() -> None:
    assert len(SEEDS) * PAIRS * REQUESTS >= 100_000


def test_the_solver_says_what_the_search_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """z3 takes over where turns run out: with none at all it decides everything that is left open."""
    chance = random.Random(5)
    pairs = [(old, edited(old, chance)) for old in (worlds.document(chance, deny=0.5) for _ in range(60))]
    plain = [compared(*pair).effect for pair in pairs]
    monkeypatch.setattr(search, "TURNS", 0)
    solved = [compared(*pair).effect for pair in pairs]
    assert Effect.NARROWER in solved
    assert "z3" in sys.modules
    for one, other in zip(plain, solved, strict=True):
        assert one is other or Effect.UNKNOWN in (one, other)


def test_a_comparison_is_the_same_every_time() -> None:
    chance = random.Random(9)
    old = worlds.document(chance, most=6)
    new = edited(old, chance)
    assert compared(old, new) == compared(copy.deepcopy(old), copy.deepcopy(new))
