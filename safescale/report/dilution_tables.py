"""Tables of the dilution experiment: deltas by model, their slope on size, and the contrasts of conditions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from safescale.analyses.words import percent, signed
from safescale.report import numbers
from safescale.report.document import Table, Value
from safescale.report.table import table
from safescale.studies.dilution.results import (
    BetweenModels,
    Contrast,
    GraderAnswer,
    Interaction,
    LargestAgainstSmallest,
    ModelDelta,
)

__all__ = [
    "by_size",
    "contrast_models_table",
    "contrasts_table",
    "deltas_table",
    "interaction_table",
    "interval_name",
    "lineages_table",
    "pp_of",
    "rule_table",
    "size_of",
    "slopes_table",
]

SPEAKS_OF: Final = {"these_models": "these models (these_models)", "new_models": "further models like these (new_models)"}


def by_size(deltas: Iterable[ModelDelta]) -> tuple[ModelDelta, ...]:
    """From the smallest model up; unknown sizes last."""
    return tuple(
        sorted(deltas, key=lambda d: (d.model.params_b is None, d.model.params_b or 0.0, d.model.lineage, d.model.model_id))
    )


def size_of(delta: ModelDelta) -> str:
    """Its size, and whether that is a guess."""
    return numbers.size(delta.model.params_b) + (" (estimated)" if delta.model.size_estimated else "")


def pp_of(low: float | None, high: float | None) -> str:
    """An interval of fractions, in percentage points."""
    return numbers.NOTHING if low is None or high is None else numbers.pp_interval((100 * low, 100 * high))


def pp_already(low: float | None, high: float | None) -> str:
    """An interval that is in percentage points."""
    return numbers.NOTHING if low is None or high is None else numbers.pp_interval((low, high))


def interval_name(level: float) -> str:
    """Heading of a column of intervals."""
    return f"{100 * level:g} % interval, pp"


DELTA_VALUES: Final = (
    *("model_id", "params_b", "size_estimated", "lineage", "prompts", "n11", "n10", "n01", "n00", "dropped"),
    *("control_rate_fraction", "treated_rate_fraction", "delta_fraction", "low_fraction", "high_fraction", "level"),
    *("variance_squared_fraction", "mcnemar_p", "method"),
)


def _delta_values(delta: ModelDelta) -> tuple[Value, ...]:
    model = delta.model
    return (
        *(model.model_id, model.params_b, numbers.yes_no(model.size_estimated), model.lineage),
        *(delta.prompts, delta.n11, delta.n10, delta.n01, delta.n00, delta.dropped),
        *(delta.control_rate, delta.treated_rate, delta.delta, delta.low, delta.high, delta.level),
        *(delta.variance, delta.mcnemar_p, delta.method),
    )


METHODS: Final = {"tango": "Tango, pairs", "clustered": "t, prompts as clusters"}


def deltas_table(deltas: Sequence[ModelDelta], *, id: str, source: str) -> Table | None:
    """Baseline against puzzle in each model."""
    if not deltas:
        return None
    interval = interval_name(deltas[0].level)
    rows = [
        (
            delta.model.model_id,
            size_of(delta),
            delta.model.lineage,
            numbers.count(delta.prompts),
            *(numbers.count(n) for n in (delta.n11, delta.n10, delta.n01, delta.n00)),
            percent(delta.control_rate),
            percent(delta.treated_rate),
            signed(100 * delta.delta),
            pp_of(delta.low, delta.high),
            numbers.p_value(delta.mcnemar_p),
            METHODS[delta.method],
            numbers.count(delta.dropped),
        )
        for delta in by_size(deltas)
    ]
    counts = ("failed under both", "under the puzzle alone", "at baseline alone", "under neither")
    names = (
        *("model", "size", "lineage", "prompts", *counts, "baseline ASR", "puzzle ASR", "delta, pp", interval),
        *("McNemar p", "interval by", "dropped"),
    )
    numeric = ("size", "prompts", *counts, "baseline ASR", "puzzle ASR", "delta, pp", interval, "McNemar p", "dropped")
    notes = (
        "Prompts with an evaluable verdict under both conditions; dropped: harmful prompts without one. Delta: puzzle minus "
        "baseline. Intervals and McNemar's p speak of each model on prompts like these.",
    )
    values = [_delta_values(delta) for delta in by_size(deltas)]
    caption = "Attack success without and with the puzzle, by model, paired by prompt"
    return table(id, caption, names, numeric, rows, source, notes, values=values, value_names=DELTA_VALUES)


SLOPE_VALUES: Final = (
    *("what", "models", "slope_pp_per_decade", "low_pp_per_decade", "high_pp_per_decade"),
    *("permutation_p", "permutation_floor", "permutation_method"),
    *("meta_slope_pp_per_decade", "meta_low_pp_per_decade", "meta_high_pp_per_decade", "meta_p"),
    *("tau_pp", "tau_low_pp", "tau_high_pp", "over_lineages_low_pp_per_decade", "over_lineages_high_pp_per_decade"),
    *("flat_p", "generalises_to"),
)


def slopes_table(
    found: Sequence[tuple[str, BetweenModels | None]], *, id: str, caption: str, level: float, margin_pp: float, source: str
) -> Table | None:
    """Slopes on log10 size, models as units; a row says where there is none."""
    if not found:
        return None
    interval, flat = f"{100 * level:g} % interval (t)", f"p, flat within {margin_pp:g}"
    names = (
        *("what", "models", "slope, pp per decade", interval, "permutation p", "smallest p possible", "permutation"),
        *("meta-regression, pp per decade", "its interval", "its p", "tau, pp", "interval of tau", "interval over lineages", flat),
    )
    rows = [(what, *_slope_cells(slope)) for what, slope in found]
    values: list[tuple[Value, ...]] = [(what, *_slope_values(slope)) for what, slope in found]
    notes = (
        "Models are the units: these rows speak of further models like these. tau: standard deviation of models about the line, "
        "beyond what prompts explain. Interval over lineages: of the mean slope, with lineages (training seeds) as units.",
    )
    numeric = set(names) - {"what", "permutation"}
    return table(id, caption, names, numeric, rows, source, notes, values=values, value_names=SLOPE_VALUES)


def _slope_cells(slope: BetweenModels | None) -> tuple[str, ...]:
    if slope is None:
        return (numbers.NOTHING,) * 13
    return (
        numbers.count(slope.models),
        signed(slope.slope_pp_per_decade),
        pp_already(slope.low, slope.high),
        numbers.p_value(slope.permutation_p),
        numbers.p_value(slope.permutation_floor),
        slope.permutation_method.replace("_", " "),
        numbers.pp(slope.meta_slope_pp_per_decade),
        pp_already(slope.meta_low, slope.meta_high),
        numbers.p_value(slope.meta_p),
        numbers.NOTHING if slope.tau_pp is None else f"{slope.tau_pp:.1f}",
        numbers.NOTHING if slope.tau_low is None or slope.tau_high is None else f"[{slope.tau_low:.1f}, {slope.tau_high:.1f}]",
        pp_already(slope.over_lineages_low, slope.over_lineages_high),
        numbers.p_value(slope.flat_p),
    )


def _slope_values(slope: BetweenModels | None) -> tuple[Value, ...]:
    if slope is None:
        return (None,) * (len(SLOPE_VALUES) - 1)
    return (
        *(slope.models, slope.slope_pp_per_decade, slope.low, slope.high),
        *(slope.permutation_p, slope.permutation_floor, slope.permutation_method),
        *(slope.meta_slope_pp_per_decade, slope.meta_low, slope.meta_high, slope.meta_p),
        *(slope.tau_pp, slope.tau_low, slope.tau_high, slope.over_lineages_low, slope.over_lineages_high),
        *(slope.flat_p, slope.generalises_to),
    )


def lineages_table(slope: BetweenModels | None, *, id: str, source: str) -> Table | None:
    """The slope within each lineage."""
    if slope is None or not slope.lineages:
        return None
    names = ("lineage", "models", "slope, pp per decade")
    rows = [(one.lineage, numbers.count(one.models), signed(one.slope_pp_per_decade)) for one in slope.lineages]
    values: list[tuple[Value, ...]] = [(one.lineage, one.models, one.slope_pp_per_decade) for one in slope.lineages]
    return table(
        *(id, "The slope within each lineage (training seed)", names, names[1:], rows, source),
        values=values,
        value_names=("lineage", "models", "slope_pp_per_decade"),
    )


def rule_table(rule: LargestAgainstSmallest | None, *, id: str, level: float, source: str) -> Table | None:
    """The rule of report 353."""
    if rule is None:
        return None
    large = {True: "yes", False: "no", None: "cannot tell"}[rule.large]
    interval = interval_name(level)
    names = ("smallest size", "largest size", "delta at the largest minus at the smallest, pp", interval, "threshold, pp", "large")
    row = (
        *(numbers.size(rule.smallest_b), numbers.size(rule.largest_b), signed(rule.difference_pp)),
        *(numbers.pp_interval((rule.low_pp, rule.high_pp)), f"{rule.threshold_pp:g}", large, SPEAKS_OF[rule.generalises_to]),
    )
    values: tuple[Value, ...] = (
        *(rule.smallest_b, rule.largest_b, rule.difference_pp, rule.low_pp, rule.high_pp, rule.threshold_pp),
        *(large, rule.generalises_to),
    )
    value_names = (
        *("smallest_params_b", "largest_params_b", "difference_pp", "low_pp", "high_pp", "threshold_pp", "large"),
        "generalises_to",
    )
    return table(
        *(id, "The rule of report 353", (*names, "speaks of"), names[:5], [row], source),
        values=[values],
        value_names=value_names,
    )


def interaction_table(found: Interaction | None, *, id: str, level: float, source: str) -> Table | None:
    """Condition x size on items, with whom it speaks of."""
    if found is None:
        return None
    interval = interval_name(level)
    names = ("condition x log10 size, pp per decade", interval, "p", "prompts", "models", "speaks of")
    row = (
        *(signed(found.slope_pp_per_decade), numbers.pp_interval((found.low, found.high)), numbers.p_value(found.p_value)),
        *(numbers.count(found.prompts), numbers.count(found.models), SPEAKS_OF[found.generalises_to]),
    )
    values: tuple[Value, ...] = (
        *(found.slope_pp_per_decade, found.low, found.high, found.p_value, found.prompts, found.models, found.generalises_to),
    )
    value_names = (
        *("slope_pp_per_decade", "low_pp_per_decade", "high_pp_per_decade", "p_value", "prompts", "models"),
        "generalises_to",
    )
    notes = ("Prompts are the clusters: this speaks of these models on other prompts, not of other models.",)
    caption = "Interaction of condition and size on items"
    return table(id, caption, names, names[:5], [row], source, notes, values=[values], value_names=value_names)


def contrasts_table(answer: GraderAnswer, *, id: str, level: float, source: str) -> Table | None:
    """Every contrast over models, with Holm's p and its slope on size."""
    if not answer.contrasts:
        return None
    interval, slope_interval = interval_name(level), "its interval"
    names = (
        *("contrast", "condition", "against", "models", "mean delta, pp", interval, "p", "Holm p"),
        *("slope, pp per decade", slope_interval, "permutation p"),
    )
    rows = [
        (
            *(one.name, one.treated.name, one.control.name, numbers.count(len(one.deltas))),
            numbers.NOTHING if one.mean is None else signed(100 * one.mean),
            pp_of(one.low, one.high),
            numbers.p_value(one.p_value),
            numbers.p_value(one.adjusted_p),
            *_contrast_slope(one),
        )
        for one in answer.contrasts
    ]
    values: list[tuple[Value, ...]] = [
        (
            *(one.name, one.treated.name, one.control.name, len(one.deltas)),
            *(one.mean, one.low, one.high, one.p_value, one.adjusted_p),
            *(
                (None, None, None, None)
                if one.slope is None
                else (one.slope.slope_pp_per_decade, one.slope.low, one.slope.high, one.slope.permutation_p)
            ),
        )
        for one in answer.contrasts
    ]
    value_names = (
        *("contrast", "treated", "control", "models", "mean_delta_fraction", "low_fraction", "high_fraction", "p_value", "holm_p"),
        *("slope_pp_per_decade", "slope_low_pp_per_decade", "slope_high_pp_per_decade", "slope_permutation_p"),
    )
    notes = ("Means and intervals are over models as units. Holm's correction is over the contrasts of the experiment.",)
    caption = "Contrasts of conditions, over models"
    return table(id, caption, names, names[3:], rows, source, notes, values=values, value_names=value_names)


