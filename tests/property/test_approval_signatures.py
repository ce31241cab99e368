"""No bent signature passes: not one that ssh-keygen refuses, and no flipped bit of envelope, plan or root."""

from __future__ import annotations

import copy
import random
import subprocess
import sys
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "attacks"))

import scenario

from provisioner import canonical, planfile
from provisioner.approval import dsse, keys, signing, sshsig
from provisioner.approval.dsse import EnvelopeError
from provisioner.approval.keys import KeyRefused
from provisioner.approval.requirements import of_plan
from provisioner.approval.root import RootError, make_root, parse_root
from provisioner.approval.signoff_checks import judge
from provisioner.approval.sshsig import SignatureError
from provisioner.approval.wire import string

MESSAGE = b"the message"
KINDS = [("-t", "ed25519"), ("-t", "ecdsa", "-b", "256"), ("-t", "ecdsa", "-b", "521"), ("-t", "rsa", "-b", "3072")]
MUTANTS = 260
"""For each kind of key: more than a thousand in all."""


def ours(blob: bytes, line: str) -> bool:
    try:
        return sshsig.verify_blob(blob, MESSAGE).line == line
    except SignatureError:
        return False


def mutant(blob: bytes, rng: random.Random) -> bytes:
    """One small, well-aimed or blind, change."""
    at = rng.randrange(len(blob))
    choice = rng.randrange(7)
    if choice == 0:
        return blob[:at] + bytes([blob[at] ^ 1 << rng.randrange(8)]) + blob[at + 1 :]
    if choice == 1:
        return blob[:at] + bytes([rng.randrange(256)]) + blob[at:]
    if choice == 2:
        return blob[:at] + blob[at + 1 :]
    if choice == 3:
        return blob + bytes(rng.randrange(1, 5))
    if choice == 4:
        names = [b"sha256", b"sha512", b"sha384", b"md5", b"rsa-sha2-256", b"rsa-sha2-512", b"ssh-rsa", b"ssh-ed25519"]
        old, new = rng.choice(names), rng.choice(names)
        return blob.replace(string(old), string(new))
    if choice == 5:
        return blob.replace(string(sshsig.NAMESPACE.encode()), string(rng.choice([b"git", b"file", b""])))
    cut = rng.randrange(6, len(blob))
    return blob[:cut]


@pytest.mark.parametrize("options", KINDS, ids=" ".join)
def test_we_accept_no_mutant_that_ssh_keygen_refuses(options: tuple[str, ...], tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", key, *options], check=True)
    blob = sshsig.dearmor(signing.sign(MESSAGE, key))
    line = keys.parse(key.with_suffix(".pub").read_text()).line
    allowed = tmp_path / "allowed"
    allowed.write_text(f"someone {line}\n")

    def theirs(pair: tuple[int, bytes]) -> bool:
        file = tmp_path / f"signature{pair[0]}"
        file.write_text(sshsig.armor(pair[1]))
        command = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "someone", "-n", sshsig.NAMESPACE, "-s", file]
        return subprocess.run(command, input=MESSAGE, capture_output=True, check=False).returncode == 0

    rng = random.Random("differential " + " ".join(options))
    candidates = [blob, *(mutant(blob, rng) for _ in range(MUTANTS))]
    with ThreadPoolExecutor(4) as pool:  # the work is done by ssh-keygen, in processes of its own
        verdicts = list(pool.map(theirs, enumerate(candidates)))
    assert verdicts[0] and ours(blob, line)
    refused = 0
    for candidate, good in zip(candidates[1:], verdicts[1:], strict=True):
        accepted = ours(candidate, line)
        assert good or not accepted, candidate.hex()
        assert accepted == (candidate == blob), candidate.hex()
        refused += not accepted
    assert refused > MUTANTS // 2


def test_a_thousand_mutants_are_compared() -> None:
    assert MUTANTS * len(KINDS) >= 1000


GOOD = scenario.Situation()
EVIDENCE = GOOD.evidence()
DEMANDS = of_plan(GOOD.root.data, GOOD.planfile.plan)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_of_an_envelope_counts(data: st.DataObject) -> None:
    """Payload, signature, key id and type, in the bytes that base64 stands for and in the text itself."""
    envelope = copy.deepcopy(dict(data.draw(st.sampled_from(GOOD.envelopes))))
    text = canonical.dumps(envelope)
    if data.draw(st.booleans()):
        first = envelope["signatures"][0]
        holder, name = data.draw(st.sampled_from([(envelope, "payload"), (first, "sig")]))
        raw = bytearray(b64decode(holder[name]))
        bit = data.draw(st.integers(0, len(raw) * 8 - 1))
        raw[bit // 8] ^= 1 << bit % 8
        holder[name] = b64encode(bytes(raw)).decode()
    else:
        raw = bytearray(text)
        bit = data.draw(st.integers(0, len(raw) * 8 - 1))
        raw[bit // 8] ^= 1 << bit % 8
        try:
            envelope = dsse.parse_file(bytes(raw))
        except EnvelopeError:
            return
    judged = judge(GOOD.planfile, EVIDENCE, DEMANDS, scenario.LedgerSignoff(6, envelope))
    assert judged.counted is None


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_of_a_plan_file_is_read(data: st.DataObject) -> None:
    raw = bytearray(planfile.encode(GOOD.planfile.plan, GOOD.planfile.notes))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(planfile.PlanFileError):
        planfile.decode(bytes(raw))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_of_a_root_is_read(data: st.DataObject) -> None:
    raw = bytearray(canonical.dumps(GOOD.root.body()))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    try:
        body = canonical.loads(bytes(raw))
        assert isinstance(body, dict)
        root = parse_root(body)
    except (canonical.CanonicalError, RootError, AssertionError):
        return
    assert body["plan"] is not None or root == make_root(GOOD.root.data)
    raise AssertionError(f"a root with bit {bit} flipped was read")


@settings(max_examples=300, deadline=None)
@given(blob=st.binary(max_size=300))
def test_noise_is_refused_with_a_reason(blob: bytes) -> None:
    with pytest.raises(SignatureError):
        sshsig.verify_blob(b"SSHSIG" + blob, MESSAGE)
    with pytest.raises(KeyRefused):
        keys.from_blob(blob)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(
    value=JSON.filter(lambda value: isinstance(value, dict))
    | st.fixed_dictionaries({"payload": JSON, "payloadType": JSON | st.just(dsse.PAYLOAD_TYPE), "signatures": JSON})
)
def test_odd_envelopes_are_refused_and_never_crash(value: dict[str, object]) -> None:
    with pytest.raises(EnvelopeError):
        dsse.open_envelope(value)


@settings(max_examples=200, deadline=None)
@given(value=JSON, field=st.sampled_from(["version", "data", "digest", "plan", "other"]))
def test_odd_roots_are_refused_and_never_crash(value: object, field: str) -> None:
    body = GOOD.root.body() | {field: value}
    if body == GOOD.root.body() or field == "plan":
        return
    with pytest.raises(RootError):
        parse_root(body)
