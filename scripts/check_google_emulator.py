"""Compare the Google Cloud emulator with the live cloud, in a project of yours. Reads only, unless told otherwise.

    python scripts/check_google_emulator.py --project MY-PROJECT
    python scripts/check_google_emulator.py --project MY-PROJECT --write     # makes and deletes two throw-away accounts
                                                                             # and one role; names stay reserved a month

Every check is done twice: on an emulator that is started here, with a project of the same id, and on Google with the
application default credentials (`gcloud auth application-default login`). What is compared is the behaviour (status,
kind of error, shape), never your data; nothing of your project is printed. Exit code 0: no difference; 1: differences;
2: it could not be run.

It asks for: resourcemanager.projects.get and getIamPolicy, iam.serviceAccounts.get and list, iam.roles.get and list,
iam.workloadIdentityPools.get and list, iam.denypolicies.list (on the organisation, else that line differs),
storage.buckets.get, bigquery.datasets.get; with --write also what roles/iam.serviceAccountAdmin and
roles/iam.roleAdmin hold.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

IAM, CRM = "iam.googleapis.com", "cloudresourcemanager.googleapis.com"
STORAGE, BIGQUERY = "storage.googleapis.com", "bigquery.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

Json = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """One of the two clouds. `base` is the emulator's endpoint; without one each service is at its own host."""

    session: Any
    project: str
    base: str = ""

    def call(self, verb: str, host: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """(HTTP status, JSON)."""
        url = f"{self.base or f'https://{host}'}{path}"
        answer = self.session.request(verb, url, json=body, timeout=30)
        try:
            value = answer.json() if answer.content else {}
        except ValueError:
            value = {}
        return answer.status_code, value if isinstance(value, dict) else {}


Check = Callable[[Side], object]


def shape(code: int, answer: Json) -> tuple[object, ...]:
    """What is compared of a refusal: status, canonical status, types of details, the older reason."""
    error = answer.get("error", {})
    kinds = tuple(sorted(str(one.get("@type", "")).rpartition(".")[2] for one in error.get("details", ())))
    return code, error.get("status", ""), kinds, tuple(one.get("reason", "") for one in error.get("errors", ()))


def refusals(project: str) -> dict[str, tuple[str, str, str, Json | None]]:
    """Name → a call that both clouds must refuse in the same way."""
    nobody, nothing = f"no-such-thing@{project}.iam.gserviceaccount.com", f"no-such-project-{secrets.token_hex(6)}"
    policy = f"/v3/projects/{project}"
    point = quote(f"cloudresourcemanager.googleapis.com/projects/{project}", safe="")
    pools = f"/v1/projects/{project}/locations/global/workloadIdentityPools"
    gone = f"no-such-thing-{secrets.token_hex(8)}"
    permissions = {"permissions": ["resourcemanager.projects.*"]}
    accounts = f"/v1/projects/{project}/serviceAccounts"
    version = {"options": {"requestedPolicyVersion": 2}}
    return {
        "a service account that does not exist": ("GET", IAM, f"{accounts}/{nobody}", None),
        "accounts of a project that does not exist": ("GET", IAM, f"/v1/projects/{nothing}/serviceAccounts", None),
        "a project that does not exist": ("GET", CRM, f"/v3/projects/{nothing}", None),
        "a policy version that does not exist": ("POST", CRM, f"{policy}:getIamPolicy", version),
        "an unknown field of a body": ("POST", CRM, f"{policy}:getIamPolicy", {"noSuchField": 1}),
        "an unknown query parameter": ("GET", IAM, f"{accounts}?noSuchParameter=1", None),
        "a bad page token": ("GET", IAM, f"{accounts}?pageToken=-", None),
        "a permission with a wildcard": ("POST", CRM, f"{policy}:testIamPermissions", permissions),
        "a predefined role that does not exist": ("GET", IAM, "/v1/roles/storage.noSuchRole", None),
        "a custom role that does not exist": ("GET", IAM, f"/v1/projects/{project}/roles/no_such_role", None),
        "a pool that does not exist": ("GET", IAM, f"{pools}/no-such-pool", None),
        "a deny policy that does not exist": ("GET", IAM, f"/v2/policies/{point}/denypolicies/no-such-policy", None),
        "a bucket that does not exist": ("GET", STORAGE, f"/storage/v1/b/{gone}", None),
        "a dataset that does not exist": ("GET", BIGQUERY, f"/bigquery/v2/projects/{project}/datasets/none", None),
    }


def roles_held(side: Side, names: Sequence[str]) -> dict[str, frozenset[str]]:
    """Predefined role → its permissions; empty where it does not exist."""
    return {name: frozenset(side.call("GET", IAM, f"/v1/{name}")[1].get("includedPermissions", ())) for name in names}


def version_shown(side: Side) -> object:
    """How a policy with conditions shows below version 3; nothing to compare where the project has none."""
    path = f"/v3/projects/{side.project}:getIamPolicy"
    full = side.call("POST", CRM, path, {"options": {"requestedPolicyVersion": 3}})[1]
    older = side.call("POST", CRM, path, {"options": {"requestedPolicyVersion": 1}})[1]
    marked = [one for one in older.get("bindings", ()) if "_withcond_" in one["role"]]
    conditional = [one for one in full.get("bindings", ()) if "condition" in one]
    return len(marked) == len(conditional), not any("condition" in one for one in older.get("bindings", ()))


def life_of_an_account(side: Side) -> Iterator[object]:
    """Make, make again, change the account's own policy, delete, make anew; everything is deleted at the end."""
    accounts = f"/v1/projects/{side.project}/serviceAccounts"
    name, other = (f"emulator-check-{secrets.token_hex(4)}" for _ in range(2))
    path, domain = (
        f"{accounts}/{name}@{side.project}.iam.gserviceaccount.com",
        f"@{side.project}.iam.gserviceaccount.com",
    )
    try:
        code, first = side.call("POST", IAM, accounts, {"accountId": name})
        yield "make", code, sorted(first)
        yield "make again", *shape(*side.call("POST", IAM, accounts, {"accountId": name}))
        yield "bad id", *shape(*side.call("POST", IAM, accounts, {"accountId": "X"}))
        member = f"serviceAccount:{other}{domain}"
        bindings: list[Json] = [{"role": "roles/iam.serviceAccountViewer", "members": [member]}]
        sent: Json = {"policy": {"bindings": bindings}}
        yield "a member that does not exist", *shape(*side.call("POST", IAM, f"{path}:setIamPolicy", sent))
        side.call("POST", IAM, accounts, {"accountId": other})
        empty = side.call("POST", IAM, f"{path}:getIamPolicy")[1]
        yield "an empty policy", sorted(empty), empty.get("etag")
        bindings[0]["condition"] = {"title": "t", "expression": "request.time < timestamp('2040-01-01T00:00:00Z')"}
        yield "a condition in version 1", *shape(*side.call("POST", IAM, f"{path}:setIamPolicy", sent))
        sent = {"policy": {"version": 3, "bindings": bindings, "etag": empty.get("etag", "")}}
        code, stored = side.call("POST", IAM, f"{path}:setIamPolicy", sent)
        yield "a condition in version 3", code, stored.get("version"), sorted(stored)
        yield "a stale etag", *shape(*side.call("POST", IAM, f"{path}:setIamPolicy", sent))
        side.call("DELETE", IAM, f"{accounts}/{other}{domain}")
        shown = side.call("POST", IAM, f"{path}:getIamPolicy?options.requestedPolicyVersion=3")[1]
        members = [one for binding in shown.get("bindings", ()) for one in binding["members"]]
        yield "a deleted member", [(one.startswith("deleted:serviceAccount:"), "?uid=" in one) for one in members]
        side.call("DELETE", IAM, path)
        yield "a deleted account", *shape(*side.call("GET", IAM, path))
        again = side.call("POST", IAM, accounts, {"accountId": name})[1]
        yield "made anew it is another", again.get("uniqueId") != first.get("uniqueId")
        undelete = f"{accounts}/{first.get('uniqueId')}:undelete"
        yield "undelete while the email is taken", *shape(*side.call("POST", IAM, undelete, {}))
    finally:
        for one in (name, other):
            side.call("DELETE", IAM, f"{accounts}/{one}{domain}")


def life_of_a_role(side: Side) -> Iterator[object]:
    """Make, change with a stale etag, delete, make again, undelete; it is deleted at the end."""
    roles, name = f"/v1/projects/{side.project}/roles", f"emulator_check_{secrets.token_hex(4)}"
    role = {"title": "Emulator check", "includedPermissions": ["resourcemanager.projects.get"]}
    try:
        code, made = side.call("POST", IAM, roles, {"roleId": name, "role": role})
        yield "stage ALPHA is left out", code, sorted(made)
        unknown = {"roleId": f"{name}_x", "role": {"includedPermissions": ["no.such.permission"]}}
        yield "an unknown permission", *shape(*side.call("POST", IAM, roles, unknown))
        changed = {"title": "Changed", "etag": made.get("etag", "")}
        yield "change", side.call("PATCH", IAM, f"{roles}/{name}?updateMask=title", changed)[0]
        yield "a stale etag", *shape(*side.call("PATCH", IAM, f"{roles}/{name}?updateMask=title", changed))
        yield "delete", side.call("DELETE", IAM, f"{roles}/{name}")[1].get("deleted")
        yield "still there to get", side.call("GET", IAM, f"{roles}/{name}")[1].get("deleted")
        again = side.call("POST", IAM, roles, {"roleId": name, "role": role})
        yield "the id is locked", *shape(*again)
        yield "undelete", sorted(side.call("POST", IAM, f"{roles}/{name}:undelete", {})[1])
    finally:
        side.call("DELETE", IAM, f"{roles}/{name}")


def compare(real: Side, ours: Side, write: bool, out: Callable[[str], object]) -> int:
    """Print a line a difference; the result is how many there are."""
    found = 0

    def told(name: str, google: object, emulator: object) -> None:
        nonlocal found
        if google != emulator:
            found += 1
            out(f"DIFFERS  {name}\n         Google    {google}\n         emulator  {emulator}\n")
        else:
            out(f"same     {name}\n")

    for name, (verb, host, path, body) in refusals(real.project).items():
        told(name, shape(*real.call(verb, host, path, body)), shape(*ours.call(verb, host, path, body)))
    told("a policy with conditions below version 3", version_shown(real), version_shown(ours))
    code, answer = ours.call("GET", IAM, "/v1/roles?pageSize=1000")
    names = [role["name"] for role in answer["roles"]] if code == 200 else []
    basic = {"roles/owner", "roles/editor", "roles/viewer"}
    held, known = roles_held(real, names), roles_held(ours, names)
    for name in sorted(set(names) - basic):  # ours are a part of Google's: more than Google's would be wrong
        told(f"{name} holds nothing that Google's does not", frozenset(), known[name] - held[name])
    for life in (life_of_an_account, life_of_a_role) if write else ():
        for google, emulator in zip(life(real), life(ours), strict=True):
            told(f"{life.__name__.replace('_', ' ')}: {google[0]}", google, emulator)  # type: ignore[index]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", required=True)
    parser.add_argument("--write", action="store_true", help="also make and delete two accounts and one role")
    parser.add_argument("--endpoint", default="", help="another faithful emulator on this machine instead of Google")
    given = parser.parse_args(arguments)
    import google.auth
    from google.auth import credentials, exceptions
    from google.auth.transport.requests import AuthorizedSession
    from provisioner_google.sandbox import start

    new_session: Callable[..., Any] = AuthorizedSession
    anonymous: Callable[[], Any] = credentials.AnonymousCredentials
    nobody = new_session(anonymous(), refresh_status_codes=())
    if given.endpoint and urlsplit(given.endpoint).hostname not in ("127.0.0.1", "localhost", "::1"):
        parser.error("--endpoint must be on this machine: your credentials stay at home, but your questions would not")
    try:
        session = nobody if given.endpoint else new_session(google.auth.default(scopes=[SCOPE])[0])
    except exceptions.DefaultCredentialsError as error:
        sys.stderr.write(f"{error}\nLog in: gcloud auth application-default login\n")
        return 2
    real = Side(session, given.project, given.endpoint.rstrip("/"))
    with start(seeds={"projects": {given.project: {}}}) as emulator:
        ours = Side(nobody, given.project, emulator.endpoint)
        code, answer = real.call("GET", CRM, f"/v3/projects/{given.project}")
        if code != 200:
            sys.stderr.write(f"The project cannot be read: {shape(code, answer)}\n")
            return 2
        found = compare(real, ours, given.write, sys.stdout.write)
    sys.stdout.write(f"\n{found} differences\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
