"""What the rows of a fitted series say of the assumptions of a plan: spread between models, base rate, rows, repeated prompts."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import attrs
import numpy as np

from safescale.analyses.inverse_scaling import ModelPoint, SeriesResult, SettingResult
from safescale.analyses.plan.results import Evidence
from safescale.analyses.plan.sizes import found_of_error
from safescale.analyses.plan.wanted import Assumptions, Stated
from safescale.analyses.words import percent
from safescale.cells import Cell, Cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.stats import SpreadBetweenModels, distinct_sizes, intraclass_correlation_binary, spread_between_models

__all__ = ["caveats_of_evidence", "evidence_of", "stated_of"]

FEWEST_SIZES = 3

LARGEST_TAU_PP = 50.0

WILSON_Z = 1.959963984540054
"""Of a 95 % interval."""


@attrs.frozen(kw_only=True)
class _Repeats:
    """Traces of one prompt and model, and how much they agree."""

    traces_per_prompt: int
    icc: float | None
    unavailable: str | None

    @property
    def design_effect(self) -> float:
        return 1.0 + (self.traces_per_prompt - 1) * max(0.0, self.icc or 0.0)


def evidence_of(setting: SettingResult, cells: Cells, tier: Tier, *, level: float, power: float, alpha: float) -> Evidence | None:
    """Evidence of the headline series; None where no model with a known size is fitted."""
    head = setting.headline
    fitted = () if head is None else tuple(p for p in head.points if p.why_not_fitted is None and p.params_b is not None)
    if head is None or not fitted:
        return None
    fitted = tuple(sorted(fitted, key=lambda point: (point.params_b or 0.0, point.model)))
    sizes = tuple(point.params_b for point in fitted if point.params_b is not None)
    repeats = _repeats(_cells_of(setting, head, fitted, cells), cells, tier)
    variances = _sampling_variances(setting, head, fitted, repeats.design_effect)
    spread, why_not = _spread(sizes, [point.rate for point in fitted], variances, level)
    cautious, cautious_is = (None, "") if spread is None else _cautious(spread)
    trials = tuple(point.trials for point in fitted)
    known = [n for n in trials if n is not None]
    rows = statistics.harmonic_mean(known) if known and len(known) == len(trials) else None
    line = None if head.slope is None else head.slope.slope
    error = None if line is None else line.standard_error_pp_per_decade
    return Evidence(
        series=head.name,
        sizes_b=sizes,
        rates=tuple(point.rate for point in fitted),
        trials=trials,
        base_rate=statistics.fmean(point.rate for point in fitted),
        tau_pp=None if spread is None else spread.tau_pp,
        tau_interval_pp=None if spread is None else spread.interval_pp,
        tau_cautious_pp=cautious,
        tau_cautious_is=cautious_is,
        tau_unavailable=why_not,
        tau_holds_sampling_noise=variances is None,
        rows_per_model=rows,
        prompts_per_model=None if rows is None else max(1, round(rows / repeats.traces_per_prompt)),
        traces_per_prompt=repeats.traces_per_prompt,
        prompt_icc=repeats.icc,
        icc_unavailable=repeats.unavailable,
        slope_pp_per_decade=None if line is None else line.slope_pp_per_decade,
        standard_error_pp_per_decade=error,
        found_as_fitted_pp_per_decade=None
        if line is None or not error
        else found_of_error(error, line.n, power=power, alpha=alpha),
    )


def stated_of(found: Evidence) -> tuple[Stated, ...]:
    """The evidence as assumptions of a plan."""
    stated = []
    if found.tau_pp is not None:
        interval = found.tau_interval_pp
        note = "no interval" if interval is None else f"interval {interval[0]:.1f} to {interval[1]:.1f} pp"
        note += ", sampling noise included" if found.tau_holds_sampling_noise else ""
        stated.append(_bounded_tau("tau_pp", found.tau_pp, note))
    if found.tau_cautious_pp is not None:
        stated.append(_bounded_tau("tau_cautious_pp", found.tau_cautious_pp, found.tau_cautious_is))
    rate = _bounded_rate(found)
    if rate is not None:
        stated.append(rate)
    if found.prompts_per_model is not None:
        rows = "harmonic mean of the models"
        stated.append(Stated(name="prompts", value=found.prompts_per_model, unit="prompts per model", origin="corpus", note=rows))
    elif found.tau_pp is not None:
        stated.append(Stated(name="sampling_noise_in_tau", value=None, unit="", origin="corpus"))
    if found.prompts_per_model is not None:
        unit = "traces per prompt and model"
        stated.append(Stated(name="traces_per_prompt", value=found.traces_per_prompt, unit=unit, origin="corpus"))
    if found.prompt_icc is not None:
        value = min(1.0, max(0.0, found.prompt_icc))
        stated.append(Stated(name="prompt_icc", value=value, unit="correlation", origin="corpus"))
    return tuple(stated)


def _bounded_tau(name: str, tau_pp: float, note: str) -> Stated:
    """No rates differ by more than half of them at 0 and half at 1 do; an estimate from few models, or its upper limit, may."""
    if tau_pp > LARGEST_TAU_PP:
        note = f"{note}: {tau_pp:.1f} pp, of which {LARGEST_TAU_PP:g} is the most that rates can have"
    return Stated(name=name, value=min(tau_pp, LARGEST_TAU_PP), unit="pp", origin="corpus", note=note)


def _bounded_rate(found: Evidence) -> Stated | None:
    """The mean rate, never nearer to 0 or 1 than the middle of Wilson's interval of none in all rows: a rate of 0 has no noise."""
    rows = sum(n or 0 for n in found.trials) if found.rows_per_model else None
    if rows is None:
        inside = 0 < found.base_rate < 1
        return Stated(name="base_rate", value=found.base_rate, unit="fraction", origin="corpus") if inside else None
    least = WILSON_Z**2 / 2 / (rows + WILSON_Z**2)
    rate = min(max(found.base_rate, least), 1 - least)
    note = ""
    if rate != found.base_rate:
        end = "none of" if rate > found.base_rate else "all of"
        note = f"{percent(found.base_rate)} of {rows:,} rows; noise at the middle of Wilson's 95 % interval of {end} them"
    return Stated(name="base_rate", value=rate, unit="fraction", origin="corpus", note=note)


