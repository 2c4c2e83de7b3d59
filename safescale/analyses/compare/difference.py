"""The difference of two sides: every way that the rows allow, and the one to quote."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import scipy.special

from safescale.analyses.compare.counts import Integers, SideCounts
from safescale.analyses.compare.detectable import detectable_of_error, detectable_of_pairs, detectable_of_rows
from safescale.analyses.compare.results import (
    Arm,
    Clustered,
    CompareOptions,
    Comparison,
    ComparisonMethod,
    ComparisonVerdict,
    Independent,
    Paired,
)
from safescale.analyses.words import plural
from safescale.stats import (
    cluster_bootstrap,
    holm,
    mcnemar_exact_test,
    mcnemar_midp_test,
    miettinen_nurminen_interval,
    miettinen_nurminen_test,
    newcombe_interval,
    odds_ratio,
    paired_newcombe_interval,
    risk_ratio,
    tango_interval,
    wilson_interval,
)

__all__ = ["LEAST_PROMPTS", "compare_counts", "with_holm"]

LEAST_PROMPTS: Final = 10
"""Clusters below which neither a bootstrap of prompts nor a t over them is made."""

FLAT: Final = 1e-12
"""Difference of two rates that is rounding alone."""


def compare_counts(name: str, first: SideCounts, second: SideCounts, options: CompareOptions) -> Comparison:
    """
    Compare the second side with the first.

    Paired by prompt where both answered at least ``min_cell`` prompts once and no prompt comes twice; by means of prompts where
    prompts are shared in another way; else over all rows, resampled by prompt where a prompt has several.
    """
    arms = [_arm(side, options.level) for side in (first, second)]
    totals = [first.total, second.total]
    reason: list[str] = []
    paired, means, boot = _paired(first, second, options), _prompt_means(first, second, options), None
    if paired is None and means is None:
        boot = _bootstrap(first, second, options)
        if first.keys.size and second.keys.size:
            shared = int(np.intersect1d(first.keys, second.keys).size)
            reason.append(f"{plural(shared, 'prompt')} in common, too few to pair")
    independent = None
    ratio, odds = None, None
    if totals[0] is not None and totals[1] is not None:
        (k1, n1), (k2, n2) = totals[1], totals[0]
        independent = Independent(
            newcombe=newcombe_interval(k1, n1, k2, n2, level=options.level),
            miettinen_nurminen=miettinen_nurminen_interval(k1, n1, k2, n2, level=options.level),
            score_p=miettinen_nurminen_test(k1, n1, k2, n2).p_value,
        )
        ratio = risk_ratio(k1, n1, k2, n2, level=options.level)
        odds = odds_ratio(k1, n1, k2, n2, level=options.level)
    else:
        reason.append("published without counts, so there is no interval; rows, or n, are needed")
    method, estimate, low, high, p_value = _quoted(paired, means, boot, independent)
    small = min((total[1] for total in totals if total is not None), default=0)
    if independent is not None and small < options.min_cell:
        reason.append(f"{small} evaluable rows on one side, fewer than {options.min_cell}: shown, not tested")
        p_value = None
    return Comparison(
        name=name,
        first=arms[0],
        second=arms[1],
        method=method,
        estimate=second.rate - first.rate if estimate is None else estimate,
        low=low,
        high=high,
        p_value=p_value,
        p_holm=None,
        paired=paired,
        prompt_means=means,
        cluster_bootstrap=boot,
        independent=independent,
        risk_ratio=ratio,
        odds_ratio=odds,
        detectable=_detectable(method, paired, means, boot, totals, options),
        verdict=ComparisonVerdict.CANNOT,
        words="",
        caveats=tuple(reason),
    )


def with_holm(many: Sequence[Comparison], options: CompareOptions) -> tuple[Comparison, ...]:
    """The same with p after Holm over those that were tested, and the verdict that it allows."""
    tested = [i for i, found in enumerate(many) if found.p_value is not None]
    p_values = [p for found in many if (p := found.p_value) is not None]
    adjusted = dict(zip(tested, holm(p_values, alpha=options.alpha).adjusted, strict=True)) if tested else {}
    return tuple(
        attrs.evolve(found, p_holm=adjusted.get(i), verdict=_verdict(found, adjusted.get(i), options))
        for i, found in enumerate(many)
    )


def _verdict(found: Comparison, p_holm: float | None, options: CompareOptions) -> ComparisonVerdict:
    if p_holm is None:
        return ComparisonVerdict.CANNOT
    if p_holm > options.alpha or found.estimate == 0:
        return ComparisonVerdict.UNDECIDED
    return ComparisonVerdict.SECOND_MORE if found.estimate > 0 else ComparisonVerdict.FIRST_MORE


def _arm(side: SideCounts, level: float) -> Arm:
    total = side.total
    return Arm(
        rate=side.rate,
        successes=None if total is None else total[0],
        trials=side.published_trials if total is None else total[1],
        prompts=int(np.unique(side.prompt).size) if side.keys.size else None,
        interval=None if total is None else wilson_interval(*total, level=level),
    )


def _shared(first: SideCounts, second: SideCounts) -> tuple[Integers, Integers]:
    _, one, two = np.intersect1d(first.keys, second.keys, assume_unique=True, return_indices=True)
    return one, two


def _paired(first: SideCounts, second: SideCounts, options: CompareOptions) -> Paired | None:
    one, two = _shared(first, second)
    if one.size < options.min_cell:
        return None
    once = (first.trials[one] == 1) & (second.trials[two] == 1)
    prompts = first.prompt[one]
    # a prompt that comes twice, under two models or classes, is one cluster and not two pairs
    if not once.all() or np.unique(prompts).size < prompts.size:
        return None
    a, b = first.successes[one], second.successes[two]
    table = (int((a * b).sum()), int(((1 - a) * b).sum()), int((a * (1 - b)).sum()), int(((1 - a) * (1 - b)).sum()))
    return Paired(
        newcombe=paired_newcombe_interval(*table, level=options.level),
        tango=tango_interval(*table, level=options.level),
        mcnemar_exact=mcnemar_exact_test(table[1], table[2]),
        mcnemar_midp=mcnemar_midp_test(table[1], table[2]),
    )


def _prompt_means(first: SideCounts, second: SideCounts, options: CompareOptions) -> Clustered | None:
    """Mean over prompts of the mean difference of their units, each prompt counting the same."""
    one, two = _shared(first, second)
    if one.size < options.min_cell:
        return None
    apart = second.successes[two] / second.trials[two] - first.successes[one] / first.trials[one]
    _, cluster = np.unique(first.prompt[one], return_inverse=True)
    by_prompt = np.bincount(cluster, weights=apart) / np.bincount(cluster)
    prompts = by_prompt.size
    if prompts < LEAST_PROMPTS:
        return None
    estimate, spread = float(by_prompt.mean()), float(by_prompt.std(ddof=1))
    flat = spread <= FLAT
    error = None if flat else spread / math.sqrt(prompts)
    reach = None if error is None else error * float(scipy.special.stdtrit(prompts - 1, 0.5 + options.level / 2))
    p_value = None if error is None else float(2 * scipy.special.stdtr(prompts - 1, -abs(estimate / error)))
    rates = [
        float((np.bincount(cluster, weights=side.successes[at] / side.trials[at]) / np.bincount(cluster)).mean())
        for side, at in ((first, one), (second, two))
    ]
    return Clustered(
        estimate=estimate,
        standard_error=error,
        low=None if reach is None else max(-1.0, estimate - reach),
        high=None if reach is None else min(1.0, estimate + reach),
        p_value=p_value,
        prompts=prompts,
        rows_first=int(first.trials[one].sum()),
        rows_second=int(second.trials[two].sum()),
        rate_first=rates[0],
        rate_second=rates[1],
        differing=int(np.count_nonzero(np.abs(by_prompt) > FLAT)),
        undefined_because="the difference is the same on every prompt" if flat else None,
    )


def _bootstrap(first: SideCounts, second: SideCounts, options: CompareOptions) -> Clustered | None:
    """All rows of both, prompts resampled; only where a prompt has several rows on a side (else rows are the prompts)."""
    sides = (first, second)
    counted = [np.unique(side.prompt).size for side in sides]
    if min(counted) < LEAST_PROMPTS or all(count == side.rows for count, side in zip(counted, sides, strict=True)):
        return None
    prompts, cluster = np.unique(np.concatenate([side.prompt for side in sides]), return_inverse=True)
    column = np.repeat([0, 1], [side.prompt.size for side in sides])
    n, k = np.zeros((prompts.size, 2), np.int64), np.zeros((prompts.size, 2), np.int64)
    np.add.at(n, (cluster, column), np.concatenate([side.trials for side in sides]))
    np.add.at(k, (cluster, column), np.concatenate([side.successes for side in sides]))
    found = cluster_bootstrap(k, n, contrasts=[-1, 1], level=options.level)
    error = found.standard_error[0]
    t = None if not error else found.estimate[0] / error
    return Clustered(
        estimate=found.estimate[0],
        standard_error=error,
        low=found.low[0],
        high=found.high[0],
        p_value=None if t is None else float(2 * scipy.special.stdtr(found.clusters[0] - 1, -abs(t))),
        prompts=found.clusters[0],
        rows_first=first.rows,
        rows_second=second.rows,
        rate_first=first.rate,
        rate_second=second.rate,
        differing=None,
        undefined_because=found.undefined_because[0],
    )


Quote = tuple[ComparisonMethod | None, float | None, float | None, float | None, float | None]


def _quoted(paired: Paired | None, means: Clustered | None, boot: Clustered | None, independent: Independent | None) -> Quote:
    if paired is not None:
        interval = paired.newcombe
        return "paired", interval.estimate, interval.low, interval.high, paired.mcnemar_midp.p_value
    if means is not None:
        return "prompt_means", means.estimate, means.low, means.high, means.p_value
    if boot is not None and boot.standard_error:
        return "cluster_bootstrap", boot.estimate, boot.low, boot.high, boot.p_value
    if independent is not None:
        rows = independent.newcombe
        return "independent", rows.estimate, rows.low, rows.high, independent.score_p
    return None, None, None, None, None


def _detectable(
    method: ComparisonMethod | None,
    paired: Paired | None,
    means: Clustered | None,
    boot: Clustered | None,
    totals: Sequence[tuple[int, int] | None],
    options: CompareOptions,
) -> float | None:
    """Smallest difference that the quoted test finds with the power of the options, at alpha alone."""
    asked = (options.alpha, options.power)
    if method == "paired" and paired is not None:
        return detectable_of_pairs(paired.pairs, paired.discordant, *asked)
    if method == "prompt_means" and means is not None:
        return detectable_of_error(means.standard_error, means.prompts - 1, means.differing or 0, means.prompts, *asked)
    if totals[0] is None or totals[1] is None or not min(totals[0][1], totals[1][1]):
        return None
    if method == "cluster_bootstrap" and boot is not None:
        successes = totals[0][0] + totals[1][0]
        failures = totals[0][1] + totals[1][1] - successes
        return detectable_of_error(boot.standard_error, boot.prompts - 1, successes, failures, *asked)
    return detectable_of_rows(totals[0], totals[1], *asked) if method == "independent" else None
