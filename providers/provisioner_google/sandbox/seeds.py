"""What the cloud holds before anybody makes anything: organisations, folders, projects, and things to grant on."""

from __future__ import annotations

from .errors import Json
from .resources import add_resource
from .state import State

DEFAULT: Json = {
    "organizations": {"123456789012": {"displayName": "acme.example"}},
    "folders": {"345678901234": {"parent": "organizations/123456789012", "displayName": "agents"}},
    "projects": {
        "acme-fin-prod": {"number": "987654321098", "parent": "folders/345678901234"},
        "acme-data-prod": {"number": "876543210987", "parent": "folders/345678901234"},
    },
}
"""The seeds of an emulator that is given none: one organisation, one folder, two projects."""


def plant(state: State, seeds: Json) -> None:
    """Add seeds:

    - organizations: number → {displayName}
    - folders: number → {parent, displayName}
    - projects: id → {number, parent}; without a number it is `state.project_number(id)`
    - resources: full resource name → its body; a bucket's `project` says whose it is
    - groups: email → members
    - permissions: names that exist besides the catalogue's

    Raises KeyError or ApiError for what is malformed.
    """
    for number, given in seeds.get("organizations", {}).items():
        state.add_organization(number, given.get("displayName", ""))
    for number, given in seeds.get("folders", {}).items():
        state.add_folder(number, given["parent"], given.get("displayName", ""))
    for project, given in seeds.get("projects", {}).items():
        state.add_project(project, given.get("number", ""), given.get("parent", ""))
    for full, given in seeds.get("resources", {}).items():
        body = dict(given)
        add_resource(state, full, body, body.pop("project", ""))
    for email, members in seeds.get("groups", {}).items():
        state.add_group(email, members)
    state.permissions |= set(seeds.get("permissions", ()))
