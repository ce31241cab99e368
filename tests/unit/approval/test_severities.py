"""What the verifier knows of rules, without reading any: it agrees with the rules themselves."""

from __future__ import annotations

from provisioner.model.findings import ABSOLUTE, SHIPPED
from provisioner.policy.table import RULES


def test_what_the_verifier_knows_of_the_rules_is_what_they_say() -> None:
    assert {rule.id: (rule.level, rule.surface.value) for rule in RULES} == {
        rule: (known.level, known.surface) for rule, known in SHIPPED.items()
    }, "model/findings.py: SHIPPED and policy/table.py must say the same"
    assert {rule.id for rule in RULES if rule.absolute} == ABSOLUTE
