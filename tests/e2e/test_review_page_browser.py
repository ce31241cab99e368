"""The review page in a real headless Chromium: axe-core, phone to print, keyboard, search, no network."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "render"))

import html_samples
import render_samples as samples
from chromium import DESKTOP, PHONE, Chromium, executable

from provisioner.render.html.plan import plan_page

pytestmark = pytest.mark.skipif(executable() is None, reason="no Chromium on this machine: apt-get install chromium")

AXE = resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
PAGES = {
    "six-changes": lambda: plan_page(samples.six_changes(), samples.verified()),
    "no-changes": lambda: plan_page(samples.no_changes()),
    "incomplete": lambda: plan_page(samples.incomplete()),
    "blocked": lambda: plan_page(samples.blocked()),
    "fleet": lambda: plan_page(samples.fleet()),
    "hostile": lambda: plan_page(samples.hostile()),
}
SERVED = html_samples.served()
TAB, ENTER, SPACE = ("Tab", 9), ("Enter", 13, "\r"), (" ", 32, " ")


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of the pages as files, by name."""
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    made = {name: make() for name, make in PAGES.items()} | SERVED
    for name, page in {**made, "many": plan_page(html_samples.many(1000))}.items():
        path = folder / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        found[name] = path.as_uri()
    return found


def opened(browser: Chromium, url: str, size: tuple[int, int] = DESKTOP, **how: Any) -> Chromium:
    browser.size(size, **how)
    browser.open(url)
    return browser


@pytest.mark.parametrize("name", [*PAGES, *SERVED])
def test_axe_finds_nothing(browser: Chromium, pages: dict[str, str], name: str) -> None:
    for size, dark in ((PHONE, False), (DESKTOP, True)):
        page = opened(browser, pages[name], size, dark=dark)
        page.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        page.run(f"{AXE};0")
        report = page.run(
            f"axe.run({{runOnly: {json.dumps(TAGS)}}}).then(found => ({{passes: found.passes.length,"
            " wrong: found.violations.map(one => [one.id, one.nodes.map(node => node.html).slice(0, 3)])}))"
        )
        assert report["wrong"] == []
        assert report["passes"] >= 20


@pytest.mark.parametrize("name", [*PAGES, "many"])
def test_it_asks_for_nothing_and_nothing_is_refused(browser: Chromium, pages: dict[str, str], name: str) -> None:
    page = opened(browser, pages[name])
    assert page.problems() == []
    assert page.requests() == [pages[name]]
    assert page.run("getComputedStyle(document.querySelector('h2')).borderBottomStyle") == "solid"  # the style holds


def test_the_policy_is_in_force(browser: Chromium, pages: dict[str, str]) -> None:
    page = opened(browser, pages["six-changes"])
    page.run(
        "const evil = document.createElement('script'); evil.textContent = 'window.owned = 1';"
        "document.body.append(evil);"
        "const image = document.createElement('img'); image.src = 'http://127.0.0.1:9/x'; document.body.append(image);"
        "document.body.setAttribute('onclick', 'window.owned = 2'); document.body.click();"
    )
    told = " ".join(page.problems())
    assert page.run("window.owned") is None
    assert told.count("Content Security Policy") >= 3
    assert page.requests() == [pages["six-changes"]]


@pytest.mark.parametrize("name", [*PAGES, *SERVED, "many"])
def test_no_width_makes_the_page_scroll_sideways(browser: Chromium, pages: dict[str, str], name: str) -> None:
    for size in ((320, 700), PHONE, (820, 1000)):
        page = opened(browser, pages[name], size)
        assert page.run("document.documentElement.scrollWidth <= innerWidth"), size
    opened(browser, pages[name], (794, 1100), media="print")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")


def test_dark_and_print_look_as_they_should(browser: Chromium, pages: dict[str, str]) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    assert opened(browser, pages["fleet"]).run(ground) == "rgb(255, 255, 255)"
    assert opened(browser, pages["fleet"], dark=True).run(ground) == "rgb(13, 17, 23)"
    page = opened(browser, pages["fleet"], (794, 1100), dark=True, media="print")
    assert page.run(ground) == "rgb(255, 255, 255)"
    assert page.run("getComputedStyle(document.getElementById('tools')).display") == "none"
    # What is closed on the screen is on the paper.
    assert page.run("document.querySelector('#change-80 dl').getBoundingClientRect().height") > 20
    data = page.pdf()
    assert data.startswith(b"%PDF-") and data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") > 5


