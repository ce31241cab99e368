"""Finds installed providers by their entry point and loads only those that a configuration names."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import cast

from .sdk.provider import Provider
from .sdk.schema import ProviderSchema

GROUP = "provisioner.providers"


class Registry:
    """Providers by name. Loading one imports its package, which must not import a cloud's library."""

    def __init__(self) -> None:
        self._points: dict[str, EntryPoint] | None = None
        self._loaded: dict[str, Provider] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Every installed provider, sorted."""
        return tuple(sorted(self._entry_points()))

    def provider(self, name: str) -> Provider | None:
        """The provider of that name; None when none is installed."""
        if name not in self._loaded:
            point = self._entry_points().get(name)
            if point is None:
                return None
            self._loaded[name] = cast(Provider, point.load())
        return self._loaded[name]

    def all(self) -> dict[str, Provider]:
        """Every installed provider, loaded."""
        return {name: provider for name in self.names if (provider := self.provider(name)) is not None}

    def schema(self, name: str) -> ProviderSchema | None:
        """The schema of that provider; None when none is installed."""
        provider = self.provider(name)
        return None if provider is None else provider.schema()

    def _entry_points(self) -> dict[str, EntryPoint]:
        if self._points is None:
            self._points = {point.name: point for point in entry_points(group=GROUP)}
        return self._points
