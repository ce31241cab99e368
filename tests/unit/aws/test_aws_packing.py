"""Grants that outgrow the inline space: where each goes, and that little moves when one comes or goes."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
from aws_workspace import agent, at, authority, block, boundary, grant, statement, tool
from provisioner_aws import provider
from provisioner_aws.limits import LIMITS
from provisioner_aws.packing import Item, pack
from provisioner_aws.policy.canonical import size

from provisioner.model.changes import ABSENT, Action, Change, Effect
from provisioner.model.configuration import Delegation, Identity
from provisioner.sdk.digests import state_digest

GOLDEN = Path(__file__).parents[2] / "golden" / "aws" / "packing.json"
INLINE, MANAGED = LIMITS["inline"].most, LIMITS["managed"].most


def items(count: int, size_: int = 700, owner: str = "api") -> list[Item]:
    return [Item(f"grant_{n:03}", owner, size_ + n % 7) for n in range(count)]


def places(found) -> dict[str, str]:
    return dict.fromkeys(found.inline, "inline") | {n: pack_ for pack_, names in found.packs.items() for n in names}


def test_what_fits_stays_inline():
    found = pack([Item("a", "api", INLINE - 1), Item("b", "api", 1)], INLINE, MANAGED)
    assert (found.inline, found.packs, found.overflow) == (("a", "b"), {}, 0)


def test_one_character_more_moves_the_largest():
    found = pack([Item("a", "api", 6000), Item("b", "api", 4000), Item("c", "api", 241)], INLINE, MANAGED)
    assert found.inline == ("b", "c")
    assert found.packs == {"api-0": ("a",)}


def test_what_is_too_large_for_a_managed_policy_stays_inline():
    found = pack([Item("a", "api", MANAGED + 1), Item("b", "api", 5000)], INLINE, MANAGED)
    assert found.inline == ("a",)
    assert found.packs == {"api-0": ("b",)}


def test_what_fits_nowhere_is_counted():
    found = pack([Item("a", "api", INLINE, movable=False), Item("b", "api", 7, movable=False)], INLINE, MANAGED)
    assert found.overflow == 7


def test_two_owners_share_no_policy():
    found = pack([*items(20), *(Item(f"x{n}", "finance", 900) for n in range(20))], INLINE, MANAGED)
    owners = {name: "api" for name in places(found) if name.startswith("grant")}
    for label, names in found.packs.items():
        assert {owners.get(name, "finance") for name in names} == {label.partition("-")[0]}


@pytest.mark.parametrize("count", [30, 60, 90])
def test_nothing_exceeds_its_limit_and_nothing_is_lost(count):
    given = items(count)
    sizes = {item.name: item.size for item in given}
    found = pack(given, INLINE, MANAGED)
    assert sum(sizes[name] for name in found.inline) <= INLINE
    assert all(sum(sizes[name] for name in names) <= MANAGED for names in found.packs.values())
    assert sorted(places(found)) == sorted(sizes)
    random.Random(1).shuffle(given)
    assert pack(given, INLINE, MANAGED) == found


def test_one_grant_more_moves_few():
    """Over many workspaces: adding one grant changes the place of a small part of the others."""
    moved = []
    for seed in range(40):
        chance = random.Random(seed)
        given = [Item(f"g{seed}_{n}", "api", chance.randrange(200, 1500)) for n in range(40)]
        before = places(pack(given, INLINE, MANAGED))
        after = places(pack([*given, Item(f"new{seed}", "api", 800)], INLINE, MANAGED))
        moved.append(sum(before[name] != after[name] for name in before))
    assert sorted(moved)[len(moved) // 2] <= 2, "the median"
    assert max(moved) < 20, "a policy that splits keeps a half, and the others are untouched"


def big(count: int):
    """`count` grants of about 1,500 characters each for one agent."""
    tools = [
        tool(f"t{n:02}", statement(["s3:GetObject"], [f"arn:aws:s3:::bucket-{n:02}-{i:03}/*" for i in range(50)]))
        for n in range(count)
    ]
    return authority([agent("a")], tools, [grant(f"g{n:02}", ["a"], [f"t{n:02}"]) for n in range(count)])


def compiled(count: int) -> dict[str, object]:
    out: dict[str, object] = {}
    for item in provider.compile(big(count)):
        kind, name = item.resource.address.kind, item.resource.address.name
        if kind in ("iam_role_policy", "iam_role_pack"):
            out[f"{kind} {name}"] = {"label": item.label, "owners": dict(item.owners), "tools": list(item.tools)}
    return out


def test_golden():
    found = {str(count): compiled(count) for count in (6, 8, 9, 20)}
    text = json.dumps(found, indent=2, sort_keys=True) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert GOLDEN.read_text() == text


def test_every_document_is_within_its_limit():
    resources = [item.resource for item in provider.compile(big(20))]
    inline = [r for r in resources if r.address.kind == "iam_role_policy"]
    packs = [r for r in resources if r.address.kind == "iam_role_pack"]
    assert sum(size(r.attributes["document"]) for r in inline) <= INLINE
    assert len(packs) > 1
    assert all(size(r.attributes["document"]) <= MANAGED for r in packs)
    granted = {
        x
        for r in resources
        if "document" in r.attributes
        for s in r.attributes["document"]["Statement"]
        for x in s.get("Resource", ())
        if x != "*"
    }
    assert len(granted) == 20 * 50


class TestWhatStandsBesideTheGrants:
    """Delegations and an adopted role's old policies take inline space too, and stay there."""

    def asking(self, count: int, functions: int, grants: int = 6):
        called = block("runtime", "lambda", functions=tuple(f"function-{n:03}" for n in range(functions)))
        wide = boundary(allow=("s3:*", "lambda:*"))
        of = big(grants)
        of = authority(
            [agent("a"), agent("do", called)],
            of.configuration.tools.values(),
            of.configuration.grants.values(),
            boundaries=[wide],
        )
        made = [
            Delegation(f"delegation.d{n}", f"d{n}", ("a",), "do", "invoke", None, range=at(30)) for n in range(count)
        ]
        configuration = replace(of.configuration, delegations={item.address: item for item in made})
        return replace(of, configuration=configuration)

    def inline(self, of):
        return [
            item.resource
            for item in provider.compile(of)
            if item.resource.address.kind == "iam_role_policy" and item.resource.agent == "a"
        ]

    def test_a_delegation_makes_grants_move(self):
        alone = self.inline(self.asking(0, 0))
        assert len(alone) == 6
        of = self.asking(1, 60)
        found = self.inline(of)
        assert [item for item in provider.validate(of) if item.is_error] == []
        assert "ws-a/delegation-d0" in {item.address.name for item in found}
        assert sum(size(item.attributes["document"]) for item in found) <= INLINE
        assert len(found) < 1 + len(alone), "some of the grants stand in a managed policy now"
        assert self.inline(of) == found

    def test_delegations_that_alone_are_too_large_are_an_error_that_names_them(self):
        of = self.asking(2, 100, grants=1)
        (problem,) = [item for item in provider.validate(of) if item.is_error]
        assert problem.code == "E-AWS-SIZE" and "granted inline" in problem.summary
        assert "delegation-d0" in problem.detail and "delegation-d1" in problem.detail

    def test_an_agent_without_grants_is_judged_too(self):
        of = self.asking(2, 100, grants=0)
        assert [item.code for item in provider.validate(of) if item.is_error] == ["E-AWS-SIZE"]

    def test_old_policies_of_an_adopted_role_count(self):
        resources = [f"arn:aws:s3:::old-{n:03}/{'x' * 40}/*" for n in range(80)]
        old = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resources}],
        }
        kept = block("policy", "old", document=json.dumps(old))
        trust = '{"Version":"2012-10-17","Statement":[]}'
        of = big(6)
        adopted = agent("a", block("runtime", "adopted", trust=trust))
        adopted = replace(adopted, identities={"aws": Identity("aws", "aws", block("identity", "aws", blocks=[kept]))})
        of = authority([adopted], of.configuration.tools.values(), of.configuration.grants.values())
        found = self.inline(of)
        assert "ws-a/old" in {item.address.name for item in found}
        assert sum(size(item.attributes["document"]) for item in found) <= INLINE


