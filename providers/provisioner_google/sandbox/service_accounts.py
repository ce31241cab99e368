"""Service accounts and their keys: soft deletion, undeletion by unique id, disabling.

Sources: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts (and .keys),
https://cloud.google.com/iam/docs/service-accounts-delete-undelete (30 days; a new one with the name of a deleted one
is another principal), https://cloud.google.com/iam/quotas (100 accounts a project by default, 10 keys an account).
"""

from __future__ import annotations

import base64
import json
import re
import secrets

from .clock import timestamp
from .core import Call, masked, page
from .errors import ApiError, Json, exists, invalid, not_found
from .state import Container, Record, State, without_defaults

KEPT_SECONDS = 30 * 86400.0
MAX_KEYS = 10
_ACCOUNT_ID = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
_ETAG = "MDEwMjE5MjA="
_FOREVER = "9999-12-31T23:59:59Z"
_KEY_TYPES = ("USER_MANAGED", "SYSTEM_MANAGED")
_ALGORITHMS = ("KEY_ALG_UNSPECIFIED", "KEY_ALG_RSA_1024", "KEY_ALG_RSA_2048")


def create(state: State, call: Call) -> Json:
    project = state.project(call.name, "iam.serviceAccounts.create")
    identity, given = call.body.get("accountId", ""), call.body.get("serviceAccount", {})
    if not _ACCOUNT_ID.fullmatch(identity):
        raise invalid(
            "The account ID has an invalid length or format: 6 to 30 lower-case letters, digits and dashes, starting"
            " with a letter.",
            "account_id",
        )
    _lengths(given)
    email = email_of(project, identity)
    if email in state.emails:
        raise exists(f"Service account {identity} already exists within project {project.name}.")
    unique = state.new_number()
    body = {
        "name": f"{project.name}/serviceAccounts/{email}",
        "projectId": project.name.removeprefix("projects/"),
        "uniqueId": unique,
        "email": email,
        "displayName": given.get("displayName", ""),
        "description": given.get("description", ""),
        "etag": _ETAG,
        "oauth2ClientId": unique,
        "disabled": False,
    }
    state.accounts[unique] = Record(body, state.now())
    state.emails[email] = unique
    state.keys[unique] = {}
    _new_key(state, unique, "SYSTEM_MANAGED", "GOOGLE_PROVIDED", state.now() + 14 * 86400)
    return without_defaults(body)


def email_of(project: Container, identity: str) -> str:
    """The email of an account. A domain-scoped project (`example.com:p`) turns into `p.example.com`."""
    domain, colon, name = project.name.removeprefix("projects/").rpartition(":")
    return f"{identity}@{name}{'.' + domain if colon else ''}.iam.gserviceaccount.com"


def _lengths(given: Json) -> None:
    if len((given.get("displayName") or "").encode()) > 100:
        raise invalid("The display name must be at most 100 bytes.", "service_account.display_name")
    if len((given.get("description") or "").encode()) > 256:
        raise invalid("The description must be at most 256 bytes.", "service_account.description")


def find(state: State, name: str, permission: str) -> Record:
    """The account of `projects/P/serviceAccounts/EMAIL_OR_UNIQUE_ID`; `-` is any project. Raises ApiError."""
    parts = name.split("/")
    if len(parts) < 4 or not parts[3]:
        raise invalid(f"Invalid service account name: {name}", "name")
    given = parts[3].lower()
    record = state.accounts.get(state.emails.get(given, given))
    missing = not_found(f"Unknown service account: {parts[3]}")
    if record is None or record.deleted is not None:
        raise missing
    if parts[1] != "-":
        project = state.project("/".join(parts[:2]), permission).name
        if project != f"projects/{record.body['projectId']}":
            raise missing
    if state.hidden(record):
        record.reads += 1
        raise missing
    return record


def get(state: State, call: Call) -> Json:
    return without_defaults(find(state, call.name, "iam.serviceAccounts.get").body)


def list_accounts(state: State, call: Call) -> Json:
    project = state.project(call.name, "iam.serviceAccounts.list").name
    prefix = f"{project}/serviceAccounts/"
    found = [
        without_defaults(state.accounts[state.emails[email]].body)
        for email in sorted(state.emails)
        if state.accounts[state.emails[email]].body["name"].startswith(prefix)
        and not state.hidden(state.accounts[state.emails[email]])
    ]
    return page(found, call, "accounts", 20, 100)


def patch(state: State, call: Call) -> Json:
    given = call.body.get("serviceAccount", {})
    mask = call.body.get("updateMask", "")
    if not mask:
        raise invalid("The update mask is missing or empty.", "update_mask")
    record = find(state, call.name or given.get("name", ""), "iam.serviceAccounts.update")
    _lengths(given)
    changed = masked(call, mask, ("displayName", "description", "etag"), given)
    record.body |= {key: value or "" for key, value in changed.items() if key != "etag"}
    return without_defaults(record.body)


def update(state: State, call: Call) -> Json:
    """The older update: it takes the display name only."""
    record = find(state, call.name, "iam.serviceAccounts.update")
    _lengths(call.body)
    record.body["displayName"] = call.body.get("displayName", "")
    return without_defaults(record.body)


def disable(state: State, call: Call) -> Json:
    find(state, call.name, "iam.serviceAccounts.disable").body["disabled"] = True
    return {}


def enable(state: State, call: Call) -> Json:
    find(state, call.name, "iam.serviceAccounts.enable").body["disabled"] = False
    return {}


