"""The version of the tool."""

from __future__ import annotations


def installed() -> str:
    """The installed version, as `provisioner version` prints it and as plans note it."""
    from importlib.metadata import version

    return version("agent-provisioner")
