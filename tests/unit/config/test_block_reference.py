"""docs/reference/blocks.md says what the schemas say. `UPDATE_GOLDEN=1 pytest …` writes it anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from provisioner.config.schema import BLOCKS, ByLabel
from provisioner.registry import Registry
from provisioner.sdk.schema import AttributeSchema, BlockSchema, ProviderSchema

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "blocks.md"

HEAD = """\
# Blocks

Every block of the language with its arguments, as the schemas in the code have them. How they work together is in
[the language](language.md); `variable`, `locals`, `output`, `module`, `moved` are Terraform's
([modules and moves](modules-and-moves.md)). Blocks marked «root» stand in the root module only. Every block except
`provisioner` and `agent_defaults` takes `for_each` and `count`; `agent`, `boundary`, `federation` and `grant` take
`lifecycle { prevent_destroy }`.

`removed { from = agent.x }` with `lifecycle { destroy = false }` lets go of what a block made without deleting it.
"""

SELF = """
In a `rule`, `condition` must be true for each block of the kind that `each` names, which it sees as `self`; `message`
is made for one that breaks it. `self` has `address` and `name`, and for
- an agent: `purpose`, `sponsor`, `inputs`, `environment`, `review_by`, `boundary`, `manage`, `runtime`, `clouds`,
  `owners`, `attribution`, `max_session` (seconds), `tools`, `grants`;
- a tool: `purpose`, `owner`, `sensitivity`, `effect`, `clouds`;
- a grant: `agents`, `tools`, `expires`, `reason`, `clouds`, `when`;
- a delegation: `from`, `to`, `via`, `expires`, `reason`; a boundary: `max_session`, `clouds`; a federation: `provider`.
"""


def page() -> str:
    lines = [HEAD]
    for name, core in BLOCKS.items():
        labels = "".join(f' "{label}"' for label in core.schema.labels)
        lines.append(f"## `{name}{labels}`{' (root)' if core.root_only else ''}\n\n{core.schema.doc}\n")
        lines += _body(core.schema)
        if name == "rule":
            lines.append(SELF.strip() + "\n")
    registry = Registry()
    for name in sorted(registry.names):
        schema = registry.schema(name)
        assert schema is not None
        lines += _cloud(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def _cloud(name: str, schema: ProviderSchema) -> Iterator[str]:
    yield f"## What `{name}` adds\n"
    for title, block in (
        (f'`provider "{name}"`', schema.provider),
        (f'`identity "{name}"` in an agent', schema.identity),
        (f"`{name}` in a tool", schema.tool),
        (f"`{name}` in a boundary", schema.boundary),
        (f'`attempt "{name}" "name"` in a test', schema.attempt),
        (f"`federation` with a provider of {name}", schema.federation),
    ):
        if block is not None:
            yield f"### {title}\n\n{block.doc}\n"
            yield from _body(block)
    for label, block in {**schema.runtimes}.items():
        yield f'### `runtime "{label}"`\n\n{block.doc}\n'
        yield from _body(block)
    for label, block in schema.requires.items():
        yield f'### `requires "{label}"` in a tool\n\n{block.doc}\n'
        yield from _body(block)
    if schema.delegations:
        yield f"Delegations via {', '.join(f'`{via}`' for via in schema.delegations)}.\n"


def _body(schema: BlockSchema, above: str = "") -> Iterator[str]:
    if schema.attributes:
        yield "| argument | type | |\n|---|---|---|"
        yield from (_row(above + name, attribute) for name, attribute in schema.attributes.items())
        yield ""
    for name, inner in schema.blocks.items():
        labels = "".join(f' "{label}"' for label in inner.labels)
        if isinstance(inner, ByLabel):
            for label, option in inner.options.items():
                yield f'`{name} "{label}"`: {option.doc}\n'
                yield from _body(option)
        else:
            yield f"`{name}{labels} {{}}`: {inner.doc}\n"
            yield from _body(inner)


def _row(name: str, attribute: AttributeSchema) -> str:
    said = [attribute.doc]
    if attribute.required:
        said.append("Required.")
    if attribute.choices:
        said.append("One of " + ", ".join(f"`{choice}`" for choice in attribute.choices) + ".")
    if attribute.default not in (None, (), {}, "", False):
        said.append(f"Default: `{attribute.default}`.")
    return f"| `{name}` | {attribute.type} | {' '.join(filter(None, said))} |"


def test_the_page_is_what_the_schemas_say() -> None:
    text = page()
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text