def delete(state: State, call: Call) -> Json:
    record = find(state, call.name, "iam.serviceAccounts.delete")
    record.deleted = state.now()
    del state.emails[record.body["email"]]
    return {}


def undelete(state: State, call: Call) -> Json:
    """By unique id only, within 30 days, and while no new account has the email. Its own policy and keys come back."""
    given = call.name.split("/")[-1]
    record = state.accounts.get(given)
    if record is None or record.deleted is None or state.now() - record.deleted >= KEPT_SECONDS:
        raise not_found(f"Service account {given} does not exist or was not deleted in the last 30 days.")
    if record.body["email"] in state.emails:
        raise ApiError("FAILED_PRECONDITION", f"A service account {record.body['email']} exists.")
    record.deleted = None
    state.emails[record.body["email"]] = given
    return {"restoredAccount": without_defaults(record.body)}


def create_key(state: State, call: Call) -> Json:
    record = find(state, call.name, "iam.serviceAccountKeys.create")
    unique = record.body["uniqueId"]
    algorithm = call.body.get("keyAlgorithm") or "KEY_ALG_RSA_2048"
    if algorithm not in _ALGORITHMS:
        raise invalid(f"Invalid key algorithm: {algorithm}", "key_algorithm")
    key = _user_key(state, unique, "GOOGLE_PROVIDED")
    # Not a usable private key: the emulator signs nothing, and a made-up key cannot leak anything.
    data = {"type": "service_account", "client_email": record.body["email"], "private_key_id": secrets.token_hex(20)}
    encoded = base64.b64encode(json.dumps(data).encode()).decode()
    return {**key, "privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE", "privateKeyData": encoded}


def upload_key(state: State, call: Call) -> Json:
    record = find(state, call.name, "iam.serviceAccountKeys.create")
    if not call.body.get("publicKeyData"):
        raise invalid("The public key data is missing.", "public_key_data")
    return _user_key(state, record.body["uniqueId"], "USER_PROVIDED")


def _user_key(state: State, unique: str, origin: str) -> Json:
    held = [one for one in state.keys[unique].values() if one.body["keyType"] == "USER_MANAGED"]
    if len(held) >= MAX_KEYS:
        raise ApiError("FAILED_PRECONDITION", "Precondition check failed.")
    return _new_key(state, unique, "USER_MANAGED", origin, None)


def _new_key(state: State, unique: str, kind: str, origin: str, until: float | None) -> Json:
    identity = secrets.token_hex(20)
    body = {
        "name": f"{state.accounts[unique].body['name']}/keys/{identity}",
        "validAfterTime": timestamp(state.now()),
        "validBeforeTime": _FOREVER if until is None else timestamp(until),
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "keyOrigin": origin,
        "keyType": kind,
        "disabled": False,
    }
    state.keys[unique][identity] = Record(body, state.now())
    return without_defaults(body)


def _key(state: State, call: Call, permission: str) -> tuple[dict[str, Record], str]:
    account = find(state, call.name, permission)
    identity = call.name.split("/")[-1]
    keys = state.keys[account.body["uniqueId"]]
    if identity not in keys:
        raise not_found(f"Service account key {identity} does not exist.")
    return keys, identity


def get_key(state: State, call: Call) -> Json:
    keys, identity = _key(state, call, "iam.serviceAccountKeys.get")
    return without_defaults(keys[identity].body)


def list_keys(state: State, call: Call) -> Json:
    account = find(state, call.name, "iam.serviceAccountKeys.list")
    wanted = call.repeated.get("keyTypes") or tuple(call.body.get("keyTypes", ())) or _KEY_TYPES
    for kind in wanted:
        if kind not in _KEY_TYPES:
            raise invalid(f"Invalid key type: {kind}", "key_types")
    found = [one.body for one in state.keys[account.body["uniqueId"]].values() if one.body["keyType"] in wanted]
    return {"keys": [without_defaults(body) for body in found]} if found else {}


def delete_key(state: State, call: Call) -> Json:
    keys, identity = _key(state, call, "iam.serviceAccountKeys.delete")
    if keys[identity].body["keyType"] == "SYSTEM_MANAGED":
        raise ApiError("FAILED_PRECONDITION", "Cannot delete a system-managed key.")
    del keys[identity]
    return {}


def disable_key(state: State, call: Call) -> Json:
    keys, identity = _key(state, call, "iam.serviceAccountKeys.disable")
    keys[identity].body["disabled"] = True
    return {}


def enable_key(state: State, call: Call) -> Json:
    keys, identity = _key(state, call, "iam.serviceAccountKeys.enable")
    keys[identity].body["disabled"] = False
    return {}


def generate_token(state: State, call: Call) -> Json:
    """Impersonation: the token names the account. A disabled one gets none; a chain of delegates is refused."""
    record = find(state, call.name, "iam.serviceAccounts.getAccessToken")
    if record.body["disabled"]:
        raise ApiError("FAILED_PRECONDITION", "The service account is disabled.")
    lifetime = call.body.get("lifetime") or "3600s"
    if not re.fullmatch(r"[0-9]{1,5}s", lifetime) or not 0 < int(lifetime[:-1]) <= 3600:
        raise invalid("The lifetime must be between 1s and 3600s.", "lifetime")
    if not call.body.get("scope"):
        raise invalid("Scope is required.", "scope")
    expires = timestamp(state.now() + int(lifetime[:-1])).partition(".")[0] + "Z"
    return {"accessToken": f"serviceAccount:{record.body['email']}", "expireTime": expires}
