"""
Cluster bootstrap of 37,130 rows (500 prompts, 21 models) x 10,000 against rows in NumPy: ``python -m benchmarks.stats_bootstrap``.

The peer does what is usually written: draw prompts, concatenate their rows, count per model. It is timed on some of the resamples
and scaled up. The floor is the drawing of the 5 million prompt numbers alone. Ours is the whole call, intervals included. Standard
errors must agree, so speed never buys a wrong number; ``--check`` fails below 80x.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.history import add_arguments, finish
from safescale.stats import cluster_bootstrap

ROWS, PROMPTS, MODELS, RESAMPLES = 37_130, 500, 21, 10_000
GOAL = 80.0
PEER_RESAMPLES = 400


def rows_of_cells(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prompt, model and outcome of each row: every cell has 3 or 4, and a prompt moves all models."""
    cell = np.concatenate([np.repeat(np.arange(PROMPTS * MODELS), 3), rng.permutation(PROMPTS * MODELS)])[:ROWS]
    prompt, model = np.divmod(np.sort(cell), MODELS)
    rate = 1 / (1 + np.exp(-(rng.normal(-0.5, 1.2, PROMPTS)[prompt] + rng.normal(0, 0.5, MODELS)[model])))
    return prompt, model, (rng.random(ROWS) < rate).astype(float)


def row_bootstrap(
    prompt: np.ndarray, model: np.ndarray, outcome: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """The peer: shape (resamples, models)."""
    rows = np.split(np.arange(len(prompt)), np.flatnonzero(np.diff(prompt)) + 1)
    rates = np.empty((resamples, MODELS))
    for b in range(resamples):
        at = np.concatenate([rows[i] for i in rng.integers(0, PROMPTS, PROMPTS)])
        rates[b] = np.bincount(model[at], outcome[at], minlength=MODELS) / np.bincount(model[at], minlength=MODELS)
    return rates


def overall_row_bootstrap(prompt: np.ndarray, outcome: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """The cheapest peer: one overall rate, nothing per model."""
    rows = np.split(outcome, np.flatnonzero(np.diff(prompt)) + 1)
    return np.array([np.concatenate([rows[i] for i in rng.integers(0, PROMPTS, PROMPTS)]).mean() for _ in range(resamples)])


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Processor seconds, the median of several: neighbours on the machine count less."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def main() -> int:
    """Print the times and the ratios; with --check, 1 below the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    rng = np.random.default_rng(353)
    prompt, model, outcome = rows_of_cells(rng)
    assert len(outcome) == ROWS
    trials = np.bincount(prompt * MODELS + model, minlength=PROMPTS * MODELS).reshape(PROMPTS, MODELS)
    successes = np.bincount(prompt * MODELS + model, outcome, minlength=PROMPTS * MODELS).reshape(PROMPTS, MODELS).astype(int)

    ours = cluster_bootstrap(successes, trials, resamples=RESAMPLES, rng=1)
    peer = row_bootstrap(prompt, model, outcome, 2 * PEER_RESAMPLES, rng)
    ratio_of_se = ours.replicates.std(axis=0) / peer.std(axis=0)
    # the variance of the bootstrap to first order, without resampling: N = 10,000 leaves .7 %
    residual = (successes - successes.sum(axis=0) / trials.sum(axis=0) * trials) / trials.sum(axis=0)
    assert np.allclose(ours.replicates.std(axis=0), np.sqrt((residual**2).sum(axis=0)), rtol=0.03)
    assert np.allclose(ours.estimate, successes.sum(axis=0) / trials.sum(axis=0))
    assert abs(ratio_of_se.mean() - 1) < 0.05, ratio_of_se  # 800 resamples: 2.5 % each, some of it shared by the models
    assert np.all(np.abs(ratio_of_se - 1) < 0.11), ratio_of_se

    ours_s = seconds(lambda: cluster_bootstrap(successes, trials, resamples=RESAMPLES, rng=1), arguments.repeats)
    scale = RESAMPLES / PEER_RESAMPLES
    peer_s = scale * seconds(lambda: row_bootstrap(prompt, model, outcome, PEER_RESAMPLES, rng), 3)
    overall_s = scale * seconds(lambda: overall_row_bootstrap(prompt, outcome, PEER_RESAMPLES, rng), 3)
    floor_s = seconds(lambda: rng.integers(0, PROMPTS, size=(RESAMPLES, PROMPTS), dtype=np.uint16), arguments.repeats)
    print(f"{ROWS:,} rows, {PROMPTS} prompts, {MODELS} models, {RESAMPLES:,} resamples")
    print(f"cluster_bootstrap          {1e3 * ours_s:9.1f} ms  (standard errors and BCa intervals of {MODELS} rates)")
    print(f"numpy rows, {MODELS} rates       {1e3 * peer_s:9.1f} ms  {peer_s / ours_s:6.0f}x  (goal {GOAL:.0f}x)")
    print(f"numpy rows, overall rate   {1e3 * overall_s:9.1f} ms  {overall_s / ours_s:6.0f}x")
    print(f"floor: the draws alone     {1e3 * floor_s:9.1f} ms  ours is {ours_s / floor_s:.1f}x the floor")
    print(f"standard errors, ours / peer: mean {ratio_of_se.mean():.3f}, range {ratio_of_se.min():.3f} to {ratio_of_se.max():.3f}")
    missed = [f"{peer_s / ours_s:.0f}x the row bootstrap, goal {GOAL:.0f}x"] if peer_s / ours_s < GOAL else []
    return finish("stats_bootstrap", {"numpy rows": peer_s / ours_s, "the draws alone": floor_s / ours_s}, arguments, missed=missed)


if __name__ == "__main__":
    sys.exit(main())
