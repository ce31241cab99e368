"""What is wrong with federations in AWS, and with runtimes that refer to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from provisioner.model.authority import Authority
from provisioner.model.configuration import Agent, Federation
from provisioner.model.diagnostics import Diagnostic

from .compile import place_of
from .limits import LIMITS
from .places import ISSUER, federation_of, federation_oidc
from .trust import RUNTIMES, runtime_label, token_audience

_THUMBPRINT = re.compile(r"[0-9a-fA-F]{40}")
_AUDIENCE = re.compile(r"[\x21-\x7e]{1,255}")
_MOST_THUMBPRINTS = 5
"""Source: IAM API reference, CreateOpenIDConnectProvider."""


def check_federations(authority: Authority, agents: Sequence[Agent]) -> Iterable[Diagnostic]:
    """Issuers, audiences, thumbprints; one federation for each issuer and account; agents in the same account."""
    seen: dict[tuple[str, str], Federation] = {}
    for federation in authority.configuration.federations.values():
        if federation.provider not in authority.targets:
            continue
        yield from _settings(federation)
        issuer = str(federation_oidc(federation).get("issuer", ""))
        first = seen.setdefault((authority.targets[federation.provider].id, issuer), federation)
        if first is not federation:
            yield Diagnostic(
                "E-AWS-FEDERATION",
                f"{first.address} and {federation.address} are both the OIDC provider of {issuer}",
                f"An account has one for each issuer; the first is at {first.range or 'an unknown place'}. Keep one,"
                " with the audiences of both.",
                subject=federation.range,
                context=first.range,
            )
    for agent in agents:
        yield from _use(authority, agent)


def _settings(federation: Federation) -> Iterable[Diagnostic]:
    oidc = federation_oidc(federation)
    if not ISSUER.fullmatch(str(oidc.get("issuer", ""))):
        yield Diagnostic(
            "E-AWS-FEDERATION",
            f"{federation.address}: the issuer is not an https URL",
            "Write it as in the tokens' iss claim, without a slash at its end, for example"
            " https://token.actions.githubusercontent.com.",
            subject=oidc.range_of("issuer"),
        )
    audiences = oidc.get("audiences") or ()
    wrong = [text for text in audiences if not _AUDIENCE.fullmatch(text) or "*" in text]
    if not audiences or wrong:
        yield Diagnostic(
            "E-AWS-FEDERATION",
            f"{federation.address}: {f'{wrong[0]!r} is no audience' if wrong else 'it takes no audience'}",
            "Name every audience that tokens may have, exactly, for example sts.amazonaws.com: without one AWS takes"
            " no token.",
            subject=oidc.range_of("audiences"),
        )
    for name, got in (("audiences", len(audiences)), ("issuer", len(str(oidc.get("issuer", ""))))):
        rule = LIMITS[name]
        if got > rule.most:
            yield Diagnostic(
                "E-AWS-SIZE",
                f"{federation.address}: {name} has {got} {rule.unit}; AWS takes {rule.most}",
                f"The limit is for {rule.what}. {rule.way_out}",
                subject=oidc.range_of(name),
            )
    thumbprints = oidc.get("thumbprints") or ()
    strange = [text for text in thumbprints if not _THUMBPRINT.fullmatch(text)]
    if strange or len(thumbprints) > _MOST_THUMBPRINTS:
        yield Diagnostic(
            "E-AWS-FEDERATION",
            f"{federation.address}: {f'{strange[0]!r} is no thumbprint' if strange else 'too many thumbprints'}",
            f"AWS takes up to {_MOST_THUMBPRINTS}, each the SHA-1 of a certificate in 40 hex digits without colons."
            " Leave them out where the issuer's certificate is from a public authority.",
            subject=oidc.range_of("thumbprints"),
        )


def _use(authority: Authority, agent: Agent) -> Iterable[Diagnostic]:
    row = RUNTIMES.get(runtime_label(agent.runtime))
    place = place_of(authority, agent.identities["aws"].provider)
    federation = federation_of(agent.runtime, place) if row is not None and row.oidc else None
    if federation is None or federation.provider not in authority.targets:
        return
    account = authority.targets[federation.provider].id
    if account != place.account:
        yield Diagnostic(
            "E-AWS-FEDERATION",
            f"{agent.address}: {federation.address} is in account {account}, its role in {place.account}",
            "A role trusts the OIDC provider of its own account. Declare a federation with the provider of the role's"
            " account, and refer to that.",
            subject=agent.runtime.range_of("federation"),
        )
    audience = token_audience(agent.runtime, place)
    if audience not in (federation_oidc(federation).get("audiences") or ()):
        yield Diagnostic(
            "E-AWS-FEDERATION",
            f"{agent.address}: {federation.address} does not take the audience {audience!r}",
            "AWS refuses a token whose audience its OIDC provider does not list. Add it to audiences, or set audience"
            " in the runtime block.",
            subject=agent.runtime.range_of("audience"),
        )
