"""`provisioner access`: the documented examples, errors line by line, two files compared."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access-json.md"
EXAMPLES = re.findall(r"```json request\n(.*?)\n```\n\n```json answer\n(.*?)\n```", PAGE.read_text(), re.DOTALL)
COMMAND = str(Path(sys.executable).parent / "provisioner")


def run(*args: str, cwd: Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([COMMAND, "access", *args], cwd=cwd, input=given, capture_output=True, check=False)


def allow(action: str = "s3:GetObject", resource: str = "arn:aws:s3:::b/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def written(folder: Path, **files: Any) -> None:
    for name, value in files.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=1)
        (folder / f"{name}.json").write_text(text)


@pytest.mark.parametrize(("request_text", "answer"), EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
def test_the_documented_examples(request_text: str, answer: str, tmp_path: Path) -> None:
    done = run("evaluate", "-json", cwd=tmp_path, given=request_text.encode())
    assert json.loads(done.stdout) == json.loads(answer), done.stderr
    assert done.returncode == (1 if "diagnostics" in json.loads(answer) else 0)
    assert not done.stderr


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 8


def test_every_line_is_answered(tmp_path: Path) -> None:
    good = {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "policies": {"identity": [policy(allow())]}}
    lines = [
        json.dumps({**good, "id": "first"}).encode(),
        b"nonsense",
        b"",
        b"[1]",
        b'{"policies": {}, "policies": {}}',
        b"\xff\xfe",
        b'{"id": 1, "action": NaN, "policies": {}}',
        b"[" * 100_000,
        json.dumps({**good, "cloud": "elsewhere"}).encode(),
        json.dumps({**good, "policies": {"identity": [policy({"Effect": "Maybe", "Action": "*"})]}}).encode(),
        json.dumps({**good, "id": "last", "policies": {"identity": [policy(allow("iam:*"))]}}).encode(),
    ]
    done = run("evaluate", "-json", cwd=tmp_path, given=b"\n".join(lines) + b"\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert not done.stderr
    assert len(answers) == 10  # the blank line asks nothing
    assert (answers[0]["id"], answers[0]["answer"]) == ("first", "allowed")
    assert (answers[-1]["id"], answers[-1]["answer"]) == ("last", "denied")
    for number, answer in zip((2, 4, 5, 6, 7, 8, 9, 10), answers[1:-1], strict=True):
        (diagnostic,) = answer["diagnostics"]
        assert diagnostic["summary"].startswith(f"line {number}")
        assert diagnostic["code"] == "E-ACCESS-REQUEST"
        assert diagnostic["detail"]


def test_text_and_files(tmp_path: Path) -> None:
    line = json.dumps({"id": 7, "action": "s3:GetObject", "policies": {}})
    (tmp_path / "requests.jsonl").write_text(line + "\n")
    done = run("evaluate", "requests.jsonl", cwd=tmp_path)
    assert done.stdout.decode() == "7: denied: the identity policies: nothing allows s3:GetObject\n"
    missing = run("evaluate", "nowhere.jsonl", cwd=tmp_path)
    assert missing.returncode == 1
    assert b"nowhere.jsonl cannot be read" in missing.stderr


def test_comparing_two_files(tmp_path: Path) -> None:
    written(
        tmp_path, old=policy(allow()), new=policy(allow(), allow("s3:PutObject")), same=policy(allow("S3:getobject"))
    )
    wider = run("compare", "old.json", "new.json", cwd=tmp_path)
    assert wider.returncode == 4
    assert wider.stdout.decode().splitlines() == [
        "WIDER      new.json allows what old.json does not",
        "  can: s3:PutObject on b/*",
        "  for example: s3:PutObject on arn:aws:s3:::b/example",
    ]
    narrower = run("compare", "new.json", "old.json", cwd=tmp_path)
    assert narrower.returncode == 0
    assert narrower.stdout.startswith(b"NARROWER")
    equal = run("compare", "old.json", "same.json", cwd=tmp_path)
    assert (equal.returncode, equal.stdout[:5]) == (0, b"EQUAL")


def test_a_deny_that_goes_counts_though_nothing_here_allows(tmp_path: Path) -> None:
    deny = {**allow("iam:*", "*"), "Effect": "Deny"}
    written(tmp_path, old=policy(allow(), deny), new=policy(allow()))
    done = run("compare", "-json", "old.json", "new.json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, found["effect"], found["alone"]) == (4, "wider", False)
    scp = json.loads(run("compare", "-json", "-kind", "scp", "old.json", "new.json", cwd=tmp_path).stdout)
    assert scp["effect"] == "equal"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{\n "Version": "2012-10-17",\n oops', 3, "not JSON"),
        ('{"Statement": [\n {"Effect": "Deny", "Action": "*", "Resource": "*"},\n {"Effect": 1}]}', 3, "statement 2"),
        ('{"Version": "1999-01-01",\n "Statement": []}', 1, "Version"),
        ('{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"}}', 1, "a Principal"),
        ('{"Statement": [], "Statement": []}', 1, "stands twice"),
        ("[]", 1, "JSON object"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(text: str, line: int, says: str, tmp_path: Path) -> None:
    written(tmp_path, old=policy(allow()), bad=text)
    done = run("compare", "-json", "old.json", "bad.json", cwd=tmp_path)
    assert done.returncode == 1
    (diagnostic,) = json.loads(done.stdout)["diagnostics"]
    assert diagnostic["range"]["filename"] == "bad.json"
    assert diagnostic["range"]["start"]["line"] == line
    assert says in diagnostic["summary"]
    assert diagnostic["detail"]


def test_unknown_kinds_and_clouds(tmp_path: Path) -> None:
    written(tmp_path, old=policy(allow()))
    for option, value in (("-kind", "role"), ("-cloud", "elsewhere")):
        done = run("compare", option, value, "old.json", "old.json", cwd=tmp_path)
        assert done.returncode == 1
        assert value.encode() in done.stderr
        assert b"Traceback" not in done.stderr
