"""Plans and applies desired resources with the Google provider alone, on the emulator; as a principal where one is
named. Pauses take no time, but move the emulator's clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from google.oauth2.credentials import Credentials
from google_workspace import PROJECT
from provisioner_google import provider
from provisioner_google.client import Project
from provisioner_google.writer import GoogleWriter

from provisioner.model.authority import Target
from provisioner.model.changes import Change, Effect, Operation, Status
from provisioner.model.resources import Address, Desired, Snapshot
from provisioner.planning.diff import compare
from provisioner.planning.order import order
from provisioner.sdk.provider import Connection, Scope

KINDS = {"google": provider.schema().kinds}


class Runner:
    """One runner of a workspace. `config` is what its provider block says; `caller` whose token it sends."""

    def __init__(
        self, cloud: Any, workspace: str, projects: Sequence[str] = (PROJECT,), caller: str = "", **config: Any
    ) -> None:
        self.cloud = cloud
        self.workspace = workspace
        connections = [
            Connection(
                Target(
                    "google" if one == projects[0] else f"google.{one}",
                    "google",
                    one,
                    "prod",
                    tuple(config.get("watch", ())),
                ),
                {"endpoint": cloud.endpoint, "credentials": "sandbox"},
                config=config,
            )
            for one in projects
        ]
        self.writer = GoogleWriter(connections, sleep=self._sleep)
        for project in self.writer._projects.values():
            _as(project, caller)

    def _sleep(self, seconds: float) -> None:
        self.cloud.clock.advance(seconds)

    def read(
        self,
        desired: Iterable[Desired],
        agents: frozenset[str] | None = None,
        made: frozenset[Address] = frozenset(),
    ) -> Snapshot:
        addresses = frozenset(item.resource.address for item in desired)
        return self.writer.read(Scope(self.workspace, addresses, agents, made=made))

    def operations(self, desired: Sequence[Desired], made: frozenset[Address] = frozenset()) -> tuple[Operation, ...]:
        """What a plan would do, in its order."""
        snapshot = self.read(desired, made=made)
        assert snapshot.coverage.complete, snapshot.coverage.gaps
        differences = compare(self.workspace, desired, snapshot.resources, KINDS)
        assert differences.diagnostics == ()
        out: list[Operation] = []
        for number, item in enumerate(differences.found, start=1):
            one = item.desired.resource if item.desired is not None else item.live
            assert one is not None
            before = item.live.attributes if item.live is not None else None
            after = item.desired.resource.attributes if item.desired is not None else None
            change = Change(
                number, item.action, one.address, "it", one.agent, None, (), {}, Effect.WIDER, (), (), "",
                before, after, item.fields,
            )  # fmt: skip
            out += [replace(operation, agent=one.agent) for operation in provider.operations(change)]
        live = {resource.address: resource for resource in snapshot.resources}
        wanted = {item.resource.address: item.resource for item in desired}
        return order(out, live, wanted, lambda operation: provider.rank(operation, True))

    def apply(self, desired: Sequence[Desired], made: frozenset[Address] = frozenset()) -> tuple[Operation, ...]:
        """Carry everything out; what was done."""
        done = self.operations(desired, made)
        for operation in done:
            outcome = self.writer.execute(operation, lambda: None)
            assert outcome.status in (Status.DONE, Status.ALREADY), (operation.verb, outcome)
        return done


def _as(project: Project, caller: str) -> None:
    """Have the project send the caller's token, which in the emulator is the principal's name."""
    if caller:
        project._credentials = lambda: Credentials(token=caller)  # type: ignore[method-assign]
