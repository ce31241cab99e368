"""CloudTrail records: who called what, which actions that took, on which resources. Pure; nothing in a record is
trusted to have a shape.

Source: CloudTrail User Guide, «CloudTrail record contents», «CloudTrail userIdentity element». Which event stands for
which action is data: `trail_events.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.resources import Desired
from provisioner.model.usage import LoggedCall, Use

from . import schema
from .catalogue import form, resource_types
from .policy.spelling import known_actions

Record = Mapping[str, Any]

_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
_DATED = re.compile(r"\d{8}(?:v\d+)?\Z")
_ROLE = re.compile(r"arn:[^:]*:iam::(\d{12}):role/(?:.*/)?([^/]+)\Z", re.DOTALL)
_SESSION = re.compile(r"arn:[^:]*:sts::(\d{12}):assumed-role/([^/]+)/", re.DOTALL)
_FIELD = re.compile(r"\{([A-Za-z0-9_-]+)([/^]?)\}")
_DENIED = ("AccessDenied", "UnauthorizedOperation", "AuthorizationError", "Forbidden", "NotAuthorized")
_ASSUMES = re.compile(r"AssumeRole")


@cache
def events() -> Mapping[str, Any]:
    """The data: names of events, what is logged where, with its sources."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("trail_events.json").read_text("utf-8"))
    return found


def text(record: Any, *path: str) -> str:
    """A string inside a record; empty where there is none."""
    for name in path:
        if not isinstance(record, dict):  # JSON gives dicts, and an abstract class costs three times as much to ask
            return ""
        record = record.get(name)
    return record if isinstance(record, str) else ""


def service_of(record: Record) -> str:
    """The prefix under which IAM knows the service of a record."""
    return prefix_of(text(record, "eventSource"))


@lru_cache(maxsize=1024)
def prefix_of(source: str) -> str:
    """`s3.amazonaws.com` → `s3`, `monitoring.amazonaws.com` → `cloudwatch`."""
    name = source.lower()
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return str(events()["services"].get(name, name))


def event_of(record: Record) -> str:
    """The event's name without the API version that Lambda and others put behind it."""
    return _DATED.sub("", text(record, "eventName"))


def call_of(record: Record) -> LoggedCall | None:
    """The call; None for what is no record of an API call."""
    source, name, time = text(record, "eventSource"), text(record, "eventName"), text(record, "eventTime")
    if not source or not name or not _TIME.match(time):
        return None
    account = account_of(record)
    return LoggedCall(
        target=account,
        time=time,
        principal=principal_of(record.get("userIdentity")),
        name=f"{source} {name}",
        denied=_refused(text(record, "errorCode")),
        place=text(record, "awsRegion"),
        becomes=_becomes(record, source, name),
        witnesses=tuple(_witnesses(record, account)),
    )


@lru_cache(maxsize=1024)
def _refused(code: str) -> bool:
    return any(word in code for word in _DENIED)


def account_of(record: Record) -> str:
    return text(record, "recipientAccountId") or text(record, "userIdentity", "accountId")


def principal_of(identity: Any) -> str:
    """`111122223333:role/NAME` for a role or a session of it, whatever its path; empty for anybody else."""
    return role_key(text(identity, "sessionContext", "sessionIssuer", "arn")) or role_key(text(identity, "arn"))


@lru_cache(maxsize=8192)
def role_key(arn: str) -> str:
    """The key of a role by its ARN or that of a session of it; empty for another ARN."""
    found = _ROLE.match(arn) or _SESSION.match(arn)
    return f"{found[1]}:role/{found[2]}" if found is not None else ""


def principals_of(authority: Authority, desired: Sequence[Desired]) -> dict[str, tuple[str, str]]:
    """Agent and account by the key of the agent's role."""
    own = (item.resource for item in desired if item.resource.address.kind == schema.ROLE)
    return {
        f"{role.address.target}:role/{role.address.name}": (role.agent, role.address.target)
        for role in own
        if role.agent is not None
    }


def _becomes(record: Record, source: str, name: str) -> str:
    """The role whose credentials a call gave out."""
    if not source.startswith(("sts.", "eks-auth.")) or not _ASSUMES.match(name):
        return ""
    assumed = text(record, "responseElements", "assumedRoleUser", "arn")
    return role_key(text(record, "requestParameters", "roleArn") or assumed)


