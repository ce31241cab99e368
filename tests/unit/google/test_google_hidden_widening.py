"""What looks narrower on Google Cloud and is not, and what deny policies leave out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google_workspace import BUCKET, PROJECT, agent, authority, boundary, custom, github, github_federation, grant, tool
from provisioner_google import provider, schema
from provisioner_google.bindings import Tuple, address
from provisioner_google.policy import cel

from provisioner.model.changes import Action, Change, Effect
from provisioner.model.requests import Answer, Attempt, World
from provisioner.model.resources import Address, Resource

GET, DENIED = "storage.objects.get", "storage.googleapis.com/objects.get"
EMAIL = f"acme-a@{PROJECT}.iam.gserviceaccount.com"
MEMBER = f"principal://iam.googleapis.com/projects/-/serviceAccounts/{EMAIL}"
EVERYBODY = "principalSet://goog/public:all"
HERE = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"


def change_of(old: Resource | None, new: Resource | None) -> Change:
    one = new or old
    assert one is not None
    action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
    before, after = (None if side is None else side.attributes for side in (old, new))
    return Change(1, action, one.address, "", one.agent, None, (), {}, Effect.UNKNOWN, (), (), "", before, after, ())


def given(condition: str) -> Resource:
    written = {"title": "x", "description": "", "expression": condition}
    item = Tuple(HERE, "roles/storage.objectViewer", f"serviceAccount:{EMAIL}", written)
    anchor = Address("google", PROJECT, schema.ACCOUNT, "acme-a")
    return Resource(address(schema.BINDING, PROJECT, "a", item), item.attributes(), agent="a", parent=anchor)


def effect(old: str, new: str) -> Effect:
    return provider.assess(change_of(given(old), given(new)), World({}), World({})).effect


NAME = "resource.name.startsWith"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rf'{NAME}("\x61")', f'{NAME}("x61b")'),  # \x61 is an a
        (rf'{NAME}("\141")', f'{NAME}("141b")'),
        (rf'{NAME}("\U00000061")', f'{NAME}("U00000061b")'),
        (rf'{NAME}("\d")', f'{NAME}("db")'),  # no such escape: nothing is concluded
        (
            r"resource.name == r'\'",
            r"""resource.name == r'\' || true || resource.name == '"' && resource.name == ''""",
        ),
        (f'{NAME}("a") // || false', f'{NAME}("ab")'),
        (f'!(!({NAME}("a/")))', f'!({NAME}("b/"))'),
        (f'({NAME}("a") && !({NAME}("ab")))', f'({NAME}("a") && !(!({NAME}("a"))))'),
        (f'{NAME}("a") && resource.matchTag("1/env", "test")', f'{NAME}("a") || resource.matchTag("1/env", "test")'),
        ('resource.name.extract("/b/{x}/") == "a"', 'resource.name.extract("/{x}/") == "a"'),
        ('resource.type == "a"', 'resource.type != "a"'),
    ],
)
def test_a_condition_that_lets_more_pass_is_never_called_narrower(old: str, new: str) -> None:
    assert effect(old, new) in (Effect.WIDER, Effect.UNKNOWN)
    assert not provider.narrows(change_of(given(old), given(new)))


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (r'"\x41\101\u0041\U00000041"', "AAAA"),
        (r"""'\\\'\"\?\`'""", """\\'"?`"""),
        (r'"\a\b\f\n\r\t\v"', "\a\b\f\n\r\t\v"),
        (r"r'\'", "\\"),
        (r'R"\x41"', r"\x41"),
        ("'\\x4'", None),
        (r"'\ud800'", None),
        (r"'\U00110000'", None),
        ("'a\nb'", None),
        ('"""a"""', None),
    ],
)
def test_literals(text: str, means: str | None) -> None:
    assert (cel.parse(text).value if means is not None else cel.syntax_error(text) != "") == (means or True)


BOUNDED = authority(
    [agent("a")], [tool("t", custom("x", GET))], [grant("g", ["a"], ["t"])],
    boundaries=[boundary(deny=(GET,), resources=(f"projects/{PROJECT}",))],
    organization="123456789012",
)  # fmt: skip
WORLD = World({item.resource.address: item.resource for item in provider.compile(BOUNDED)})


def only(kind: str) -> Resource:
    (found,) = [resource for resource in WORLD.resources.values() if resource.address.kind == kind]
    return found