def test_by_keyboard_alone(browser: Chromium, pages: dict[str, str]) -> None:
    page = opened(browser, pages["fleet"])
    page.press(*TAB)
    assert page.run("document.activeElement.textContent") == "Skip to the content"
    assert page.run("document.activeElement.getBoundingClientRect().left") > 0  # it shows once it has the focus
    page.press(*ENTER)
    assert page.run("location.hash") == "#main"
    seen = []
    for _ in range(60):
        page.press(*TAB)
        seen.append(page.run("document.activeElement.id || document.activeElement.tagName"))
        assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", seen
        if seen[-1] == "SUMMARY":
            break
    assert [name for name in seen if name in ("find", "by-owner", "by-effect", "open-all", "close-all")] == [
        *("find", "by-owner", "by-effect", "open-all", "close-all"),
    ]
    assert page.run("document.activeElement.parentElement.open") is False
    page.press(*SPACE)
    assert page.run("document.activeElement.parentElement.open") is True


def visible(page: Chromium) -> list[int]:
    return page.run(
        "[...document.querySelectorAll('.change')].filter(one => one.checkVisibility()).map(one => +one.id.slice(7))"
    )


def test_search_and_filters_among_a_thousand(browser: Chromium, pages: dict[str, str]) -> None:
    page = opened(browser, pages["many"])
    assert len(visible(page)) == 1000
    page.run("document.getElementById('find').focus()")
    page.type("agent_0123 bigquery")
    page.wait("document.getElementById('shown').textContent === '1 of 1000 changes'")
    assert visible(page) == [372]
    assert page.run("[...document.querySelectorAll('section.agent')].filter(one => one.checkVisibility()).length") == 1
    page.run(
        "document.getElementById('find').value = ''; document.getElementById('find').dispatchEvent(new Event('input'))"
    )
    page.wait("document.getElementById('shown').textContent === '1000 changes'")
    choose = (
        "{const one = document.getElementById('%s'); one.selectedIndex = %d; one.dispatchEvent(new Event('change'))}"
    )
    owners = page.run("[...document.getElementById('by-owner').options].map(one => one.text)")
    assert owners == ["all owners", "api", "data_platform", "finance_api", "iam", "platform", "search_api"]
    page.run(choose % ("by-owner", owners.index("iam")))
    assert visible(page) == list(range(1, 1001, 3))
    page.run(choose % ("by-owner", owners.index("api")))
    page.run(choose % ("by-effect", 2))
    assert visible(page) == [] or all(number % 4 == 0 and number % 3 != 1 for number in visible(page))
    # A link to a change that is filtered away shows it and opens it.
    page.run("location.hash = '#change-7'")
    page.wait("document.getElementById('change-7').open && document.getElementById('change-7').checkVisibility()")
    page.run("document.getElementById('open-all').click()")
    assert page.run("[...document.querySelectorAll('.change')].every(one => one.open || one.hidden)")
    page.run("document.getElementById('close-all').click()")
    assert page.run("[...document.querySelectorAll('.change')].every(one => !one.open || one.hidden)")


def test_without_script_everything_is_there(browser: Chromium, pages: dict[str, str]) -> None:
    browser.scripts(on=False)
    try:
        page = opened(browser, pages["fleet"])
        assert page.run("document.getElementById('tools').checkVisibility()") is False
        assert len(visible(page)) == 82
        page.click("#change-3 summary")
        assert page.run("document.querySelector('#change-3').open")
        assert page.run("document.querySelector('#change-3 dl').checkVisibility()")
    finally:
        browser.scripts(on=True)


def test_hostile_names_stay_names(browser: Chromium, tmp_path: Path) -> None:
    """What the browser makes of every field's worst name: text."""
    evil = (
        "</title></style></script><script>window.owned=1</script><img src=x onerror=window.owned=2>\"'--><svg onload=1>"
    )
    text = json.dumps(evil)[1:-1]
    file = samples.hostile()
    from provisioner import planfile

    value = json.dumps(planfile.to_builtins(file.plan)).replace(json.dumps(samples.HOSTILE)[1:-1], text)
    plan = planfile.from_builtins(json.loads(value), planfile.Plan)
    path = tmp_path / "evil.html"
    path.write_text(plan_page(planfile.seal(plan, file.notes)), encoding="utf-8")
    page = opened(browser, path.as_uri())
    assert page.run("window.owned") is None
    assert page.problems() == [] and page.requests() == [path.as_uri()]
    assert page.run("document.querySelectorAll('script').length") == 1
    assert page.run("document.querySelectorAll('img, iframe, object, link, base').length") == 0
    assert page.run(
        "document.title.includes('<script>') && document.querySelector('header').textContent.includes('<img')"
    )
