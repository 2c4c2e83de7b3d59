"""Each share over size: models as units, and rows or prompts as units, told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import numpy as np

from safescale.analyses.reemergence.composition import Composition
from safescale.analyses.reemergence.results import Options, PromptTrend, Quantity, Trend
from safescale.errors import DomainError
from safescale.records.verdicts import Verdict
from safescale.stats import (
    AdjacentSeparation,
    CochranArmitageTest,
    LogScalingSlope,
    RawDifference,
    SeriesShape,
    SpearmanTest,
    adjacent_separation,
    cochran_armitage_clustered_test,
    cochran_armitage_test,
    distinct_sizes,
    holm,
    log_scaling_slope,
    raw_difference_per_decade,
    shape_of_series,
    spearman_test,
)

__all__ = ["CLAIMS", "adjusted", "trend_of"]

CLAIMS: Final[tuple[Quantity, ...]] = ("refusal", "hedging")
"""The two shares that the verdict rests on; Holm is taken over them."""

EXACT_MODELS: Final = 10
"""With more models the distribution of Spearman's statistic is expanded from its exact moments: exact counts may take long."""

VERDICTS_OF: Final[dict[Quantity, tuple[Verdict, ...]]] = {
    "strict": (Verdict.COMPLIANCE,),
    "broad": (Verdict.COMPLIANCE, Verdict.PARTIAL),
    "functionally_dangerous": (Verdict.COMPLIANCE, Verdict.PARTIAL, Verdict.HALLUCINATION_REFUSAL),
    "hedging": (Verdict.PARTIAL,),
    "refusal": (Verdict.REFUSAL,),
    "hallucination_refusal": (Verdict.HALLUCINATION_REFUSAL,),
}


def trend_of(quantity: Quantity, fitted: Sequence[Composition], options: Options) -> Trend | None:
    """
    One share over size.

    Parameters
    ----------
    quantity : Quantity
        The share.
    fitted : sequence of Composition
        Models of known size with enough rows, from the smallest up; those that do not tell the share are left out.
    options : Options
        Level.

    Returns
    -------
    Trend or None
        None where no model tells the share.
    """
    able = [found for found in fitted if quantity in found.model.shares]
    if not able:
        return None
    sizes = [_size(found) for found in able]
    rates = [found.model.shares[quantity].rate for found in able]
    by_models, no_models = _by_models(sizes, rates)
    by_rows, no_rows = _by_rows(quantity, able, sizes)
    return Trend(
        quantity=quantity,
        n_models=len(able),
        smallest=float(np.mean([r for r, s in zip(rates, sizes, strict=True) if s == min(sizes)])),
        largest=float(np.mean([r for r, s in zip(rates, sizes, strict=True) if s == max(sizes)])),
        by_models=by_models,
        by_models_unavailable=no_models,
        p_holm=None,
        slope=_slope(sizes, rates, options.level),
        raw=_raw(sizes, rates),
        by_rows=by_rows,
        by_prompts=_by_prompts(quantity, able, sizes),
        by_rows_unavailable=no_rows,
        on_distinct_responses=_on_distinct(quantity, able, sizes),
        separation=_separation(quantity, able, sizes, options.level),
        shape=_shape(quantity, able, sizes, options.alpha),
    )


def adjusted(trends: Sequence[Mapping[Quantity, Trend]], alpha: float) -> list[dict[Quantity, Trend]]:
    """The trends with Holm over the claims of all these series together; a claim without p still counts in the correction."""
    places = [(i, quantity) for i, of_series in enumerate(trends) for quantity in CLAIMS if quantity in of_series]
    found = [dict(of_series) for of_series in trends]
    if not places:
        return found
    raw = [trends[i][quantity].by_models for i, quantity in places]
    corrected = holm([1.0 if test is None else test.p_value for test in raw], alpha=alpha).adjusted
    for (i, quantity), test, p in zip(places, raw, corrected, strict=True):
        if test is not None:
            found[i][quantity] = attrs.evolve(found[i][quantity], p_holm=p)
    return found


def _size(found: Composition) -> float:
    size = found.model.params_b
    assert size is not None
    return size


def _by_models(sizes: Sequence[float], rates: Sequence[float]) -> tuple[SpearmanTest | None, str | None]:
    if len(distinct_sizes(sizes)) < 3:
        return None, "a rank correlation needs three sizes or more"
    try:
        return spearman_test(sizes, rates, method="auto" if len(sizes) <= EXACT_MODELS else "moments"), None
    except DomainError as error:
        return None, str(error)