def is_data(record: Record) -> bool:
    """Whether it is a data event: logged only where somebody asked for it."""
    return record.get("managementEvent") is False or text(record, "eventCategory") == "Data"


def _witnesses(record: Record, account: str) -> Iterator[str]:
    """What the record proves to be logged: calls that read or write, of management or on the data in something."""
    mode = "read" if record.get("readOnly") is True else "write"
    if not is_data(record):
        yield witness(account, "management", mode)
        yield witness(account, f"management@{text(record, 'awsRegion')}", mode)
        if service_of(record) in events()["excludable"]:
            yield witness(account, service_of(record), mode)
        return
    for arn in _arns(record):
        yield witness(account, container(arn), mode)


def witness(account: str, what: str, mode: str) -> str:
    return f"{account} {what} {mode}"


def container(arn: str) -> str:
    """What a trail's selector names: the bucket of an object, the table of an index, otherwise the thing itself."""
    if arn.startswith("arn:aws:s3:::"):
        return arn.partition("/")[0]
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn
    keep = 1 if parts[2] == "s3" else 2
    return ":".join([*parts[:5], "/".join(parts[5].split("/")[:keep])])


def uses_of(record: Record) -> tuple[Use, ...]:
    """The actions that a call took, with the resources that they can be limited to; empty where nobody knows."""
    arns = tuple(dict.fromkeys((*_arns(record), *_derived(record))))
    found: list[Use] = []
    for action, is_said in _actions(record):
        if not is_said:
            found.append(Use(action))
            continue
        types = resource_types(action)
        named = [arn for arn in arns if any(form(template).match(arn) for _, template in types)]
        if not types:
            found.append(Use(action, "*"))
        found += (Use(action, arn) for arn in named) if named else () if not types else (Use(action),)
    return tuple(dict.fromkeys(found))


def _actions(record: Record) -> Iterable[tuple[str, bool]]:
    """Actions by the data, or of the event's own name; whether the record says on which resource."""
    service, name = service_of(record), event_of(record)
    given = events()["events"].get(service, {}).get(name)
    if given is None:
        own = action_named(service, name)
        return ((own, True),) if own else ()
    parameters = record.get("requestParameters")
    out = []
    for item in given:
        action, _, needs = str(item).partition("@")
        if not needs or (isinstance(parameters, Mapping) and parameters.get(needs) is not None):
            out.append((action.removesuffix("?"), not action.endswith("?")))
    return out


@lru_cache(maxsize=8192)
def action_named(service: str, name: str) -> str:
    """The action of that name as AWS spells it; empty where the service has none."""
    wanted = f"{service}:{name}".lower()
    return next((action for action in known_actions(service) if action.lower() == wanted), "")


def _arns(record: Record) -> Iterator[str]:
    listed = record.get("resources")
    for item in listed if isinstance(listed, list) else ():
        arn = text(item, "ARN") or text(item, "arn")
        if arn.startswith("arn:"):
            yield arn


def _derived(record: Record) -> Iterator[str]:
    """Resources that the request's parameters name."""
    parameters = record.get("requestParameters")
    if not isinstance(parameters, Mapping):
        return
    service = service_of(record)
    arn = text(record, "userIdentity", "arn")
    known = {
        "partition": arn.split(":")[1] if arn.startswith("arn:") else "aws",
        "region": text(record, "awsRegion"),
        "account": account_of(record),
    }
    templates = events()["resources"].get(service, ())
    values = {**known, **{k: v for k, v in parameters.items() if isinstance(v, str)}} if templates else known
    for template in templates:
        found = _filled(template, values, known)
        if found:
            yield found


@lru_cache(maxsize=256)
def _fields(template: str) -> tuple[tuple[str, str], ...]:
    return tuple(_FIELD.findall(template))


def _filled(template: str, values: Mapping[str, str], known: Mapping[str, str]) -> str:
    """A template with its fields; a field that holds an ARN is the resource; empty where a field is missing."""
    out = template
    for name, how in _fields(template):
        value = values.get(name, "")
        if not value:
            return ""
        if name not in known and value.startswith("arn:"):
            return value
        if how == "/":
            value = value.removeprefix("/")
        elif how == "^":
            value = value.rpartition("/")[2]
        out = out.replace(f"{{{name}{how}}}", value, 1)
    return out if out.startswith("arn:") else ""
