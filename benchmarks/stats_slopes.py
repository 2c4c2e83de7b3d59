"""Slopes in 100,000 groups of models: `log_scaling_slopes` beside a loop of scipy's linregress and one pass over the rows."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable

import numpy as np
import scipy.stats

from benchmarks.history import add_arguments, finish
from safescale.stats import log_scaling_slopes

GROUPS = 100_000
ROWS = 1_750_000
SAMPLE = 1_000
LEAST_RATIO = 300.0
SEED = 20_260_630


def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sorted group labels with sizes and rates; 5 to 30 models a group, as in a sweep over benchmarks and attacks."""
    rng = np.random.default_rng(SEED)
    n = 5 + rng.multinomial(ROWS - 5 * GROUPS, np.full(GROUPS, 1 / GROUPS))
    groups = np.repeat(np.arange(GROUPS), n)
    return 10 ** rng.uniform(-0.3, 2.6, ROWS), rng.binomial(100, 0.4, ROWS) / 100, groups


def best_of(work: Callable[[], object], runs: int) -> float:
    """Seconds of the fastest run."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def linregress_loop(sizes: np.ndarray, rates: np.ndarray, starts: np.ndarray) -> list[tuple[float, float, float]]:
    """Slope, standard error and p of the first groups, one call each."""
    found = []
    for a, b in itertools.pairwise(starts):
        fit = scipy.stats.linregress(np.log10(sizes[a:b]), rates[a:b])
        found.append((100 * fit.slope, 100 * fit.stderr, fit.pvalue))
    return found


def main() -> int:
    """Print times and ratios; with --check, 1 when the ratio is below 300."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    sizes, rates, groups = rows()
    starts = np.concatenate([[0], np.cumsum(np.bincount(groups))])[: SAMPLE + 1]
    result = log_scaling_slopes(sizes, rates, groups)
    others = np.array(linregress_loop(sizes, rates, starts))
    np.testing.assert_allclose(result.slope_pp_per_decade[:SAMPLE], others[:, 0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.standard_error_pp_per_decade[:SAMPLE], others[:, 1], rtol=1e-9)
    np.testing.assert_allclose(result.p_value[:SAMPLE], others[:, 2], rtol=1e-7)
    assert result.has_inference.all()
    assert len(result.n) == GROUPS
    ours = best_of(lambda: log_scaling_slopes(sizes, rates, groups), arguments.runs)
    shuffled = np.random.default_rng(SEED).permutation(ROWS)
    mixed = tuple(column[shuffled] for column in (sizes, rates, groups))
    unsorted = best_of(lambda: log_scaling_slopes(*mixed), max(1, arguments.runs // 2))
    loop = best_of(lambda: linregress_loop(sizes, rates, starts), 2) * GROUPS / SAMPLE
    floor = best_of(lambda: sizes.sum() + rates.sum() + groups.sum(), arguments.runs)
    print(f"{ROWS:,} rows in {GROUPS:,} groups, slope, interval and p")
    print(f"log_scaling_slopes, sorted rows  {ours * 1e3:9.1f} ms")
    print(f"log_scaling_slopes, mixed rows   {unsorted * 1e3:9.1f} ms")
    print(f"linregress loop (from {SAMPLE:,})    {loop * 1e3:9.0f} ms  {loop / ours:6.0f}x ours")
    print(f"reading the rows once            {floor * 1e3:9.1f} ms  ours is {ours / floor:.0f}x that")
    missed = [f"{loop / ours:.0f}x the linregress loop, goal {LEAST_RATIO:.0f}x"] if loop / ours < LEAST_RATIO else []
    return finish("stats_slopes", {"linregress loop": loop / ours, "reading the rows": floor / ours}, arguments, missed=missed)


if __name__ == "__main__":
    sys.exit(main())
