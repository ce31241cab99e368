"""Every layer at once: `evaluate_document` agrees with a reading of «Policy evaluation logic» as sets.

Sources: IAM User Guide, «Policy evaluation logic», «Cross-account policy evaluation logic», «Permissions boundaries for
IAM entities» (resource policies for users, roles and sessions), «AWS JSON policy elements: Principal».
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import policy_worlds as worlds
import pytest
from provisioner_aws.policy.documents import evaluate_document

from provisioner.model.requests import Answer

HOME, AWAY = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{HOME}:role/a"
SESSION = f"arn:aws:sts::{HOME}:assumed-role/a/s"
USER = f"arn:aws:iam::{HOME}:user/u"
CALLERS: list[Any] = [ROLE, {"AWS": ROLE, "session": SESSION}, USER]
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "*"},
    {"AWS": ROLE},
    {"AWS": SESSION},
    {"AWS": USER},
    {"AWS": HOME},
    {"AWS": f"arn:aws:iam::{HOME}:root"},
    {"AWS": [f"arn:aws:iam::{HOME}:role/b", f"arn:aws:iam::{AWAY}:root"]},
    {"Service": "lambda.amazonaws.com"},
]


def names_of(principal: Any) -> set[str]:
    values = principal if isinstance(principal, str) else principal.get("AWS", [])
    listed = {values} if isinstance(values, str) else set(values)
    return {f"arn:aws:iam::{value}:root" if value.isdecimal() else value for value in listed}


def policies_of(chance: random.Random) -> dict[str, Any]:
    def several(most: int, deny: float = 0.2) -> list[worlds.Document]:
        return [worlds.document(chance, 3, deny) for _ in range(chance.randint(1, most))]

    out: dict[str, Any] = {"identity": several(2)}
    if chance.random() < 0.5:
        out["boundary"] = worlds.document(chance, 3, 0.2)
    if chance.random() < 0.3:
        out["session"] = several(1)
    for kind in ("scp", "rcp"):
        if chance.random() < 0.3:
            out[kind] = [several(2, 0.1), worlds.document(chance, 3, 0.1)]
    if chance.random() < 0.7:
        out["resource"] = worlds.document(chance, 3, 0.25)
        for item in out["resource"]["Statement"]:
            item["Principal"] = chance.choice(PRINCIPALS)
    return out


def expected(given: dict[str, Any], who: set[str], exact: str | None, cross: bool, asked: tuple[Any, ...]) -> bool:
    """`who` are the caller's names, `exact` his own as a user or session. Everybody is also the session itself."""

    def resource(names: set[str]) -> list[worlds.Document]:
        items = given["resource"]["Statement"] if "resource" in given else []
        return [{"Statement": [item for item in items if names_of(item["Principal"]) & names]}]

    levels = [level if isinstance(level, list) else [level] for kind in ("scp", "rcp") for level in given.get(kind, [])]
    account = {*who, "*", f"arn:aws:iam::{HOME}:root"}
    everything = [*given["identity"], *given.get("session", []), *resource(account)]
    everything += [given["boundary"]] if "boundary" in given else []
    everything += [document for level in levels for document in level]
    if worlds.speaks(everything, "Deny", *asked):
        return False

    def allowed(documents: list[worlds.Document]) -> bool:
        return worlds.speaks(documents, "Allow", *asked)

    if not all(allowed(level) for level in levels):
        return False
    limits = [[given["boundary"]]] if "boundary" in given else []
    limits += [given["session"]] if "session" in given else []
    within = all(allowed(limit) for limit in limits)
    identity = allowed(given["identity"]) and within
    if cross:
        return identity and allowed(resource(account))
    direct = allowed(resource({"*"} if exact is None else {exact, "*"}))
    return identity or direct or (within and allowed(resource({*who, "*"})))


@pytest.mark.parametrize("seed", range(3))
def test_every_layer_together(seed: int) -> None:
    chance = random.Random(seed)
    answers: Counter[Answer] = Counter()
    for _ in range(1200):
        given, caller, cross = policies_of(chance), chance.choice(CALLERS), chance.random() < 0.3
        action, resource = chance.choice(worlds.ACTIONS), chance.choice(worlds.RESOURCES)
        held = worlds.context(chance)
        name = caller if isinstance(caller, str) else caller["AWS"]
        session = None if isinstance(caller, str) else caller["session"]
        request = {
            "principal": caller,
            "action": action,
            "resource": resource,
            "resource_account": AWAY if cross else HOME,
            "context": held,
            "context_complete": True,
            "policies": given,
        }
        exact = session or (name if name == USER else None)
        truth = expected(given, {name, session} - {None}, exact, cross, (action, resource, held))
        decision = evaluate_document(request)
        assert decision.answer is (Answer.ALLOWED if truth else Answer.DENIED), (request, decision)
        if truth:
            assert {item.effect for item in decision.deciding} == {"Allow"}
        answers[decision.answer] += 1
    assert min(answers.values()) > 50
