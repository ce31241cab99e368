"""How fast syntax is read: ours, python-hcl2 and pygohcl on the same program, in one run.

    python benchmarks/language_syntax.py [blocks]

The program is generated: by default 5,000 blocks, about 37,000 lines. python-hcl2 is given a part of it only, because
it takes minutes for the whole; its rate does not depend on the size. pygohcl is HCL's own Go code, and also evaluates;
it is given blocks and attributes with literal values only, since it cannot resolve references.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable

from provisioner.lang.fmt import format_source
from provisioner.lang.parser import parse_file
from provisioner.lang.scanner import scan_body
from provisioner.model.source import Source

BLOCK = """agent "agent_{n}" {{
  purpose   = "Classify inbound supplier invoices, number {n}"
  inputs    = "untrusted" # trusted or untrusted
  review_by = "2027-02-01"
  actions   = ["s3:GetObject", "s3:ListBucket", "dynamodb:GetItem"]
  resource  = {resource}
}}
"""
REFERENCE = '"arn:aws:s3:::acme-${{var.stage}}/{n}/*"'
LITERAL = '"arn:aws:s3:::acme-prod/{n}/*"'


def program(blocks: int, resource: str) -> str:
    return "".join(BLOCK.format(n=n, resource=resource.format(n=n)) for n in range(blocks))


def rate(text: str, read: Callable[[str], object], repeat: int = 3) -> float:
    """MB (a million bytes) per second, the best of `repeat` runs."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        read(text)
        best = min(best, time.perf_counter() - start)
    return len(text.encode()) / 1e6 / best


def parsed(text: str) -> None:
    _, diagnostics = parse_file(Source("main.hcl", text))
    if diagnostics:
        raise SystemExit(f"the program is not valid: {diagnostics[0].summary}")


def peers(blocks: int) -> dict[str, float | str]:
    """MB/s of every peer, or why there is none."""
    found: dict[str, float | str] = {}
    try:
        import hcl2
    except ImportError:
        found["python-hcl2"] = "not installed, skipped"
    else:
        hcl2.loads("a = 1\n")  # builds its grammar once, which is not counted
        found["python-hcl2"] = rate(program(min(blocks, 100), REFERENCE), hcl2.loads, 1)
    try:
        import pygohcl
    except ImportError:
        found["pygohcl"] = "not installed, skipped"
    else:
        found["pygohcl"] = rate(program(blocks, LITERAL), pygohcl.loads, 1)
    return found


def main() -> None:
    blocks = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    text = program(blocks, REFERENCE)
    print(f"{blocks} blocks, {text.count(chr(10))} lines, {len(text) / 1e6:.2f} MB")
    ours = rate(text, parsed)
    print(f"{'ours: scan':<22}{rate(text, lambda t: scan_body(Source('main.hcl', t))):>8.2f} MB/s")
    print(f"{'ours: scan and parse':<22}{ours:>8.2f} MB/s")
    print(f"{'ours: format':<22}{rate(text, format_source, 1):>8.2f} MB/s")
    for size in (blocks // 10, blocks * 4):
        print(f"{f'ours: {size} blocks':<22}{rate(program(size, REFERENCE), parsed, 1):>8.2f} MB/s")
    for name, result in peers(blocks).items():
        if isinstance(result, str):
            print(f"{name:<22}{result}")
        else:
            print(f"{name:<22}{result:>8.2f} MB/s, ours is {ours / result:.1f} times as fast")
    tracemalloc.start()
    tree = parse_file(Source("main.hcl", text))
    print(f"{'memory of the tree':<22}{tracemalloc.get_traced_memory()[1] / 1e6:>8.1f} MB at most")
    del tree


if __name__ == "__main__":
    main()
