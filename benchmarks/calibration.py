"""
Calibration of what safescale says about size: how often each test rejects a true null, how often each interval holds the truth.

``python -m benchmarks.calibration [--repeats 1000] [--write]`` simulates corpora without any effect of size over a grid of models
(4-20), between-model spread tau (0, 5, 10 pp), prompt correlation (0-.5) and base rate, runs every test that may speak of size
and every interval, and prints the table that ``docs/explanation/calibration.md`` holds (``--write`` renews it). Every model
answers the same 40 prompts 5 times; a prompt that is hard for one model is hard for all. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import itertools
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.special
import scipy.stats

from safescale import stats
from safescale.errors import DomainError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "calibration.md"
SEED = 20_261_128
PROMPTS, ANSWERS = 40, 5
MODELS, TAUS, CORRELATIONS, BASES = (4, 6, 8, 12, 20), (0.0, 0.05, 0.10), (0.0, 0.2, 0.5), (0.05, 0.2, 0.5, 0.9)
DEAR = 5  # the beta-binomial regression, whose interval is by profile, runs on every fifth corpus
SIZE_GOAL, COVERAGE_GOAL, WIDTH_GOAL = 0.06, 0.93, 1.2
CONDITIONAL = ("Cochran-Armitage", "binomial regression")


class Cell(NamedTuple):
    """One corner of the grid."""

    models: int
    tau: float
    correlation: float
    base: float


class Corpus(NamedTuple):
    """One simulated corpus: counts (models, prompts), sizes and the true rate of each model."""

    params_b: np.ndarray
    counts: np.ndarray
    rates: np.ndarray


def beta_quantile(u: np.ndarray, mean: np.ndarray, correlation: float) -> np.ndarray:
    """Rates with this mean and intraclass correlation at the quantiles u."""
    if correlation == 0:
        return np.broadcast_to(mean, np.broadcast_shapes(mean.shape, u.shape)).copy()
    both = (1 - correlation) / correlation
    return scipy.special.betaincinv(mean * both, (1 - mean) * both, u)


def draw(cell: Cell, rng: np.random.Generator) -> Corpus:
    """A corpus without an effect of size."""
    params_b = 10 ** np.linspace(-0.3, 1.9, cell.models)
    most = cell.base * (1 - cell.base)
    spread = min(cell.tau**2, 0.5 * most) / most
    rates = np.clip(beta_quantile(rng.random(cell.models), np.array([cell.base]), spread), 1e-4, 1 - 1e-4)
    by_prompt = beta_quantile(rng.random(PROMPTS)[np.newaxis], rates[:, np.newaxis], cell.correlation)
    return Corpus(params_b, rng.binomial(ANSWERS, np.clip(by_prompt, 0, 1)), rates)


def tests(corpus: Corpus, *, dear: bool) -> dict[str, float | None]:
    """p-value of every test that may be asked about size; None where it refuses, or is too dear here (``dear``, see `run`)."""
    k, n = corpus.counts.sum(axis=1), np.full(len(corpus.params_b), PROMPTS * ANSWERS)
    rate = k / n

    def p(function: Callable[[], object]) -> float | None:
        try:
            value = getattr(function(), "p_value", None)
        except DomainError:
            return None
        return None if value is None else float(value)

    def theil_sen() -> object:
        low, high = stats.theil_sen_slope(corpus.params_b, rate).interval or (-1.0, 1.0)

        class Found:
            p_value = 1.0 if low <= 0 <= high else 0.0

        return Found

    return {
        "size_slope_test": p(lambda: stats.size_slope_test(corpus.params_b, rate)),
        "log_scaling_slope (t)": p(lambda: stats.log_scaling_slope(corpus.params_b, rate)),
        "spearman_test (to 8 models)": p(lambda: stats.spearman_test(corpus.params_b, rate)) if len(k) <= 8 else None,
        "kendall_test": p(lambda: stats.kendall_test(corpus.params_b, rate)),
        "theil_sen_slope": p(theil_sen),
        "meta_regression_slope": p(lambda: stats.meta_regression_slope(corpus.params_b, k, n)),
        "beta_binomial_regression": p(lambda: stats.beta_binomial_regression(corpus.params_b, k, n)) if dear else None,
        "quasi-binomial regression": p(lambda: stats.binomial_regression(corpus.params_b, k, n, dispersion="quasi")),
        "binomial regression": p(lambda: stats.binomial_regression(corpus.params_b, k, n)),
        "Cochran-Armitage": p(lambda: stats.cochran_armitage_test(k, n, np.log10(corpus.params_b))),
    }


def intervals(corpus: Corpus) -> dict[str, bool | None]:
    """Whether each interval of a rate holds the true rate of the first model."""
    first, truth = corpus.counts[0], float(corpus.rates[0])
    k, n = int(first.sum()), PROMPTS * ANSWERS
    clustered = stats.design_effect_wilson_interval(first, np.full(PROMPTS, ANSWERS))
    found = {
        "wilson (rows as independent)": stats.wilson_interval(k, n),
        "clopper_pearson (rows as independent)": stats.clopper_pearson_interval(k, n),
        "jeffreys (rows as independent)": stats.jeffreys_interval(k, n),
        "design_effect_wilson (by prompt)": clustered,
    }
    return {name: one.low <= truth <= one.high for name, one in found.items()}


def width(corpus: Corpus, cell: Cell) -> float | None:
    """Width of the meta-regression interval over that of an oracle that knows tau and every variance."""
    k, n = corpus.counts.sum(axis=1), np.full(len(corpus.params_b), PROMPTS * ANSWERS)
    try:
        low, high = stats.meta_regression_slope(corpus.params_b, k, n).interval or (None, None)
    except DomainError:
        return None
    if low is None or high is None:
        return None
    x = np.log10(corpus.params_b)
    variance = corpus.rates * (1 - corpus.rates) / n + min(cell.tau**2, 0.5 * cell.base * (1 - cell.base))
    w = 1 / variance
    information = float(np.sum(w * (x - np.average(x, weights=w)) ** 2))
    return float((high - low) / (100 * 2 * 1.959964 / np.sqrt(information)))


def run(task: tuple[Cell, int]) -> tuple[Cell, dict[str, tuple[int, int]], dict[str, tuple[int, int]], float]:
    """Rejections and coverage of one corner: (hits, tries) by name, and the median width."""
    cell, repeats = task
    rng = np.random.default_rng([SEED, cell.models, int(1000 * cell.tau), int(1000 * cell.correlation), int(1000 * cell.base)])
    rejected: dict[str, list[bool]] = {}
    covered: dict[str, list[bool]] = {}
    widths = []
    for number in range(repeats):
        corpus = draw(cell, rng)
        for name, p in tests(corpus, dear=number % DEAR == 0).items():
            rejected.setdefault(name, [])
            if p is not None:
                rejected[name].append(p <= 0.05)
        for name, holds in intervals(corpus).items():
            covered.setdefault(name, []).append(bool(holds))
        if number < 50 and (ratio := width(corpus, cell)) is not None:
            widths.append(ratio)
    return (
        cell,
        {name: (sum(hits), len(hits)) for name, hits in rejected.items()},
        {name: (sum(hits), len(hits)) for name, hits in covered.items()},
        float(np.median(widths)) if widths else float("nan"),
    )


def summary(found: list[tuple[Cell, dict[str, tuple[int, int]], dict[str, tuple[int, int]], float]], repeats: int) -> list[str]:
    """The tables."""
    lines = [
        "## Size of the tests (nominal .05, no effect of size)",
        "",
        "| test | tau 0 | tau 5 pp | tau 10 pp | worst cell | where | cells surely above .06 | tests that ran |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in found[0][1]:
        by_tau = []
        for tau in TAUS:
            hits, tries = np.sum([one[1][name] for one in found if one[0].tau == tau], axis=0)
            by_tau.append(f"{hits / max(tries, 1):.3f}")
        usable = [
            (one[1][name][0] / one[1][name][1], one[0], one[1][name]) for one in found if one[1][name][1] >= repeats / (2 * DEAR)
        ]
        worst, cell, _ = max(usable, key=lambda row: row[0])
        sure = sum(scipy.stats.binomtest(*row[2]).proportion_ci(0.98).low > SIZE_GOAL for row in usable)
        ran = sum(one[1][name][1] for one in found)
        what = name + (" (these models only)" if name in CONDITIONAL else "")
        lines.append(f"| {what} | {' | '.join(by_tau)} | {worst:.3f} | {where(cell)} | {sure} of {len(usable)} | {ran} |")
    lines += [
        "",
        "## Coverage of the intervals of one model's rate (nominal .95)",
        "",
        "| interval | prompt correlation 0 | .2 | .5 | worst cell | where |",
        "|---|---|---|---|---|---|",
    ]
    for name in found[0][2]:
        by_correlation = []
        for correlation in CORRELATIONS:
            hits, tries = np.sum([one[2][name] for one in found if one[0].correlation == correlation], axis=0)
            by_correlation.append(f"{hits / tries:.3f}")
        worst, cell = min((one[2][name][0] / one[2][name][1], one[0]) for one in found)
        lines.append(f"| {name} | {' | '.join(by_correlation)} | {worst:.3f} | {where(cell)} |")
    lines += [
        "",
        "## Width of the meta-regression interval against an oracle that knows tau",
        "",
        "| models | tau 0 | tau 5 pp | tau 10 pp |",
        "|---|---|---|---|",
    ]
    for models in MODELS:
        medians = [np.nanmedian([one[3] for one in found if one[0].models == models and one[0].tau == tau]) for tau in TAUS]
        lines.append(f"| {models} | {' | '.join(f'{m:.2f}' for m in medians)} |")
    return lines


def where(cell: Cell) -> str:
    """A corner in words."""
    return f"{cell.models} models, tau {100 * cell.tau:g} pp, correlation {cell.correlation:g}, base {cell.base:g}"


def main() -> int:
    """Simulate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help="renew the table in docs/explanation/calibration.md")
    arguments = parser.parse_args()
    cells = [Cell(*one) for one in itertools.product(MODELS, TAUS, CORRELATIONS, BASES)]
    start = time.perf_counter()
    with ProcessPoolExecutor(arguments.workers) as pool:
        found = []
        for number, one in enumerate(pool.map(run, [(cell, arguments.repeats) for cell in cells])):
            found.append(one)
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {len(cells)} cells", end="", file=sys.stderr)
    lines = summary(found, arguments.repeats)
    print("\n".join(lines))
    print(f"{len(cells)} cells of {arguments.repeats} corpora in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    if arguments.write:
        head, _, _ = PAGE.read_text(encoding="utf-8").partition("<!-- table -->")
        note = f"{len(cells)} cells, {arguments.repeats} corpora each, seed {SEED}.\n\n"
        PAGE.write_text(head + "<!-- table -->\n" + note + "\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
