"""Whatever stands in the files: `load` answers with diagnostics, never with an exception, and its promises hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.config import Loaded, load
from provisioner.model.source import SourceRange
from provisioner.render.diagnostics import human, validation_json
from provisioner.sdk.schema import ProviderSchema

GOLDEN = Path(__file__).parents[2] / "golden" / "diagnostics"
EXAMPLE = Path(__file__).parents[3] / "examples" / "finance"
WORDS = [
    "null", "true", '""', '"x"', "[]", "{}", "[[]]", "-1", "1.5", "each.value", "each.key", "count.index", "var.x",
    "local.never", "tool", "agent", "tool.inbox", "agent.triage", "person.alice", "provider.aws", "boundary.agents",
    "tool[*]", "values(tool)", "keys(agent)", "[for t in tool : t]", "{ for k, v in agent : k => v.name }",
    "sensitive([])", 'sensitive("x")', "agent.triage.name", "self", "path.root", 'file("keys/alice.pub")',
    "toset([])", 'toset(["a"])', '{ a = { b = 1 } }', "module.x", "1 / 0", "\"\\u202e\"", "tool.inbox.nope",
    "[null]", "{ a = null }", "try(local.nope, 1)", 'jsondecode("{}")', "try(agent.triage.purpose, 1)",
]  # fmt: skip
LINES = [f"{name} = " for name in (
    "for_each", "count", "name", "purpose", "sponsor", "boundary", "inputs", "review_by", "agents", "tools", "expires",
    "clouds", "owner", "sensitivity", "effect", "signers", "surfaces", "default_for", "threshold", "emails", "keys",
    "workspace", "severity", "protect", "required_version", "account_id", "alias", "regions", "max_session", "provider",
    "depends_on", "source", "providers", "value", "type", "default", "sensitive", "functions", "actions", "labels",
)]  # fmt: skip


def check(found: Loaded) -> None:
    """What holds for every load."""
    errors = [diagnostic for diagnostic in found.diagnostics if diagnostic.is_error]
    assert (found.configuration is None) == bool(errors)
    text = human(found.diagnostics, found.sources)
    assert text.count("╷") == len(found.diagnostics)
    json.dumps(validation_json(found.diagnostics, found.sources))
    for diagnostic in found.diagnostics:
        assert diagnostic.code
        assert "\n" not in diagnostic.summary
        for place in (diagnostic.subject, diagnostic.context, diagnostic.origin):
            if isinstance(place, SourceRange) and place.filename in found.sources:
                assert place.start.byte <= place.end.byte <= len(found.sources[place.filename].text.encode())


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fuzz") / "root"
    shutil.copytree(GOLDEN / "_base", root)
    return root


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_values_in_wrong_places(data: st.DataObject, base: Path, clouds: Mapping[str, ProviderSchema]) -> None:
    """Some value, well-formed but mostly wrong, in the place of another or as one more argument."""
    for name in ("agents.hcl", "workspace.hcl"):
        lines = (GOLDEN / "_base" / name).read_text().splitlines()
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(lines) - 1))
            value = data.draw(st.sampled_from(WORDS))
            if "=" in lines[at] and data.draw(st.booleans()):
                lines[at] = lines[at].split("=")[0] + "= " + value
            elif lines[at].endswith("{"):
                lines.insert(at + 1, data.draw(st.sampled_from(LINES)) + value)
        (base / name).write_text("\n".join(lines) + "\n")
    check(load(base, providers=clouds.get))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_broken_text(data: st.DataObject, base: Path, clouds: Mapping[str, ProviderSchema]) -> None:
    """Characters taken out, put in, doubled."""
    for name in ("agents.hcl", "workspace.hcl"):
        text = (GOLDEN / "_base" / name).read_text()
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(text)))
            length = data.draw(st.integers(0, 12))
            put = data.draw(
                st.one_of(st.just(""), st.text(max_size=4), st.sampled_from(["${", "%{", "<<X\n", '"', "}"]))
            )
            text = text[:at] + put + text[at + length :]
        (base / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    check(load(base, providers=clouds.get))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.dictionaries(st.sampled_from(["x", "y", "a-b", ""]), st.text(max_size=20), max_size=3),
    kind=st.sampled_from(
        ["string", "number", "list(string)", "any", "map(any)", "object({ a = optional(string) })", "tool", "bool"]
    ),
)
def test_any_value_of_an_option(
    values: dict[str, str], kind: str, base: Path, clouds: Mapping[str, ProviderSchema]
) -> None:
    for name in ("agents.hcl", "workspace.hcl"):
        shutil.copy(GOLDEN / "_base" / name, base / name)
    (base / "x.hcl").write_text(f'variable "x" {{\n  type = {kind}\n}}\n\noutput "x" {{\n  value = var.x\n}}\n')
    check(load(base, providers=clouds.get, variables=values))
    check(load(base, providers=clouds.get, environ={f"PROVISIONER_VAR_{name}": v for name, v in values.items()}))
    (base / "x.hcl").unlink()


def test_the_same_twice(clouds: Mapping[str, ProviderSchema]) -> None:
    first = load(GOLDEN / "_base", providers=clouds.get)
    second = load(GOLDEN / "_base", providers=clouds.get)
    assert first.configuration == second.configuration


@pytest.mark.parametrize("example", ["quickstart", "finance"])
def test_the_examples_load(example: str) -> None:
    from provisioner_aws.schema import provider_schema
    from provisioner_google.schema import provider_schema as google_schema

    found = load(EXAMPLE.parent / example, providers={"aws": provider_schema(), "google": google_schema()}.get)
    assert found.diagnostics == ()
    assert found.configuration is not None
    if example == "finance":
        runtimes = {agent.runtime.labels[0] for agent in found.configuration.agents.values()}
        assert len(found.configuration.agents) == 12
        assert runtimes == {"lambda", "ecs", "github_actions"}
