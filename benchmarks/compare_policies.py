"""How many realistic changes the comparison decides, and how long it takes.

python -m benchmarks.compare_policies [pairs]      # default 1000
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter

from provisioner_aws.policy.compare import Comparison, compare_policies
from provisioner_aws.policy.document import parse_policy

from benchmarks.policy_corpus import pairs
from benchmarks.table import Row, show


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    verbose = "-v" in sys.argv
    effects: Counter[str] = Counter()
    times = []
    corpus = pairs(count)
    for pair in corpus:
        old, new = parse_policy(pair.old, "old"), parse_policy(pair.new, "new")
        start = time.process_time()
        found: Comparison = compare_policies([old], [new])
        times.append((time.process_time() - start) * 1000)
        effects[found.effect.value] += 1
        if verbose and (found.effect.value == "unknown" or times[-1] > 200):
            print(f"{found.effect.value:8} {times[-1]:7.1f} ms  {pair.name}  {', '.join(pair.edits)}  {found.reason}")
    times.sort()
    total = len(corpus)
    rows = [
        Row("not decided", 100 * effects["unknown"] / total, "%", 2.0, f"{effects['unknown']} of {total} pairs"),
        *(Row(name, 100 * effects[name] / total, "%") for name in ("wider", "narrower", "equal")),
        Row("median", statistics.median(times), "ms", 20.0),
        Row("99 of 100", times[total * 99 // 100], "ms"),
        Row("longest", times[-1], "ms", 2000.0),
    ]
    show("Comparison of policies, processor time", rows)
    print(f"  z3 was {'used' if 'z3' in sys.modules else 'not needed'}")


if __name__ == "__main__":
    main()
