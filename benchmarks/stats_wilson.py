"""
Wilson intervals of a million cells beside statsmodels and the memory floor: ``python -m benchmarks.stats_wilson``.

Each contestant runs alone in a process of its own, in turn with the other, and the median of its turns counts: in one
process the second profits from the heap that the first has grown. Times are the processor's, so that neighbours on the
machine count less. The floor is the bytes that must move, 16 read and 16 written per cell, at the bandwidth of an
addition of two long vectors. Equal results are asserted first. ``--check`` fails when ours is slower than statsmodels.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from statsmodels.stats.proportion import proportion_confint

from benchmarks.history import add_arguments, finish
from safescale.stats import wilson_intervals

SEED = 20_260_630
GOAL = 1.0
BYTES_PER_CELL = 32

Counts = npt.NDArray[np.int64]


def cells(number: int) -> tuple[Counts, Counts]:
    """Successes and trials as results have them: any rate, 1 to 3,000 traces, empty and full cells among them."""
    rng = np.random.default_rng(SEED)
    n = rng.integers(1, 3001, number)
    k = rng.binomial(n, rng.random(number))
    k[::50], k[1::50] = 0, n[1::50]
    return k.astype(np.int64), n.astype(np.int64)


def check_equal(k: Counts, n: Counts) -> float:
    """The largest difference from statsmodels, which must be rounding."""
    ours = wilson_intervals(k, n)
    low, high = proportion_confint(k, n, method="wilson")
    difference = max(float(np.max(np.abs(ours.low - low))), float(np.max(np.abs(ours.high - high))))
    assert difference < 1e-14, difference
    assert np.all(ours.low[k == 0] == 0)
    assert np.all(ours.high[k == n] == 1)
    return difference


def bandwidth(vectors: int = 4_000_000, repeats: int = 9) -> float:
    """Bytes per second of ``c = a + b`` on one thread: three vectors of 32 MB, beyond any cache."""
    a, b, c = np.ones(vectors), np.ones(vectors), np.empty(vectors)
    best = min(seconds(lambda: np.add(a, b, out=c)) for _ in range(repeats))
    assert c[-1] == 2
    return 3 * 8 * vectors / best


def seconds(job: Callable[[], object]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


CONTESTANTS: dict[str, Callable[[Counts, Counts], object]] = {
    "ours": wilson_intervals,
    "statsmodels": lambda k, n: proportion_confint(k, n, method="wilson"),
}


def alone(name: str, number: int, repeats: int) -> float:
    """Median seconds of one contestant in this process, after one unmeasured call."""
    k, n = cells(number)
    CONTESTANTS[name](k, n)
    return statistics.median(seconds(lambda: CONTESTANTS[name](k, n)) for _ in range(repeats))


def measure(number: int, repeats: int, turns: int) -> dict[str, float]:
    """Median over turns of each contestant's seconds."""
    found: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for _ in range(turns):
        for name, times in found.items():
            command = [sys.executable, "-m", "benchmarks.stats_wilson", "--alone", name]
            command += ["--cells", str(number), "--repeats", str(repeats)]
            times.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> int:
    """Measure and print; with --check 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="*", default=[1_000, 37_130, 1_000_000])
    parser.add_argument("--repeats", type=int, default=15)
    add_arguments(parser)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--alone", choices=sorted(CONTESTANTS), help="print this contestant's seconds and stop")
    arguments = parser.parse_args()
    if arguments.alone:
        print(alone(arguments.alone, arguments.cells[0], arguments.repeats))
        return 0
    speed = bandwidth()
    print(f"memory bandwidth, one thread: {speed / 1e9:.1f} GB/s; goal at the largest size: {GOAL:g}x statsmodels")
    print(f"{'cells':>10}{'ours ms':>11}{'statsmodels':>13}{'ratio':>8}{'floor ms':>11}{'x floor':>9}{'max diff':>11}")
    ratio = 0.0
    for number in sorted(arguments.cells):
        k, n = cells(number)
        difference = check_equal(k, n)
        found = measure(number, arguments.repeats, arguments.turns)
        ours, theirs = found["ours"], found["statsmodels"]
        ratio, floor = ours / theirs, BYTES_PER_CELL * number / speed
        print(
            f"{number:>10,}{1e3 * ours:>11.3f}{1e3 * theirs:>13.3f}{ratio:>8.2f}{1e3 * floor:>11.4f}{ours / floor:>9.1f}"
            f"{difference:>11.1e}"
        )
    missed = [f"{ratio:.2f}x the time of statsmodels, goal {GOAL:g}x"] if ratio > GOAL else []
    return finish("stats_wilson", {"statsmodels": 1 / ratio}, arguments, missed=missed)


if __name__ == "__main__":
    sys.exit(main())