def caveats_of_evidence(found: Evidence, asked: Assumptions) -> tuple[str, ...]:
    """What the rows raise about the assumptions that were taken from them."""
    said = []
    if found.tau_pp == 0 and asked.tau_pp == 0:
        said.append("tau is estimated at 0: the rates scatter no more than sampling noise, as a small tau would let few models do")
    if found.tau_holds_sampling_noise and asked.prompts is None:
        said.append("how many rows stand behind a rate is not published: tau holds their noise, and prompts cannot be planned")
    if found.prompt_icc is not None and found.prompt_icc > 0 and found.traces_per_prompt > 1:
        said.append(
            f"traces of one prompt agree (correlation {found.prompt_icc:.2f}): where all models answer the same prompts, that part "
            "of the sampling noise moves no slope; tau is then larger than said, and prompts help less"
        )
    return tuple(said)


def _spread(
    sizes: Sequence[float], rates: Sequence[float], variances: Sequence[float] | None, level: float
) -> tuple[SpreadBetweenModels | None, str | None]:
    if len(distinct_sizes(sizes)) < FEWEST_SIZES:
        return None, f"{len(distinct_sizes(sizes))} different sizes leave no scatter about a line"
    if set(rates) <= {0.0} or set(rates) <= {1.0}:
        return None, f"every rate is {100 * rates[0]:g} %, and rates at a bound do not show how far models differ"
    try:
        found = spread_between_models(sizes, rates, [0.0] * len(sizes) if variances is None else variances, level=level)
    except DomainError as error:
        return None, str(error)
    if variances is None and found.interval_pp is None:
        return None, "the rates lie on the fitted line, and how many rows are behind them is not published"
    if _cautious(found)[0] is None:
        return None, "the rates scatter less about the line than their sampling noise, so tau has no upper limit"
    return found, None


def _cautious(found: SpreadBetweenModels) -> tuple[float | None, str]:
    """The value to be safe with, and what it is: an estimate of 0 without an upper limit would be a claim."""
    if found.cautious_pp is not None:
        return found.cautious_pp, "upper 80 % limit of tau"
    if found.interval_pp is not None:
        return found.interval_pp[1], f"upper end of the {100 * found.level:g} % interval of tau"
    return None, ""


def _sampling_variances(
    setting: SettingResult, head: SeriesResult, fitted: Sequence[ModelPoint], design_effect: float
) -> list[float] | None:
    """Of each model's rate (fraction squared): of all rows, or of a mean over classes. None where a number of rows is not known."""
    of_class = {series.name: {point.model: point for point in series.points} for series in setting.attack_classes}
    by_class = head.scope == "class_mean" and len(head.attack_classes) > 1
    found = []
    for point in fitted:
        parts = [of_class[name].get(point.model) for name in head.attack_classes] if by_class else [point]
        each = [_binomial(part) for part in parts]
        known = [v for v in each if v is not None]
        if len(known) < len(each):
            return None
        found.append(design_effect * sum(known) / len(known) ** 2)
    return found


def _binomial(point: ModelPoint | None) -> float | None:
    """``p (1 - p) / n`` with one success and one failure added: no rate is without noise."""
    if point is None or not point.trials:
        return None
    p = (point.rate * point.trials + 1) / (point.trials + 2)
    return p * (1 - p) / point.trials


def _cells_of(setting: SettingResult, head: SeriesResult, fitted: Sequence[ModelPoint], cells: Cells) -> list[Cell]:
    ids = {model_id for point in fitted for model_id in point.model_ids}
    same = cells.find(grader=setting.grader.grader, target=setting.target, condition=setting.condition)
    return [cell for cell in same if cell.model_id in ids and cell.attack_class in head.attack_classes]


def _repeats(chosen: Iterable[Cell], cells: Cells, tier: Tier) -> _Repeats:
    rows, prompts, weighted, weight = 0, 0, 0.0, 0
    for cell in chosen:
        vector = cells.prompts(cell)
        n, k = vector.evaluable, vector.successes[tier]
        kept = n > 0
        rows, prompts = rows + int(n.sum()), prompts + int(kept.sum())
        if np.any(n > 1) and 0 < int(k.sum()) < int(n.sum()) and int(kept.sum()) > 1:
            weighted += int(n.sum()) * intraclass_correlation_binary(k[kept], n[kept]).estimate
            weight += int(n.sum())
    if not prompts:
        return _Repeats(traces_per_prompt=1, icc=None, unavailable="rows are not known")
    traces = max(1, round(rows / prompts))
    if weight:
        return _Repeats(traces_per_prompt=traces, icc=weighted / weight, unavailable=None)
    asked = "no prompt was put twice to one model" if rows == prompts else "where a prompt was put twice, all rows came out alike"
    return _Repeats(traces_per_prompt=traces, icc=None, unavailable=asked)
