"""The review page of 1,000 changes: how long it takes to render, how large it is, how soon Chromium answers on it.

    .venv/bin/python -m benchmarks.review_page [CHANGES]

Aims: rendered in under 1 s, under 2 MB, interactive in under 1 s. Interactive: the parser is done and the page's own
script has run (domInteractive, domContentLoaded), by the browser's own clock; then a search, by the same clock.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "unit" / "render"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "e2e"))

import chromium
import html_samples

from provisioner.render.gitlab import code_quality, terraform_report
from provisioner.render.html.plan import plan_page
from provisioner.render.human import plan_text
from provisioner.render.markdown import plan_markdown
from provisioner.render.sarif import plan_sarif
from provisioner.render.spreadsheet import plan_csv

ROUNDS = 3
TIMING = "JSON.parse(JSON.stringify(performance.getEntriesByType('navigation')[0]))"
SEARCH = """new Promise(done => {
  const box = document.getElementById('find'), shown = document.getElementById('shown'), start = performance.now();
  box.value = 'agent_0007 bigquery';
  box.dispatchEvent(new Event('input'));
  const look = () => shown.textContent.includes(' of ') ? done(performance.now() - start) : requestAnimationFrame(look);
  look();
})"""


def main() -> None:
    given = sys.argv[1:2] or ["1000"]
    if not given[0].isdecimal() or int(given[0]) < 1:
        raise SystemExit(f"{given[0]!r} is no number of changes")
    file = html_samples.many(int(given[0]))
    others = {
        "text": lambda: plan_text(file),
        "markdown": lambda: plan_markdown(file),
        "sarif": lambda: plan_sarif(file, "0", {}),
        "csv": lambda: plan_csv(file),
        "gitlab-terraform": lambda: terraform_report(file),
        "gitlab-codequality": lambda: code_quality(file),
        "html": lambda: plan_page(file),
    }
    print(f"{given[0]} changes, best of {ROUNDS}, load {os.getloadavg()[0]:.1f}")
    for name, render in others.items():
        best = min(_timed(render) for _ in range(ROUNDS))
        print(f"{name:<20} {best:6.3f} s  {len(render().encode()):>9,} bytes")
    if chromium.executable() is None:
        print("no Chromium on this machine: not measured in a browser")
        return
    with tempfile.TemporaryDirectory() as folder, chromium.Chromium() as browser:
        path = Path(folder) / "review.html"
        path.write_text(plan_page(file), encoding="utf-8")
        for size, what in ((chromium.DESKTOP, "desktop"), (chromium.PHONE, "phone")):
            best, search = 1e9, 1e9
            for _ in range(ROUNDS):
                browser.size(size)
                browser.open(path.as_uri())
                best = min(best, browser.run(TIMING)["domContentLoadedEventEnd"])
                search = min(search, browser.run(SEARCH))
            print(f"Chromium, {what:<10} {best / 1000:6.3f} s until interactive  {search / 1000:6.3f} s for a search")


def _timed(render: object) -> float:
    assert callable(render)
    start = time.perf_counter()
    render()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
