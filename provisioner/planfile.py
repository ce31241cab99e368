"""Plan files: one plan, its canonical bytes, its digest.

The file is canonical JSON with the signed plan, unsigned notes and a digest of each. Reading is strict: what does not
re-encode to the very same bytes (a duplicate key, an unknown field, a float, a missing default) is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from . import canonical
from .model.plan import FORMAT, Plan, PlanNotes

PLAN_DOMAIN = "plan/1"
NOTES_DOMAIN = "plan-notes/1"
FILE_FORMAT = "provisioner.planfile/1"

T = TypeVar("T")


class PlanFileError(ValueError):
    """Bytes that are no plan file; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A parsed plan with the exact bytes that its digest covers."""

    plan: Plan
    notes: PlanNotes
    plan_bytes: bytes
    digest: str

    @property
    def short(self) -> str:
        """The first eight hex digits of the digest, as shown and as accepted on the command line."""
        return self.digest.removeprefix("sha256:")[:8]


def to_builtins(value: Any) -> Any:
    """Dataclasses, enums and tuples to plain JSON values."""
    import msgspec

    return msgspec.to_builtins(value)


def from_builtins(value: Any, kind: type[T]) -> T:
    """Plain JSON values to a dataclass; raises PlanFileError naming the place of what does not fit."""
    import msgspec

    try:
        result: T = msgspec.convert(value, kind, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise PlanFileError(str(error)) from error
    return result


def plan_value(plan: Plan) -> dict[str, Any]:
    """A plan as plain JSON values. What came after the first version is left out where it says nothing, so that
    older plans keep their one form and their digest."""
    value: dict[str, Any] = to_builtins(plan)
    if not plan.new_paths:
        del value["new_paths"]
    if not plan.sweeps:
        del value["sweeps"]
    if plan.declared is None:
        del value["declared"]
    elif not plan.declared.addresses:
        del value["declared"]["addresses"]
    for target in value["targets"]:
        if not target["watch"]:
            del target["watch"]
    for change in value["changes"]:
        for name in ("counterparts", "left", "ends"):
            if not change[name]:
                del change[name]
    for failure in value["tests"]["failures"]:
        if not failure["deciding"]:
            del failure["deciding"]
    return value


def plan_bytes(plan: Plan) -> bytes:
    """The canonical bytes that the plan digest covers."""
    return canonical.dumps(plan_value(plan))


def plan_digest(data: bytes) -> str:
    """The plan digest over canonical plan bytes."""
    return canonical.digest_bytes(PLAN_DOMAIN, data)


def encode(plan: Plan, notes: PlanNotes) -> bytes:
    """A plan file's bytes."""
    data = plan_bytes(plan)
    notes_value = to_builtins(notes)
    return canonical.dumps(
        {
            "format": FILE_FORMAT,
            "digest": plan_digest(data),
            "plan": plan_value(plan),
            "notes": notes_value,
            "notes_digest": canonical.digest(NOTES_DOMAIN, notes_value),
        }
    )


def seal(plan: Plan, notes: PlanNotes) -> PlanFile:
    """A PlanFile straight from a plan, as `decode(encode(plan, notes))` would give it."""
    data = plan_bytes(plan)
    return PlanFile(plan, notes, data, plan_digest(data))


def decode(data: bytes) -> PlanFile:
    """Parse a plan file. Raises PlanFileError for anything but the exact bytes that `encode` writes."""
    try:
        value = canonical.loads(data)
    except canonical.CanonicalError as error:
        raise PlanFileError(str(error)) from error
    if not isinstance(value, dict) or not isinstance(value.get("format"), str):
        raise PlanFileError("this is JSON, but no plan file")
    if value["format"] != FILE_FORMAT:
        raise PlanFileError(f"the format is {value['format']!r}; this version reads {FILE_FORMAT!r}")
    if set(value) != {"format", "digest", "plan", "notes", "notes_digest"}:
        raise PlanFileError("fields are missing or unknown")
    plan = from_builtins(value["plan"], Plan)
    notes = from_builtins(value["notes"], PlanNotes)
    body = plan_bytes(plan)
    if plan.format != FORMAT:
        raise PlanFileError(f"the plan's format is {plan.format!r}; this version reads {FORMAT!r}")
    if body != canonical.dumps(value["plan"]):
        made = f"; it was made by version {notes.tool}" if notes.tool else ""
        raise PlanFileError(f"the plan holds fields that this version does not know, or leaves out known ones{made}")
    digest = plan_digest(body)
    if digest != value["digest"]:
        raise PlanFileError("the plan does not match its digest: the file was changed")
    notes_body = canonical.dumps(to_builtins(notes))
    if notes_body != canonical.dumps(value["notes"]):
        raise PlanFileError("the notes hold unknown fields or leave out known ones")
    if canonical.digest_bytes(NOTES_DOMAIN, notes_body) != value["notes_digest"]:
        raise PlanFileError("the notes do not match their digest: the file was changed")
    return PlanFile(plan, notes, body, digest)
