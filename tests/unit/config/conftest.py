"""A small workspace on disk, and two clouds that exist only here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from provisioner.config import Loaded, load
from provisioner.sdk.schema import AttributeSchema, BlockSchema, ProviderSchema

GOLDEN = Path(__file__).parents[2] / "golden" / "diagnostics"
BASE = GOLDEN / "_base"


def _attribute(kind: str = "string", required: bool = False, default: object = None) -> AttributeSchema:
    return AttributeSchema(kind, "", required, default)


_CONDITION = BlockSchema(
    attributes={
        "operator": _attribute(required=True),
        "key": _attribute(required=True),
        "values": _attribute("list(string)", required=True),
    }
)

AWS = ProviderSchema(
    name="aws",
    provider=BlockSchema(
        attributes={"account_id": _attribute(required=True), "regions": _attribute("list(string)", default=())}
    ),
    identity=BlockSchema(attributes={"path": _attribute(default="/agents/")}),
    tool=BlockSchema(
        min=1,
        max=1,
        blocks={
            "statement": BlockSchema(
                labels=("name",),
                min=1,
                attributes={
                    "actions": _attribute("list(string)", required=True),
                    "resources": _attribute("list(string)", required=True),
                },
                blocks={"condition": _CONDITION},
            )
        },
    ),
    boundary=BlockSchema(
        attributes={
            "allow": _attribute("list(string)", required=True),
            "deny": _attribute("list(string)", default=()),
        }
    ),
    attempt=BlockSchema(
        attributes={
            "action": _attribute(required=True),
            "resource": _attribute(default="*"),
            "context": _attribute("any", default={}),
        }
    ),
    runtimes={
        "lambda": BlockSchema(attributes={"functions": _attribute("list(string)", default=())}),
        "ecs": BlockSchema(attributes={"count": _attribute("number")}),
        "github_actions": BlockSchema(
            attributes={
                "repository": _attribute(required=True),
                "audience": _attribute(),
                "federation": _attribute("federation"),
            }
        ),
    },
    requires={"resource_policy": BlockSchema(attributes={"resource": _attribute(required=True)})},
    kinds={},
    federation=BlockSchema(attributes={"url": _attribute(required=True)}),
    delegations=("assume_role", "invoke"),
)

GOOGLE = ProviderSchema(
    name="google",
    provider=BlockSchema(attributes={"project": _attribute(required=True)}),
    identity=BlockSchema(attributes={"kind": _attribute(default="federated"), "federation": _attribute("federation")}),
    tool=BlockSchema(
        labels=("name",), attributes={"role": _attribute(required=True), "resource": _attribute(required=True)}
    ),
    boundary=BlockSchema(attributes={"attach": _attribute(required=True)}),
    attempt=BlockSchema(attributes={"permission": _attribute(required=True)}),
    runtimes={
        "cloud_run": BlockSchema(attributes={"service": _attribute(required=True)}),
        "github_actions": BlockSchema(
            attributes={"repository": _attribute(required=True), "repository_id": _attribute(required=True)}
        ),
    },
    requires={},
    kinds={},
    federation=BlockSchema(
        attributes={"pool": _attribute(required=True)},
        blocks={
            "oidc": BlockSchema(
                min=1,
                max=1,
                attributes={"issuer": _attribute(required=True), "audiences": _attribute("list(string)", default=())},
            )
        },
    ),
    delegations=("impersonate",),
)

CLOUDS = {"aws": AWS, "google": GOOGLE}

Write = Callable[..., Path]
Load = Callable[..., Loaded]


@pytest.fixture
def clouds() -> Mapping[str, ProviderSchema]:
    """The schemas by name."""
    return CLOUDS


@pytest.fixture
def workspace(tmp_path: Path) -> Write:
    """Writes a root module: the base workspace, with the given files added or put in place of its own."""

    def write(files: Mapping[str, str] | None = None, base: bool = True) -> Path:
        root = tmp_path / "root"
        if base:
            shutil.copytree(BASE, root, dirs_exist_ok=True)
        root.mkdir(exist_ok=True)
        for name, text in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    return write


@pytest.fixture
def loaded(workspace: Write) -> Load:
    """Loads the base workspace with some files added or replaced."""

    def run(files: Mapping[str, str] | None = None, base: bool = True, **options: object) -> Loaded:
        return load(workspace(files, base), providers=CLOUDS.get, **options)  # type: ignore[arg-type]

    return run
