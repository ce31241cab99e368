"""Builds what a workspace is and who answers for it: the provisioner block, people and control owners."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ..lang import ast
from ..model.configuration import Approval, ControlOwner, Escalation, LedgerConfig, Limits, Person, Settings, Workspace
from .blocks import Blocks, Decoded, referred
from .keys import KeyFormatError, public_key
from .schema import LEVELS

_WORKSPACE: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_MAX_WORKSPACE: Final = 40
_EMAIL: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_ACCOUNT: Final = re.compile(r"(?:github|gitlab):[A-Za-z0-9][A-Za-z0-9._\[\]-]*|(?:github|gitlab)-id:[1-9][0-9]*")
_RULE_ID: Final = re.compile(r"[A-Z][A-Z0-9]*-[0-9]+")


def workspace(blocks: Blocks) -> Workspace | None:
    """The provisioner block; None, reported, when it is missing or has errors."""
    found = blocks.of("provisioner")
    if not found:
        if not blocks.root.module.blocks.get("provisioner"):
            detail = (
                "The root module has no provisioner block, so nothing says which workspace this is and where its "
                "decisions are recorded. Add a provisioner block that sets workspace."
            )
            blocks.report.error("E-WORKSPACE", "No provisioner block", detail, None)
        blocks.complete = False
        return None
    item = found[0]
    name = item.get("workspace", "")
    if name and (len(name) > _MAX_WORKSPACE or _WORKSPACE.fullmatch(name) is None):
        detail = (
            f'"{name}" cannot start the names of roles. A workspace starts with a lower-case letter and holds '
            f"lower-case letters, digits and single hyphens, {_MAX_WORKSPACE} characters at most."
        )
        item.error("E-NAME", "Invalid workspace name", detail, item.settings.range_of("workspace"))
    _required_version(item)
    built = Workspace(
        name,
        _ledger(item),
        item.get("required_version"),
        item.get("protect", ()),
        _limits(item),
        _approval(item),
        _severity(item),
        item.instance.range,
    )
    blocks.finish(found)
    return None if item.failed else built


def people(blocks: Blocks) -> dict[str, Person]:
    """The people by name. A key or address that two of them hold is an error: a quorum counts people."""
    found = blocks.of("person")
    people: dict[str, Person] = {}
    seen: dict[str, str] = {}
    for item in found:
        name = blocks.name(item)
        emails = tuple(str(email) for email in item.get("emails", ()))
        for email in emails:
            if _EMAIL.fullmatch(email) is None:
                detail = f'"{email}" is not an e-mail address. Commits are matched to people by it.'
                item.error("E-PERSON", "Invalid e-mail address", detail, item.settings.range_of("emails"))
        keys, accounts = _keys(item, item.settings, "keys"), _accounts(item)
        held_once = [*((key, "keys") for key in keys), *((email.lower(), "emails") for email in emails)]
        for held, attribute in [*held_once, *((account.lower(), "accounts") for account in accounts)]:
            known = seen.setdefault(held, name)
            if known != name:
                what = {"keys": "key", "emails": "address"}.get(attribute, "account")
                detail = (
                    f"person.{known} holds the same {what}. A quorum counts people, so each {what} belongs to exactly "
                    "one of them. Remove it from one."
                )
                item.error("E-PERSON", f"Two people hold one {what}", detail, item.settings.range_of(attribute))
        people[name] = Person(name, emails, keys, item.instance.range, accounts)
    blocks.finish(found)
    return people


def _accounts(item: Decoded) -> tuple[str, ...]:
    """Names on a CI platform: `github:alice`, or `github-id:583231` for the number that stays when a login changes."""
    accounts = tuple(dict.fromkeys(str(account) for account in item.get("accounts", ())))
    for account in accounts:
        if _ACCOUNT.fullmatch(account) is None:
            detail = (
                f'"{account}" names no account. Write the platform and the login, such as "github:alice" or '
                '"gitlab:alice"; or the number that stays when a login changes, such as "github-id:583231".'
            )
            item.error("E-PERSON", "Invalid account", detail, item.settings.range_of("accounts"))
    return accounts


def owners(blocks: Blocks, people: Mapping[str, Person]) -> dict[str, ControlOwner]:
    """The control owners by name. `people` are all of the workspace's."""
    found = blocks.of("control_owner")
    owners: dict[str, ControlOwner] = {}
    for item in found:
        if item.failed:
            continue
        name = blocks.name(item)
        surfaces = tuple(dict.fromkeys(item.get("surfaces", ())))
        default_for = tuple(dict.fromkeys(item.get("default_for", ())))
        for surface in default_for:
            if surface not in surfaces:
                detail = (
                    f'{item.instance.address} is the default for "{surface}", which is not in its surfaces. Add it.'
                )
                item.error(
                    "E-OWNER", "Default for a surface it does not own", detail, item.settings.range_of("default_for")
                )
        signers = tuple(dict.fromkeys(referred(value).name for value in item.get("signers", ())))
        owners[name] = ControlOwner(
            name,
            item.get("title", name),
            item.get("contact", ""),
            surfaces,
            default_for,
            signers,
            _threshold(item, signers, people),
            _escalation(item),
            item.instance.range,
        )
    blocks.finish(found)
    return owners


