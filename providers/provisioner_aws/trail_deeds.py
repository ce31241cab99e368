"""Which of our resources a CloudTrail record changed, and who did it; and the look-up of such records in CloudTrail.

Sources: IAM API reference (names of parameters); CloudTrail API reference, «LookupEvents» (two requests a second, 90
days, management events); IAM User Guide, «Logging IAM calls»: IAM's events are in the partition's home region.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from provisioner.model.resources import Address
from provisioner.model.usage import Attribution, Deed
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection
from provisioner.sdk.usage import LookedUp

from . import names, schema
from .client import Account
from .faults import ANSWERS, Fault, classify, message
from .trail import Record, account_of, call_of, text

SOURCE = "CloudTrail"
PERMISSION = "cloudtrail:LookupEvents"
PAUSE_SECONDS = 0.5
"""CloudTrail takes two look-ups a second in each account and region."""
MOST = 40
"""Names looked up in one run and account: a run must end, however much has changed."""
PAGES = 4
"""Pages of 50 records that one name is followed through."""

HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where IAM's events are, in each partition."""

_IAM, _EKS = "iam.amazonaws.com", "eks.amazonaws.com"
_KNOWN = frozenset(
    [
        schema.ROLE,
        schema.ROLE_POLICY,
        schema.ATTACHMENT,
        schema.PACK,
        schema.POLICY,
        schema.ACCESS_KEY,
        schema.LOGIN_PROFILE,
        schema.OIDC_PROVIDER,
        schema.INSTANCE_PROFILE,
        schema.POD_IDENTITY,
    ]
)
"""Kinds of which it is known which calls change them."""
_ROLE_ITSELF = frozenset(
    [
        "CreateRole",
        "DeleteRole",
        "UpdateRole",
        "UpdateRoleDescription",
        "UpdateAssumeRolePolicy",
        "TagRole",
        "UntagRole",
        "PutRolePermissionsBoundary",
        "DeleteRolePermissionsBoundary",
    ]
)
_VERSIONED = frozenset(
    [
        "CreatePolicy",
        "DeletePolicy",
        "CreatePolicyVersion",
        "SetDefaultPolicyVersion",
        "DeletePolicyVersion",
        "TagPolicy",
        "UntagPolicy",
    ]
)
_PROFILES = frozenset(["AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"])
_PROVIDERS = frozenset(
    [
        "CreateOpenIDConnectProvider",
        "DeleteOpenIDConnectProvider",
        "AddClientIDToOpenIDConnectProvider",
        "RemoveClientIDFromOpenIDConnectProvider",
        "UpdateOpenIDConnectProviderThumbprint",
        "TagOpenIDConnectProvider",
        "UntagOpenIDConnectProvider",
    ]
)


def deed_of(record: Record, wanted: Collection[Address]) -> Deed | None:
    """What a successful call changed of the wanted addresses."""
    if text(record, "eventSource") not in (_IAM, _EKS) or text(record, "errorCode") or call_of(record) is None:
        return None
    account = account_of(record)
    changed = tuple(a for a in (Address("aws", account, kind, name) for kind, name in _changed(record)) if a in wanted)
    return Deed(changed, attribution(record)) if changed else None


def attribution(record: Record) -> Attribution:
    service = text(record, "eventSource").partition(".")[0]
    return Attribution(
        actor=actor(record.get("userIdentity")),
        time=text(record, "eventTime"),
        call=f"{service}:{text(record, 'eventName')}",
        event=text(record, "eventID"),
        source=SOURCE,
    )


def actor(identity: Any) -> str:
    """Who called, as people know them: `assumed-role/Admin/hugo`, `user/eve`, `root`, a service; with the source
    identity of the session, which the caller could not choose later."""
    arn, kind = text(identity, "arn"), text(identity, "type")
    account = text(identity, "accountId")
    said = arn.split(":", 5)[5] if arn.count(":") >= 5 else text(identity, "userName") or text(identity, "invokedBy")
    if kind == "Root":
        said = "root"
    if not said:
        said = text(identity, "principalId") or kind or "somebody whom the record does not name"
    source = text(identity, "sessionContext", "sourceIdentity") or text(identity, "sourceIdentity")
    more = f" (source identity {source})" if source else ""
    return f"{said} of account {account}{more}" if kind in ("Root", "AWSAccount") else f"{said}{more}"


