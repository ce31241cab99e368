"""Live state of every project of a run. A read that fails is a gap, never an absence."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from provisioner.model.resources import Coverage, Gap, Resource, Snapshot
from provisioner.sdk.provider import Connection, Scope

from .client import READ_SECONDS, WORKERS, Project
from .gather import Gathered, Gatherer
from .hierarchy import Shared

PROJECTS = 8
"""Projects read side by side: each has a thread that puts together what its calls find. The calls themselves run in
`WORKERS` threads for all of them."""

NOT_LOOKED_AT = (
    "policies of resources that nothing declares or watches, deny policies and access boundaries that are not ours,"
    " grants to groups, domains and allUsers, organization policies, service agents, tokens already issued"
)


class GoogleReader:
    """Read-only access to the projects of one run. `sleep` and `read_seconds` (time-out of one call) are for tests."""

    def __init__(
        self,
        connections: Sequence[Connection],
        read_seconds: float = READ_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        projects: dict[str, Project] = {}
        for connection in sorted(connections, key=lambda item: item.target.key):
            projects.setdefault(connection.target.id, Project(connection, read_seconds, sleep))
        self._projects = projects

    @property
    def calls(self) -> dict[str, int]:
        """Requests so far, by target."""
        return {f"google:{project.id}": project.calls for project in self._projects.values()}

    def identify(self) -> None:
        """Raise CloudError unless every project is the declared one."""
        with ThreadPoolExecutor(PROJECTS) as pool:
            list(pool.map(Project.identify, self._projects.values()))

    def read(self, scope: Scope) -> Snapshot:
        """Live state of the scope in every project, side by side."""

        shared = Shared(name for project in self._projects.values() for name in (project.id, project.number) if name)

        with ThreadPoolExecutor(WORKERS) as calls, ThreadPoolExecutor(PROJECTS) as pool:

            def one(project: Project) -> Gathered:
                return Gatherer(project, scope, shared).run(calls)

            gathered = list(pool.map(one, self._projects.values()))
        resources: list[Resource] = []
        gaps: list[Gap] = []
        unseen: list[str] = []
        for found in gathered:
            resources += found.resources.values()
            gaps += found.gaps
            unseen += (f"google {found.project}: {what}" for what in (NOT_LOOKED_AT, *sorted(set(found.unseen))))
        coverage = Coverage(
            targets=tuple(f"google:{project}" for project in sorted(self._projects)),
            gaps=tuple(sorted(gaps, key=lambda gap: (gap.target, gap.what, gap.reason))),
            not_looked_at=tuple(unseen),
            calls=self.calls,
        )
        return Snapshot(tuple(sorted(resources, key=lambda resource: resource.address)), coverage)
