"""Every answer once more under another choice, and whether it changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import attrs

from safescale.analyses.observations import Observation, Series
from safescale.analyses.prompts import on_common_prompts
from safescale.analyses.safety_roi.adjusted import prompt_adjusted
from safescale.analyses.safety_roi.estimand import Estimand, series_words
from safescale.analyses.safety_roi.evaluate import Evaluated, evaluate, share_of
from safescale.analyses.safety_roi.providers import ProviderOf, developer, host_as_published
from safescale.analyses.safety_roi.results import ProviderShare, RoiOptions, Sensitivity, SensitivityName
from safescale.analyses.safety_roi.size_line import DOUBLINGS_PER_DECADE
from safescale.analyses.variants import Variant, with_active_parameters, without_estimated_sizes
from safescale.analyses.words import and_list, plural
from safescale.cells import Cells

__all__ = ["OtherTampering", "sensitivities", "without_single_models"]


@attrs.frozen(kw_only=True)
class OtherTampering:
    """The same setting with the other choice on tampered models, or why there is none."""

    series: Series | None
    cells: Cells
    reason: str
    same: bool


def sensitivities(
    base: Evaluated,
    estimand: Estimand,
    everyone: Sequence[Observation],
    other: OtherTampering | None,
    options: RoiOptions,
    cells: Cells,
) -> tuple[Sensitivity, ...]:
    """
    The repetitions of one setting.

    Parameters
    ----------
    base : Evaluated
        The main answer.
    estimand : Estimand
        The quoted series and the other one.
    everyone : sequence of Observation
        All models that have a rate as the quoted series defines it, of known size or not.
    other : OtherTampering, optional
        The setting with or without tampered models.
    options : RoiOptions
        Level, least rows.
    cells : Cells
        Counts that the base came from.
    """
    series, fitted = base.series, base.fitted
    variants: dict[SensitivityName, Callable[[], Variant]] = {
        "other_estimand": lambda: _other_estimand(estimand),
        "common_prompts": lambda: on_common_prompts(series, fitted, tier=options.tier, min_cell=options.min_cell, cells=cells),
        "prompt_adjusted": lambda: prompt_adjusted(series, fitted, tier=options.tier, cells=cells),
        "active_parameters": lambda: with_active_parameters(series, fitted),
        "without_estimated_sizes": lambda: without_estimated_sizes(series, fitted),
        "without_single_model_providers": lambda: without_single_models(base),
    }
    found = [_of_variant(name, base, make(), developer, options, cells) for name, make in variants.items()]
    found.insert(-1, _hosts(base, options, cells))
    found.append(_tampering(base, other, options))
    found.append(_unknown_sizes(base, everyone, options))
    return tuple(found)


def without_single_models(base: Evaluated) -> Variant:
    """Only models of providers that have several here."""
    models = Counter(developer(o.unit) for o in base.fitted)
    kept = tuple(o for o in base.fitted if (name := developer(o.unit)) is None or models[name] > 1)
    singles = len(base.share.single_model_providers)
    if not singles:
        known = any(name is not None for name in models)
        reason = "every provider has two models or more" if known else "no model here has a known provider"
        return Variant(series=base.series, same=True, reason=reason)
    return Variant(
        series=attrs.evolve(base.series, observations=kept),
        reason=f"{plural(singles, 'provider')} of one model left out ({and_list(base.share.single_model_providers)})",
    )


def _other_estimand(estimand: Estimand) -> Variant:
    if estimand.other is None:
        return Variant(series=None, reason="one attack class: its rate is the only estimand")
    return Variant(series=estimand.other, reason=series_words(estimand.other))


def _hosts(base: Evaluated, options: RoiOptions, cells: Cells) -> Sensitivity:
    moved = [o for o in base.fitted if host_as_published(o.unit) != developer(o.unit)]
    hosts = sorted({host for o in moved if (host := host_as_published(o.unit)) is not None})
    if not moved:
        variant = Variant(series=base.series, same=True, reason="hosts and first segments of ids are the developers here")
    else:
        words = f"{plural(len(moved), 'model')} counted under {and_list(hosts)}, as the host or the first segment of the id has it"
        variant = Variant(series=base.series, reason=words)
    return _of_variant("hosts_as_providers", base, variant, host_as_published, options, cells)


def _tampering(base: Evaluated, other: OtherTampering | None, options: RoiOptions) -> Sensitivity:
    if other is None or other.series is None:
        reason = "no model here is known to be tampered with" if other is None else other.reason
        return _of_variant("other_tampering", base, Variant(series=None, reason=reason), developer, options, None)
    return _of_variant(
        "other_tampering", base, Variant(series=other.series, same=other.same, reason=other.reason), developer, options, other.cells
    )


def _unknown_sizes(base: Evaluated, everyone: Sequence[Observation], options: RoiOptions) -> Sensitivity:
    """Only the share of provider: a model of unknown size is on no line."""
    more = len(everyone) - len(base.fitted)
    known = {o.unit.model for o in base.fitted}
    if not more or not known <= {o.unit.model for o in everyone}:
        variant = Variant(series=base.series, same=True, reason="every model with such a rate has a known size")
        return _row("with_models_of_unknown_size", base, variant, base.share, base)
    share = share_of(base.series, everyone, developer, options)
    reason = f"{plural(more, 'model')} of unknown size in the share of provider; the line stays as it is"
    return _row("with_models_of_unknown_size", base, Variant(series=base.series, reason=reason), share, None)


def _of_variant(
    name: SensitivityName,
    base: Evaluated,
    variant: Variant,
    provider_of: ProviderOf,
    options: RoiOptions,
    cells: Cells | None,
) -> Sensitivity:
    if variant.series is None or cells is None:
        return _row(name, base, variant, None, None)
    if variant.same:
        return _row(name, base, variant, base.share, base)
    again = evaluate(variant.series, provider_of, options, cells, mix=base.mix, otherwise=base.within_sources)
    return _row(name, base, variant, again.share, again)


def _row(
    name: SensitivityName, base: Evaluated, variant: Variant, share: ProviderShare | None, line: Evaluated | None
) -> Sensitivity:
    possible = share is not None
    slope = None if line is None or line.estimate.slope is None else line.estimate.slope
    changed = []
    if share is not None and share.verdict is not base.share.verdict:
        changed.append(f"providers: {share.verdict.value}")
    if line is not None and line.estimate.verdict is not base.estimate.verdict:
        changed.append(f"size: {line.estimate.verdict.value}")
    found = None if share is None else share.share
    se = None if slope is None else slope.slope.standard_error_pp_per_decade
    reason = variant.reason or ""
    if share is not None and share.unavailable not in (None, base.share.unavailable):
        reason = f"{reason}; {share.unavailable}"
    return Sensitivity(
        name=name,
        possible=possible,
        same=variant.same,
        reason=reason,
        n_models=None if share is None else share.n_models,
        n_providers=None if share is None else share.n_providers,
        eta_squared=None if found is None else found.eta_squared,
        null_expectation=None if found is None else found.null_expectation,
        omega_squared=None if found is None else found.omega_squared,
        p_permutation=None if found is None else found.p_permutation,
        provider_verdict=None if share is None else share.verdict,
        slope_pp_per_doubling=None if slope is None else slope.slope.slope_pp_per_doubling,
        standard_error_pp_per_doubling=None if se is None else se / DOUBLINGS_PER_DECADE,
        p_value=None if slope is None else slope.p_value,
        scale_verdict=None if line is None else line.estimate.verdict,
        changed=bool(changed) and not variant.same,
        what_changed=() if variant.same else tuple(changed),
    )
