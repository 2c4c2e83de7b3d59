"""Tables of the dilution experiment: deltas by model, their slope on size, and the contrasts of conditions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from safescale.analyses.words import percent, signed
from safescale.report import numbers
from safescale.report.document import Table, Value
from safescale.report.table import table
from safescale.studies.asked import AskedModel
from safescale.studies.dilution.between_models import MIN_PROMPTS
from safescale.studies.dilution.results import Contrast, GraderAnswer, ModelDelta

__all__ = [
    "by_size",
    "contrast_models_table",
    "contrasts_table",
    "deltas_table",
    "interval_name",
    "pp_already",
    "pp_of",
    "size_key",
    "size_of",
]


def size_key(model: AskedModel) -> tuple[bool, float, str, str]:
    """From the smallest model up; unknown sizes last."""
    return model.params_b is None, model.params_b or 0.0, model.lineage, model.model_id


def by_size(deltas: Iterable[ModelDelta]) -> tuple[ModelDelta, ...]:
    """From the smallest model up; unknown sizes last."""
    return tuple(sorted(deltas, key=lambda delta: size_key(delta.model)))


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
    *("variance_squared_fraction", "mcnemar_p", "p_value", "method"),
)


def _delta_values(delta: ModelDelta) -> tuple[Value, ...]:
    model = delta.model
    return (
        *(model.model_id, model.params_b, numbers.yes_no(model.size_estimated), model.lineage),
        *(delta.prompts, delta.n11, delta.n10, delta.n01, delta.n00, delta.dropped),
        *(delta.control_rate, delta.treated_rate, delta.delta, delta.low, delta.high, delta.level),
        *(delta.variance, delta.mcnemar_p, delta.p_value, delta.method),
    )


METHODS: Final = {"tango": "Tango, pairs", "clustered": "t, prompts as clusters"}


def _p(delta: ModelDelta) -> float | None:
    return delta.mcnemar_p if delta.p_value is None else delta.p_value


def deltas_table(answer: GraderAnswer, *, id: str, source: str) -> Table | None:
    """Baseline against puzzle in each model."""
    deltas = answer.deltas
    if not deltas:
        return None
    adjusted = answer.deltas_adjusted_p or (None,) * len(deltas)
    holm_p = {delta.model.model_id: p for delta, p in zip(deltas, adjusted, strict=True)}
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
            numbers.p_value(_p(delta)),
            numbers.p_value(holm_p[delta.model.model_id]),
            METHODS[delta.method],
            numbers.count(delta.dropped),
        )
        for delta in by_size(deltas)
    ]
    counts = ("failed under both", "under the puzzle alone", "at baseline alone", "under neither")
    names = (
        *("model", "size", "lineage", "prompts", *counts, "baseline ASR", "puzzle ASR", "delta, pp", interval),
        *("p", "Holm p", "interval by", "dropped"),
    )
    numeric = ("size", "prompts", *counts, "baseline ASR", "puzzle ASR", "delta, pp", interval, "p", "Holm p", "dropped")
    notes = (
        "Prompts with an evaluable verdict under both conditions; dropped: harmful prompts without one. Delta: puzzle minus "
        "baseline. p: McNemar's exact test, with several samples a t test with prompts as clusters; Holm's is over models. "
        "Intervals and p speak of each model on prompts like these.",
    )
    values = [(*_delta_values(delta), holm_p[delta.model.model_id]) for delta in by_size(deltas)]
    caption = "Attack success without and with the puzzle, by model, paired by prompt"
    return table(id, caption, names, numeric, rows, source, notes, values=values, value_names=(*DELTA_VALUES, "holm_p"))


def contrasts_table(answer: GraderAnswer, *, id: str, level: float, source: str) -> Table | None:
    """Every contrast over models, with Holm's p and its slope on size."""
    shown = (*([answer.main] if answer.main is not None else []), *answer.contrasts)
    if not shown:
        return None
    interval, slope_interval = interval_name(level), "its interval"
    names = (
        *("contrast", "condition", "against", "models", "mean delta, pp", interval, "Holm p"),
        *("slope, pp per decade", slope_interval, "Holm p of the slope"),
    )
    rows = [
        (
            *(one.name, one.treated.name, one.control.name, numbers.count(_in_mean(one))),
            numbers.NOTHING if one.mean is None else signed(100 * one.mean),
            pp_of(one.low, one.high),
            numbers.p_value(one.adjusted_p),
            *_contrast_slope(one),
        )
        for one in shown
    ]
    values: list[tuple[Value, ...]] = [
        (
            *(one.name, one.treated.name, one.control.name, _in_mean(one)),
            *(one.mean, one.low, one.high, one.p_value, one.adjusted_p),
            *(
                (None,) * 4
                if one.slope is None
                else (one.slope.slope_pp_per_decade, one.slope.low, one.slope.high, one.slope.permutation_p)
            ),
            one.slope_adjusted_p,
        )
        for one in shown
    ]
    value_names = (
        *("contrast", "treated", "control", "models", "mean_delta_fraction", "low_fraction", "high_fraction", "p_value", "holm_p"),
        *("slope_pp_per_decade", "slope_low_pp_per_decade", "slope_high_pp_per_decade", "slope_permutation_p"),
        "slope_holm_p",
    )
    notes = (
        f"Means and intervals are over models as units, of those with {MIN_PROMPTS} prompts or more. Holm's correction is over the "
        "control contrasts.",
    )
    caption = "Contrasts of conditions, over models"
    return table(id, caption, names, names[3:], rows, source, notes, values=values, value_names=value_names)


def _in_mean(one: Contrast) -> int:
    return sum(delta.prompts >= MIN_PROMPTS for delta in one.deltas)


def _contrast_slope(one: Contrast) -> tuple[str, str, str]:
    if one.slope is None:
        return (numbers.NOTHING,) * 3
    slope = one.slope
    return signed(slope.slope_pp_per_decade), pp_already(slope.low, slope.high), numbers.p_value(one.slope_adjusted_p)


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
        "p",
        "dropped",
    )
    rows = [
        (
            *(one.name, delta.model.model_id, size_of(delta), numbers.count(delta.prompts)),
            *(percent(delta.control_rate), percent(delta.treated_rate), signed(100 * delta.delta), pp_of(delta.low, delta.high)),
            *(numbers.p_value(_p(delta)), numbers.count(delta.dropped)),
        )
        for one, delta in pairs
    ]
    values = [(one.name, *_delta_values(delta)) for one, delta in pairs]
    return table(
        *(id, "Contrasts of conditions in each model, paired by prompt", names, names[2:], rows, source),
        values=values,
        value_names=("contrast", *DELTA_VALUES),
    )
