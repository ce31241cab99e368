"""EKS pod identity associations, as records: create, describe, list, update, delete, tag.

Source: Amazon EKS API Reference, «CreatePodIdentityAssociation» and its neighbours. A service account of a cluster has
at most one association. Whether the role exists, EKS does not check; the cluster must.
"""

from __future__ import annotations

import re
import secrets
import string
import time
from typing import TYPE_CHECKING, Any

from .answers import Answer, RefusedError, page

if TYPE_CHECKING:
    from .handlers import Call

_PATH = re.compile(r"/clusters/([^/]+)/pod-identity-associations(?:/([^/]+))?")
_TAGS = re.compile(r"/tags/(arn:[^:]+:eks:[^:]+:[0-9]{12}:podidentityassociation/([^/]+)/(a-[a-z0-9]+))")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+")
_NEEDED = ("namespace", "serviceAccount", "roleArn")
_LETTERS = string.ascii_lowercase + string.digits
_SUMMARY = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId")
_PAGE = 100

Record = dict[str, Any]


class Associations:
    """Every association of the sandbox, by account, region and id."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str, str], Record] = {}

    def reset(self) -> None:
        self._records.clear()

    def takes(self, path: str) -> bool:
        return bool(_PATH.fullmatch(path)) or ":podidentityassociation" in path

    def handle(self, call: Call) -> Answer:
        tagged = _TAGS.fullmatch(call.path)
        if tagged is not None:
            return self._tags(call, self._found(call, tagged[2], tagged[3]))
        parts = _PATH.fullmatch(call.path)
        if parts is None:
            raise RefusedError(404, "NotFoundException", f"no resource at {call.path}")
        cluster, id_ = parts[1], parts[2]
        self._require_cluster(call, cluster)
        if id_ is None:
            return self._create(call, cluster) if call.method == "POST" else self._list(call, cluster)
        record = self._found(call, cluster, id_)
        if call.method == "DELETE":
            del self._records[call.account, call.region, id_]
        elif call.method == "POST":
            self._update(call.body, record)
        return Answer(200, {"association": record})

    @staticmethod
    def _require_cluster(call: Call, cluster: str) -> None:
        """moto has the clusters."""
        from moto.eks.models import eks_backends

        if cluster not in eks_backends[call.account][call.region].clusters:
            raise RefusedError(404, "ResourceNotFoundException", f"No cluster found for name: {cluster}.")

    def _found(self, call: Call, cluster: str, id_: str) -> Record:
        record = self._records.get((call.account, call.region, id_))
        if record is None or record["clusterName"] != cluster:
            raise RefusedError(404, "ResourceNotFoundException", f"No association found with id: {id_}")
        return record

    def _create(self, call: Call, cluster: str) -> Answer:
        body = call.body
        for name in _NEEDED:
            if not body.get(name):
                raise RefusedError(400, "InvalidParameterException", f"{name} must not be empty")
        _check(body)
        for record in self._of(call, cluster):
            if (record["namespace"], record["serviceAccount"]) == (body["namespace"], body["serviceAccount"]):
                raise RefusedError(
                    409, "ResourceInUseException", "Association already exists: " + record["associationId"]
                )
        id_ = "a-" + "".join(secrets.choice(_LETTERS) for _ in range(17))
        now = round(time.time(), 3)
        record = {
            "clusterName": cluster,
            "namespace": body["namespace"],
            "serviceAccount": body["serviceAccount"],
            "roleArn": body["roleArn"],
            "associationArn": f"arn:aws:eks:{call.region}:{call.account}:podidentityassociation/{cluster}/{id_}",
            "associationId": id_,
            "tags": dict(body.get("tags") or {}),
            "createdAt": now,
            "modifiedAt": now,
            "disableSessionTags": bool(body.get("disableSessionTags", False)),
            **{name: body[name] for name in ("targetRoleArn", "policy") if body.get(name)},
        }
        self._records[call.account, call.region, id_] = record
        return Answer(200, {"association": record})

    def _list(self, call: Call, cluster: str) -> Answer:
        found = [
            {name: record[name] for name in _SUMMARY}
            for record in self._of(call, cluster)
            if all(
                record[name] == call.query[name][0] for name in ("namespace", "serviceAccount") if name in call.query
            )
        ]
        size = min(int(call.query.get("maxResults", [str(_PAGE)])[0]), _PAGE)
        items, token = page(found, call.query.get("nextToken", [None])[0], size)
        return Answer(200, {"associations": items, **({"nextToken": token} if token else {})})

    def _of(self, call: Call, cluster: str) -> list[Record]:
        mine = [
            r for (account, region, _), r in self._records.items() if (account, region) == (call.account, call.region)
        ]
        return [record for record in mine if record["clusterName"] == cluster]

    @staticmethod
    def _update(body: dict[str, Any], record: Record) -> None:
        _check({**record, **body})
        for name in ("roleArn", "disableSessionTags", "targetRoleArn", "policy"):
            if name in body:
                record[name] = body[name]
        record["modifiedAt"] = round(time.time(), 3)

    @staticmethod
    def _tags(call: Call, record: Record) -> Answer:
        if call.method == "GET":
            return Answer(200, {"tags": record["tags"]})
        if call.method == "POST":
            record["tags"].update(call.body.get("tags") or {})
        else:
            for key in call.query.get("tagKeys", []):
                record["tags"].pop(key, None)
        return Answer(200)


def _check(body: dict[str, Any]) -> None:
    for name in ("roleArn", "targetRoleArn"):
        if body.get(name) and not _ROLE.fullmatch(body[name]):
            raise RefusedError(400, "InvalidParameterException", f"{name} is not a valid role ARN: {body[name]}")
    if body.get("policy") and not body.get("disableSessionTags"):
        raise RefusedError(400, "InvalidParameterException", "disableSessionTags must be true when policy is given")
