"""What a provider brings to be run here as an embedded cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from ..registry import Registry


@runtime_checkable
class SandboxCloud(Protocol):
    """A cloud that runs as a server on this machine, for trying and testing. `name` is the provider's."""

    name: str

    def command(self, port: int, token: str) -> tuple[str, ...]:
        """The command line of the foreground server on a port of the loopback interface."""

    def settings(self, port: int) -> Mapping[str, str]:
        """The runner file's keys for a provider that is this sandbox."""

    def healthy(self, port: int, token: str) -> bool:
        """True when the server at `port` is the one that was started with `token`."""

    def reset(self, port: int) -> bool:
        """Forget every resource. False when nothing answers."""


@runtime_checkable
class HostedCloud(SandboxCloud, Protocol):
    """A cloud that can share its process with others: what one `sandbox up` starts is then one process."""

    def run(self, port: int, token: str) -> None:
        """Serve on a port of the loopback interface until the process ends; on any thread. Raises OSError when the
        port is taken."""


def installed_clouds(registry: Registry) -> dict[str, SandboxCloud]:
    """The clouds of the installed providers that have one, by provider name."""
    found: dict[str, SandboxCloud] = {}
    for name in registry.names:
        make = getattr(registry.provider(name), "sandbox", None)
        if make is not None:
            found[name] = make()
    return found
