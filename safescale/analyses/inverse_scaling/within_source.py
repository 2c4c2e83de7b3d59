"""The slope within sources: one intercept per source, so that what differs between sources does not enter it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from safescale.analyses.observations import Observation, Series
from safescale.analyses.words import p_clause, plural, signed
from safescale.errors import DomainError
from safescale.stats import SizeSlopeTest, WithinGroupSlope, cluster_robust_ols, within_group_slope

__all__ = ["WithinSource", "slope_and_interval", "within_slope"]


@attrs.frozen(kw_only=True)
class WithinSource:
    """
    The slope within sources: one intercept per source, so differences between sources do not enter it.

    Attributes
    ----------
    fit : WithinGroupSlope
        The slope. Its own interval and p take every model in every source as a unit of its own; they are not quoted.
    interval, p_value : tuple of float and float, or None
        With models as clusters (CR2, Satterthwaite), in pp per decade; None where there are too few.
    few_models : bool
        So few models that the interval is not to be relied on.
    points, models, sources : int
        Rates behind it, the models and the sources that they are of.
    signs_differ : bool
        The pooled slope has the other sign.
    shown_apart : bool
        The signs differ and both intervals exclude zero.
    """

    fit: WithinGroupSlope
    interval: tuple[float, float] | None
    p_value: float | None
    few_models: bool
    points: int
    models: int
    sources: int
    signs_differ: bool
    shown_apart: bool


def within_slope(
    alone: Sequence[tuple[Series, Sequence[Observation], str]], together: SizeSlopeTest | None, level: float
) -> tuple[WithinSource | None, str | None]:
    """
    The slope with one intercept per group, models as clusters; or why there is none.

    Parameters
    ----------
    alone : sequence of (Series, observations, group)
        The fitted models of each source, and the group whose intercept they share.
    together : SizeSlopeTest or None
        The slope over all sources, to compare with.
    level : float
        Nominal coverage of the interval. Unit: probability.
    """
    sizes: list[float] = []
    rates: list[float] = []
    groups: list[str] = []
    models: list[str] = []
    for series, fitted, name in alone:
        for observation in fitted:
            size, rate = series.params_b(observation), series.rate(observation)
            if size is not None and rate is not None:
                sizes.append(size)
                rates.append(rate)
                groups.append(name)
                models.append(observation.unit.model)
    if len(set(groups)) < 2:
        return None, f"{plural(len(set(groups)), 'source')} with a model that can be fitted: within is not apart from between"
    try:
        fit = within_group_slope(sizes, rates, groups, level=level)
    except DomainError as error:
        return None, str(error)
    line = None if together is None else together.slope
    interval, p_value, few = _clustered(fit.params_b, rates, groups, models, level)
    differ = line is not None and line.slope_pp_per_decade * fit.slope_pp_per_decade < 0
    apart = differ and line is not None and _excludes_zero(line.interval) and _excludes_zero(interval)
    return (
        WithinSource(
            fit=fit,
            interval=interval,
            p_value=p_value,
            few_models=few,
            points=len(rates),
            models=len(set(models)),
            sources=len(set(groups)),
            signs_differ=differ,
            shown_apart=apart,
        ),
        None,
    )


def slope_and_interval(found: WithinSource) -> str:
    """Slope, interval and p, with models as clusters."""
    low_high = "no interval" if found.interval is None else f"[{signed(found.interval[0])}, {signed(found.interval[1])}]"
    p = "" if found.p_value is None else f", {p_clause(found.p_value)}"
    return f"{signed(found.fit.slope_pp_per_decade)} pp per decade {low_high}{p}"


def _clustered(
    sizes: Sequence[float], rates: Sequence[float], groups: Sequence[str], models: Sequence[str], level: float
) -> tuple[tuple[float, float] | None, float | None, bool]:
    """Interval (pp per decade) and p of the slope with models as clusters: one model in several sources is one unit."""
    names = sorted(set(groups))
    dummies = np.array([[group == name for name in names] for group in groups], dtype=np.float64)
    design = np.column_stack([dummies, np.log10(np.asarray(sizes))])
    try:
        fit = cluster_robust_ols(design, rates, models, level=level)
    except DomainError:
        return None, None, True
    low, high = (float(100 * end) for end in fit.intervals[-1])
    return (low, high), float(fit.p_values[-1]), bool(fit.robust.dof[-1] < 4)


def _excludes_zero(interval: tuple[float, float] | None) -> bool:
    return interval is not None and (interval[0] > 0 or interval[1] < 0)
