"""Workloads of the right kind in the wrong place: what each runtime's own negatives try.

Each case is the agent's own place or token with one thing changed, and only what the trust pins is changed: AWS tells
nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.model.configuration import Agent, Settings

from ..places import Place, regions_of, runtime_label
from ..runtimes import X509_TAGS
from ..trust import token_audience, token_issuer
from ..trust_services import CLUSTER
from ..trust_tokens import gitlab_subject, irsa_subject

OUTSIDE = "provisioner-outside-of-every-grant"

Case = tuple[str, Mapping[str, Any]]
"""A label, and the settings of an attempt or the claims of an assume."""
Cases = list[Case]

_REGIONS = ("ap-southeast-2", "sa-east-1", "cn-northwest-1", "us-gov-east-1")
_ANCHOR = "00000000-0000-4000-8000-000000000000"


def elsewhere(agent: Agent, place: Place, other: str) -> tuple[Cases, Cases]:
    """Strangers with a token of their own, and the same kind of workload elsewhere. `other` is another account."""
    make = _MAKERS.get(runtime_label(agent.runtime))
    return make(agent.runtime, place, other) if make is not None else ([], [])


def _pod(runtime: Settings, place: Place, other: str) -> tuple[Cases, Cases]:
    cluster = str(runtime.get("cluster"))
    own = {
        "cluster": cluster,
        "namespace": runtime.get("namespace"),
        "service_account": runtime.get("service_account"),
    }
    cases: Cases = [
        ("sibling_namespace", {**own, "namespace": "default"}),
        ("sibling_service_account", {**own, "service_account": "default"}),
        ("other_cluster", {**own, "cluster": f"{cluster.rpartition('/')[0]}/{OUTSIDE}"}),
        ("no_session_tags", {"cluster": None, "namespace": None, "service_account": None}),
    ]
    found = CLUSTER.fullmatch(cluster)
    if found is not None:
        strange = next(region for region in _REGIONS if region != found[2])
        moved = f"arn:{found[1]}:eks:{strange}:{found[3]}:cluster/{found[4]}"
        cases.append(("other_region", {**own, "cluster": moved}))
        there = f"arn:{found[1]}:eks:{found[2]}:{other}:cluster/{found[4]}"
        cases.append(("other_account", {**own, "cluster": there}))
    return [], _different(cases, own)


def _different(cases: Cases, own: Mapping[str, Any]) -> Cases:
    """Without the cases that are the agent itself: its namespace may be `default`."""
    return [case for case in cases if dict(case[1]) != dict(own)]


def _regional(id_claim: str, ids: str) -> Callable[[Settings, Place, str], tuple[Cases, Cases]]:
    """A service of one region that acts for one resource; `ids` is the attribute that names it."""

    def make(runtime: Settings, place: Place, other: str) -> tuple[Cases, Cases]:
        regions = regions_of(runtime, place)
        known = runtime.get(ids)
        id_ = known if isinstance(known, str) else (known or (OUTSIDE,))[0]
        own = {"account": place.account, "region": regions[0] if regions else "", id_claim: id_}
        cases: Cases = [("other_account", {**own, "account": other})]
        strange = next((region for region in _REGIONS if region not in regions), None)
        if strange:
            cases.append(("other_region", {**own, "region": strange}))
        if known:
            cases.append(("other_resource", {**own, id_claim: OUTSIDE}))
        cases.append(("no_source", {"account": None, "region": None, id_claim: None}))
        return [], cases

    return make


def _anywhere(runtime: Settings, place: Place, other: str) -> tuple[Cases, Cases]:
    anchor = str(runtime.get("trust_anchor"))
    own = {"trust_anchor": anchor, **{name: runtime.get(name) for name in X509_TAGS if runtime.get(name)}}
    strangers: Cases = [
        ("other_anchor", {**own, "trust_anchor": f"{anchor.rpartition('/')[0]}/{_ANCHOR}"}),
        ("no_anchor", {**own, "trust_anchor": None}),
    ]
    pinned = [name for name in X509_TAGS if runtime.get(name)]
    return strangers, [(f"other_{name}", {**own, name: OUTSIDE}) for name in pinned]


def _token(subject: Callable[[Settings], str]) -> Callable[[Settings, Place, str], tuple[Cases, Cases]]:
    """An issuer's token, changed in one thing each time."""

    def make(runtime: Settings, place: Place, other: str) -> tuple[Cases, Cases]:
        issuer = token_issuer(runtime, place)
        own: dict[str, Any] = {
            "issuer": issuer,
            "sub": subject(runtime),
            "aud": token_audience(runtime, place),
        }
        if runtime.get("source_identity"):
            own["source_identity"] = runtime.get("source_identity")
        strangers: Cases = [
            ("other_issuer", {**own, "issuer": f"{OUTSIDE}.example"}),
            ("other_audience", {**own, "aud": f"https://{OUTSIDE}.example"}),
            ("no_audience", {**own, "aud": None}),
            ("no_subject", {**own, "sub": None}),
        ]
        if runtime.get("source_identity"):
            strangers.append(("other_source_identity", {**own, "source_identity": OUTSIDE}))
        return strangers, _SIBLINGS.get(runtime_label(runtime), _longer)(runtime, own)

    return make


