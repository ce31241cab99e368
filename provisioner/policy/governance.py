"""Rules about who answers for what: owners, inventory, offboarding, tests, exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ..model.changes import Action
from ..model.findings import Finding
from .facts import Facts, finding

LONGEST_EXCEPTION = 90
"""Days."""
SOON = 14
"""Days before its end that an exception is warned of."""


def one_owner(facts: Facts) -> Iterator[Finding]:
    for change in facts.changes:
        for surface in change.surfaces:
            if surface.value not in change.owners:
                yield finding(
                    "OWN-1",
                    change.block or str(change.address),
                    f"change {change.number} touches {surface.value}, which the trust root gives not exactly one owner",
                    f'give one control_owner default_for = ["{surface.value}"], or name the owner on the agent or tool',
                    agent=change.agent,
                    changes=(change.number,),
                )


def consolidated(facts: Facts) -> Iterator[Finding]:
    held: dict[str, set[str]] = {}
    for owner in facts.owners.values():
        if len(set(owner.signers)) == 1:
            held.setdefault(owner.signers[0], set()).update(owner.surfaces)
    for person, surfaces in sorted(held.items()):
        if len(surfaces) > 1:
            yield finding(
                "OWN-2",
                f"person.{person}",
                f"person.{person} is the only signer of {', '.join(sorted(surfaces))}",
                "add a second signer to one of these control owners, or accept that one person decides alone",
            )


def inventory(facts: Facts) -> Iterator[Finding]:
    for agent in facts.configuration.agents.values():
        if agent.name not in facts.scope:
            continue
        wanted = {
            "purpose": agent.purpose,
            "sponsor": agent.sponsor,
            "environment": agent.environment,
            "review_by": agent.review_by,
        }
        lacking = [name for name, value in wanted.items() if not value]
        if lacking:
            message = f"{agent.address} has no {', '.join(lacking)}"
            yield finding("INV-1", agent.address, message, "write it down", agent=agent.name)
        if agent.review_by and date.fromisoformat(agent.review_by) < facts.today:
            yield finding(
                "INV-1",
                agent.address,
                f"the review of {agent.address} was due on {agent.review_by}",
                "review the agent with its sponsor and set a later review_by",
                agent=agent.name,
            )


def nothing_left(facts: Facts) -> Iterator[Finding]:
    """An agent whose principal goes leaves nothing of itself behind."""
    gone = {
        change.agent: change.number
        for change in facts.changes
        if change.action is Action.DELETE
        and change.agent is not None
        and facts.kinds[change.address.provider][change.address.kind].principal
    }
    for address, resource in sorted(facts.after.items()):
        kind = facts.kinds[address.provider][address.kind]
        number = gone.get(resource.agent or "")
        if number is not None and not kind.observed and not _still_there(facts, resource.agent, address.provider):
            yield finding(
                "OFF-1",
                str(address),
                f"agent.{resource.agent} is deleted, and {kind.noun} {address.name} would be left behind",
                "plan without -target, so that everything of the agent goes with it",
                agent=resource.agent,
                changes=(number,),
            )


def _still_there(facts: Facts, agent: str | None, provider: str) -> bool:
    return any(
        resource.agent == agent and address.provider == provider and facts.kinds[provider][address.kind].principal
        for address, resource in facts.after.items()
    )


def tests(facts: Facts) -> Iterator[Finding]:
    seen: dict[str, set[str]] = {}
    for result in facts.tests:
        if result.passed and result.expect == "denied":
            seen.setdefault(result.agent, set()).add(result.surface)
        if not result.passed:
            what = f"expected {result.expect}, got {result.got}"
            lacks = f" (missing: {', '.join(result.missing)})" if result.missing else ""
            yield finding(
                "TST-1",
                f"{result.test} {result.case}".strip(),
                f"{result.test} {result.case} on agent.{result.agent}: {what}{lacks}",
                "narrow what the plan gives, or correct the test; removing a test is a governance change",
                agent=result.agent,
            )
    for agent in facts.configuration.agents.values():
        lacking = {"identity", "tool_access", "runtime"} - seen.get(agent.name, set())
        if agent.name in facts.probed and lacking:
            yield finding(
                "TST-1",
                agent.address,
                f"{agent.address} has no passing denied-test for {', '.join(sorted(lacking))}",
                "add a test block that shows what this agent must not be able to do",
                agent=agent.name,
            )


def exceptions(facts: Facts) -> Iterator[Finding]:
    """Exceptions end, and soon. Renewal by two signers is held by the requirements of the plan that brings it."""
    for item in facts.configuration.exceptions.values():
        days = (date.fromisoformat(item.expires) - facts.today).days
        if days <= 0:
            yield finding(
                "EXC-1",
                item.address,
                f"{item.address} ended on {item.expires}",
                f"remove the block and what it excused, or renew it with two signers of {item.accepted_by}",
            )
        elif days > LONGEST_EXCEPTION and item.address not in facts.known_exceptions:
            yield finding(
                "EXC-1",
                item.address,
                f"{item.address} would last {days} days; an exception lasts {LONGEST_EXCEPTION} at most",
                "choose an earlier day, and renew it then if it is needed still",
            )


def ending(facts: Facts) -> Iterator[Finding]:
    """Told ahead, so that nobody is surprised by a plan that blocks."""
    for kind, items in (("exception", facts.configuration.exceptions), ("baseline", facts.configuration.baselines)):
        for item in items.values():
            days = (date.fromisoformat(item.expires) - facts.today).days
            if 0 < days <= SOON:
                yield finding(
                    "EXC-2",
                    item.address,
                    f"{item.address} ends on {item.expires}",
                    f"mend what it excuses before that day, or renew the {kind}",
                )
