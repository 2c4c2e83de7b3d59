"""One grader, target and condition: provider and size, each with everything that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

from safescale.analyses.copies import added_up, units_without_copies
from safescale.analyses.inverse_scaling import SeriesResult
from safescale.analyses.inverse_scaling.across import sources_of
from safescale.analyses.inverse_scaling.estimate import estimate_family
from safescale.analyses.inverse_scaling.sentences import series_result
from safescale.analyses.observations import Observation, Part, Series, parts_by_class
from safescale.analyses.safety_roi.estimand import Estimand, estimand_of, with_unknown_sizes
from safescale.analyses.safety_roi.evaluate import Evaluated, SourceMix, evaluate, share_of
from safescale.analyses.safety_roi.places import provider_places, provider_ratios, residuals_pp
from safescale.analyses.safety_roi.providers import developer, host_as_published, lineages_of
from safescale.analyses.safety_roi.results import ProviderPoint, RoiOptions, SettingRoi, SizeLine
from safescale.analyses.safety_roi.sensitivities import OtherTampering, sensitivities, without_single_models
from safescale.analyses.safety_roi.sentences import setting_caveats, setting_words
from safescale.analyses.safety_roi.share import ratio_beside_chance
from safescale.analyses.safety_roi.size_line import scaling_options, size_line
from safescale.analyses.series import within_series
from safescale.analyses.setting import Setting, excluded_by_reason
from safescale.analyses.units import ModelUnit
from safescale.analyses.words import and_list, plural
from safescale.cells import AggregateCell, Cell, Cells
from safescale.errors import DomainError
from safescale.stats import CommonalityAnalysis, commonality, wilson_interval

__all__ = ["setting_roi"]

Members = Sequence[Cell | AggregateCell]


def setting_roi(
    setting: Setting,
    members: Members,
    *,
    cells: Cells,
    units: Mapping[str, ModelUnit],
    other: tuple[Members, Cells] | None,
    claim_classes: Sequence[str] | None,
    options: RoiOptions,
    by_source: Members = (),
    brief: bool = False,
) -> SettingRoi:
    """
    Everything of one setting, with its words.

    ``other`` is the same setting with the other choice on tampered models, ``by_source`` its cells with the sources kept apart;
    ``brief`` leaves the repetitions under other choices out.
    """
    by_class = _parts(setting, members, cells, units, claim_classes, options)
    estimand = estimand_of(by_class, options.min_cell)
    series = estimand.series or Series(scope="rows_pooled", name="nothing", pooling="rows", observations=())
    sources = sources_of(_wanted(by_source, claim_classes))
    mix = SourceMix(sources=sources, units=units) if len(sources) > 1 else None
    base = evaluate(series, developer, options, cells, mix=mix)
    line = size_line(base.estimate, options)
    everyone = with_unknown_sizes(series, by_class, options.min_cell)
    without = without_single_models(base).series
    fitted = base.fitted
    named = [o for o in fitted if developer(o.unit) is not None]
    providers, log_sizes = [str(developer(o.unit)) for o in named], [_log_size(series, o) for o in named]
    joint, no_joint = _joint([_rate(series, o) for o in named], providers, log_sizes)
    meaning = cells.graders[setting.grader]
    result = SettingRoi(
        grader=meaning,
        target=setting.target,
        condition=setting.condition,
        definition=meaning.definition(options.tier),
        rows=sum(cell.evaluable for cell in _wanted(members, claim_classes) if isinstance(cell, Cell)),
        published_rates=sum(isinstance(cell, AggregateCell) for cell in _wanted(members, claim_classes)),
        excluded=excluded_by_reason(setting, cells),
        estimand=estimand.words,
        estimand_note=estimand.note,
        points=_points(series, base, by_class, line.slope is not None, options),
        line=line,
        share=base.share,
        share_without_single=base.share
        if without is None or without is series
        else share_of(without, without.fitted(options.min_cell), developer, options),
        ratio=ratio_beside_chance(base.share.share, _share_of_size(line, joint, len(named) == len(fitted)), providers, log_sizes),
        joint=joint,
        joint_unavailable=no_joint,
        lineages=lineages_of(named),
        places=() if line.slope is None else provider_places(series, fitted, line.slope, developer, options),
        within=_within_each(series, fitted, options, cells),
        within_all=_within_all(series, options, cells) if fitted else None,
        ratios=provider_ratios(fitted, developer, options),
        sensitivities=sensitivities(
            base, estimand, everyone, _other_tampering(setting, other, units, claim_classes, options), options, cells
        )
        if fitted and not brief
        else (),
        models_without_provider=tuple(sorted(o.unit.model for o in fitted if developer(o.unit) is None)),
        models_of_unknown_size=tuple(
            sorted({part.unit.model for parts in by_class.values() for part in parts.values() if part.unit.params_total_b is None})
        ),
        caveats=(),
        words="",
    )
    result = attrs.evolve(
        result, caveats=setting_caveats(result, (*_copies(by_class), *_added_up(setting, members, cells, units, claim_classes)))
    )
    return attrs.evolve(result, words=setting_words(result, options))


def _wanted(members: Members, claim_classes: Sequence[str] | None) -> Members:
    return [cell for cell in members if claim_classes is None or cell.attack_class in claim_classes]


def _parts(
    setting: Setting,
    members: Members,
    cells: Cells,
    units: Mapping[str, ModelUnit],
    claim_classes: Sequence[str] | None,
    options: RoiOptions,
) -> dict[str, dict[str, Part]]:
    same = [s for s in cells.identical_models if (s.grader, s.target, s.condition) == attrs.astuple(setting)]
    distinct = units_without_copies(units, {cell.model_id for cell in members if isinstance(cell, Cell)}, same)
    return parts_by_class(_wanted(members, claim_classes), distinct, options.tier)


def _copies(by_class: Mapping[str, Mapping[str, Part]]) -> tuple[str, ...]:
    units = {part.unit.model: part.unit for parts in by_class.values() for part in parts.values()}
    return tuple(f"{model}: {unit.copy_note}" for model, unit in sorted(units.items()) if unit.copy_note)


def _added_up(
    setting: Setting, members: Members, cells: Cells, units: Mapping[str, ModelUnit], claim_classes: Sequence[str] | None
) -> tuple[str, ...]:
    same = [s for s in cells.identical_models if (s.grader, s.target, s.condition) == attrs.astuple(setting)]
    return added_up(units, {cell.model_id for cell in _wanted(members, claim_classes)}, same)


def _rate(series: Series, observation: Observation) -> float:
    rate = series.rate(observation)
    assert rate is not None
    return rate


def _log_size(series: Series, observation: Observation) -> float:
    size = series.params_b(observation)
    assert size is not None
    return float(np.log10(size))


def _joint(
    rates: Sequence[float], providers: Sequence[str], log_sizes: Sequence[float]
) -> tuple[CommonalityAnalysis | None, str | None]:
    """Provider and log size together, over models that have both."""
    if not rates:
        return None, "no model has a provider and a size"
    try:
        return commonality(rates, list(providers), log_sizes), None
    except DomainError as error:
        words = str(error).replace("of first", "of provider").replace("for first", "for provider").replace("for second", "for size")
        return None, words.replace("second does not", "size does not")


def _share_of_size(line: SizeLine, joint: CommonalityAnalysis | None, all_named: bool) -> float | None:
    """R squared of size over the very models that the share of provider is of."""
    if all_named:
        return None if line.slope is None else line.slope.r_squared
    return None if joint is None else joint.r_squared.second_alone


def _points(
    series: Series, base: Evaluated, by_class: Mapping[str, Mapping[str, Part]], has_line: bool, options: RoiOptions
) -> tuple[ProviderPoint, ...]:
    """Every model, those of the series with their rate; the others say why they have none."""
    shown = {o.unit.model: o for o in series.observations}
    line = None if base.estimate.slope is None else base.estimate.slope.slope
    residuals: dict[str, float] = {}
    if has_line and line is not None:
        residuals = dict(zip((o.unit.model for o in base.fitted), residuals_pp(line), strict=True))  # type: ignore[arg-type]
    points = [_point(series, o, residuals.get(o.unit.model), options) for o in shown.values()]
    units = {part.unit.model: part.unit for parts in by_class.values() for part in parts.values()}
    points += [_absent(unit) for model, unit in units.items() if model not in shown]
    return tuple(sorted(points, key=lambda p: (p.params_b is None, p.params_b or 0.0, p.model)))


def _point(series: Series, observation: Observation, residual: float | None, options: RoiOptions) -> ProviderPoint:
    k, n = observation.successes, observation.trials
    one_proportion = series.pooling == "rows" or len(observation.parts) == 1
    return attrs.evolve(
        _absent(observation.unit),
        params_b=series.params_b(observation),
        rate=series.rate(observation),
        successes=k,
        trials=n,
        interval=wilson_interval(k, n, level=options.level) if one_proportion and k is not None and n else None,
        residual_pp=residual,
        why_not_fitted=series.why_not_fitted(observation, options.min_cell),
    )


def _absent(unit: ModelUnit) -> ProviderPoint:
    """A model without a rate in this series."""
    why = "size unknown" if unit.params_total_b is None else "not all of the attack classes, or too few rows in one"
    return ProviderPoint(
        model=unit.model,
        model_ids=unit.model_ids,
        provider=developer(unit),
        host=host_as_published(unit),
        family=unit.family,
        lineage=unit.lineage,
        tampering=unit.tampering,
        params_b=unit.params_total_b,
        size_is_guess=unit.size_is_guess,
        rate=None,
        successes=None,
        trials=None,
        interval=None,
        residual_pp=None,
        why_not_fitted=unit.copy_note or why,
    )


def _within_each(series: Series, fitted: Sequence[Observation], options: RoiOptions, cells: Cells) -> tuple[SeriesResult, ...]:
    """Providers of two sizes or more: a difference, or a slope; Holm over them."""
    members: dict[str, list[Observation]] = {}
    for observation in fitted:
        provider = developer(observation.unit)
        if provider is not None:
            members.setdefault(provider, []).append(observation)
    many = [
        attrs.evolve(series, scope="same_provider", name=name, observations=tuple(found))
        for name, found in sorted(members.items())
        if len({series.params_b(o) for o in found}) > 1
    ]
    chosen = scaling_options(options)
    return tuple(series_result(estimate, (), chosen, cells) for estimate in estimate_family(many, chosen, cells))


def _within_all(series: Series, options: RoiOptions, cells: Cells) -> SeriesResult:
    chosen = scaling_options(options)
    (estimate,) = estimate_family([within_series(series, "developer")], chosen, cells)
    return series_result(estimate, (), chosen, cells)


def _other_tampering(
    setting: Setting,
    other: tuple[Members, Cells] | None,
    units: Mapping[str, ModelUnit],
    claim_classes: Sequence[str] | None,
    options: RoiOptions,
) -> OtherTampering | None:
    if other is None:
        return None
    members, cells = other
    estimand: Estimand = estimand_of(_parts(setting, members, cells, units, claim_classes, options), options.min_cell)
    how = {"include": "with", "exclude": "without", "only": "with nothing but"}[cells.selection.tampered]
    fitted = () if estimand.series is None else estimand.series.fitted(options.min_cell)
    tampered = [o.unit.model for o in fitted if o.unit.tampering not in ("none", "unknown")]
    named = f" ({and_list(tampered)})" if 0 < len(tampered) <= 4 else ""
    reason = f"{how} tampered models: {plural(len(tampered), 'tampered model')} fitted{named}; {estimand.words}"
    same = cells.selection.tampered == "include" and not tampered
    return OtherTampering(series=estimand.series, cells=cells, reason=reason, same=same)
