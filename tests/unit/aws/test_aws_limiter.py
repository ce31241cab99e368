"""The adaptive limiter of an account."""

from __future__ import annotations

import threading
from itertools import pairwise

from provisioner_aws.limiter import CALM_SECONDS, SLOWEST, Limiter


class Time:
    def __init__(self) -> None:
        self.now, self.slept = 100.0, 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += seconds


def limiter():
    time = Time()
    return Limiter(time.clock, time.sleep), time


def burst(made: Limiter, time: Time, calls: int, every: float) -> None:
    for _ in range(calls):
        made.before_call()
        time.now += every


def test_nothing_is_held_back_until_aws_throttles():
    made, time = limiter()
    burst(made, time, 1000, 0.0)
    assert time.slept == 0 and made.rate is None


def test_a_throttled_answer_halves_the_rate_of_just_before():
    made, time = limiter()
    burst(made, time, 40, 0.05)
    made.throttled()
    assert made.rate is not None and 9.5 < made.rate < 10.6
    start = time.now
    for _ in range(10):
        made.before_call()
    assert 0.7 < time.now - start < 1.3


def test_answers_of_one_burst_count_once_and_later_ones_again():
    made, time = limiter()
    burst(made, time, 40, 0.05)
    for _ in range(5):
        made.throttled()
    once = made.rate
    time.now += 0.5
    made.throttled()
    assert once is not None and made.rate is not None and made.rate < once * 0.6


def test_it_never_stops_altogether():
    made, time = limiter()
    for _ in range(30):
        made.before_call()
        made.throttled()
        time.now += 1
    assert made.rate is not None and made.rate >= SLOWEST


def test_it_recovers():
    made, time = limiter()
    burst(made, time, 40, 0.05)
    made.throttled()
    low = made.rate
    time.now += 5
    assert low is not None and made.rate is not None and made.rate > low * 1.5
    time.now += CALM_SECONDS
    assert made.rate is None


def test_threads_share_it():
    """Ten threads together are no faster than one: each waits for its own turn."""
    turns: list[float] = []
    lock = threading.Lock()
    time = Time()

    def sleep(seconds: float) -> None:
        with lock:
            turns.append(seconds)

    made = Limiter(time.clock, sleep)
    burst(made, time, 40, 0.05)
    made.throttled()
    rate = made.rate
    threads = [threading.Thread(target=made.before_call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waits = sorted(turns)
    assert rate is not None and len(waits) == 10
    assert all(abs((b - a) - 1 / rate) < 0.02 for a, b in pairwise(waits))
