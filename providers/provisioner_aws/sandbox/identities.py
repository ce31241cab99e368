"""AgentCore workload identities, as records: create, get, list, update, delete, tag.

Source: Amazon Bedrock AgentCore Control Plane API Reference, «CreateWorkloadIdentity» and its neighbours.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from .answers import Answer, RefusedError, page

if TYPE_CHECKING:
    from .handlers import Call

_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_TAGS = re.compile(r"/tags/(arn:[^:]+:bedrock-agentcore:[^:]+:[0-9]{12}:workload-identity-directory/default/.+)")
_PAGE = 20

Record = dict[str, Any]


class WorkloadIdentities:
    """Every workload identity of the sandbox, by account, region and name."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str, str], Record] = {}
        self._tags: dict[str, dict[str, str]] = {}

    def reset(self) -> None:
        self._records.clear()
        self._tags.clear()

    def takes(self, path: str) -> bool:
        if path.startswith("/identities/"):
            return "Workload" in path
        return ":workload-identity-directory/" in path

    def handle(self, call: Call) -> Answer:
        tagged = _TAGS.fullmatch(call.path)
        if tagged is not None:
            return self._tagging(call, tagged[1])
        action = call.path.rpartition("/")[2]
        if action == "ListWorkloadIdentities":
            return self._list(call)
        name = str(call.body.get("name", ""))
        if not _NAME.fullmatch(name):
            raise RefusedError(400, "ValidationException", f"name {name!r} fails to satisfy [A-Za-z0-9_.-]{{3,255}}")
        if action == "CreateWorkloadIdentity":
            return self._create(call, name)
        key = (call.account, call.region, name)
        if key not in self._records:
            raise RefusedError(404, "ResourceNotFoundException", f"WorkloadIdentity {name} not found")
        if action == "DeleteWorkloadIdentity":
            self._tags.pop(self._records.pop(key)["workloadIdentityArn"], None)
            return Answer(204)
        if action == "UpdateWorkloadIdentity":
            self._records[key]["allowedResourceOauth2ReturnUrls"] = list(
                call.body.get("allowedResourceOauth2ReturnUrls") or ()
            )
            self._records[key]["lastUpdatedTime"] = round(time.time(), 3)
        return Answer(200, self._records[key])

    def _create(self, call: Call, name: str) -> Answer:
        key = (call.account, call.region, name)
        if key in self._records:
            raise RefusedError(409, "ConflictException", f"WorkloadIdentity with name {name} already exists")
        directory = f"arn:aws:bedrock-agentcore:{call.region}:{call.account}:workload-identity-directory/default"
        now = round(time.time(), 3)
        arn = f"{directory}/workload-identity/{name}"
        record: Record = {
            "name": name,
            "workloadIdentityArn": arn,
            "allowedResourceOauth2ReturnUrls": list(call.body.get("allowedResourceOauth2ReturnUrls") or ()),
            "createdTime": now,
            "lastUpdatedTime": now,
        }
        self._records[key] = record
        self._tags[arn] = dict(call.body.get("tags") or {})
        return Answer(201, record)

    def _list(self, call: Call) -> Answer:
        mine = [
            r for (account, region, _), r in self._records.items() if (account, region) == (call.account, call.region)
        ]
        short = [{name: record[name] for name in ("name", "workloadIdentityArn")} for record in mine]
        size = min(int(call.body.get("maxResults") or _PAGE), _PAGE)
        items, token = page(short, call.body.get("nextToken"), size)
        return Answer(200, {"workloadIdentities": items, **({"nextToken": token} if token else {})})

    def _tagging(self, call: Call, arn: str) -> Answer:
        if arn not in self._tags:
            raise RefusedError(404, "ResourceNotFoundException", f"{arn} not found")
        if call.method == "GET":
            return Answer(200, {"tags": self._tags[arn]})
        if call.method == "POST":
            self._tags[arn].update(call.body.get("tags") or {})
        else:
            for key in call.query.get("tagKeys", []):
                self._tags[arn].pop(key, None)
        return Answer(204)
