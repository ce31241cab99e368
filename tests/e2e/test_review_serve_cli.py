"""`review serve` by the installed command: a real server, a real ledger, a real browser."""

from __future__ import annotations

import http.client
import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chromium import DESKTOP, Chromium, executable

COMMAND = Path(sys.executable).parent / "provisioner"


@contextmanager
def serving(team: Any, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running server and its address."""
    process = subprocess.Popen(
        [str(COMMAND), "review", "serve", "-port=0", "-json", *options],
        cwd=team.checkout,
        env=team.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines = []
        while (line := process.stdout.readline()) not in ("}\n", ""):
            lines.append(line)
        told = "".join([*lines, line])
        assert told, process.stderr.read() if process.stderr else ""
        yield process, json.loads(told)["url"]
    finally:
        process.kill()
        process.communicate()


def ask(url: str, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def test_everything_in_the_ledger_and_nothing_changes_it(applied: Any) -> None:
    applied.edit('actions   = ["s3:ListBucket"]', 'actions   = ["s3:ListBucketVersions"]')
    applied.commit("list versions")
    digest = applied.plan("second.json")
    applied.run("publish", str(applied.home / "second.json"))
    before = sorted((applied.checkout / ".provisioner").rglob("*.json"))
    with serving(applied) as (process, url):
        status, headers, page = ask(url)
        assert status == 200 and ">applied<" in page and ">waiting<" in page and digest[7:15] in page
        assert headers["content-type"] == "text/html; charset=utf-8" and headers["server"] == "provisioner"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and policy.endswith("frame-ancestors 'none'")
        for name in ("x-content-type-options", "x-frame-options", "referrer-policy", "cross-origin-opener-policy"):
            assert headers[name]
        assert headers["cache-control"] == "no-store"
        _, _, plan = ask(url, f"/plans/{digest.removeprefix('sha256:')}")
        assert "What you are asked to accept" in plan and f"provisioner sign {digest[7:15]} -owner" in plan
        assert "trust root v1" in ask(url, "/owners")[2] and "agent.invoice_triage" in ask(url, "/owners")[2]
        assert "No drift run is recorded" in ask(url, "/drift")[2]
        audit = ask(url, "/audit")[2]
        assert "It holds" in audit and "SHA256:" in audit and "Who accepted what" in audit
        # A sign-off shows as soon as it is recorded.
        applied.sign_all("second.json")
        assert "is ready: signed" in ask(url, f"/plans/{digest.removeprefix('sha256:')}")[2].replace(
            '<span class="good">', ""
        )
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0 and err.strip() == "stopped"
    after = sorted((applied.checkout / ".provisioner").rglob("*.json"))
    assert len(after) == len(before) + len(applied.required("second.json"))  # the sign-offs, and nothing else


def test_show_writes_the_page(team: Any) -> None:
    digest = team.plan()
    plan, path = str(team.home / "plan.json"), team.home / "review.html"
    done = team.run("show", plan, f"-html={path}")
    assert "SIGN-OFF" in done.stdout  # the text stays
    page = path.read_text()
    assert page.startswith("<!DOCTYPE html>") and digest in page and "Lambda functions that somebody passes" in page
    assert team.run("show", plan, "-format=html").stdout == page
    team.run("show", plan, f"-report=html={path}.2", "-json")
    assert path.with_suffix(".html.2").read_text() == page
    team.run("plan", f"-report=html={path}.3", "-phase=review")
    assert "tests that pass</summary>" in path.with_suffix(".html.3").read_text()  # a fresh plan knows every result
    # The command on the page is the one that signs, and signs nothing else.
    team.run("publish", plan)
    command = next(text for text in re.findall("<code>(.*?)</code>", page) if "-owner iam" in text)
    words = shlex.split(command)[1:]
    assert "Signed: plan" in team.run(*words, f"-key={team.key('alice')}", "-yes").stdout
    other = [word.replace(digest, "sha256:" + "0" * 64) for word in words]
    assert "E-DIGEST" in team.run(*other, f"-key={team.key('alice')}", "-yes", check=1).stderr
    assert "E-IO" in team.run("show", plan, f"-html={team.home}/nowhere/x.html", check=1).stderr
    assert "names no file" in team.run("show", plan, "-html=", check=1).stderr
    newer = team.home / "newer.json"
    newer.write_text((team.home / "plan.json").read_text().replace("provisioner.plan/1", "provisioner.plan/9"))
    assert "E-PLAN-FILE" in team.run("show", str(newer), f"-html={team.home}/newer.html", check=1).stderr
    assert not (team.home / "newer.html").exists()


def test_what_it_refuses(team: Any) -> None:
    with serving(team) as (process, url):
        port = urlsplit(url).port
        assert ask(url, "/nowhere")[0] == 404
        assert ask(url, "/plans/" + "0" * 64)[0] == 404
        assert 'href="../.."' in ask(url, "/a/b/c?d/e")[2] and 'href="."' in ask(url, "/nowhere")[2]
        assert ask(url, "/plans/../owners")[0] == 404
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
            status, headers, _ = ask(url, "/", method)
            assert status == 405 and headers["allow"] == "GET, HEAD"
        status, headers, body = ask(url, "/owners", "HEAD")
        assert status == 200 and body == "" and int(headers["content-length"]) > 1000
        # DNS rebinding: the name that a browser was led here by is not ours.
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port}.evil.example", ""):
            status, headers, page = ask(url, "/", Host=host)
            assert status == 421 and "workspace" not in page and headers["content-security-policy"]
        assert ask(url, "/", Host=f"localhost:{port}")[0] == 200
        for junk in (
            b"GET\r\n\r\n",
            b"\x16\x03\x01\x02\x00\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), 10) as raw:
                raw.sendall(junk)
                got = raw.makefile("rb").read()
            assert b"Traceback" not in got and b"workspace" not in got
        with socket.create_connection(("127.0.0.1", port), 10) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\nHost: evil.example\r\n\r\n" % (port or 0))
            assert b" 421 " in raw.makefile("rb").readline()
        assert ask(url)[0] == 200  # and it still answers
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        assert "Traceback" not in err and process.returncode == 0


def test_a_ledger_that_cannot_be_believed_is_told_not_shown(team: Any) -> None:
    with serving(team) as (_, url):
        entry = sorted((team.checkout / ".provisioner").rglob("00000001.json"))[0]
        entry.chmod(0o600)
        entry.write_bytes(entry.read_bytes().replace(b"alice", b"mallo"))
        for path in ("/", "/owners", "/audit", "/drift"):
            status, _, page = ask(url, path)
            assert status == 503 and "E-" in page and "Traceback" not in page


def test_it_shows_itself_to_nobody_else_unasked(team: Any) -> None:
    assert "E-EXPOSED" in team.run("review", "serve", "-listen=0.0.0.0", check=1).stderr
    assert "E-EXPOSED" in team.run("review", "serve", "-listen=::", check=1).stderr
    assert "no IP address" in team.run("review", "serve", "-listen=example.com", check=1).stderr
    assert "no host name" in team.run("review", "serve", "-behind-proxy=http://x/", check=1).stderr
    assert "no port" in team.run("review", "serve", "-port=99999", check=1).stderr
    assert "E-" in team.run("review", "serve", "-workspace=nope", check=1).stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "E-PORT" in team.run("review", "serve", f"-port={taken.getsockname()[1]}", check=1).stderr
    with serving(team, "-listen=0.0.0.0", "-behind-proxy=review.acme.example") as (_, url):
        local = url.replace("0.0.0.0", "127.0.0.1")
        assert ask(local, "/", Host="review.acme.example")[0] == 200
        assert ask(local, "/", Host="Review.Acme.Example")[0] == 200
        assert ask(local, "/", Host="other.acme.example")[0] == 421


@pytest.mark.skipif(executable() is None, reason="no Chromium on this machine")
def test_in_a_browser(applied: Any) -> None:
    with serving(applied) as (_, url), Chromium() as browser:
        browser.size(DESKTOP)
        browser.open(url)
        assert browser.run("document.querySelector('h1').textContent") == "Plans"
        assert (
            browser.run("getComputedStyle(document.querySelector('.level')).borderStyle") == "solid"
        )  # the style holds
        assert browser.problems() == [] or browser.problems() == [f"Failed to load resource {url}favicon.ico"]
        for label in ("Owners", "Drift", "Audit"):
            browser.run(f"[...document.querySelectorAll('nav a')].find(a => a.textContent === '{label}').click()")
            browser.wait(
                f"document.readyState === 'complete' && document.querySelector('h1')?.textContent === '{label}'"
            )
            assert browser.run("document.querySelector('[aria-current=page]').textContent") == label
        browser.run("[...document.querySelectorAll('nav a')][0].click()")
        browser.wait("document.querySelector('h1')?.textContent === 'Plans'")
        browser.run("document.querySelector('table a').click()")
        browser.wait("document.readyState === 'complete' && document.querySelector('#changes')")
        assert browser.run("document.getElementById('tools').hidden") is False  # the script runs under the policy
        browser.run("document.querySelector('header a').click()")
        browser.wait("document.querySelector('h1')?.textContent === 'Plans'")
