"""When a relative expiry ends: what the resource has, but never later than a grant of today would get."""

from datetime import UTC, datetime

import pytest

from provisioner.compile.authority import grant_parts
from provisioner.model.configuration import (
    Agent,
    Configuration,
    Expiry,
    Grant,
    LedgerConfig,
    Session,
    Settings,
    Tool,
    Workspace,
)

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
DAYS_90 = 90 * 86400


def one_grant(expiry: Expiry | None) -> Configuration:
    """An agent, a tool, and the grant that joins them."""
    agent = Agent(
        "agent.triage", "triage", None, None, "trusted", None, None, None, {}, Session(), Settings("runtime"), {}
    )
    tool = Tool("tool.inbox", "inbox", "reads", None, "internal", "read", {})
    grant = Grant("grant.reads", "reads", ("triage",), ("tool.inbox",), expiry, None)
    workspace = Workspace("w", LedgerConfig("local", {}))
    return Configuration(workspace, {}, {}, {}, {}, {tool.address: tool}, {"triage": agent}, {grant.address: grant}, {})


@pytest.mark.parametrize(
    ("expiry", "in_force", "ends"),
    [
        (None, None, None),
        (Expiry(at="2027-02-01T00:00:00Z"), None, "2027-02-01T00:00:00Z"),
        (Expiry(at="2027-02-01T00:00:00Z"), "2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z"),
        (Expiry(after_seconds=DAYS_90), None, "2027-02-22T00:00:00Z"),
        (Expiry(after_seconds=DAYS_90), "2026-12-24T00:00:00Z", "2026-12-24T00:00:00Z"),
        # Somebody moved the end in the cloud, or the configuration became shorter: both end when a new one would.
        (Expiry(after_seconds=DAYS_90), "2099-01-01T00:00:00Z", "2027-02-22T00:00:00Z"),
        (Expiry(after_seconds=DAYS_90), "9", "2027-02-22T00:00:00Z"),
        (Expiry(after_seconds=DAYS_90), "\x1b[2J", "2027-02-22T00:00:00Z"),
    ],
)
def test_when_a_grant_ends(expiry: Expiry | None, in_force: str | None, ends: str | None) -> None:
    configuration = one_grant(expiry)
    known = {("triage", "reads"): in_force} if in_force else {}
    (part,) = grant_parts(configuration, lambda agent, tool: "api", known, NOW)
    assert part.expires == ends
