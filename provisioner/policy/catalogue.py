"""Framework references by rule: versioned data in `catalogue.json`, never constants in a rule's code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`frameworks` maps the start of a reference (`NHI`) to the framework's name and edition."""

    version: str
    frameworks: Mapping[str, str]
    rules: Mapping[str, tuple[str, ...]]

    def framework(self, reference: str) -> str | None:
        """The framework that a reference such as `NHI5` or `NIST AI RMF GOVERN 2.1` is in."""
        starts = [start for start in self.frameworks if reference.startswith(start)]
        return self.frameworks[max(starts, key=len)] if starts else None


@cache
def catalogue() -> Catalogue:
    """The catalogue that this version ships."""
    data = json.loads(resources.files(__package__).joinpath("catalogue.json").read_text(encoding="utf-8"))
    rules = {rule: tuple(references) for rule, references in data["rules"].items()}
    return Catalogue(data["version"], data["frameworks"], rules)
