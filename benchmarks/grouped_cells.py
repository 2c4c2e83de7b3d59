"""
Slopes over a whole table of cells: 10,000 attack classes x 258 models, some cells missing, from counts to p-values.

Beside a loop of scipy's linregress (from the first classes) and the floor of one dense matrix product over the same rates.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import scipy.stats

from benchmarks.history import add_arguments, finish
from safescale.stats import LogScalingSlopes, log_scaling_slopes

CLASSES, MODELS = 10_000, 258
SHARE_MISSING = 0.1
SAMPLE = 500
GOAL = 30.0
"""With 232 models a class the loop spends its time on numbers; with the 17 of ``stats_slopes`` it spends it on calls (300x)."""

SEED = 20_261_129


def table(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sizes by model; class, model, and rate of each cell, sorted by class."""
    sizes = 10 ** rng.uniform(-0.3, 2.6, MODELS)
    trials = rng.integers(20, 400, (CLASSES, MODELS))
    slope = rng.normal(0, 0.05, (CLASSES, 1))
    rate = np.clip(0.35 + slope * np.log10(sizes) + rng.normal(0, 0.05, (CLASSES, MODELS)), 0.01, 0.99)
    successes = rng.binomial(trials, rate)
    here = rng.random((CLASSES, MODELS)) >= SHARE_MISSING
    attack_class, model = np.nonzero(here)
    return sizes, attack_class, model, (successes / trials)[here]


def seconds(work: Callable[[], object], runs: int) -> float:
    """Of the fastest run."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def linregress_loop(sizes: np.ndarray, attack_class: np.ndarray, model: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Slope in pp per decade and p of the first classes, one call each."""
    found = []
    for number in range(SAMPLE):
        at = slice(*np.searchsorted(attack_class, [number, number + 1]))
        fit = scipy.stats.linregress(np.log10(sizes[model[at]]), rate[at])
        found.append((100 * fit.slope, fit.pvalue))
    return np.array(found)


def main() -> int:
    """Print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    sizes, attack_class, model, rate = table(np.random.default_rng(SEED))

    def ours() -> LogScalingSlopes:
        return log_scaling_slopes(sizes[model], rate, attack_class)

    found, peers = ours(), linregress_loop(sizes, attack_class, model, rate)
    np.testing.assert_allclose(found.slope_pp_per_decade[:SAMPLE], peers[:, 0], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found.p_value[:SAMPLE], peers[:, 1], rtol=1e-6)
    assert found.has_inference.all()
    assert len(found.n) == CLASSES

    dense, centred = np.zeros((CLASSES, MODELS)), np.log10(sizes) - np.log10(sizes).mean()
    dense[attack_class, model] = rate
    ours_s = seconds(ours, arguments.runs)
    loop_s = seconds(lambda: linregress_loop(sizes, attack_class, model, rate), 2) * CLASSES / SAMPLE
    floor_s = seconds(lambda: (dense @ centred, np.einsum("ij,ij->i", dense, dense)), arguments.runs)
    print(f"{len(rate):,} cells: {CLASSES:,} attack classes x {MODELS} models, slope, interval and p for each class")
    print(f"log_scaling_slopes        {1e3 * ours_s:9.1f} ms  {len(rate) / ours_s / 1e6:.1f} million cells a second")
    print(f"linregress loop           {1e3 * loop_s:9.0f} ms  {loop_s / ours_s:6.0f}x ours (goal {GOAL:.0f}x; from {SAMPLE})")
    print(f"two passes, dense, no p   {1e3 * floor_s:9.1f} ms  ours is {ours_s / floor_s:.0f}x that floor")
    missed = [f"{loop_s / ours_s:.0f}x the linregress loop, goal {GOAL:.0f}x"] if loop_s / ours_s < GOAL else []
    return finish("grouped_cells", {"linregress loop": loop_s / ours_s, "dense floor": floor_s / ours_s}, arguments, missed=missed)


if __name__ == "__main__":
    sys.exit(main())
