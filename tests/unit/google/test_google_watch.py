"""What a provider block watches goes into the signed plan, and from there to an apply's reader."""

from __future__ import annotations

import json

import pytest
from google_workspace import PROJECT, agent, authority

from provisioner import canonical, planfile
from provisioner.model.findings import TestSummary
from provisioner.model.plan import Plan, PlanNotes, PlanTarget, RootReference
from provisioner.workflow.applying import target_of

WATCH = ("projects/acme-data-prod", "folders/345678901234")


def plan(*watch: str) -> Plan:
    target = PlanTarget("google", PROJECT, "google", "prod", watch)
    return Plan(
        "acme", 0, RootReference(1, "sha256:r"), (target,), (), (), (), (), (), (), TestSummary(), (), (), (), ()
    )


def test_the_target_of_a_provider_block_says_what_it_watches() -> None:
    made = authority([agent("triage")], watch=WATCH)
    assert made.targets["google"].watch == WATCH


def test_a_plan_keeps_it_and_an_apply_gets_it_back() -> None:
    read = planfile.decode(planfile.encode(plan(*WATCH), PlanNotes())).plan
    assert target_of(read.targets[0]).watch == WATCH
    assert planfile.seal(plan(*WATCH), PlanNotes()).digest != planfile.seal(plan(), PlanNotes()).digest


def test_a_plan_that_watches_nothing_has_the_form_of_older_plans() -> None:
    assert "watch" not in json.loads(planfile.plan_bytes(plan()))["targets"][0]
    file = json.loads(planfile.encode(plan(), PlanNotes()))
    file["plan"]["targets"][0]["watch"] = []
    with pytest.raises(planfile.PlanFileError):
        planfile.decode(canonical.dumps(file))
