"""What an agent or a grant asks for that its runtime cannot enforce: an error where it asks itself, else shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from provisioner.model.authority import GrantPart
from provisioner.model.configuration import Agent, Configuration
from provisioner.model.diagnostics import Diagnostic, Severity

from .catalogue import actions_like, takes_resource_tags
from .compile import SESSION_CEILING, SESSION_FLOOR, boundary_of
from .grants import statements_of
from .names import mark_tags
from .runtimes import CAPABILITIES, capabilities, supports
from .trust import runtime_label


def check_sessions(configuration: Configuration, agents: Sequence[Agent]) -> Iterable[Diagnostic]:
    """Session length and attribution."""
    loose: dict[tuple[str, str], list[Agent]] = {}
    for agent in agents:
        runtime = runtime_label(agent.runtime)
        yield from _own_session(agent, runtime)
        boundary = boundary_of(configuration, agent)
        if boundary is None or boundary.max_session_seconds is None:
            continue
        unenforced = not CAPABILITIES[runtime].session_cap or boundary.max_session_seconds < SESSION_FLOOR
        if unenforced and agent.session.max_seconds is None:
            loose.setdefault((boundary.address, runtime), []).append(agent)
    for (address, runtime), concerned in loose.items():
        boundary = configuration.boundaries[address]
        reason = CAPABILITIES[runtime].why if not CAPABILITIES[runtime].session_cap else "IAM's floor is one hour"
        yield Diagnostic(
            "W-AWS-SESSION",
            f"{address}: max_session is not enforceable for runtime {runtime!r}",
            f"{reason[0].upper()}{reason[1:]}. Concerned: {', '.join(agent.address for agent in concerned)}. The role"
            " gets the limit all the same; where it must bind, use a runtime that heeds it.",
            severity=Severity.WARNING,
            subject=boundary.range,
        )


def _own_session(agent: Agent, runtime: str) -> Iterable[Diagnostic]:
    row, seconds = capabilities(agent.runtime), agent.session.max_seconds
    where = agent.session.range or agent.range
    if seconds is not None and not SESSION_FLOOR <= seconds <= SESSION_CEILING:
        yield Diagnostic(
            "E-AWS-SESSION",
            f"{agent.address}: a session of {seconds} seconds is not to be had",
            "IAM takes a MaxSessionDuration between one hour and twelve. Ask for that, or leave it out.",
            subject=where,
        )
    elif seconds is not None and not row.session_cap:
        yield Diagnostic(
            "E-AWS-SESSION",
            f"{agent.address}: its session length cannot be enforced for runtime {runtime!r}",
            f"{row.why[0].upper()}{row.why[1:]}. Take max out, or use another runtime.",
            subject=where,
        )
    attribution = agent.session.attribution
    if attribution is not None and not supports(agent.runtime, attribution):
        yield Diagnostic(
            "E-AWS-ATTRIBUTION",
            f"{agent.address}: runtime {runtime!r} cannot do attribution = {attribution!r}",
            f"{row.why[0].upper()}{row.why[1:]}. The strongest here is"
            f" {row.attribution!r}: ask for that, leave it out, or use another runtime.",
            subject=where,
        )


def check_grant_context(part: GrantPart) -> Iterable[Diagnostic]:
    """`when` of a grant: enforced or refused, never dropped."""
    runtime = runtime_label(part.agent.runtime)
    row = capabilities(part.agent.runtime)
    tags = part.grant.when.get("session_tags") or {}
    own = mark_tags("", part.agent.name, part.agent.address)
    for tag in tags:
        if tag not in row.session_tags or tag in own:
            yield Diagnostic(
                "E-AWS-WHEN",
                f"{part.grant.address}: nothing trusted sets the session tag {tag!r} for {part.agent.address}",
                f"Runtime {runtime!r}: {row.why}. The condition could never be met, or be met by anybody. Take"
                " it out, or grant to an agent whose runtime has a broker that sets the tag.",
                subject=part.grant.range,
            )
    if not part.grant.when.get("resource"):
        return
    for tool in part.tools:
        for statement in statements_of(tool):
            for action in statement.get("actions") or ():
                without = [one for one in actions_like(action) if not takes_resource_tags(one)] if ":" in action else []
                if without or ":" not in action:
                    yield Diagnostic(
                        "E-AWS-WHEN",
                        f"{part.grant.address}: AWS does not tell the resource's tags for {(without or [action])[0]}",
                        f"when {{ resource }} could not be enforced for {action} of {tool.address}. Take it out, or"
                        " split the tool so that the grant holds only actions that carry aws:ResourceTag.",
                        subject=part.grant.range,
                    )