def _slope(sizes: Sequence[float], rates: Sequence[float], level: float) -> LogScalingSlope | None:
    return log_scaling_slope(sizes, rates, level=level) if len(distinct_sizes(sizes)) > 2 else None


def _raw(sizes: Sequence[float], rates: Sequence[float]) -> RawDifference | None:
    return raw_difference_per_decade(sizes, rates) if len(distinct_sizes(sizes)) == 2 else None


def _counts(quantity: Quantity, able: Sequence[Composition]) -> list[tuple[int, int]] | None:
    shares = [found.model.shares[quantity] for found in able]
    counts = [(s.successes, s.trials) for s in shares if s.successes is not None and s.trials is not None]
    return counts if len(counts) == len(shares) else None


def _by_rows(
    quantity: Quantity, able: Sequence[Composition], sizes: Sequence[float]
) -> tuple[CochranArmitageTest | None, str | None]:
    counts = _counts(quantity, able)
    if counts is None:
        return None, "an item-level trend needs counts, and a published rate came without"
    try:
        return cochran_armitage_test([k for k, _ in counts], [n for _, n in counts], np.log10(sizes)), None
    except DomainError as error:
        return None, str(error)


def _by_prompts(quantity: Quantity, able: Sequence[Composition], sizes: Sequence[float]) -> PromptTrend | None:
    by_prompt = [(f.prompts, f.trials, f.successes[quantity]) for f in able if f.prompts is not None and f.trials is not None]
    if len(distinct_sizes(sizes)) < 2 or len(by_prompt) < len(able):
        return None
    codes = np.unique(np.concatenate([prompts for prompts, _, _ in by_prompt]))
    if codes.size < 2:
        return None
    k, n = np.zeros((codes.size, len(able)), np.int64), np.zeros((codes.size, len(able)), np.int64)
    for column, (prompts, trials, successes) in enumerate(by_prompt):
        at = np.searchsorted(codes, prompts)
        k[at, column], n[at, column] = successes, trials
    test = cochran_armitage_clustered_test(k, n, np.log10(sizes))
    return PromptTrend(
        t=test.t,
        p_value=test.p_value,
        residual_dof=test.residual_dof,
        n_clusters=test.n_clusters,
        design_effect=test.design_effect,
        undefined_because=test.undefined_because,
    )


def _on_distinct(quantity: Quantity, able: Sequence[Composition], sizes: Sequence[float]) -> CochranArmitageTest | None:
    """Only where rows repeat each other; elsewhere it is the same test again."""
    responses = [found.model.responses for found in able]
    known = [found for found in responses if found is not None and found.rows_with_hash == found.rows]
    if len(known) < len(able) or all(found.distinct == found.rows for found in known) or len(distinct_sizes(sizes)) < 2:
        return None
    k = [sum(found.by_verdict.get(verdict, 0) for verdict in VERDICTS_OF[quantity]) for found in known]
    return cochran_armitage_test(k, [sum(found.by_verdict.values()) for found in known], np.log10(sizes))


def _at_each_size(quantity: Quantity, able: Sequence[Composition], sizes: Sequence[float]) -> list[tuple[int, int]] | None:
    counts = _counts(quantity, able)
    if counts is None:
        return None
    summed: dict[float, tuple[int, int]] = {}
    for size, (k, n) in zip(sizes, counts, strict=True):
        before = summed.get(size, (0, 0))
        summed[size] = (before[0] + k, before[1] + n)
    return [summed[size] for size in sorted(summed)]


def _separation(quantity: Quantity, able: Sequence[Composition], sizes: Sequence[float], level: float) -> AdjacentSeparation | None:
    counts = _at_each_size(quantity, able, sizes)
    if counts is None or len(counts) < 2:
        return None
    return adjacent_separation([k for k, _ in counts], [n for _, n in counts], level=level)


def _shape(quantity: Quantity, able: Sequence[Composition], sizes: Sequence[float], alpha: float) -> SeriesShape | None:
    """Rows taken as independent, so only for models that differ in size alone: of one lineage, kind and maker."""
    counts = _at_each_size(quantity, able, sizes)
    origins = {(f.model.lineage, f.model.tampering, f.model.developer) for f in able}
    if counts is None or len(counts) < 3 or len(origins) > 1 or any(f.model.lineage is None for f in able):
        return None
    return shape_of_series([k for k, _ in counts], [n for _, n in counts], alpha=alpha)
