"""Each provider beside the size line: as published, and from a line that does not know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import attrs
import numpy as np

from safescale.analyses.observations import Observation, Series
from safescale.analyses.safety_roi.providers import ProviderOf
from safescale.analyses.safety_roi.results import PlacingLabel, ProviderPlace, ProviderRatio, RoiOptions
from safescale.analyses.words import p_clause, plural, signed
from safescale.errors import DomainError
from safescale.stats import (
    LeaveGroupOutResidual,
    LogScalingSlope,
    ResidualThresholdTest,
    holm,
    leave_group_out_residuals,
    partial_pooling,
    residual_threshold_test,
    risk_ratio,
    wilson_interval,
)

__all__ = ["provider_places", "provider_ratios", "residuals_pp"]

SIDES = {"below": PlacingLabel.OVER, "above": PlacingLabel.UNDER, "within": PlacingLabel.ON_LINE}
FEWEST_TO_SHRINK = 4
"""Providers that partial pooling needs: with fewer the spread between them would be the prior's alone."""


@attrs.frozen(kw_only=True)
class _Shrunk:
    """A residual drawn to the mean of providers, in percentage points."""

    estimate: float
    interval: tuple[float, float]
    shrinkage: float


def residuals_pp(line: LogScalingSlope) -> tuple[float, ...]:
    """Distance of each model from the line of all, in the order of the fit."""
    rates, log_sizes = np.array(line.rates), np.log10(line.params_b)
    fitted = rates.mean() + line.slope_pp_per_decade / 100 * (log_sizes - log_sizes.mean())
    return tuple((100 * (rates - fitted)).tolist())


def provider_places(
    series: Series, fitted: Sequence[Observation], line: LogScalingSlope, provider_of: ProviderOf, options: RoiOptions
) -> tuple[ProviderPlace, ...]:
    """
    Every provider of the fitted models beside the line, the lowest residual first.

    Models without a provider keep the line in place and have no row.
    """
    published = dict(zip((o.unit.model for o in fitted), residuals_pp(line), strict=True))
    members: dict[str, list[Observation]] = {}
    for observation in fitted:
        provider = provider_of(observation.unit)
        if provider is not None:
            members.setdefault(provider, []).append(observation)
    left_out = _left_out(fitted, line, provider_of, members, options)
    if not left_out:
        return ()
    thresholds = {
        name: residual_threshold_test(residual, threshold_pp=options.threshold_pp)
        for name, residual in left_out.items()
        if residual.standard_error_pp is not None
    }
    zero = _holm({name: r.p_value for name, r in left_out.items() if r.p_value is not None}, options)
    side = _holm({name: test.p_value for name, test in thresholds.items()}, options)
    shrunk = _shrunk(left_out, options)
    places = [
        _place(
            name,
            members[name],
            published,
            left_out[name],
            thresholds.get(name),
            side.get(name),
            zero.get(name),
            shrunk.get(name),
            options,
        )
        for name in members
    ]
    return tuple(sorted(places, key=lambda place: (place.published_pp, place.provider)))


def provider_ratios(fitted: Sequence[Observation], provider_of: ProviderOf, options: RoiOptions) -> tuple[ProviderRatio, ...]:
    """Rate of each provider over that of all the others, rows added up; the interval takes rows as independent."""
    named = [(provider, o) for o in fitted if (provider := provider_of(o.unit)) is not None]
    found = []
    for name in sorted({provider for provider, _ in named}):
        mine = _counts([o for provider, o in named if provider == name])
        rest = _counts([o for provider, o in named if provider != name])
        ratio, why = None, None
        if mine is None or rest is None:
            why = "a ratio with an interval needs counts, and some rates are published without n"
        elif not rest[1]:
            why = "there is no other provider"
        else:
            ratio = risk_ratio(*mine, *rest, level=options.level)
            why = ratio.undefined_because
        found.append(ProviderRatio(provider=name, ratio=ratio, unavailable=why))
    return tuple(found)


def _left_out(
    fitted: Sequence[Observation],
    line: LogScalingSlope,
    provider_of: ProviderOf,
    members: Mapping[str, Sequence[Observation]],
    options: RoiOptions,
) -> dict[str, LeaveGroupOutResidual]:
    # a model of unknown provider stays in the line of every other; alone it is a group without a name
    labels = [(provider_of(o.unit), "" if provider_of(o.unit) is not None else o.unit.model) for o in fitted]
    if len(set(labels)) < 2:
        return {}
    found = leave_group_out_residuals(line.params_b, line.rates, labels, level=options.level)
    by_label = {residual.group: residual for residual in found}
    return {name: attrs.evolve(by_label[name, ""], group=name) for name in members}


