"""The review page without a browser: golden files, what it says, what no name can do to it, its size."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import html_samples
import render_samples as samples

from provisioner import planfile
from provisioner.model.changes import Action, Effect
from provisioner.model.findings import TestResult
from provisioner.model.graph import EdgeKind
from provisioner.planfile import PlanFile
from provisioner.render.html.document import asset, content_policy
from provisioner.render.html.markup import tag
from provisioner.render.html.plan import Extra, plan_page
from provisioner.render.html.sidebyside import hunks, side_by_side
from provisioner.render.html.words import sign_command
from provisioner.render.plangraph import edge_sentences, plan_graph
from provisioner.render.signoff import SignOffs

GOLDEN = Path(__file__).parents[2] / "golden" / "formats"
DIGEST = re.compile(r"\b[0-9a-f]{8}\b|[0-9a-f]{64}")
ASSET = re.compile(r"(<style>|<script>).*?(</style>|</script>)", re.DOTALL)
POLICY = re.compile(r"sha256-[A-Za-z0-9+/=]{44}")
PAGES: dict[str, tuple[PlanFile, SignOffs | None]] = {
    "six-changes": (samples.six_changes(), samples.verified()),
    "no-changes": (samples.no_changes(), None),
    "incomplete": (samples.incomplete(), None),
    "blocked": (samples.blocked(), None),
    "fleet": (samples.fleet(), None),
    "hostile": (samples.hostile(), None),
}
EVIL = "</script></style><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;{{7*7}}`${1}`<!--"


class Reader(HTMLParser):
    """What a page holds: tags with attributes, headings in order, ids, visible text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


@pytest.mark.parametrize("name", PAGES)
def test_golden(name: str) -> None:
    page = plan_page(*PAGES[name])
    page = POLICY.sub("sha256-HASH", ASSET.sub(r"\1\2", DIGEST.sub("7f3a9c21", page)))
    path = GOLDEN / f"{name}.html"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes(page.encode("utf-8"))
    assert page == path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("name", html_samples.served())
def test_golden_of_served_pages(name: str) -> None:
    page = html_samples.served()[name]
    page = POLICY.sub("sha256-HASH", ASSET.sub(r"\1\2", page))
    path = GOLDEN / f"{name}.html"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_bytes(page.encode("utf-8"))
    assert page == path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("name", html_samples.served())