def _threshold(item: Decoded, signers: tuple[str, ...], people: Mapping[str, Person]) -> int:
    threshold = int(item.get("threshold", 1))
    if not signers:
        detail = "An owner without signers can never sign, so nothing it owns could ever change. Name people."
        item.error("E-OWNER", "Control owner without signers", detail, item.settings.range_of("signers"))
    elif not 1 <= threshold <= len(signers):
        detail = (
            f"The threshold counts distinct people: it must lie between 1 and the number of signers, {len(signers)}. "
            "Lower it, or name more signers."
        )
        item.error("E-OWNER", "Threshold cannot be reached", detail, item.settings.range_of("threshold"))
    elif all(name in people for name in signers):
        keyless = [name for name in signers if not people[name].keys]
        if len(signers) - len(keyless) < threshold:
            named = ", ".join(f"person.{name}" for name in keyless)
            detail = (
                f"{threshold} must sign, and {named} cannot, because no key is listed there. Add keys, or name other "
                "signers."
            )
            item.error("E-OWNER", "Signers without keys", detail, item.settings.range_of("signers"))
    return threshold


def _escalation(item: Decoded) -> Escalation | None:
    for settings in item.settings.of("escalation"):
        to, after = settings.get("to"), item.duration(settings, "after")
        if to is None or after is None:
            return None
        if referred(to) is item.instance:
            detail = "An owner cannot stand in for itself. Name another control owner."
            item.error("E-OWNER", "Escalation to itself", detail, settings.range_of("to"))
        return Escalation(referred(to).name, after)
    return None


def _keys(item: Decoded, settings: Settings, attribute: str) -> tuple[str, ...]:
    keys: list[str] = []
    for index, text in enumerate(settings.get(attribute, ())):
        try:
            key = public_key(str(text))
        except KeyFormatError as error:
            detail = (
                f"Element {index} of {attribute} is not an OpenSSH public key: {error}. Use the line of a .pub file, "
                'for example file("keys/name.pub").'
            )
            item.error("E-KEY", "Not a public key", detail, _element_range(item, settings, attribute, index))
            continue
        if key in keys:
            detail = f"Element {index} of {attribute} was listed before. Remove it."
            item.error("E-KEY", "Key listed twice", detail, _element_range(item, settings, attribute, index))
        keys.append(key)
    return tuple(keys)


def _element_range(item: Decoded, settings: Settings, attribute: str, index: int) -> Any:
    """The range of one element where the list is written out, else that of the whole value."""
    for body in (item.instance.declaration.block.body, *(b.body for b in item.instance.declaration.block.body.blocks)):
        written = body.attributes.get(attribute)
        if written is not None and isinstance(written.expr, ast.TupleCons) and index < len(written.expr.items):
            return written.expr.items[index].range
    return settings.range_of(attribute)


def _ledger(item: Decoded) -> LedgerConfig:
    for settings in item.settings.of("ledger"):
        return LedgerConfig(settings.labels[0], settings.values)
    return LedgerConfig("local", {"path": ".provisioner", "single_host": False})


def _limits(item: Decoded) -> Limits:
    for settings in item.settings.of("limits"):
        most, percent = int(settings.get("max_changes", 500)), int(settings.get("max_delete_percent", 30))
        if most < 1:
            detail = "A limit of no changes would refuse every plan. Write a whole number, 1 or more."
            item.error("E-LIMIT", "Invalid max_changes", detail, settings.range_of("max_changes"))
        if not 0 <= percent <= 100:
            detail = f"{percent} is not a percentage. Write a whole number from 0 to 100."
            item.error("E-LIMIT", "Invalid max_delete_percent", detail, settings.range_of("max_delete_percent"))
        return Limits(most, percent)
    return Limits()


def _approval(item: Decoded) -> Approval:
    for settings in item.settings.of("approval"):
        return Approval(
            item.duration(settings, "plan_ttl") or Approval().plan_ttl_seconds,
            settings.get("carry", "none"),
            settings.get("narrowing", "signed"),
            settings.get("solo", False),
            _keys(item, settings, "checkpoint_keys"),
            item.duration(settings, "notice") or Approval().notice_seconds,
        )
    return Approval()


def _severity(item: Decoded) -> Mapping[str, str]:
    severity: dict[str, str] = item.get("severity", {})
    subject = item.settings.range_of("severity")
    for rule, level in severity.items():
        if level not in LEVELS:
            detail = f'"{level}" is not a severity. {rule} may be {", ".join(LEVELS[:-1])} or {LEVELS[-1]}.'
            item.error("E-CHOICE", "Unsupported severity", detail, subject)
        if _RULE_ID.fullmatch(rule) is None:
            detail = f'"{rule}" is not the id of a rule, such as FED-3. Look the id up with provisioner rules.'
            item.error("E-CHOICE", "Invalid rule id", detail, subject)
    return severity


def _required_version(item: Decoded) -> None:
    written = item.get("required_version")
    if written is None:
        return
    from .versions import VersionError, running, satisfies

    subject = item.settings.range_of("required_version")
    try:
        accepted = satisfies(running(), written)
    except VersionError as error:
        detail = f'{error}. Write constraints as Terraform does: ">= 0.1", "~> 1.2", ">= 0.1, < 2".'
        item.error("E-VERSION", "Invalid version constraint", detail, subject)
        return
    if not accepted:
        detail = f"This is provisioner {running()}, and the configuration asks for {written}. Install another version."
        item.error("E-VERSION", "Unsupported version of provisioner", detail, subject)
