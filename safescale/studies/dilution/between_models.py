"""The slope of deltas on log10 size, with models as units: the registered test and everything beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np

from safescale.errors import InsufficientData
from safescale.stats import (
    LogScalingSlope,
    PermutationSlopeTest,
    WithinGroupSlope,
    distinct_sizes,
    effect_meta_regression,
    log_scaling_slope,
    permutation_slope_test,
    slope_equivalence_test,
    slopes_over_replicates,
    within_group_slope,
)
from safescale.studies.asked import AskedModel
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.results import BetweenModels, LineageSlope, ModelDelta

__all__ = ["MIN_PROMPTS", "SizeSlope", "SizedModels", "compared_within", "registered_p", "size_slope", "sized_models"]

MIN_PROMPTS: Final = 20
"""Models with fewer pairs of prompts are shown and not fitted (law 9)."""

UNKNOWN_LINEAGE: Final = "unknown"


@attrs.frozen(kw_only=True)
class SizedModels:
    """
    Deltas that stand in a slope on size, those that do not with the reason of each, and the lineage of each of the former.

    ``groups`` is None where sizes are compared over all models; else each delta's lineage, several of which have two sizes or more.
    """

    deltas: tuple[ModelDelta, ...]
    groups: tuple[str, ...] | None
    not_fitted: tuple[tuple[str, str], ...]


def sized_models(deltas: Sequence[ModelDelta], *, with_estimated: bool = True) -> SizedModels:
    """
    Which deltas stand in the slope, and whether sizes are compared within lineages.

    Within lineages as `compared_within` has it.
    """
    left_out, fitted = [], []
    for delta in deltas:
        model = delta.model
        if model.params_b is None:
            left_out.append((model.model_id, "its size is not known"))
        elif model.size_estimated and not with_estimated:
            left_out.append((model.model_id, "its size is estimated"))
        elif delta.prompts < MIN_PROMPTS:
            left_out.append((model.model_id, f"{delta.prompts} prompts with a verdict under both conditions, of {MIN_PROMPTS}"))
        else:
            fitted.append(delta)
    members, groups = compared_within([delta.model for delta in fitted])
    kept = {model.model_id for model in members}
    alone = [delta.model.model_id for delta in fitted if delta.model.model_id not in kept]
    left_out += [(model_id, "sizes are compared within lineages, and its lineage has no other size") for model_id in alone]
    return SizedModels(
        deltas=tuple(delta for delta in fitted if delta.model.model_id in kept), groups=groups, not_fitted=tuple(left_out)
    )


def compared_within(models: Sequence[AskedModel]) -> tuple[tuple[AskedModel, ...], tuple[str, ...] | None]:
    """
    Of models of known size, those that say something of size, and the lineage of each where sizes are compared within lineages.

    That is where two lineages or more have two sizes or more; then a model alone in its lineage is left out. Else all models stand
    together, and the lineages are None. The lineage "unknown" is none.
    """
    sizes: dict[str, set[float]] = {}
    for model in models:
        if model.lineage != UNKNOWN_LINEAGE:
            sizes.setdefault(model.lineage, set()).add(_size(model))
    several = {lineage for lineage, found in sizes.items() if len(found) > 1}
    if len(several) < 2:
        return tuple(models), None
    kept = tuple(model for model in models if model.lineage in several)
    return kept, tuple(model.lineage for model in kept)


@attrs.frozen(kw_only=True)
class SizeSlope:
    """A slope on size, or why there is none; and the models that are shown and not in it."""

    slope: BetweenModels | None
    why_not: str | None
    not_fitted: tuple[tuple[str, str], ...]


def registered_p(params_b: Sequence[float], deltas: Sequence[float], groups: Sequence[str] | None) -> PermutationSlopeTest:
    """The registered test: permutation of models, within lineages where groups are given, two-sided (twice the smaller tail)."""
    return permutation_slope_test(params_b, deltas, groups=groups, quantity="difference")


def size_slope(deltas: Sequence[ModelDelta], design: DilutionDesign, *, with_estimated: bool = True) -> SizeSlope:
    """
    Slope of deltas on log10 size, models as units.

    The registered p is that of a permutation of models (exact where it can be), within lineages where several have two sizes or
    more. Beside it: the least-squares slope with its t interval, meta-regression with the spread between models told apart from
    sampling noise, the slope of each lineage and their mean with lineages as units, and an equivalence test at the margin.
    """
    used = sized_models(deltas, with_estimated=with_estimated)
    sizes = [_size(delta.model) for delta in used.deltas]
    effects = [delta.delta for delta in used.deltas]
    variances = [delta.variance for delta in used.deltas]
    level = 1 - design.alpha
    try:
        permuted = registered_p(sizes, effects, used.groups)
        line: LogScalingSlope | WithinGroupSlope = (
            log_scaling_slope(sizes, effects, quantity="difference", level=level)
            if used.groups is None
            else within_group_slope(sizes, effects, used.groups, quantity="difference", level=level)
        )
        meta = effect_meta_regression(sizes, effects, variances, level=level)
    except InsufficientData as error:
        return SizeSlope(slope=None, why_not=str(error), not_fitted=used.not_fitted)
    lineages, over = _over_lineages(sizes, effects, used.groups, level)
    of_sizes = _over_sizes(sizes, effects)
    found = BetweenModels(
        slope_pp_per_decade=line.slope_pp_per_decade,
        low=None if line.interval is None else line.interval[0],
        high=None if line.interval is None else line.interval[1],
        permutation_p=permuted.p_value,
        permutation_floor=permuted.p_floor_of_sizes if permuted.method == "exact_permutation" else permuted.p_floor,
        permutation_method=permuted.method,
        meta_slope_pp_per_decade=meta.slope_pp_per_decade,
        meta_low=None if meta.interval is None else meta.interval[0],
        meta_high=None if meta.interval is None else meta.interval[1],
        meta_p=meta.p_value,
        tau_pp=meta.tau_pp,
        tau_low=None if meta.tau_interval_pp is None else meta.tau_interval_pp[0],
        tau_high=None if meta.tau_interval_pp is None else meta.tau_interval_pp[1],
        lineages=lineages,
        over_lineages_low=None if over is None else over[0],
        over_lineages_high=None if over is None else over[1],
        flat_p=_flat_p(line, design),
        models=len(sizes),
        sizes_b=distinct_sizes(sizes),
        within_lineages=used.groups is not None,
        sampling_sd_pp=100 * float(np.sqrt(np.mean(variances))),
        over_sizes_p=None if of_sizes is None else of_sizes.p_value,
        over_sizes_floor=None if of_sizes is None else of_sizes.p_floor_of_sizes,
    )
    return SizeSlope(slope=found, why_not=None, not_fitted=used.not_fitted)


def _over_lineages(
    sizes: Sequence[float], effects: Sequence[float], groups: Sequence[str] | None, level: float
) -> tuple[tuple[LineageSlope, ...], tuple[float, float] | None]:
    """The slope of each lineage, and the t interval of their mean with lineages as units."""
    if groups is None:
        return (), None
    found = slopes_over_replicates(sizes, effects, groups, quantity="difference", level=level)
    slopes = tuple(
        LineageSlope(lineage=str(name), models=list(groups).count(str(name)), slope_pp_per_decade=slope)
        for name, slope in zip(found.replicates, found.slopes_pp_per_decade, strict=True)
    )
    return slopes, found.interval


def _over_sizes(sizes: Sequence[float], effects: Sequence[float]) -> PermutationSlopeTest | None:
    """The permutation test with sizes as units; None where each size is one model."""
    distinct = distinct_sizes(sizes)
    if len(distinct) == len(sizes):
        return None
    means = [float(np.mean([effect for size, effect in zip(sizes, effects, strict=True) if size == one])) for one in distinct]
    return registered_p(distinct, means, None)


def _flat_p(line: LogScalingSlope | WithinGroupSlope, design: DilutionDesign) -> float | None:
    try:
        return slope_equivalence_test(line, margin_pp_per_decade=design.margin_pp, alpha=design.alpha).p_value
    except InsufficientData:
        return None


def _size(model: AskedModel) -> float:
    if model.params_b is None:
        raise AssertionError("only models of known size are fitted")
    return model.params_b
