"""CloudTrail's event history, as far as `LookupEvents` shows it: the writes to IAM that this sandbox has seen.

moto has no look-up. Events are made from the requests themselves, the moment that moto has answered one with success.
Left out: reads, refused calls, other services, the delay of some minutes, and the limit of two look-ups a second.

Sources: CloudTrail API Reference, «LookupEvents»; CloudTrail User Guide, «CloudTrail record contents».
"""

from __future__ import annotations

import json
import re
import uuid
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .answers import Answer, RefusedError, page

if TYPE_CHECKING:
    from .handlers import Call

HOME = "us-east-1"
"""IAM is global: its events are in one region."""
_KEPT = 10_000
_PAGE = 50
_READS = ("Get", "List", "Simulate", "Generate")
_ATTRIBUTES = {"EventId", "EventName", "EventSource", "ResourceName", "Username"}
_RESOURCES = ("roleName", "policyArn", "policyName", "userName", "instanceProfileName", "openIDConnectProviderArn")
_ANSWERED = {
    "CreateAccessKey": ("accessKey", {"accessKeyId": "AccessKeyId", "userName": "UserName", "status": "Status"}),
    "CreatePolicy": ("policy", {"arn": "Arn", "policyName": "PolicyName"}),
    "CreateRole": ("role", {"arn": "Arn", "roleName": "RoleName"}),
}

Event = dict[str, Any]


class Trails:
    """What happened, by account, oldest first."""

    def __init__(self) -> None:
        self._events: dict[str, deque[Event]] = {}

    def reset(self) -> None:
        self._events.clear()

    def takes(self, path: str) -> bool:
        return True

    def handle(self, call: Call) -> Answer:
        """LookupEvents. Raises RefusedError for what CloudTrail refuses."""
        wanted = call.body.get("LookupAttributes") or []
        size = call.body.get("MaxResults", _PAGE)
        if not isinstance(size, int) or not 1 <= size <= _PAGE:
            raise RefusedError(400, "InvalidMaxResultsException", f"The maxResults value must be between 1 and {_PAGE}")
        if len(wanted) > 1 or any(item.get("AttributeKey") not in _ATTRIBUTES for item in wanted):
            raise RefusedError(400, "InvalidLookupAttributesException", "You can specify one lookup attribute")
        events = list(self._events.get(call.account, ())) if call.region == HOME else []
        found = [item for item in reversed(events) if all(_has(item, one) for one in wanted)]
        shown, token = page(found, call.body.get("NextToken"), size)
        return Answer(200, {"Events": shown, **({"NextToken": token} if token else {})})

    def saw(self, account: str, identity: Event, body: bytes, answer: bytes) -> None:
        """Keep a request to IAM that was carried out, if it was a write."""
        given = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        action = given.pop("Action", "")
        if not action or action.startswith(_READS):
            return
        now = datetime.now(UTC)
        parameters = {_lower(name): value for name, value in given.items() if name != "Version"}
        record = {
            "eventVersion": "1.09",
            "userIdentity": identity,
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "iam.amazonaws.com",
            "eventName": action,
            "awsRegion": HOME,
            "requestParameters": parameters,
            "responseElements": _response(action, answer.decode("utf-8", "replace")),
            "eventID": str(uuid.uuid4()),
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": account,
            "eventCategory": "Management",
        }
        event = {
            "EventId": record["eventID"],
            "EventName": action,
            "ReadOnly": "false",
            "EventTime": now.timestamp(),
            "EventSource": record["eventSource"],
            "Username": str(identity.get("arn", "")).rpartition("/")[2],
            "Resources": [{"ResourceName": parameters[name]} for name in _RESOURCES if name in parameters],
            "CloudTrailEvent": json.dumps(record),
        }
        self._events.setdefault(account, deque(maxlen=_KEPT)).append(event)


def _has(event: Event, wanted: Event) -> bool:
    key, value = wanted["AttributeKey"], wanted.get("AttributeValue")
    if key == "ResourceName":
        return any(item["ResourceName"] == value for item in event["Resources"])
    return bool(event[key] == value)


def _lower(name: str) -> str:
    """As CloudTrail writes a parameter: `RoleName` → `roleName`."""
    return f"{name[:1].lower()}{name[1:]}"


def _response(action: str, answer: str) -> Event | None:
    found = _ANSWERED.get(action)
    if found is None:
        return None
    about, fields = found
    values = {name: re.search(f"<{tag}>([^<]*)</{tag}>", answer) for name, tag in fields.items()}
    return {about: {name: value[1] for name, value in values.items() if value is not None}}


def identity_of(account: str, access_key: str) -> Event:
    """Who a request's access key belongs to, as moto knows it: a session of a role, a user, or the account's own."""
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    assumed = sts_backends[account]["aws"].get_assumed_role_from_access_key(access_key)
    if assumed is not None:
        issuer = {"type": "Role", "arn": assumed.role_arn, "userName": assumed.role_arn.rpartition("/")[2]}
        return {
            "type": "AssumedRole",
            "arn": assumed.arn,
            "accountId": account,
            "accessKeyId": access_key,
            "sessionContext": {"sessionIssuer": issuer},
        }
    for user in iam_backends[account]["aws"].users.values():
        if any(key.access_key_id == access_key for key in user.access_keys):
            return {"type": "IAMUser", "arn": user.arn, "accountId": account, "accessKeyId": access_key,
                    "userName": user.name}  # fmt: skip
    return {"type": "Root", "arn": f"arn:aws:iam::{account}:root", "accountId": account, "accessKeyId": access_key}