def _longer(runtime: Settings, own: Mapping[str, Any]) -> Cases:
    """A subject that begins as the agent's does."""
    return [("other_subject", {**own, "sub": f"{own['sub']}-{OUTSIDE}"})]


def _siblings_of_a_pod(runtime: Settings, own: Mapping[str, Any]) -> Cases:
    namespace, account = runtime.get("namespace"), runtime.get("service_account")
    cases: Cases = [
        ("sibling_namespace", {**own, "sub": f"system:serviceaccount:default:{account}"}),
        ("sibling_service_account", {**own, "sub": f"system:serviceaccount:{namespace}:default"}),
    ]
    return _different(cases, own)


def _siblings_of_a_pipeline(runtime: Settings, own: Mapping[str, Any]) -> Cases:
    path = str(runtime.get("project_path"))
    group = path.rpartition("/")[0]
    head, _, run = str(own["sub"]).partition(":ref_type:")
    kind = "tag" if run.startswith("branch:") else "branch"
    return [
        ("other_project", {**own, "sub": f"project_path:{group}/{OUTSIDE}:ref_type:{run}"}),
        ("other_group", {**own, "sub": f"project_path:{OUTSIDE}/{path.rpartition('/')[2]}:ref_type:{run}"}),
        ("other_ref", {**own, "sub": f"{head}:ref_type:branch:ref:{OUTSIDE}"}),
        (f"{kind}_of_the_same_name", {**own, "sub": f"{head}:ref_type:{kind}:{run.partition(':')[2]}"}),
    ]


def _siblings_of_an_id(runtime: Settings, own: Mapping[str, Any]) -> Cases:
    domain, _, path = str(runtime.get("spiffe_id")).removeprefix("spiffe://").partition("/")
    return [
        ("other_trust_domain", {**own, "sub": f"spiffe://{OUTSIDE}.example/{path}"}),
        ("other_path", {**own, "sub": f"spiffe://{domain}/{OUTSIDE}"}),
        ("longer_path", {**own, "sub": f"{own['sub']}/{OUTSIDE}"}),
    ]


_SIBLINGS: Mapping[str, Callable[[Settings, Mapping[str, Any]], Cases]] = {
    "eks_irsa": _siblings_of_a_pod,
    "gitlab_ci": _siblings_of_a_pipeline,
    "spiffe": _siblings_of_an_id,
}

_MAKERS: Mapping[str, Callable[[Settings, Place, str], tuple[Cases, Cases]]] = {
    "eks_pod_identity": _pod,
    "bedrock_agentcore": _regional("runtime_id", "runtime_ids"),
    "bedrock_agent": _regional("agent_id", "agent_id"),
    "roles_anywhere": _anywhere,
    "eks_irsa": _token(irsa_subject),
    "gitlab_ci": _token(gitlab_subject),
    "oidc": _token(lambda runtime: str(runtime.get("subject"))),
    "spiffe": _token(lambda runtime: str(runtime.get("spiffe_id"))),
}
