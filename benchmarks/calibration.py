"""
Calibration of what safescale says about size: how often each test rejects a true null, how often each interval holds the truth.

``python -m benchmarks.calibration [--repeats 1000] [--write]`` simulates corpora without any effect of size over a grid of models
(4-20), between-model spread tau (0, 5, 10 pp), prompt correlation (0-.5) and base rate, runs every test that may speak of size
and every interval, and prints the table that ``docs/explanation/calibration.md`` holds (``--write`` renews it). Every model
answers the same 40 prompts 5 times; a prompt that is hard for one model is hard for all. Intervals of a slope are put to corpora
with a slope, drawn beside. A second, smaller grid has models with very different numbers of traces. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import itertools
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy.special
import scipy.stats

from safescale import stats
from safescale.errors import DomainError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "calibration.md"
SEED = 20_261_128
PROMPTS, ANSWERS = 40, 5
MODELS, TAUS, CORRELATIONS, BASES = (4, 6, 8, 12, 20), (0.0, 0.05, 0.10), (0.0, 0.2, 0.5), (0.05, 0.2, 0.5, 0.9)
DEAR = 8  # the beta-binomial regression, whose interval is by profile, runs on every eighth corpus
FEW, MANY = 30, 2000
UNEVEN: dict[str, Callable[[int], np.ndarray]] = {
    "one large": lambda models: np.array([MANY] + [FEW] * (models - 1)),
    "geometric": lambda models: np.round(np.geomspace(FEW, MANY, models)).astype(int),
}
UNEVEN_MODELS, UNEVEN_TAUS, UNEVEN_BASES = (4, 6, 8, 12), (0.0, 0.10), (0.2, 0.5)
SIZE_GOAL, COVERAGE_GOAL, WIDTH_GOAL = 0.06, 0.93, 1.2
BLOCKS = ("tests", "slopes", "uneven", "pairs", "graders")
CONDITIONAL = ("Cochran-Armitage", "binomial regression")


class Cell(NamedTuple):
    """One corner of the grid."""

    models: int
    tau: float
    correlation: float
    base: float


class UnevenCell(NamedTuple):
    """One corner of the grid of unequal trials."""

    trials: str
    models: int
    tau: float
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


def sizes(models: int) -> np.ndarray:
    """Half a billion to 80 billion parameters."""
    return 10 ** np.linspace(-0.3, 1.9, models)


def true_rates(models: int, base: float, tau: float, rng: np.random.Generator, slope: float = 0.0) -> np.ndarray:
    """Rates of models about a line of this slope (fraction per decade) through ``base`` at the middle size; sd tau at ``base``."""
    x = np.log10(sizes(models))
    most = base * (1 - base)
    spread = min(tau**2, 0.5 * most) / most
    return np.clip(beta_quantile(rng.random(models), base + slope * (x - x.mean()), spread), 1e-4, 1 - 1e-4)


def steep(base: float) -> float:
    """A slope whose line stays inside (0, 1) over the 1.1 decades to either end."""
    return -0.5 * min(base, 1 - base)


def draw(cell: Cell, rng: np.random.Generator, slope: float = 0.0) -> Corpus:
    """A corpus, without an effect of size unless one is given."""
    params_b, rates = sizes(cell.models), true_rates(cell.models, cell.base, cell.tau, rng, slope)
    by_prompt = beta_quantile(rng.random(PROMPTS)[np.newaxis], rates[:, np.newaxis], cell.correlation)
    return Corpus(params_b, rng.binomial(ANSWERS, np.clip(by_prompt, 0, 1)), rates)


def p_of(function: Callable[[], object]) -> float | None:
    """The p-value; None where there is none or the function refuses."""
    try:
        value = getattr(function(), "p_value", None)
    except DomainError:
        return None
    return None if value is None else float(value)


def tests(corpus: Corpus, *, dear: bool) -> dict[str, float | None]:
    """p-value of every test that may be asked about size; None where it refuses, or is too dear here (``dear``, see `run`)."""
    k, n = corpus.counts.sum(axis=1), np.full(len(corpus.params_b), PROMPTS * ANSWERS)
    rate = k / n

    def theil_sen() -> object:
        low, high = stats.theil_sen_slope(corpus.params_b, rate).interval or (-1.0, 1.0)

        class Found:
            p_value = 1.0 if low <= 0 <= high else 0.0

        return Found

    return {
        "size_slope_test": p_of(lambda: stats.size_slope_test(corpus.params_b, rate)),
        "log_scaling_slope (t)": p_of(lambda: stats.log_scaling_slope(corpus.params_b, rate)),
        "spearman_test (to 8 models)": p_of(lambda: stats.spearman_test(corpus.params_b, rate)) if len(k) <= 8 else None,
        "kendall_test": p_of(lambda: stats.kendall_test(corpus.params_b, rate)),
        "theil_sen_slope": p_of(theil_sen),
        "meta_regression_slope": p_of(lambda: stats.meta_regression_slope(corpus.params_b, k, n)),
        "beta_binomial_regression": p_of(lambda: stats.beta_binomial_regression(corpus.params_b, k, n)) if dear else None,
        "quasi-binomial regression": p_of(lambda: stats.binomial_regression(corpus.params_b, k, n, dispersion="quasi")),
        "binomial regression": p_of(lambda: stats.binomial_regression(corpus.params_b, k, n)),
        "Cochran-Armitage": p_of(lambda: stats.cochran_armitage_test(k, n, np.log10(corpus.params_b))),
    }


def uneven_tests(params_b: np.ndarray, k: np.ndarray, n: np.ndarray, *, dear: bool) -> dict[str, float | None]:
    """p-value of the tests of size that are asked about unequal trials."""
    return {
        "size_slope_test": p_of(lambda: stats.size_slope_test(params_b, k / n)),
        "meta_regression_slope": p_of(lambda: stats.meta_regression_slope(params_b, k, n)),
        "beta_binomial_regression": p_of(lambda: stats.beta_binomial_regression(params_b, k, n)) if dear else None,
        "quasi-binomial regression": p_of(lambda: stats.binomial_regression(params_b, k, n, dispersion="quasi")),
    }


def slope_intervals(corpus: Corpus, slope: float) -> dict[str, bool | None]:
    """Whether each interval of a slope holds the true one (fraction per decade); None where there is none."""
    k, n = corpus.counts.sum(axis=1), np.full(len(corpus.params_b), PROMPTS * ANSWERS)
    found = {
        "meta_regression_slope": stats.meta_regression_slope(corpus.params_b, k, n).interval,
        "log_scaling_slope": stats.log_scaling_slope(corpus.params_b, k / n).interval,
    }
    return {name: None if ends is None else ends[0] <= 100 * slope <= ends[1] for name, ends in found.items()}


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


Tally: TypeAlias = dict[str, tuple[int, int]]


class Found(NamedTuple):
    """What one corner gave: (hits, tries) by name, and the median width."""

    cell: Cell
    rejected: Tally
    rates_covered: Tally
    width: float


def tally(by_name: dict[str, list[bool]]) -> Tally:
    """(hits, tries) by name."""
    return {name: (sum(hits), len(hits)) for name, hits in by_name.items()}


def note(by_name: dict[str, list[bool]], name: str, hit: bool | None) -> None:
    """Remember a hit or a miss; None is neither, but the name is known."""
    found = by_name.setdefault(name, [])
    if hit is not None:
        found.append(bool(hit))


def seeded(cell: Cell) -> np.random.Generator:
    """The random numbers of a corner."""
    return np.random.default_rng([SEED, cell.models, int(1000 * cell.tau), int(1000 * cell.correlation), int(1000 * cell.base)])


def run(task: tuple[Cell, int]) -> Found:
    """Rejections, and coverage of the rates, of one corner."""
    cell, repeats = task
    rng = seeded(cell)
    rejected: dict[str, list[bool]] = {}
    covered: dict[str, list[bool]] = {}
    widths = []
    for number in range(repeats):
        corpus = draw(cell, rng)
        for name, p in tests(corpus, dear=number % DEAR == 0).items():
            note(rejected, name, None if p is None else p <= 0.05)
        for name, holds in intervals(corpus).items():
            covered.setdefault(name, []).append(bool(holds))
        if number < 50 and (ratio := width(corpus, cell)) is not None:
            widths.append(ratio)
    return Found(cell, tally(rejected), tally(covered), float(np.median(widths)) if widths else float("nan"))


def run_slopes(task: tuple[Cell, int]) -> tuple[Cell, Tally]:
    """Coverage of the intervals of a true slope in one corner."""
    cell, repeats = task
    rng = np.random.default_rng(seeded(cell).bit_generator.seed_seq.spawn(1)[0])
    slopes: dict[str, list[bool]] = {}
    slope = steep(cell.base)
    for _ in range(repeats):
        for name, holds in slope_intervals(draw(cell, rng, slope), slope).items():
            note(slopes, name, holds)
    return cell, tally(slopes)


class PairCell(NamedTuple):
    """Two rates and the traces of each."""

    rate_1: float
    rate_2: float
    trials: int


def run_pairs(task: tuple[PairCell, int]) -> tuple[PairCell, Tally]:
    """Coverage of the intervals of a difference and of ratios, for independent samples and for common prompts."""
    cell, repeats = task
    rng = np.random.default_rng([SEED, 2, int(1000 * cell.rate_1), int(1000 * cell.rate_2), cell.trials])
    p, q, n = cell
    held: dict[str, list[bool]] = {}
    for _ in range(repeats):
        a, b = int(rng.binomial(n, p)), int(rng.binomial(n, q))
        hard = rng.random(n)  # one draw for both models: what is hard for one is hard for the other
        both = rng.random(n) < 0.5
        one, other = hard < p, np.where(both, hard, rng.random(n)) < q
        table = [int(np.sum(one & other)), int(np.sum(one & ~other)), int(np.sum(~one & other)), int(np.sum(~one & ~other))]
        odds = p / (1 - p) / (q / (1 - q))
        truths = {"risk": p / q, "odds": odds}
        for name, made in pair_intervals(a, b, n, table).items():
            truth = truths.get(name[:4], p - q)
            ends = ends_of(made)
            note(held, name, None if ends is None else ends[0] <= truth <= ends[1])
    return cell, tally(held)


def pair_intervals(a: int, b: int, n: int, table: list[int]) -> dict[str, Callable[[], Any]]:
    """Every interval of two rates: of counts a and b of n, or of the table of common prompts."""
    return {
        "newcombe_interval": lambda: stats.newcombe_interval(a, n, b, n),
        "miettinen_nurminen_interval": lambda: stats.miettinen_nurminen_interval(a, n, b, n),
        "paired_newcombe_interval": lambda: stats.paired_newcombe_interval(*table),
        "tango_interval": lambda: stats.tango_interval(*table),
        "risk_ratio (Koopman)": lambda: stats.risk_ratio(a, n, b, n),
        "risk_ratio (Katz)": lambda: stats.risk_ratio(a, n, b, n, method="katz"),
        "odds_ratio": lambda: stats.odds_ratio(a, n, b, n),
    }


class GraderCell(NamedTuple):
    """A true rate, what the grader hits and rejects, and the labels per verdict of the grader."""

    rate: float
    sensitivity: float
    specificity: float
    labels: int


def run_graders(task: tuple[GraderCell, int]) -> tuple[GraderCell, Tally]:
    """Coverage of agreement and of the corrected rate: 2,000 graded traces, a sample of labels of each verdict."""
    cell, repeats = task
    rng = np.random.default_rng(
        [SEED, 3, int(1000 * cell.rate), int(1000 * cell.sensitivity), int(1000 * cell.specificity), cell.labels]
    )
    rate, hit, reject, labels = cell
    cells = np.array([[(1 - rate) * reject, (1 - rate) * (1 - reject)], [rate * (1 - hit), rate * hit]])  # true by graded
    agree, mine, theirs = cells.trace(), cells.sum(axis=1), cells.sum(axis=0)
    kappa = (agree - mine @ theirs) / (1 - mine @ theirs)
    mean = (mine + theirs) / 2
    ac1 = (agree - np.sum(mean * (1 - mean))) / (1 - np.sum(mean * (1 - mean)))
    held: dict[str, list[bool]] = {}
    for _ in range(repeats):
        true = rng.random(2000) < rate
        graded = np.where(true, rng.random(2000) < hit, rng.random(2000) >= reject)
        few = rng.choice(2000, 2 * labels, replace=False)
        chosen = np.concatenate([rng.permutation(np.flatnonzero(graded == verdict))[:labels] for verdict in (True, False)])
        strata = {1: int(graded.sum()), 0: int((~graded).sum())}

        truths = {"corrected_rate (this corpus)": float(true.mean()), "cohen_kappa": kappa, "gwet_ac1": ac1}
        for name, made in grader_intervals(true.astype(int), graded.astype(int), few, chosen, strata).items():
            truth = truths[name]
            ends = ends_of(made)
            note(held, name, None if ends is None else ends[0] <= truth <= ends[1])
    return cell, tally(held)


def grader_intervals(
    true: np.ndarray, graded: np.ndarray, few: np.ndarray, chosen: np.ndarray, strata: dict[int, int]
) -> dict[str, Callable[[], Any]]:
    """Agreement on a simple sample, and the rate corrected by a sample of each verdict."""

    def corrected() -> stats.CorrectedRate:
        matrix = stats.misclassification_matrix(
            true[chosen].tolist(), graded[chosen].tolist(), sampled_on="graded", stratum_sizes=strata
        )
        return stats.corrected_rate(strata[1], strata[0], matrix)

    return {
        "corrected_rate (this corpus)": corrected,
        "cohen_kappa": lambda: stats.cohen_kappa(true[few].tolist(), graded[few].tolist()),
        "gwet_ac1": lambda: stats.gwet_ac1(np.column_stack([true[few], graded[few]]).tolist(), categories=[0, 1]),
    }


def ends_of(made: Callable[[], Any]) -> tuple[float, float] | None:
    """The ends of an interval; None where there is none or the function refuses."""
    try:
        found = made()
    except DomainError:
        return None
    low, high = found.interval or (None, None) if hasattr(found, "interval") else (found.low, found.high)
    return None if low is None or high is None else (low, high)


def coverage_table(title: str, about: str, found: list[tuple[Any, Tally]], words: Callable[[Any], str]) -> list[str]:
    """Coverage over all corners, and the worst of them."""
    lines = [
        "",
        f"## {title}",
        "",
        about,
        "",
        "| interval | mean | worst cell | where | cells surely below .93 | intervals |",
        "|---" * 6 + "|",
    ]
    for name in found[0][1]:
        held = [(tallies[name], cell) for cell, tallies in found if tallies[name][1] > 0]
        hits, tries = np.sum([one for one, _ in held], axis=0)
        (worst, of), at = min(held, key=lambda row: row[0][0] / row[0][1])
        sure = sum(scipy.stats.binomtest(*one).proportion_ci(0.98).high < COVERAGE_GOAL for one, _ in held)
        lines.append(f"| {name} | {hits / tries:.3f} | {worst / of:.3f} | {words(at)} | {sure} of {len(held)} | {tries} |")
    return lines


def run_uneven(task: tuple[UnevenCell, int]) -> tuple[UnevenCell, Tally]:
    """Rejections of one corner of unequal trials; rows are independent given the model."""
    cell, repeats = task
    shape = list(UNEVEN).index(cell.trials)
    rng = np.random.default_rng([SEED, 1, shape, cell.models, int(1000 * cell.tau), int(1000 * cell.base)])
    rejected: dict[str, list[bool]] = {}
    n = UNEVEN[cell.trials](cell.models)
    for number in range(repeats):
        k = rng.binomial(n, true_rates(cell.models, cell.base, cell.tau, rng))
        for name, p in uneven_tests(sizes(cell.models), k, n, dear=number % DEAR == 0).items():
            note(rejected, name, None if p is None else p <= 0.05)
    return cell, tally(rejected)


def uneven_summary(found: list[tuple[UnevenCell, Tally]], repeats: int) -> list[str]:
    """The table of unequal trials."""
    columns = list(itertools.product(UNEVEN, UNEVEN_TAUS))
    lines = [
        "",
        "## Size of the tests with very unequal trials (nominal .05, no effect of size)",
        "",
        f"{len(found)} cells, {repeats} corpora each. One large: {MANY} traces of the smallest model, {FEW} of each other. "
        f"Geometric: from {FEW} for the smallest to {MANY}.",
        "",
        f"| test | {' | '.join(f'{trials}, tau {100 * tau:g} pp' for trials, tau in columns)} | worst cell | where "
        "| cells surely above .06 | tests that ran |",
        "|---" * (len(columns) + 5) + "|",
    ]
    for name in found[0][1]:
        shares = []
        for column in columns:
            hits, tries = np.sum([one[name] for cell, one in found if (cell.trials, cell.tau) == column], axis=0)
            shares.append(f"{hits / max(tries, 1):.3f}")
        usable = [(one[name][0] / one[name][1], cell, one[name]) for cell, one in found if one[name][1] >= repeats / (2 * DEAR)]
        worst, at, _ = max(usable, key=lambda row: row[0])
        place = f"{at.trials}, {at.models} models, tau {100 * at.tau:g} pp, base {at.base:g}"
        ran = sum(one[name][1] for _, one in found)
        lines.append(f"| {name} | {' | '.join(shares)} | {worst:.3f} | {place} | {surely_above(usable)} | {ran} |")
    return lines


def surely_above(usable: list[tuple[float, Any, tuple[int, int]]]) -> str:
    """How many cells have a size whose 98 % lower bound is above the goal."""
    sure = sum(scipy.stats.binomtest(*row[2]).proportion_ci(0.98).low > SIZE_GOAL for row in usable)
    return f"{sure} of {len(usable)}"


def summary(found: list[Found], repeats: int) -> list[str]:
    """The tables of the equal trials."""
    lines = [
        "## Size of the tests (nominal .05, no effect of size)",
        "",
        f"{len(found)} cells, {repeats} corpora each, also for the next table.",
        "",
        "| test | tau 0 | tau 5 pp | tau 10 pp | worst cell | where | cells surely above .06 | tests that ran |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in found[0].rejected:
        by_tau = []
        for tau in TAUS:
            hits, tries = np.sum([one.rejected[name] for one in found if one.cell.tau == tau], axis=0)
            by_tau.append(f"{hits / max(tries, 1):.3f}")
        usable = [
            (one.rejected[name][0] / one.rejected[name][1], one.cell, one.rejected[name])
            for one in found
            if one.rejected[name][1] >= repeats / (2 * DEAR)
        ]
        worst, cell, _ = max(usable, key=lambda row: row[0])
        ran = sum(one.rejected[name][1] for one in found)
        what = name + (" (these models only)" if name in CONDITIONAL else "")
        lines.append(f"| {what} | {' | '.join(by_tau)} | {worst:.3f} | {where(cell)} | {surely_above(usable)} | {ran} |")
    lines += [
        "",
        "## Coverage of the intervals of one model's rate (nominal .95)",
        "",
        "| interval | prompt correlation 0 | .2 | .5 | worst cell | where |",
        "|---|---|---|---|---|---|",
    ]
    for name in found[0].rates_covered:
        by_correlation = []
        for correlation in CORRELATIONS:
            hits, tries = np.sum([one.rates_covered[name] for one in found if one.cell.correlation == correlation], axis=0)
            by_correlation.append(f"{hits / tries:.3f}")
        worst, cell = min((one.rates_covered[name][0] / one.rates_covered[name][1], one.cell) for one in found)
        lines.append(f"| {name} | {' | '.join(by_correlation)} | {worst:.3f} | {where(cell)} |")
    lines += [
        "",
        "## Width of the meta-regression interval against an oracle that knows tau",
        "",
        "| models | tau 0 | tau 5 pp | tau 10 pp |",
        "|---|---|---|---|",
    ]
    for models in MODELS:
        medians = [np.nanmedian([one.width for one in found if one.cell.models == models and one.cell.tau == tau]) for tau in TAUS]
        lines.append(f"| {models} | {' | '.join(f'{m:.2f}' for m in medians)} |")
    return lines


def slope_summary(found: list[tuple[Cell, Tally]], repeats: int) -> list[str]:
    """The table of the intervals of a slope."""
    lines: list[str] = []
    lines += [
        "",
        "## Coverage of the intervals of a slope (nominal .95)",
        "",
        f"{len(found)} cells, {repeats} corpora each. The true rates fall by half of min(base, 1 - base) per decade. "
        "Under no slope the coverage is 1 less the size above.",
        "",
        "| interval | tau 0 | tau 5 pp | tau 10 pp | worst cell | where | cells surely below .93 | intervals |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in found[0][1]:
        by_tau = []
        for tau in TAUS:
            hits, tries = np.sum([of[name] for cell, of in found if cell.tau == tau], axis=0)
            by_tau.append(f"{hits / max(tries, 1):.3f}")
        held = [(of[name], cell) for cell, of in found if of[name][1] > 0]
        (hits, tries), cell = min(held, key=lambda row: row[0][0] / row[0][1])
        sure = sum(scipy.stats.binomtest(*one).proportion_ci(0.98).high < COVERAGE_GOAL for one, _ in held)
        intervals_made = sum(one[1] for one, _ in held)
        lines.append(
            f"| {name} | {' | '.join(by_tau)} | {hits / tries:.3f} | {where(cell)} | {sure} of {len(held)} | {intervals_made} |"
        )
    return lines


def where(cell: Cell) -> str:
    """A corner in words."""
    return f"{cell.models} models, tau {100 * cell.tau:g} pp, correlation {cell.correlation:g}, base {cell.base:g}"


def main() -> int:
    """Simulate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help="renew these tables in docs/explanation/calibration.md")
    parser.add_argument("--only", choices=BLOCKS, nargs="*", default=list(BLOCKS), help="some of the tables; the others stay")
    arguments = parser.parse_args()
    cells = [Cell(*one) for one in itertools.product(MODELS, TAUS, CORRELATIONS, BASES)]
    uneven_cells = [UnevenCell(*one) for one in itertools.product(UNEVEN, UNEVEN_MODELS, UNEVEN_TAUS, UNEVEN_BASES)]
    pair_cells = [PairCell(*one) for one in itertools.product((0.05, 0.2, 0.5, 0.9), (0.05, 0.2, 0.5, 0.9), (30, 200))]
    grader_cells = [GraderCell(*one) for one in itertools.product((0.05, 0.2, 0.5), (0.7, 0.95), (0.8, 0.98), (50, 200))]
    repeats, start = arguments.repeats, time.perf_counter()
    lines: list[str] = []
    with ProcessPoolExecutor(arguments.workers) as pool:

        def over(work: Callable[[Any], Any], corners: Sequence[Any]) -> list[Any]:
            found = []
            for number, one in enumerate(pool.map(work, [(cell, repeats) for cell in corners])):
                found.append(one)
                if sys.stderr.isatty():
                    print(f"\r{work.__name__}: {number + 1} of {len(corners)} cells", end="", file=sys.stderr)
            return found

        if "tests" in arguments.only:
            lines += summary(over(run, cells), repeats)
        if "slopes" in arguments.only:
            lines += slope_summary(over(run_slopes, cells), repeats)
        if "uneven" in arguments.only:
            lines += uneven_summary(over(run_uneven, uneven_cells), repeats)
        if "pairs" in arguments.only:
            about = f"{len(pair_cells)} cells, {repeats} pairs of models each: both rates from .05 to .9, 30 or 200 traces each."
            lines += coverage_table(
                "Coverage of the intervals of a difference and of ratios (nominal .95)",
                about,
                over(run_pairs, pair_cells),
                pair_words,
            )
        if "graders" in arguments.only:
            about = (
                f"{len(grader_cells)} cells, {repeats} corpora each: 2,000 traces, true rate .05 to .5, sensitivity .7 or .95, "
                "specificity .8 or .98, 50 or 200 labels of each verdict."
            )
            lines += coverage_table(
                "Coverage of agreement and of corrected rates (nominal .95)", about, over(run_graders, grader_cells), grader_words
            )
    print("\n".join(lines))
    print(f"{repeats} corpora a cell in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    if arguments.write:
        head, _, old = PAGE.read_text(encoding="utf-8").partition("<!-- table -->\n")
        sections = sections_of(old) | sections_of("\n".join(lines) + "\n")
        PAGE.write_text(head + "<!-- table -->\n" + "\n".join(sections.values()), encoding="utf-8")
    return 0


def pair_words(cell: PairCell) -> str:
    """A corner in words."""
    return f"rates {cell.rate_1:g} and {cell.rate_2:g}, {cell.trials} traces"


def grader_words(cell: GraderCell) -> str:
    """A corner in words."""
    return f"rate {cell.rate:g}, sensitivity {cell.sensitivity:g}, specificity {cell.specificity:g}, {cell.labels} labels"


def sections_of(text: str) -> dict[str, str]:
    """The tables of the page by their headings."""
    found = ["## " + part.strip() + "\n" for part in ("\n" + text).split("\n## ")[1:]]
    return {section.splitlines()[0]: section for section in found}


if __name__ == "__main__":
    sys.exit(main())
