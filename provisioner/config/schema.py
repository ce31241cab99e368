"""The shape of the core's own blocks, as data. What a cloud adds comes from its ProviderSchema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..model.changes import Surface
from ..sdk.schema import AttributeSchema, BlockSchema, ProviderSchema

SURFACES: Final = tuple(str(surface) for surface in Surface)
AGENT_SURFACES: Final = (str(Surface.IDENTITY), str(Surface.TOOL_ACCESS), str(Surface.RUNTIME))
LEVELS: Final = ("block", "accept", "warn")


@dataclass(frozen=True, slots=True)
class ByLabel(BlockSchema):
    """A block whose first label chooses its shape: `runtime "lambda"`. `noun` is what the label names."""

    options: Mapping[str, BlockSchema] = field(default_factory=dict)
    noun: str = ""


@dataclass(frozen=True, slots=True)
class CoreBlock:
    """A top-level block of the language.

    `repeats` tells that it takes for_each and count; `value` that expressions can refer to it; `many` that a module
    may hold several without labels. `root_only` blocks carry what a module must not bring with it, and `why` says what.
    """

    schema: BlockSchema
    root_only: bool = False
    why: str = ""
    repeats: bool = True
    value: bool = False
    exposes: tuple[str, ...] = ()
    many: bool = False


def _text(doc: str, required: bool = False, default: Any = None, choices: tuple[str, ...] = ()) -> AttributeSchema:
    return AttributeSchema("string", doc, required, default, choices)


def _of(kind: str, doc: str, required: bool = False, default: Any = None) -> AttributeSchema:
    return AttributeSchema(kind, doc, required, default)


_LEDGERS: Final = {
    "local": BlockSchema(
        "A directory on this machine.",
        {
            "path": _text("Directory, relative to the root module.", default=".provisioner"),
            "single_host": _of("bool", "Accept a local ledger for clouds that are not loopback.", default=False),
        },
    ),
    "s3": BlockSchema(
        "An S3 bucket.",
        {
            "bucket": _text("Bucket name.", required=True),
            "prefix": _text("Key prefix.", default=""),
            "region": _text("The bucket's region.", required=True),
        },
    ),
    "gcs": BlockSchema(
        "A Google Cloud Storage bucket.",
        {"bucket": _text("Bucket name.", required=True), "prefix": _text("Object name prefix.", default="")},
    ),
}

PROVISIONER: Final = BlockSchema(
    "The workspace: where decisions are recorded, and by which rules they are made.",
    {
        "workspace": _text("Name of the workspace; part of every name in the clouds.", required=True),
        "required_version": _text("Versions of the tool that may read this, as in Terraform."),
        "protect": _of("list(string)", "Patterns of cloud names that no plan may touch.", default=()),
        "severity": _of("map(string)", "Severity by rule id: block, accept or warn.", default={}),
    },
    {
        "ledger": ByLabel("Where decisions are recorded.", labels=("kind",), max=1, options=_LEDGERS, noun="ledger"),
        "limits": BlockSchema(
            "How much one plan may change.",
            {
                "max_changes": _of("number", "Most changes in one plan.", default=500),
                "max_delete_percent": _of("number", "Most agents deleted by one plan, in percent.", default=30),
            },
            max=1,
        ),
        "approval": BlockSchema(
            "How plans are signed.",
            {
                "plan_ttl": _text("How long a published plan may be signed and applied.", default="72h"),
                "carry": _text("What survives a re-plan.", default="none", choices=("none", "unchanged")),
                "narrowing": _text(
                    "What changes that only take authority away need.", default="signed", choices=("signed", "notify")
                ),
                "solo": _of("bool", "A one-person team; every plan says so.", default=False),
                "checkpoint_keys": _of("list(string)", "OpenSSH public keys that sign checkpoints.", default=()),
                "notice": _text("How long an owner is told before governance may replace it.", default="72h"),
            },
            max=1,
        ),
    },
)

PERSON: Final = BlockSchema(
    "Somebody who may sign or be excluded from signing.",
    {
        "emails": _of("list(string)", "Addresses that appear in commits.", required=True),
        "keys": _of("list(string)", "OpenSSH public keys.", default=()),
        "accounts": _of("list(string)", "Names on a CI platform, such as github:alice.", default=()),
    },
    labels=("name",),
)

CONTROL_OWNER: Final = BlockSchema(
    "Who answers for a control surface.",
    {
        "title": _text("What people call the team."),
        "contact": _text("Where the team is reached.", default=""),
        "surfaces": AttributeSchema("list(string)", "Surfaces it may own.", required=True, choices=SURFACES),
        "default_for": AttributeSchema("list(string)", "Surfaces it owns by default.", default=(), choices=SURFACES),
        "signers": _of("list(person)", "People who may sign.", required=True),
        "threshold": _of("number", "How many distinct people must sign.", default=1),
    },
    {
        "escalation": BlockSchema(
            "Who may sign in its place, and when.",
            {
                "to": _of("control_owner", "The owner that stands in.", required=True),
                "after": _text("Delay from publication.", required=True),
            },
            max=1,
        )
    },
    labels=("name",),
)

BOUNDARY: Final = BlockSchema(
    "What no identity policy can exceed.",
    {"max_session": _text("Longest session.")},
    labels=("name",),
)

TOOL: Final = BlockSchema(
    "The smallest set of permissions that makes one tool work.",
    {
        "purpose": _text("What the tool is for.", required=True),
        "owner": _of("control_owner", "Owner of access to it."),
        "sensitivity": _text(
            "Of the data it reaches.", required=True, choices=("public", "internal", "confidential", "restricted")
        ),
        "effect": _text("What it does.", required=True, choices=("read", "write", "execute", "external")),
    },
    labels=("name",),
)

_OWNERS: Final = BlockSchema(
    "Owners of this agent's surfaces, where they are not the workspace's.",
    {surface: _of("control_owner", f"Owner of {surface}.") for surface in AGENT_SURFACES},
    max=1,
)
_SESSION: Final = BlockSchema(
    "How sessions are attributed, and how long they last.",
    {
        "attribution": _text(
            "What an audit log can tell the session by.", choices=("source_identity", "workload_tags", "session_name")
        ),
        "max_duration": _text("Longest session."),
    },
    max=1,
)
_INPUTS: Final = ("trusted", "untrusted")

AGENT: Final = BlockSchema(
    "An AI agent.",
    {
        "name": _text("Unique in the workspace; default: the label with the module's key."),
        "purpose": _text("What the agent is for, and what it must never do."),
        "sponsor": _of("person", "The human who answers for what it does."),
        "inputs": _text("Whether it reads what others wrote.", choices=_INPUTS),
        "environment": _text("Where it belongs: dev, prod …"),
        "review_by": _text("When its authority is to be looked at again, an ISO date."),
        "boundary": _of("boundary", "What its policies cannot exceed."),
        "manage": AttributeSchema(
            "list(string)", "Surfaces that plans write; the others are observed and judged.", choices=AGENT_SURFACES
        ),
    },
    {"owners": _OWNERS, "session": _SESSION},
    labels=("name",),
)

AGENT_DEFAULTS: Final = BlockSchema(
    "What every agent has that does not say otherwise.",
    {name: AGENT.attributes[name] for name in ("sponsor", "inputs", "environment", "review_by", "boundary")},
    {"owners": _OWNERS, "session": _SESSION},
)

GRANT: Final = BlockSchema(
    "Gives agents tools.",
    {
        "agents": _of("list(agent)", "Who gets it.", required=True),
        "tools": _of("list(tool)", "What they get.", required=True),
        "expires": _text("An RFC 3339 time, or a duration from when it is first planned."),
        "reason": _text("Why, or a ticket."),
        "clouds": _of("list(string)", "Narrows the grant to these clouds."),
    },
    {
        "when": BlockSchema(
            "What must hold in each request.",
            {
                "session_tags": _of("map(string)", "Tags of the session.", default={}),
                "resource": _of("map(string)", "Tags of the resource.", default={}),
            },
            max=1,
        )
    },
    labels=("name",),
)

TEST: Final = BlockSchema(
    "A boundary that must hold, tried against planned and live policies.",
    {
        "agents": _of("list(agent)", "Agents it is about."),
        "all": _of("bool", "It is about every agent.", default=False),
        "surface": _text("The surface it tests.", required=True, choices=AGENT_SURFACES),
        "expect": _text("What must come out.", required=True, choices=("allowed", "denied")),
        "strict": _of("bool", "Fail where a resource policy was not read; of AWS's none is yet.", default=False),
    },
    {
        "assume": BlockSchema(
            "A workload or token that tries to become the agent.",
            {
                "claims": _of("any", "What it can show, by name; null says that it lacks one.", required=True),
                "cloud": _text("The cloud whose trust is meant; every cloud of the agent by default."),
            },
            labels=("name",),
        )
    },
    labels=("name",),
)

FEDERATION: Final = BlockSchema("One trust between two clouds, shared by many agents.", labels=("name",))

DELEGATION: Final = BlockSchema(
    "Authority of agents over another agent.",
    {
        "from": _of("list(agent)", "Agents that get it.", required=True),
        "to": _of("agent", "The agent that they may act as or call.", required=True),
        "via": _text("How.", required=True, choices=("assume_role", "invoke", "impersonate")),
        "expires": _text("An RFC 3339 time, or a duration from when it is first planned."),
        "reason": _text("Why, or a ticket."),
    },
    labels=("name",),
)

EXCEPTION: Final = BlockSchema(
    "A rule that is set aside for some subjects, for a time.",
    {
        "rule": _text("Id of the rule.", required=True),
        "subjects": _of("any", "Blocks it is about: references, or addresses in quotes.", required=True),
        "reason": _text("Why the rule cannot hold.", required=True),
        "compensating_control": _text("What holds in its place.", required=True),
        "ticket": _text("Where it is tracked.", required=True),
        "accepted_by": _of("control_owner", "Who accepts the risk.", required=True),
        "expires": _text("The day on which it ends, an ISO date.", required=True),
    },
    labels=("name",),
)

BASELINE: Final = BlockSchema(
    "The violations of the day of adoption; they may only shrink.",
    {
        "rules": _of("list(string)", "Ids of the rules.", required=True),
        "agents": _of("list(agent)", "Agents it is about.", required=True),
        "expires": _text("The day on which it ends, an ISO date.", required=True),
    },
    labels=("name",),
)

RULE_KINDS: Final = ("agent", "tool", "grant", "boundary", "delegation", "federation")

RULE: Final = BlockSchema(
    "A rule of your own: a condition that holds for every block of one kind.",
    {
        "each": _text("Kind of block that is judged, `self` in the condition.", required=True, choices=RULE_KINDS),
        "severity": _text("What a breach does.", default="block", choices=LEVELS),
        "surface": _text("Whose acceptance a breach needs.", required=True, choices=SURFACES),
        "fix": _text("What to do about it.", required=True),
        "references": _of("list(string)", "Framework references.", default=()),
        "check": _text("A check in Python, by its entry point's name, instead of condition and message."),
    },
    labels=("name",),
)
RULE_EXPRESSIONS: Final = ("condition", "message")
"""Arguments of a rule that are evaluated once for each block that it judges."""

IMPORT: Final = BlockSchema(
    "An existing principal that an agent becomes.",
    {
        "to": _of("agent", "The agent.", required=True),
        "id": _text("What the cloud calls it.", required=True),
        "cloud": _text("Where it is; not needed where the agent is in one cloud."),
    },
)

_APPROVERS: Final = "a module cannot add people, owners or rules of approval"

BLOCKS: Final[Mapping[str, CoreBlock]] = {
    "provisioner": CoreBlock(PROVISIONER, root_only=True, why=_APPROVERS, repeats=False),
    "person": CoreBlock(PERSON, root_only=True, why=_APPROVERS, value=True, exposes=("emails",)),
    "control_owner": CoreBlock(
        CONTROL_OWNER, root_only=True, why=_APPROVERS, value=True, exposes=("title", "contact", "surfaces")
    ),
    "boundary": CoreBlock(BOUNDARY, value=True, exposes=("max_session",)),
    "tool": CoreBlock(TOOL, value=True, exposes=("purpose", "sensitivity", "effect")),
    "agent_defaults": CoreBlock(
        AGENT_DEFAULTS, root_only=True, why="they apply to every agent of the workspace", repeats=False
    ),
    "agent": CoreBlock(AGENT, value=True, exposes=("purpose", "environment", "inputs")),
    "grant": CoreBlock(GRANT),
    "test": CoreBlock(TEST),
    "federation": CoreBlock(FEDERATION, value=True),
    "delegation": CoreBlock(DELEGATION),
    "exception": CoreBlock(EXCEPTION, root_only=True, why="a module cannot set rules aside"),
    "baseline": CoreBlock(BASELINE, root_only=True, why="a module cannot set rules aside"),
    "rule": CoreBlock(RULE),
    "import": CoreBlock(IMPORT, root_only=True, why="a module cannot take over what exists", many=True),
}

VALUE_KINDS: Final = tuple(kind for kind, core in BLOCKS.items() if core.value)
"""Blocks that expressions refer to by their type: `tool.x`."""

TERRAFORM_ONLY: Final[Mapping[str, str]] = {
    "resource": "Say what an agent is and may do with agent, tool and grant blocks; their resources are derived.",
    "data": "Nothing is read from a cloud while a configuration is evaluated; use a variable.",
    "terraform": "Its settings stand in the provisioner block here.",
    "check": "Use a test block, which is tried against the planned and the live policies.",
    "ephemeral": "No value of a configuration is ever secret here; use a variable.",
}

META_ARGUMENTS: Final = ("for_each", "count", "depends_on", "provider", "lifecycle")

VARIABLE: Final = ("type", "default", "description", "sensitive", "nullable", "validation")
OUTPUT: Final = ("value", "description", "sensitive")


def provider_block(schema: ProviderSchema) -> BlockSchema:
    """The shape of `provider "aws"`: the cloud's attributes, and the core's own."""
    own = {
        "alias": _text("Tells several targets of one cloud apart."),
        "environment": _text("What kind of environment the target is."),
    }
    return BlockSchema(
        schema.provider.doc, {**own, **schema.provider.attributes}, schema.provider.blocks, labels=("name",)
    )


def with_clouds(block: str, schemas: Mapping[str, ProviderSchema], among: frozenset[str] = frozenset()) -> BlockSchema:
    """The shape of a core block with what the configured clouds add to it.

    `among` are the clouds that the block itself is in, where that is known: what several of them say of one runtime
    is put together, and the others are left out.
    """
    base = BLOCKS[block].schema
    added: dict[str, BlockSchema] = {}
    if block == "tool":
        added = {name: _repeatable(schema.tool) for name, schema in schemas.items()}
        requires = {n: s.requires for n, s in schemas.items()}
        added["requires"] = _by_label("requires", "requirement", requires, ("kind",), among)
    elif block == "boundary":
        added = {name: _once(schema.boundary) for name, schema in schemas.items()}
    elif block == "agent":
        runtimes = {n: s.runtimes for n, s in schemas.items()}
        added["runtime"] = _by_label("runtime", "runtime", runtimes, ("kind",), among)
        identities = {name: schema.identity for name, schema in schemas.items()}
        added["identity"] = ByLabel(
            "What the agent is in a cloud.",
            labels=("cloud",),
            options={name: _with_provider(schema) for name, schema in identities.items()},
            noun="cloud",
        )
    elif block == "test":
        attempts = {name: schema.attempt for name, schema in schemas.items()}
        added["attempt"] = ByLabel("A request that is tried.", labels=("cloud", "name"), options=attempts, noun="cloud")
    return BlockSchema(base.doc, base.attributes, {**base.blocks, **added}, base.labels)


def _with_provider(schema: BlockSchema) -> BlockSchema:
    own = {"provider": _of("provider", "Which provider block it belongs to.")}
    return BlockSchema(schema.doc, {**own, **schema.attributes}, schema.blocks)


def _once(schema: BlockSchema) -> BlockSchema:
    """A cloud's block: absent where the cloud is not meant, so its `min` does not count here."""
    return BlockSchema(schema.doc, schema.attributes, schema.blocks, schema.labels, 0, schema.max or 1)


