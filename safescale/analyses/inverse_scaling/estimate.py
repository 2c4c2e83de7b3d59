"""What is computed from one series: a slope, a difference, or nothing."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

import attrs

from safescale.analyses.inverse_scaling.bend import BEND_SHARE, any_change_p, find_bend, may_bend
from safescale.analyses.inverse_scaling.difference import two_size_difference
from safescale.analyses.inverse_scaling.results import Bend, Difference, Options, ScalingVerdict, Testability
from safescale.analyses.inverse_scaling.testability import groups_of, sizes_of, testabilities
from safescale.analyses.observations import Observation, Series
from safescale.cells import Cells
from safescale.errors import DomainError
from safescale.stats import (
    CurvatureTest,
    ScalingLabel,
    SeriesShape,
    SizeSlopeTest,
    SlopeEquivalenceTest,
    distinct_sizes,
    holm,
    permutation_slope_test,
    scaling_label,
    shape_of_series,
    size_slope_test,
    slope_equivalence_test,
)

__all__ = ["Estimate", "bends", "estimate_family"]

FEW_RESAMPLES, MANY_RESAMPLES = 9_999, 99_999
"""Random arrangements at first, and where the first answer is close to the level."""

CLEARLY = 4
"""How many times smaller or larger than the level a p-value must be to be clear after few arrangements."""


@attrs.frozen(kw_only=True)
class Estimate:
    """One series with everything that is computed from it, before words."""

    series: Series
    fitted: tuple[Observation, ...]
    testability: Testability
    slope: SizeSlopeTest | None = None
    label: ScalingLabel | None = None
    slope_unavailable: str | None = None
    p_holm: float | None = None
    permutation_p: float | None = None
    permutation_p_holm: float | None = None
    equivalence: SlopeEquivalenceTest | None = None
    equivalence_p_holm: float | None = None
    equivalence_unavailable: str | None = None
    curvature: CurvatureTest | None = None
    curvature_p_holm: float | None = None
    curvature_permutation_p: float | None = None
    curvature_unavailable: str | None = None
    difference: Difference | None = None
    shape: SeriesShape | None = None
    shape_unavailable: str | None = None
    verdict: ScalingVerdict = ScalingVerdict.CANNOT_TEST
    only_across: str | None = None

    @property
    def kind(self) -> Literal["slope", "difference", "nothing"]:
        """What the sizes allowed."""
        if self.slope is not None:
            return "slope"
        return "nothing" if self.difference is None else "difference"

    @property
    def bend(self) -> Bend | None:
        """Which way the rates bend, where that is claimed."""
        if self.verdict is not ScalingVerdict.NOT_A_LINE or self.curvature is None or self.curvature.direction == "none":
            return None
        return self.curvature.direction


def estimate_family(many: Sequence[Series], options: Options, cells: Cells) -> tuple[Estimate, ...]:
    """Estimates of the series of one family of tests, p-values adjusted by Holm over those that can be tested."""
    judged = testabilities(many, options)
    raw = [_estimate(series, judgement, options, cells) for series, judgement in zip(many, judged, strict=True)]
    p_holm = _adjusted([None if e.slope is None else e.slope.p_value for e in raw], raw, options)
    flat_holm = _adjusted([None if e.equivalence is None else e.equivalence.p_value for e in raw], raw, options)
    bend_holm = _adjusted([None if e.curvature is None else e.curvature.p_value for e in raw], raw, options)
    adjusted = (
        attrs.evolve(estimate, p_holm=p, equivalence_p_holm=flat, curvature_p_holm=bend)
        for estimate, p, flat, bend in zip(raw, p_holm, flat_holm, bend_holm, strict=True)
    )
    checked = (_with_bend_permutation(_with_permutation(estimate, options), options) for estimate in adjusted)
    return tuple(attrs.evolve(estimate, verdict=_verdict(estimate, options)) for estimate in checked)


def _adjusted(p_values: Sequence[float | None], raw: Sequence[Estimate], options: Options) -> list[float | None]:
    """Holm over the series that are tests: those that their sizes allow to reach alpha alone."""
    tested = [i for i, e in enumerate(raw) if e.testability.smallest_p_after_holm is not None]
    given = {i: p for i in tested if (p := p_values[i]) is not None}
    if not given:
        return [None] * len(raw)
    # a test of the family that gave no p still counts in the correction
    filled = [given.get(i, 1.0) for i in tested]
    adjusted = dict(zip(tested, holm(filled, alpha=options.alpha).adjusted, strict=True))
    return [adjusted.get(i) if i in given else None for i in range(len(raw))]


def _with_permutation(estimate: Estimate, options: Options) -> Estimate:
    """
    What a permutation of models says where a t test would claim.

    Student's t takes the models as normal, so one model far out in size can carry a claim by itself; exchanging the models
    shows that. The same correction that Holm gave the t test is put on its p-value.
    """
    test, p_holm = estimate.slope, estimate.p_holm
    if test is None or test.method != "ols_t" or p_holm is None or p_holm > options.alpha or not estimate.testability.can_test:
        return estimate
    factor = p_holm / test.p_value
    p = _permutation_p(test.slope.params_b, test.slope.rates, FEW_RESAMPLES)
    if options.alpha / CLEARLY < p * factor < options.alpha * CLEARLY:
        p = _permutation_p(test.slope.params_b, test.slope.rates, MANY_RESAMPLES)
    return attrs.evolve(estimate, permutation_p=p, permutation_p_holm=min(1.0, p * factor))


@functools.lru_cache(maxsize=1024)
def _permutation_p(params_b: tuple[float, ...], rates: tuple[float, ...], resamples: int) -> float:
    """The same models come again in several series and repetitions, and a permutation is the dear part of an analysis."""
    return permutation_slope_test(params_b, rates, resamples=resamples).p_value


def _with_bend_permutation(estimate: Estimate, options: Options) -> Estimate:
    """What a permutation of models says where a bend would be claimed or be a caveat."""
    if estimate.curvature is None or not bends(estimate, options):
        return estimate
    return attrs.evolve(estimate, curvature_permutation_p=any_change_p(estimate.curvature))


def bends(estimate: Estimate, options: Options) -> bool:
    """Whether the square of log10 size is strong enough to be said, and does not lean on single models."""
    curvature, p_holm = estimate.curvature, estimate.curvature_p_holm
    if curvature is None or p_holm is None or p_holm > options.alpha / BEND_SHARE or not estimate.testability.can_test:
        return False
    # the correction that Holm gave the t test is put on the permutation too
    factor = p_holm / curvature.p_value if curvature.p_value else 1.0
    permuted = estimate.curvature_permutation_p
    joint = curvature.joint_p_value is not None and curvature.joint_p_value <= options.alpha
    return joint and (permuted is None or permuted * factor <= options.alpha)


@functools.lru_cache(maxsize=1024)
def _size_slope(
    params_b: tuple[float, ...], rates: tuple[float, ...], groups: tuple[str, ...] | None, level: float
) -> SizeSlopeTest:
    """Kept for the same reason."""
    return size_slope_test(params_b, rates, groups=groups, level=level)


def _verdict(estimate: Estimate, options: Options) -> ScalingVerdict:
    if not estimate.testability.can_test or estimate.slope is None:
        return ScalingVerdict.CANNOT_TEST
    sloped = estimate.p_holm is not None and estimate.p_holm <= options.alpha
    denied = estimate.permutation_p_holm is not None and estimate.permutation_p_holm > options.alpha
    if sloped and not denied:
        rising = estimate.slope.slope.slope_pp_per_decade > 0
        return ScalingVerdict.COMPLY_MORE if rising else ScalingVerdict.COMPLY_LESS
    if bends(estimate, options):
        return ScalingVerdict.NOT_A_LINE
    flat = estimate.equivalence_p_holm is not None and estimate.equivalence_p_holm <= options.alpha
    # a slope of 0 is no evidence of flat rates where they bend
    if flat and not denied and not may_bend(estimate.curvature, options.alpha):
        return ScalingVerdict.FLAT
    return ScalingVerdict.UNDECIDED


def _estimate(series: Series, testability: Testability, options: Options, cells: Cells) -> Estimate:
    fitted = series.fitted(options.min_cell)
    base = Estimate(series=series, fitted=fitted, testability=testability)
    sizes = sizes_of(series, fitted)
    distinct = len(distinct_sizes(sizes))
    if distinct < 2:
        return base
    if distinct == 2:
        if series.grouping is not None:
            return attrs.evolve(base, slope_unavailable="two sizes in all make a difference, not a slope")
        return attrs.evolve(base, difference=two_size_difference(series, fitted, options, cells))
    return _with_slope(base, sizes, options)


def _with_slope(base: Estimate, sizes: tuple[float, ...], options: Options) -> Estimate:
    rates = [rate for o in base.fitted if (rate := base.series.rate(o)) is not None]
    try:
        slope = _size_slope(sizes, tuple(rates), groups_of(base.series, base.fitted), options.level)
    except DomainError as error:
        return attrs.evolve(base, slope_unavailable=str(error))
    shape, no_shape = _shape(base)
    equivalence, no_equivalence = None, None
    try:
        equivalence = slope_equivalence_test(slope.slope, margin_pp_per_decade=options.margin_pp, alpha=options.alpha)
    except DomainError as error:
        no_equivalence = str(error)
    curvature, no_curvature = find_bend(slope.slope)
    return attrs.evolve(
        base,
        slope=slope,
        label=scaling_label(slope.slope.slope_pp_per_decade),
        equivalence=equivalence,
        equivalence_unavailable=no_equivalence,
        curvature=curvature,
        curvature_unavailable=no_curvature,
        shape=shape,
        shape_unavailable=no_shape,
    )


def _shape(base: Estimate) -> tuple[SeriesShape | None, str | None]:
    """
    Shape from the counts at each size; the counts of models of one size are added up.

    Its tests take rows as independent, so they may only compare models that differ in size alone: those of one lineage. Between
    lineages a turn is a difference of developers.
    """
    if base.series.grouping is not None or len({o.unit.lineage for o in base.fitted}) > 1:
        return None, "several lineages together have no one shape"
    if any(o.unit.lineage is None for o in base.fitted):
        return None, "models of unknown lineage have no one shape"
    if base.series.pooling == "classes" and len(base.series.attack_classes) > 1:
        return None, "a mean over attack classes has no counts of its own; see the classes"
    counts: dict[float, tuple[int, int]] = {}
    for observation in base.fitted:
        size, k, n = base.series.params_b(observation), observation.successes, observation.trials
        if size is None or k is None or n is None:
            return None, "a published rate without counts has no shape; rows are needed"
        before = counts.get(size, (0, 0))
        counts[size] = (before[0] + k, before[1] + n)
    in_order = [counts[size] for size in sorted(counts)]
    try:
        return shape_of_series([k for k, _ in in_order], [n for _, n in in_order]), None
    except DomainError as error:
        return None, f"the shape is unavailable: {error}"
