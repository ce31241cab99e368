"""The small rooms: times, keys, texts, versions, the graph."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.config import keys, text, times, versions
from provisioner.config.graph import Graph, Node, State
from provisioner.config.report import Report
from provisioner.model.diagnostics import Diagnostic, DiagnosticError


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("90d", 7_776_000),
        ("72h", 259_200),
        ("1h30m", 5400),
        ("45s", 45),
        ("1d2h3m4s", 93_784),
        ("0h", None),
        ("", None),
        ("1", None),
        ("h", None),
        ("-1h", None),
        ("1h 30m", None),
        ("1.5h", None),
        ("1m1h", None),
        ("١h", None),
    ],
)
def test_durations(written: str, expected: int | None) -> None:
    assert times.seconds(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2027-02-01T00:00:00Z", "2027-02-01T00:00:00Z"),
        ("2027-02-01T00:30:00+01:00", "2027-01-31T23:30:00Z"),
        ("2027-02-30T00:00:00Z", None),
        ("2027-02-01T25:00:00Z", None),
        ("2027-02-01 00:00:00Z", None),
        ("2027-02-01T00:00:00", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("0999-01-01T00:00:00Z", None),
    ],
)
def test_timestamps(written: str, expected: str | None) -> None:
    assert times.timestamp(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2027-02-01", "2027-02-01"),
        ("2027-02-01T00:00:00Z", "2027-02-01"),
        ("2027-02-29", None),
        ("27-02-01", None),
        ("2027-02-01T10:00:00Z", None),
    ],
)
def test_dates(written: str, expected: str | None) -> None:
    assert times.day(written) == expected


def wire(*parts: bytes) -> str:
    return b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


ED25519 = f"ssh-ed25519 {wire(b'ssh-ed25519', bytes(32))}"


def test_a_key_loses_its_comment() -> None:
    assert keys.public_key(f"# mine\n\n{ED25519} somebody@somewhere  \n") == ED25519


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "empty"),
        (f"{ED25519}\n{ED25519}", "one OpenSSH public key line"),
        ("ssh-dss AAAA", "not a key type"),
        ("ssh-ed25519", "not a key type"),
        ("ssh-ed25519 ???", "not base64"),
        (f"ssh-ed25519 {wire(b'ssh-rsa', bytes(32))}", "does not hold"),
        (f"ssh-ed25519 {wire(b'ssh-ed25519', bytes(31))}", "32 bytes"),
        (f"{ED25519[:-1]}", "not base64"),
        (f"ssh-ed25519 {wire(b'ssh-ed25519', bytes(32))[:-8]}", "does not hold"),
        (f"ssh-ed25519 {wire(b'ssh-ed25519', bytes(32), b'x')}", "does not hold"),
        ("ssh-rsa " + wire(b"ssh-rsa", b"e", b"\x7f" * 256), "at least 3072 bits"),
        ("-----BEGIN OPENSSH " + "PRIVATE KEY-----\nx", "private key"),
        ('cert-authority,principals="a" ' + ED25519, "not a key type"),
    ],
)
def test_what_is_no_key(line: str, reason: str) -> None:
    with pytest.raises(keys.KeyFormatError, match=reason):
        keys.public_key(line)


def test_strong_keys_are_taken() -> None:
    for line in (
        "ssh-rsa " + wire(b"ssh-rsa", b"e", b"\xff" * 384),
        f"ecdsa-sha2-nistp256 {wire(b'ecdsa-sha2-nistp256', b'nistp256', bytes(65))}",
        f"sk-ssh-ed25519@openssh.com {wire(b'sk-ssh-ed25519@openssh.com', bytes(32), b'ssh:')}",
        f"sk-ecdsa-sha2-nistp256@openssh.com "
        f"{wire(b'sk-ecdsa-sha2-nistp256@openssh.com', b'nistp256', bytes(65), b'ssh:')}",
    ):
        assert keys.public_key(line) == line


@given(st.text(max_size=200))
def test_no_text_breaks_the_key_reader(line: str) -> None:
    try:
        assert keys.public_key(line).split()[0] in keys.TYPES
    except keys.KeyFormatError as error:
        assert str(error)


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ASIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 70,
        "glpat-" + "a" * 20,
        "xoxb-" + "1" * 12,
        "AIza" + "a" * 35,
        "sk-ant-" + "a" * 24,
        "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_secrets_are_seen_and_masked(secret: str) -> None:
    written = f"before {secret} after"
    assert len(list(text.secrets(written))) == 1
    masked = text.masked(written)
    assert len(masked) == len(written)
    assert masked.startswith("before *")
    assert masked.endswith("* after")
    assert text.problem(secret) is not None


@pytest.mark.parametrize("word", ["AKIAnotakey", "arn:aws:iam::123456789012:role/x", "ghp_short", "Ünïcode ✓ 漢字"])
def test_other_words_are_no_secrets(word: str) -> None:
    assert text.problem(word) is None


@pytest.mark.parametrize("bad", ["\x00", "\n", "\x1b", "\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\u3164"])
def test_deceiving_characters(bad: str) -> None:
    found = text.problem(f"a{bad}b")
    assert found is not None
    assert "position 2" in found


@pytest.mark.parametrize(
    ("constraint", "accepted"),
    [
        (">= 1.2", True),
        (">= 1.2, < 2", True),
        ("< 1.3", False),
        ("~> 1.2", True),
        ("~> 1.3.0", True),
        ("~> 1.2.0", False),
        ("~> 1", True),
        ("!= 1.3.1", False),
        ("1.3.1", True),
        ("= 1.3", False),
        ("> 1.3.1", False),
        ("<= v1.3.1", True),
    ],
)
def test_versions(constraint: str, accepted: bool) -> None:
    assert versions.satisfies("1.3.1", constraint) is accepted


@pytest.mark.parametrize("constraint", ["", "latest", ">= 1,", "1.2.3.4", "=> 1", ">= 1.x"])
def test_version_constraints_that_are_none(constraint: str) -> None:
    with pytest.raises(versions.VersionError):
        versions.satisfies("1.0.0", constraint)


class Step(Node):
    """A node of a test: what it needs by name, and how often it was computed."""

    def __init__(self, name: str, steps: dict[str, Step], needs: tuple[str, ...], fails: bool = False) -> None:
        super().__init__()
        self.name, self.steps, self.wants, self.fails, self.computed = name, steps, needs, fails, 0
        steps[name] = self

    @property
    def title(self) -> str:
        return self.name

    def needs(self) -> Iterator[Node]:
        return (self.steps[name] for name in self.wants)

    def compute(self) -> int:
        self.computed += 1
        if self.fails:
            raise DiagnosticError([Diagnostic("E-X", self.name)])
        return 1 + sum(self.steps[name].value for name in self.wants)


def test_the_graph_computes_each_node_once() -> None:
    steps: dict[str, Step] = {}
    Step("a", steps, ())
    Step("b", steps, ("a",))
    Step("c", steps, ("a", "b"))
    graph = Graph(Report())
    assert graph.value(steps["c"]) == 4
    assert graph.value(steps["c"]) == 4
    assert [step.computed for step in steps.values()] == [1, 1, 1]


def test_a_failure_is_told_once_and_stops_what_needs_it() -> None:
    steps: dict[str, Step] = {}
    Step("bad", steps, (), fails=True)
    Step("b", steps, ("bad",))
    Step("c", steps, ("b", "bad"))
    report = Report()
    graph = Graph(report)
    assert not graph.settle(steps["c"])
    assert [d.summary for d in report.ordered()] == ["bad"]
    assert steps["c"].computed == 0
    with pytest.raises(DiagnosticError):
        graph.value(steps["b"])


@given(st.dictionaries(st.sampled_from("abcdefg"), st.sets(st.sampled_from("abcdefg"), max_size=3), min_size=1))
def test_any_graph_settles_and_cycles_are_told(edges: dict[str, set[str]]) -> None:
    steps: dict[str, Step] = {}
    for name in "abcdefg":
        Step(name, steps, tuple(sorted(edges.get(name, ()))))
    report = Report()
    graph = Graph(report)
    for step in steps.values():
        graph.settle(step)

    def reaches(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(steps[start].wants)
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += steps[at].wants
        return seen

    cyclic = {name for name in steps if name in reaches(name)}
    poisoned = {name for name in steps if name in cyclic or reaches(name) & cyclic}
    assert {name for name, step in steps.items() if step.state is State.FAILED} == poisoned
    assert bool(report.errors) == bool(cyclic)
    assert all(step.state in (State.DONE, State.FAILED) for step in steps.values())


def test_a_report_keeps_each_message_once_and_in_order() -> None:
    report = Report()
    report.error("E-A", "one", "detail", None)
    report.error("E-A", "one", "detail", None)
    report.warning("W-A", "two", "detail", None)
    assert [d.summary for d in report.ordered()] == ["one", "two"]
    assert report.errors == 1