def test_no_name_breaks_out_of_a_served_page(name: str) -> None:
    reads = [Reader(html_samples.served(text)[name]) for text in ("harmless", EVIL, samples.HOSTILE)]
    shapes = [[(tag_name, sorted(attributes)) for tag_name, attributes in read.tags] for read in reads]
    assert shapes[0] == shapes[1]
    assert shapes[0] == shapes[2] or name == "served-problem"  # a diagnostic's detail has lines of its own
    assert all(read.open == [] for read in reads)
    assert EVIL in "".join(reads[1].text)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", html_samples.served(samples.HOSTILE)[name])
    for _, attributes in reads[1].tags:
        assert re.fullmatch(r"#[a-z-]+|\.|/|owners|drift|audit|plans/[0-9a-f]{64}", attributes.get("href") or "/")


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_whole_and_needs_nothing_else(name: str) -> None:
    page = plan_page(*PAGES[name])
    read = Reader(page)
    assert read.open == []
    ids = [attributes["id"] for _, attributes in read.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    for tag_name, attributes in read.tags:
        assert not set(attributes) & {"src", "style", "srcset", "action", "onclick", "onload", "xlink:href"}
        if (target := attributes.get("href")) is not None:
            assert tag_name == "a" and target.startswith("#") and target[1:] in ids
        for labelled in ("aria-labelledby", "for"):
            for label in (attributes.get(labelled) or "").split():
                assert label in ids
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "") and "https://" not in page
    levels = [int(tag_name[1]) for tag_name, _ in read.tags if re.fullmatch("h[1-6]", tag_name)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_policy_allows_this_style_and_this_script_only() -> None:
    page = plan_page(samples.six_changes())
    policy = content_policy()
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "*" not in policy
    for element in ("style", "script"):
        (content,) = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert "</" not in asset("page.css") + asset("page.js")


def test_it_says_what_a_control_owner_wants_to_know() -> None:
    file = samples.six_changes()
    text = " ".join("".join(Reader(plan_page(file, samples.verified())).text).split())
    assert f"Plan {file.short} is not ready: 3 sign-offs missing" in text
    assert "5 changes to 3 agents (1 new) in aws 111122223333, google acme-fin-prod: 2 wider" in text
    assert "becomes possible: ServiceAccount finance-agents/credit-check in EKS agents-prod becomes this agent" in text
    assert (
        f"provisioner sign {file.short} -owner api -digest {file.digest} -accept 'TRI-1 agent.repo_fixer=REASON'"
        in text
    )
    assert text.count(file.digest) == 3  # the verdict, and each command that can be typed now
    assert "To say no, add -reject -reason 'WHY'." in text
    assert "May sign: bob. May not sign: alice (author)." in text
    assert "Done, 1 of 1 signed. Signed by erin." in text
    assert "Have governance name more signers" in text  # nobody else may sign for finance_api
    assert "52 of 52 pass on the planned policies" in text
    assert "bucket policy of acme-invoices-prod (account 444455556666 is outside provider scope)" in text


def test_it_asks_nobody_to_sign_in_vain() -> None:
    blocked = "".join(Reader(plan_page(samples.blocked())).text)
    assert "Something else blocks this plan: signed, it could still not be applied." in blocked
    assert "Something else blocks" not in "".join(Reader(plan_page(samples.six_changes())).text)
    refused = replace(samples.verified(), refusals=("it expired. Plan again.",))
    text = "".join(Reader(plan_page(samples.six_changes(), refused)).text)
    assert "Refused: it expired. Plan again." in text and "it is refused" in text
    assert "provisioner sign" not in text and "The plan is refused, as the verdict says" in text


def test_findings_name_the_frameworks() -> None:
    file = samples.six_changes()
    told = replace(file.plan.findings[0], references=("NHI5", "NIST AI RMF GOVERN 2.1", "HOUSE-7"))
    page = plan_page(planfile.seal(replace(file.plan, findings=(told,)), file.notes))
    assert "<strong>NHI5</strong> OWASP Non-Human Identities Top 10 2025" in page
    assert "<strong>NIST AI RMF GOVERN 2.1</strong> NIST AI RMF 1.0" in page
    assert "<strong>HOUSE-7</strong></li>" in page


def test_no_name_breaks_out_of_its_place() -> None:
    """The same tags whatever the names are."""
    pages = {}
    for text in ("harmless", EVIL):
        plan, notes = _renamed(text)
        page = plan_page(planfile.seal(plan, notes), None, Extra(tests=(TestResult(*[text] * 6, True),)))
        pages[text] = Reader(page)
        assert pages[text].open == []
    shapes = [[name for name, _ in read.tags] for read in pages.values()]
    assert shapes[0] == shapes[1]
    assert EVIL in "".join(pages[EVIL].text)


def _renamed(text: str) -> tuple[planfile.Plan, planfile.PlanNotes]:
    """The hostile sample with another text in every place."""

    def swap(value: object) -> object:
        if isinstance(value, str):
            return value.replace(samples.HOSTILE, text)
        if isinstance(value, dict):
            return {swap(key): swap(inner) for key, inner in value.items()}
        return [swap(inner) for inner in value] if isinstance(value, list) else value

    file = samples.hostile()
    plan = planfile.from_builtins(swap(planfile.to_builtins(file.plan)), planfile.Plan)
    return plan, planfile.from_builtins(swap(planfile.to_builtins(file.notes)), planfile.PlanNotes)


@pytest.mark.parametrize("name", PAGES)
def test_no_text_can_move_or_hide(name: str) -> None:
    page = plan_page(*PAGES[name])
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", page)


def test_attributes_are_escaped_too() -> None:
    assert tag("p", "x", title='"><b>', hidden=True, id=None) == '<p title="&quot;&gt;&lt;b&gt;" hidden>x</p>'


def test_a_command_cannot_run_what_a_name_holds() -> None:
    import shlex

    file = samples.six_changes()
    command = sign_command(file, "a; rm -rf $HOME\n", ["R '`x`' y"])
    assert shlex.split(command) == [
        *("provisioner", "sign", file.short, "-owner", "a; rm -rf $HOME\\n"),
        *("-digest", file.digest),
        *("-accept", "R '`x`' y=REASON"),
    ]


def test_only_changed_lines_are_shown_and_where_they_stand() -> None:
    change = next(change for change in samples.six_changes().plan.changes if change.number == 4)
    text = "".join(Reader("<div>" + side_by_side(change, "c") + "</div>").text)
    assert '- "s3:GetObjectVersion",\n- "s3:ListBucket"' in text
    assert "in Statement › Action" in text
    assert '"s3:GetObject"' not in text and '"Version"' not in text  # the same on both sides
    (one,) = hunks(["{", '  "a": 1,', '  "b": 2', "}"], ["{", '  "a": 1', "}"])
    assert (one.inside, one.before, one.after) == ((), ('  "b": 2',), ())


def test_a_very_long_value_is_cut_and_says_so() -> None:
    change = samples.change(7, Action.CREATE, "a", "l", Effect.WIDER, after={"x": [str(n) for n in range(500)]})
    table = side_by_side(change, "provisioner show 7f3a9c21 -change 7")
    assert "and 382 more lines: <code>provisioner show 7f3a9c21 -change 7</code>" in table
    huge = samples.change(
        8, Action.UPDATE, "a", "l", Effect.WIDER, before={"x": list(range(9000))}, after={"x": list(range(1, 9001))}
    )
    assert "more lines" in side_by_side(huge, "c")  # and it took no minutes


def test_a_thousand_changes_stay_below_two_megabytes() -> None:
    file = html_samples.many(1000)
    page = plan_page(file)
    assert len(page.encode()) < 2_000_000
    assert page.count('<details class="change"') == 1000
    assert '<details class="change" id="change-1" data-owners="3 4" data-effect="wider"><summary>' in page  # closed
    small = plan_page(file, None, Extra(size=1_000_000))
    assert "are left out because of the size of the page" in small
    assert f"Before and after: <code>provisioner show {file.short} -change 3</code>" in small
    assert small.count('<details class="change"') == 1000  # what it means is told of each


def test_the_graph_of_what_a_plan_changes() -> None:
    found = plan_graph(samples.six_changes().plan)
    assert edge_sentences(found) == [
        ("ServiceAccount finance-agents/credit-check in EKS agents-prod", "can become", "credit_check (new)", "new"),
        ("credit_check (new)", "may use (aws)", "tool.supplier_history", "new"),
        ("repo_fixer", "may use (google)", "grant.fixer_reads: roles/bigquery.dataViewer on suppliers", "unknown"),
        ("invoice_triage", "may use (aws)", "grant.triage_reads: tool.invoice_inbox", "narrower"),
        (
            "invoice_triage",
            "may use (aws)",
            'policy "hotfix" attached to role /agents/acme-agents-prod-invoice-triage',
            "gone, nobody declared it",
        ),
    ]


def test_a_delegation_joins_two_agents() -> None:
    file = samples.six_changes()
    said = ("agent.invoice_triage becomes this agent, when aws:SourceIdentity is x",)
    change = samples.change(
        1, Action.UPDATE, "repo_fixer", "trust", Effect.WIDER, can=said, surfaces=(samples.IDENTITY,)
    )
    found = plan_graph(replace(file.plan, changes=(change,)))
    (edge,) = found.graph.edges
    assert (edge.source, edge.target, edge.kind, edge.change) == (
        "agent:invoice_triage",
        "agent:repo_fixer",
        EdgeKind.DELEGATES,
        "wider",
    )
    assert edge.label == "when aws:SourceIdentity is x"


def test_alike_agents_are_one_node_and_a_crowd_is_cut() -> None:
    found = plan_graph(samples.fleet().plan)
    assert sorted(node.label for node in found.graph.nodes)[0] == "40 agents alike"
    cut = plan_graph(html_samples.many(300).plan, limit=20)
    assert len(cut.graph.edges) == 20 and cut.left_out == 280
    assert {edge.change for edge in cut.graph.edges} == {"new"}  # what widens is drawn first
    assert "more did not fit" in plan_page(html_samples.many(300))


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_colours_have_contrast(theme: str) -> None:
    """4.5 to 1 for every pair of text and ground that the style uses (WCAG 2.1, 1.4.3), 3 to 1 for frames (1.4.11)."""
    found = [
        dict(re.findall(r"--([a-z-]+): #([0-9a-f]{3,6})", rule))
        for rule in re.findall(r":root \{(.*?)\}", asset("page.css"), re.S)
    ]
    colours = {**found[0], **found[["light", "dark", "print"].index(theme)]}
    pairs = [(ink, ground) for ink in ("ink", "soft", "link", "bad", "warn", "good") for ground in ("paper", "panel")]
    pairs += [(name, f"{name}-paper") for name in ("bad", "warn", "good", "blue")] + [
        ("ink", "blue-paper"),
        ("ink", "bad-paper"),
    ]
    for ink, ground in pairs:
        light, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (theme, ink, ground)


def _luminance(colour: str) -> float:
    full = "".join(c * 2 for c in colour) if len(colour) == 3 else colour
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
