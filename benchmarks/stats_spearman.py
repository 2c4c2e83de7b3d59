"""
Times of `spearman_test`: ``python -m benchmarks.stats_spearman``. Every answer is asserted, so speed never buys a wrong number.

Look-up of untied n = 26, first and next question; counting at n = 21 with equal sizes and rates rounded to 5 percent;
moments at n = 60. Wall and processor seconds are printed; the limits are on processor seconds, because the machine may be shared.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from safescale.stats import SpearmanTest, spearman_test

SIZES_21 = (0.5, 0.8, 0.8, 1.24, 1.9, 1.9, 3.2, 4, 7, 7, 7, 8, 8, 8, 9, 13, 13, 27, 70, 70, 405)


def timed(question: Callable[[], SpearmanTest]) -> tuple[float, float, SpearmanTest]:
    """Wall seconds, processor seconds (of all threads), the answer."""
    wall, processor = time.perf_counter(), time.process_time()
    answer = question()
    return time.perf_counter() - wall, time.process_time() - processor, answer


def look_up() -> None:
    order = np.random.default_rng(1).permutation(26)
    first, _, answer = timed(lambda: spearman_test(range(26), order))
    best = min(timed(lambda: spearman_test(range(26), order))[0] for _ in range(200))
    moments = spearman_test(range(26), order, method="moments")
    print(f"untied n = 26: first question {first * 1e3:.1f} ms, next {best * 1e3:.3f} ms, p = {answer.p_value:.6f}")
    assert answer.method == "exact"
    assert abs(answer.p_value - moments.p_value) <= moments.p_error
    assert best < 1e-3


def count_ties() -> None:
    slowest = 0.0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        rates = np.round((rng.random(21) if seed % 2 else rng.beta(1, 4, size=21)) * 20) / 20
        wall, seconds, answer = timed(lambda rates=rates: spearman_test(SIZES_21, rates))
        drawn = spearman_test(SIZES_21, rates, method="monte_carlo")
        levels = f"{len(set(rates))} rates on {len(set(SIZES_21))} sizes"
        print(f"n = 21, {levels}: {wall:.2f} s ({seconds:.2f} s processor), {answer.method}, p = {answer.p_value:.6f}")
        assert answer.method == "exact"
        assert abs(answer.p_value - drawn.p_value) < 2 * drawn.p_error
        slowest = max(slowest, seconds)
    assert slowest < 10


def fall_back() -> None:
    rng = np.random.default_rng(7)
    x, y = np.repeat(np.arange(30), 2), np.round(rng.random(60) * 20) / 20
    wall, seconds, answer = timed(lambda: spearman_test(x, y))
    drawn_s, _, drawn = timed(lambda: spearman_test(x, y, method="monte_carlo"))
    print(f"n = 60, 30 sizes twice: {wall:.2f} s, {answer.method}, p = {answer.p_value:.6f} +- {answer.p_error:.1e}")
    print(f"  99,999 random assignments: {drawn_s:.2f} s, p = {drawn.p_value:.6f} +- {drawn.p_error:.1e}")
    untied_wall, untied_s, untied = timed(lambda: spearman_test(range(60), rng.permutation(60)))
    print(f"n = 60 untied: {untied_wall:.2f} s, {untied.method}, p = {untied.p_value:.6f} +- {untied.p_error:.1e}")
    assert answer.method == untied.method == "moments"
    assert abs(answer.p_value - drawn.p_value) < 2 * (drawn.p_error or 0) + (answer.p_error or 0)
    assert max(seconds, untied_s) < 10


def main() -> int:
    look_up()
    count_ties()
    fall_back()
    return 0


if __name__ == "__main__":
    sys.exit(main())
