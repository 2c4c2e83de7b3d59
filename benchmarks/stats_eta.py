"""
Eta squared of a million rows beside pingouin: ``python -m benchmarks.stats_eta [--check]``.

pingouin is no dependency: where it cannot be imported, its line says so and no ratio is printed. Each call is timed in turn
with the other, and the least time counts: neighbours on a shared machine only ever add. Bare sums by `numpy.bincount` are the
floor.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.history import add_arguments, finish
from safescale.stats import eta_squared

ROWS = 1_000_000
GROUPS = (12, 1000)
GOAL = 30.0


def timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall and processor milliseconds, and the result."""
    wall, processor = time.perf_counter(), time.process_time()
    result = call()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - processor) * 1e3, result


def floor(values: np.ndarray, groups: np.ndarray) -> float:
    """Sums and counts per group and the sum of squares: nothing checked, nothing tested."""
    sizes, sums, mean = np.bincount(groups), np.bincount(groups, weights=values), values.mean()
    between = float(np.sum(sizes * (sums / sizes - mean) ** 2))
    return between / float(np.einsum("i,i->", values, values) - len(values) * mean * mean)


def main() -> int:
    """Print the times and ratios; with --check, 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    peer = importlib.util.find_spec("pingouin") is not None
    if not peer:
        print("pingouin is not installed here: no ratio (pip install pingouin into an environment of its own)")
    missed: list[str] = []
    ratios: dict[str, float] = {}
    for k in GROUPS:
        rng = np.random.default_rng(k)
        values, groups = rng.normal(size=ROWS), rng.integers(0, k, ROWS)
        calls: dict[str, Callable[[], Any]] = {
            "safescale": lambda values=values, groups=groups: eta_squared(values, groups),
            "bare bincount": lambda values=values, groups=groups: floor(values, groups),
        }
        if peer:
            import pandas as pd
            import pingouin as pg

            table = pd.DataFrame({"y": values, "g": groups})
            calls["pingouin"] = lambda table=table: pg.anova(table, dv="y", between="g")
        best = dict.fromkeys(calls, (np.inf, np.inf))
        results = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(arguments.runs):
                for name, call in calls.items():
                    wall, processor, results[name] = timed(call)
                    best[name] = min(best[name][0], wall), min(best[name][1], processor)
        ours = results["safescale"]
        assert abs(ours.eta_squared - results["bare bincount"]) <= 1e-12
        assert abs(ours.p_permutation / ours.p_value - 1) < 1e-3
        ratios[f"bare bincount, {k} groups"] = best["bare bincount"][0] / best["safescale"][0]
        for name, (wall, processor) in best.items():
            print(f"{k:>5} groups  {name:<14} {wall:8.2f} ms wall {processor:8.2f} ms processor")
        if peer:
            row = results["pingouin"].iloc[0]
            assert abs(ours.f / float(row["F"]) - 1) < 1e-9
            wall_ratio, processor_ratio = (best["pingouin"][i] / best["safescale"][i] for i in (0, 1))
            print(
                f"{k:>5} groups  pingouin / safescale: {wall_ratio:.0f}x wall, {processor_ratio:.0f}x processor (goal {GOAL:.0f}x)"
            )
            ratios[f"pingouin, {k} groups"] = wall_ratio
            if wall_ratio < GOAL:
                missed.append(f"{k} groups: {wall_ratio:.0f}x pingouin, goal {GOAL:.0f}x")
    return finish("stats_eta", ratios, arguments, missed=missed)


if __name__ == "__main__":
    sys.exit(main())