def _repeatable(schema: BlockSchema) -> BlockSchema:
    """A cloud's block in a tool stands once unless it carries labels."""
    if not schema.labels:
        return _once(schema)
    return BlockSchema(schema.doc, schema.attributes, schema.blocks, schema.labels, 0, schema.max)


def _by_label(
    block: str,
    noun: str,
    options: Mapping[str, Mapping[str, BlockSchema]],
    labels: tuple[str, ...],
    among: frozenset[str],
) -> ByLabel:
    """Shapes by label. Where several clouds have one of a name, those that the block is in count together."""
    found: dict[str, dict[str, BlockSchema]] = {}
    for cloud in sorted(options):
        for name, schema in options[cloud].items():
            found.setdefault(name, {})[cloud] = schema
    merged: dict[str, BlockSchema] = {}
    for name, by_cloud in found.items():
        meant = [schema for cloud, schema in by_cloud.items() if cloud in among] or list(by_cloud.values())
        merged[name] = meant[0] if len(meant) == 1 else _together(meant)
    return ByLabel(f"A {block} block.", labels=labels, options=merged, noun=noun)


def _together(schemas: list[BlockSchema]) -> BlockSchema:
    """What several clouds ask of one block. An attribute that one of them requires is required."""
    attributes: dict[str, AttributeSchema] = {}
    blocks: dict[str, BlockSchema] = {}
    for schema in schemas:
        for name, attribute in schema.attributes.items():
            known = attributes.get(name)
            attributes[name] = attribute if known is None or attribute.required else known
        for name, inner in schema.blocks.items():
            known_block = blocks.get(name)
            blocks[name] = inner if known_block is None else _together([known_block, inner])
    first = schemas[0]
    return BlockSchema(first.doc, attributes, blocks, first.labels, max(s.min for s in schemas), first.max)