def test_a_second_access_boundary_adds_to_what_the_first_lets() -> None:
    binding = only(schema.ACCESS_BOUNDARY_BINDING)
    alone = World({a: r for a, r in WORLD.resources.items() if a != binding.address})
    assert provider.assess(change_of(None, binding), alone, WORLD).effect is Effect.NARROWER
    second = replace(binding, address=replace(binding.address, name="second"))
    found = provider.assess(change_of(None, second), WORLD, World({**WORLD.resources, second.address: second}))
    assert found.effect is Effect.UNKNOWN and "another access boundary" in found.reason
    assert not provider.narrows(change_of(None, second)), "nobody signs for it who does not see it"


def test_a_role_that_is_granted_before_it_is_there() -> None:
    role = only(schema.CUSTOM_ROLE)
    waiting = World({a: r for a, r in WORLD.resources.items() if a != role.address})
    found = provider.assess(change_of(None, role), waiting, WORLD)
    assert found.effect is Effect.WIDER and found.can == (f"{GET}, wherever role {role.address.name} is granted",)
    bare = World({a: r for a, r in waiting.resources.items() if a.kind not in schema.GRANTS})
    assert provider.assess(change_of(None, role), bare, WORLD).effect is Effect.EQUAL


def test_a_provider_whose_condition_is_gone_admits_everybody() -> None:
    ci = agent("a", github(), identity={"federation": "federation.github"})
    found = authority([ci], boundaries=[], federations=[github_federation()])
    (old,) = [i.resource for i in provider.compile(found) if i.resource.address.kind == schema.POOL_PROVIDER]
    new = replace(old, attributes={**old.attributes, "condition": None})
    assert provider.assess(change_of(old, new), World({}), World({})).effect is Effect.WIDER
    assert provider.assess(change_of(new, old), World({}), World({})).effect is Effect.NARROWER


def ask(**rule: Any) -> Answer:
    policy = only(schema.DENY_POLICY)
    changed = replace(policy, attributes={**policy.attributes, "rules": [rule]})
    held = {a: r for a, r in WORLD.resources.items() if not a.kind.startswith("google_principal_access")}
    where = World({**held, changed.address: changed}, "2026-11-24T00:00:00Z")
    asked = {"permission": GET, "resource": f"{BUCKET}/objects/a", "context": {"project": PROJECT}}
    return provider.evaluate(where, Attempt("a", asked)).answer


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"deniedPrincipals": [EVERYBODY]}, Answer.DENIED),
        ({"deniedPrincipals": [MEMBER]}, Answer.DENIED),
        ({"deniedPrincipals": ["principal://goog/subject/ann@acme.example"]}, Answer.ALLOWED),
        ({"deniedPrincipals": [EVERYBODY], "exceptionPrincipals": [MEMBER]}, Answer.ALLOWED),
        # a group, a project's accounts: nobody here knows whether the agent is in them
        ({"deniedPrincipals": [EVERYBODY], "exceptionPrincipals": ["principalSet://goog/group/g@acme.example"]},
         Answer.DEPENDS),
        ({"deniedPrincipals": ["principalSet://goog/group/g@acme.example"]}, Answer.DEPENDS),
        ({"deniedPrincipals":
          ["principalSet://cloudresourcemanager.googleapis.com/projects/42/type/ServiceAccount"]}, Answer.DEPENDS),
        ({"deniedPrincipals": [EVERYBODY], "exceptionPermissions": [DENIED]}, Answer.ALLOWED),
        ({"deniedPrincipals": [EVERYBODY], "deniedPermissions": ["storage.googleapis.com/*.*"],
          "exceptionPermissions": ["storage.googleapis.com/objects.*"]}, Answer.ALLOWED),
        ({"deniedPrincipals": [EVERYBODY], "deniedPermissions": ["storage.googleapis.com/objects.*"]}, Answer.DENIED),
        ({"deniedPrincipals": [EVERYBODY], "denialCondition": {"expression": "resource.matchTag('1/e', 'p')"}},
         Answer.DEPENDS),
    ],
)  # fmt: skip
def test_what_a_deny_rule_leaves_out(rule: dict[str, Any], answer: Answer) -> None:
    assert ask(**{"deniedPermissions": [DENIED], **rule}) is answer
