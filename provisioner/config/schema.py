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

    `repeats` tells that it takes for_each and count; `value` that expressions can refer to it; `plural` that a
    module may hold many. `root_only` blocks carry what a module must not bring with it, and `why` says what.
    """

    schema: BlockSchema
    root_only: bool = False
    why: str = ""
    repeats: bool = True
    value: bool = False
    exposes: tuple[str, ...] = ()


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
        "strict": _of("bool", "Fail where a resource policy could not be read.", default=False),
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
}

VALUE_KINDS: Final = tuple(kind for kind, core in BLOCKS.items() if core.value)
"""Blocks that expressions refer to by their type: `tool.x`."""

LATER: Final[Mapping[str, str]] = {
    "federation": "trust between two clouds",
    "delegation": "authority of one agent over another",
    "exception": "time-bound exceptions from rules",
    "baseline": "adopting existing violations",
    "rule": "rules of your own",
    "import": "adopting existing roles",
    "removed": "forgetting blocks",
}
"""Blocks of the language that this version knows of but does not carry out, with what they are about."""

LATER_ARGUMENTS: Final[Mapping[tuple[str, str], str]] = {("agent", "manage"): "observing surfaces without writing them"}
LATER_OPTIONS: Final[Mapping[str, str]] = {"adopted": "keeping a role as it was found"}
"""Arguments and labels of the language that this version does not carry out, with what they are about."""

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


def with_clouds(block: str, schemas: Mapping[str, ProviderSchema]) -> BlockSchema:
    """The shape of a core block with what the configured clouds add to it."""
    base = BLOCKS[block].schema
    added: dict[str, BlockSchema] = {}
    if block == "tool":
        added = {name: _repeatable(schema.tool) for name, schema in schemas.items()}
        added["requires"] = _by_label("requires", "requirement", {n: s.requires for n, s in schemas.items()}, ("kind",))
    elif block == "boundary":
        added = {name: _once(schema.boundary) for name, schema in schemas.items()}
    elif block == "agent":
        added["runtime"] = _by_label("runtime", "runtime", {n: s.runtimes for n, s in schemas.items()}, ("kind",))
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
    block: str, noun: str, options: Mapping[str, Mapping[str, BlockSchema]], labels: tuple[str, ...]
) -> ByLabel:
    merged: dict[str, BlockSchema] = {}
    for cloud in sorted(options):
        for name, schema in options[cloud].items():
            merged.setdefault(name, schema)
    return ByLabel(f"A {block} block.", labels=labels, options=merged, noun=noun)
