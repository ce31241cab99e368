"""What AWS would refuse or cannot enforce, found without reading anything."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.model.authority import Authority
from provisioner.model.diagnostics import Diagnostic

from .compile import agent_place, aws_agents
from .trust import check_runtime


def validate(authority: Authority) -> Iterable[Diagnostic]:
    for agent in aws_agents(authority):
        yield from check_runtime(agent, agent_place(authority, agent))