def _changed(record: Record) -> Iterator[tuple[str, str]]:
    """Kinds and names of what a call of IAM or EKS was about."""
    name = text(record, "eventName")
    if text(record, "eventSource") == _EKS and "PodIdentityAssociation" in name:
        yield from _association(record)
    if text(record, "eventSource") != _IAM:
        return
    role, arn = text(record, "requestParameters", "roleName"), text(record, "requestParameters", "policyArn")
    policy, user = text(record, "requestParameters", "policyName"), text(record, "requestParameters", "userName")
    if role and name in _ROLE_ITSELF:
        yield schema.ROLE, role
    elif role and name in ("PutRolePolicy", "DeleteRolePolicy"):
        yield schema.ROLE_POLICY, f"{role}/{policy}"
    elif role and name in ("AttachRolePolicy", "DetachRolePolicy"):
        yield schema.ATTACHMENT, f"{role}/{arn}"
        yield schema.PACK, f"{role}/{arn.rpartition('/')[2]}"
    elif role and name in _PROFILES:
        profile = text(record, "requestParameters", "instanceProfileName")
        yield schema.INSTANCE_PROFILE, f"{role}/{profile}"
    elif name in _VERSIONED:
        own = arn or text(record, "responseElements", "policy", "arn")
        yield schema.POLICY, own.rpartition("/")[2] or policy
        yield schema.POLICY, own
    elif name == "CreateAccessKey":
        key = text(record, "responseElements", "accessKey", "accessKeyId")
        yield schema.ACCESS_KEY, f"{user or text(record, 'responseElements', 'accessKey', 'userName')}/{key}"
    elif name == "UpdateAccessKey":
        yield schema.ACCESS_KEY, f"{user}/{text(record, 'requestParameters', 'accessKeyId')}"
    elif name in ("CreateLoginProfile", "UpdateLoginProfile"):
        yield schema.LOGIN_PROFILE, f"{user}/console"
    elif name in _PROVIDERS:
        yield schema.OIDC_PROVIDER, text(record, "requestParameters", "openIDConnectProviderArn")


def _association(record: Record) -> Iterator[tuple[str, str]]:
    cluster = text(record, "requestParameters", "clusterName") or text(record, "requestParameters", "name")
    answer = record.get("responseElements")
    about = answer.get("association") if isinstance(answer, Mapping) else None
    namespace, account = text(about, "namespace"), text(about, "serviceAccount")
    arn = text(record, "userIdentity", "arn")
    partition = arn.split(":")[1] if arn.startswith("arn:") else "aws"
    if cluster and namespace and account:
        place = f"arn:{partition}:eks:{text(record, 'awsRegion')}:{account_of(record)}:cluster/{cluster}"
        yield schema.POD_IDENTITY, f"{place}/{namespace}/{account}"


def question(address: Address, partition: str) -> tuple[str, str, str]:
    """Region, attribute and value under which CloudTrail finds what changed an address."""
    if address.kind == schema.POD_IDENTITY:
        return address.name.split(":")[3], "EventSource", _EKS
    name = address.name if address.name.startswith("arn:") else address.name.partition("/")[0]
    if address.kind == schema.POLICY and name == address.name and not name.startswith("arn:"):
        name = names.policy_arn(partition, address.target, schema.ROLE_PATH, name)
    return HOME[partition], "ResourceName", name


def look_up(
    connections: Sequence[Connection], addresses: Collection[Address], sleep: Callable[[float], None] = time.sleep
) -> LookedUp:
    """Ask CloudTrail of each account for what changed the addresses; the newest call counts."""
    found: dict[Address, Attribution] = {}
    calls: dict[str, int] = {}
    seen: set[str] = set()
    for connection in connections:
        account = Account(connection, "plan_role")
        own = sorted(address for address in addresses if address.target == account.id)
        if not own or account.id in seen:
            continue
        seen.add(account.id)
        asked: dict[tuple[str, str, str], list[Address]] = {}
        for address in own:
            if address.kind in _KNOWN:
                asked.setdefault(question(address, account.partition), []).append(address)
            else:
                found[address] = Attribution(unknown=f"no call is known that changes a {address.kind}")
        for at, (where, mine) in enumerate(asked.items()):
            if at < MOST:
                found.update(_asked(account, where, mine, sleep))
            else:
                found.update(dict.fromkeys(mine, Attribution(unknown=f"one run looks {MOST} names up, no more")))
        calls[f"aws:{account.id}"] = account.calls
    return LookedUp(found, calls)


def _asked(
    account: Account, where: tuple[str, str, str], addresses: Sequence[Address], sleep: Callable[[float], None]
) -> dict[Address, Attribution]:
    """The newest deed for each address; records come newest first."""
    region, key, value = where
    found: dict[Address, Attribution] = {}
    request: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}],
        "MaxResults": 50,
    }
    why = "CloudTrail's last 90 days hold no such call"
    for _ in range(PAGES):
        if not account.loopback:
            sleep(PAUSE_SECONDS)
        try:
            page = account.read_in("cloudtrail", region, "lookup_events", **request)
        except ANSWERS as error:
            why = _why(error)
            break
        except CloudError as error:
            why = f"{PERMISSION} failed: {error.summary}"
            break
        for event in page.get("Events") or ():
            record = _record(event)
            deed = deed_of(record, addresses) if record is not None else None
            if deed is not None:
                found.update({a: deed.attribution for a in deed.addresses if a not in found})
        token = page.get("NextToken")
        if not token or set(found) == set(addresses):
            break
        request["NextToken"] = token
    else:
        why = f"none of the last {50 * PAGES} records under {value} is such a call"
    return {address: found.get(address, Attribution(unknown=why)) for address in addresses}


def _why(error: Exception) -> str:
    if classify(error) is Fault.DENIED:
        return f"reader lacks {PERMISSION}"
    return f"{PERMISSION} failed: {message(error)}"


def _record(event: Mapping[str, Any]) -> Record | None:
    try:
        found = json.loads(event.get("CloudTrailEvent") or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