def _contrast_slope(one: Contrast) -> tuple[str, str, str]:
    if one.slope is None:
        return (numbers.NOTHING,) * 3
    slope = one.slope
    return signed(slope.slope_pp_per_decade), pp_already(slope.low, slope.high), numbers.p_value(slope.permutation_p)


def contrast_models_table(answer: GraderAnswer, *, id: str, source: str) -> Table | None:
    """Every contrast in every model."""
    pairs = [(one, delta) for one in answer.contrasts for delta in by_size(one.deltas)]
    if not pairs:
        return None
    interval = interval_name(pairs[0][1].level)
    names = (
        "contrast",
        "model",
        "size",
        "prompts",
        "against, ASR",
        "condition, ASR",
        "delta, pp",
        interval,
        "McNemar p",
        "dropped",
    )
    rows = [
        (
            *(one.name, delta.model.model_id, size_of(delta), numbers.count(delta.prompts)),
            *(percent(delta.control_rate), percent(delta.treated_rate), signed(100 * delta.delta), pp_of(delta.low, delta.high)),
            *(numbers.p_value(delta.mcnemar_p), numbers.count(delta.dropped)),
        )
        for one, delta in pairs
    ]
    values = [(one.name, *_delta_values(delta)) for one, delta in pairs]
    return table(
        *(id, "Contrasts of conditions in each model, paired by prompt", names, names[2:], rows, source),
        values=values,
        value_names=("contrast", *DELTA_VALUES),
    )