def change(before, after) -> Change:
    one = before or after
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    sides = [side.attributes if side else None for side in (before, after)]
    return Change(1, action, one.address, "it", "a", None, (), {}, Effect.WIDER, (), (), "", *sides)


def a_pack():
    return next(i.resource for i in provider.compile(big(8)) if i.resource.address.kind == "iam_role_pack")


class TestOperations:
    def verbs(self, made):
        return [operation.verb.removeprefix("iam:") for operation in made]

    def test_it_is_made_without_effect_then_attached(self):
        pack_ = a_pack()
        made = provider.operations(change(None, pack_))
        assert self.verbs(made) == ["CreatePolicy", "AttachRolePolicy"]
        assert made[0].before == ABSENT
        assert made[1].depends == (made[0].id,)
        assert made[1].after == state_digest(pack_.attributes, ("document", "is_attached"))
        assert [provider.rank(operation, True) for operation in made] == [10, 50]

    def test_it_is_detached_then_deleted(self):
        made = provider.operations(change(a_pack(), None))
        assert self.verbs(made) == ["DetachRolePolicy", "DeletePolicy"]
        assert made[1].after == ABSENT
        assert "iam:DeletePolicyVersion" in made[1].permissions

    def test_what_was_taken_off_the_role_is_put_back(self):
        pack_ = a_pack()
        loose = replace(pack_, attributes={**pack_.attributes, "is_attached": False})
        assert self.verbs(provider.operations(change(loose, pack_))) == ["AttachRolePolicy"]
        assert self.verbs(provider.operations(change(loose, None))) == ["DeletePolicy"]

    def test_another_document_is_another_version(self):
        pack_ = a_pack()
        other = replace(pack_, attributes={**pack_.attributes, "document": {"Version": "2012-10-17", "Statement": []}})
        (made,) = provider.operations(change(other, pack_))
        assert made.verb == "iam:CreatePolicyVersion"
        assert provider.rank(made, True) == 50 and provider.rank(made, False) == 20
