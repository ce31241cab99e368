"""What came into the root later is left out where it says nothing: older roots keep their digest and their pin."""

from __future__ import annotations

from dataclasses import replace

import pytest
import scenario as s

from provisioner.approval.root import RootError, make_root, parse_root, pin, root_value
from provisioner.approval.root_changes import compare
from provisioner.approval.root_checks import problems

DATA = s.root_data()


def with_accounts(**accounts: tuple[str, ...]) -> s.RootData:
    people = {name: replace(who, accounts=accounts.get(name, ())) for name, who in DATA.people.items()}
    return replace(DATA, people=people)


def test_without_accounts_the_bytes_are_those_of_the_first_version() -> None:
    assert "accounts" not in root_value(DATA)["people"]["alice"]
    body = make_root(DATA).body()
    assert parse_root(body).data == DATA
    body["data"]["people"]["alice"]["accounts"] = []
    with pytest.raises(RootError, match="unknown fields or leaves out"):
        parse_root(body)


def test_accounts_are_bound_by_digest_and_pin_and_are_a_governance_change() -> None:
    root, wide = make_root(DATA), make_root(with_accounts(alice=("github:alice",)))
    assert root.digest != wide.digest and pin(root) != pin(wide)
    assert parse_root(wide.body()).data == wide.data
    assert compare(DATA, wide.data) == ["~ person.alice: accounts: none → github:alice"]


def test_an_account_leads_to_one_person() -> None:
    found = problems(with_accounts(alice=("github:Same",), bob=("github:same",)))
    assert [item.code for item in found] == ["E-ACCOUNT-TWICE"]