def _shrunk(left_out: Mapping[str, LeaveGroupOutResidual], options: RoiOptions) -> dict[str, _Shrunk]:
    """
    Residuals by partial pooling over providers.

    Partial pooling takes errors as normal with known variance. A residual's t interval is wider than that, so the variance handed
    over is the one whose normal interval is as wide.
    """
    able = {name: r for name, r in left_out.items() if r.interval is not None and r.residual_pp is not None}
    if len(able) < FEWEST_TO_SHRINK:
        return {}
    z = NormalDist().inv_cdf(0.5 + options.level / 2)
    errors = [(r.interval[1] - r.interval[0]) / 2 / z for r in able.values() if r.interval is not None]
    try:
        pooled = partial_pooling(
            [r.residual_pp for r in able.values() if r.residual_pp is not None],
            [error**2 for error in errors],
            groups=list(able),
            models=[r.models for r in able.values()],
            level=options.level,
            generalises_to="new_models",
        )
    except DomainError:
        return {}
    return {
        name: _Shrunk(
            estimate=float(pooled.pooled[i]),
            interval=(float(pooled.low[i]), float(pooled.high[i])),
            shrinkage=float(pooled.shrinkage[i]),
        )
        for i, name in enumerate(able)
    }


def _holm(p_values: Mapping[str, float], options: RoiOptions) -> dict[str, float]:
    if not p_values:
        return {}
    return dict(zip(p_values, holm(list(p_values.values()), alpha=options.alpha).adjusted, strict=True))


def _counts(observations: Sequence[Observation]) -> tuple[int, int] | None:
    counts = [(o.successes, o.trials) for o in observations]
    if any(k is None or n is None for k, n in counts):
        return None
    return sum(k or 0 for k, _ in counts), sum(n or 0 for _, n in counts)


def _place(
    name: str,
    models: Sequence[Observation],
    published: Mapping[str, float],
    left_out: LeaveGroupOutResidual,
    threshold: ResidualThresholdTest | None,
    threshold_p: float | None,
    zero_p: float | None,
    shrunk: _Shrunk | None,
    options: RoiOptions,
) -> ProviderPlace:
    rows = [o.trials for o in models]
    n_rows = sum(n for n in rows if n is not None) if None not in rows else None
    counts = _counts(models)
    # published without n: each model counts the same
    weights = [n or 1 for n in rows] if n_rows else [1] * len(models)
    mean = float(np.average([published[o.unit.model] for o in models], weights=weights))
    label, reason = _label(left_out, threshold, threshold_p, shrunk, n_rows, options)
    return ProviderPlace(
        provider=name,
        n_models=len(models),
        n_rows=n_rows,
        successes=None if counts is None else counts[0],
        interval=None if counts is None or not counts[1] else wilson_interval(*counts, level=options.level),
        published_pp=mean,
        published_label=_published_label(mean, n_rows, options),
        left_out=left_out,
        shrunk_pp=None if shrunk is None else shrunk.estimate,
        shrunk_interval=None if shrunk is None else shrunk.interval,
        shrinkage=None if shrunk is None else shrunk.shrinkage,
        threshold=threshold,
        threshold_p_holm=threshold_p,
        zero_p_holm=zero_p,
        label=label,
        reason=reason,
        single_model=len(models) == 1,
    )


def _published_label(mean: float, n_rows: int | None, options: RoiOptions) -> PlacingLabel:
    if n_rows is not None and n_rows < options.label_rows:
        return PlacingLabel.TOO_FEW
    if abs(mean) < options.threshold_pp:
        return PlacingLabel.ON_LINE
    return PlacingLabel.OVER if mean < 0 else PlacingLabel.UNDER


def _label(
    left_out: LeaveGroupOutResidual,
    threshold: ResidualThresholdTest | None,
    threshold_p: float | None,
    shrunk: _Shrunk | None,
    n_rows: int | None,
    options: RoiOptions,
) -> tuple[PlacingLabel, str]:
    """The label whose side holds the whole interval, shrunk too where it was, and survives Holm over providers."""
    if n_rows is not None and n_rows < options.label_rows:
        return PlacingLabel.TOO_FEW, f"{plural(n_rows, 'row')}, fewer than {options.label_rows}"
    if threshold is None or threshold_p is None:
        return PlacingLabel.CANNOT_TELL, left_out.undefined_because or "no interval"
    interval = left_out.interval if shrunk is None else shrunk.interval
    assert interval is not None
    m = options.threshold_pp
    holds = {"below": interval[1] <= -m, "above": interval[0] >= m, "within": -m < interval[0] and interval[1] < m}
    words = f"interval [{signed(interval[0])}, {signed(interval[1])}] pp against {m:g} pp; Holm {p_clause(threshold_p)}"
    if threshold_p <= options.alpha and holds[threshold.side]:
        return SIDES[threshold.side], words
    return PlacingLabel.CANNOT_TELL, words
