"""What an IAM user that stands for an agent can prove itself with: keys that live until somebody takes them away.

Each is observed and judged (KEY-1), never written. The five kinds are those of the IAM User Guide, «Security
credentials» of an IAM user: access keys, a console password, X.509 signing certificates, SSH public keys (CodeCommit),
and credentials for one service (CodeCommit, Keyspaces, and API keys of Bedrock).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.model.resources import Address, Resource

from . import live, schema
from .client import Account
from .gather import Gathered, absent_as_none

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """One call that lists credentials of a user: its answer's list, and the id of each in it."""

    kind: str
    what: str
    permission: str
    action: str
    items: str
    id: str


LISTINGS = (
    Listing(
        schema.SIGNING_CERTIFICATE,
        "signing certificates",
        "iam:ListSigningCertificates",
        "list_signing_certificates",
        "Certificates",
        "CertificateId",
    ),
    Listing(
        schema.SSH_KEY, "SSH keys", "iam:ListSSHPublicKeys", "list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId"
    ),
    Listing(
        schema.SERVICE_CREDENTIAL,
        "service credentials",
        "iam:ListServiceSpecificCredentials",
        "list_service_specific_credentials",
        "ServiceSpecificCredentials",
        "ServiceSpecificCredentialId",
    ),
)


def read_credentials(gathered: Gathered, user: Resource) -> None:
    """Everything that a user can prove itself with; what may not be read is a gap of its agent."""
    account, name = gathered.account, user.address.name
    agents = (user.agent,) if user.agent else ()

    def keys() -> list[Raw]:
        pages = account.pages("list_access_keys", UserName=name)
        return [key for page in pages for key in page["AccessKeyMetadata"]]

    def console() -> bool:
        return absent_as_none(lambda: account.read("get_login_profile", UserName=name)) is not None

    for key in gathered.attempt(f"access keys of user {name}", "iam:ListAccessKeys", keys, agents) or ():
        gathered.add(live.access_key(user, key))
    if gathered.attempt(f"console password of user {name}", "iam:GetLoginProfile", console, agents):
        gathered.add(live.login_profile(user))
    for listing in LISTINGS:
        found = gathered.attempt(
            f"{listing.what} of user {name}", listing.permission, _listed(account, listing, name), agents
        )
        for raw in found or ():
            gathered.add(_credential(user, listing, raw))


def _listed(account: Account, listing: Listing, user: str) -> Callable[[], list[Raw]]:
    return lambda: [raw for page in account.pages(listing.action, UserName=user) for raw in page[listing.items]]


def _credential(user: Resource, listing: Listing, raw: Raw) -> Resource:
    address = Address("aws", user.address.target, listing.kind, f"{user.address.name}/{raw[listing.id]}")
    attributes = {"status": raw["Status"], "user": user.address.name}
    if listing.kind == schema.SERVICE_CREDENTIAL:
        attributes["service"] = raw["ServiceName"]
    return Resource(address, attributes, agent=user.agent, parent=user.address)
