"""Tables of the question of re-emergence."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.reemergence import (
    QUANTITY_WORDS,
    Quantity,
    Share,
    TamperedModel,
    TamperedSetting,
    TargetComparison,
    Trend,
)
from safescale.analyses.reemergence.sentences import these_models_words
from safescale.analyses.words import percent, shape_words, signed
from safescale.records.verdicts import Verdict
from safescale.report import numbers
from safescale.report.document import Table
from safescale.report.table import table
from safescale.stats import SpearmanTest

__all__ = ["neighbours_table", "shares_table", "targets_table", "testability_table", "trends_table", "verdicts_table"]

VERDICT_COLUMNS = (Verdict.COMPLIANCE, Verdict.PARTIAL, Verdict.REFUSAL, Verdict.HALLUCINATION_REFUSAL, Verdict.NOT_HARMFUL)


def every_model(setting: TamperedSetting) -> tuple[TamperedModel, ...]:
    """Each tampered model once, by size; as its lineage shows it where it is in one."""
    found: dict[str, TamperedModel] = {}
    for series in sorted(setting.series, key=lambda s: s.scope == "all"):
        for model in series.models:
            found.setdefault(model.model, model)
    for model in setting.alone:
        found.setdefault(model.model, model)
    return tuple(sorted(found.values(), key=lambda m: (m.lineage or "", m.params_b is None, m.params_b or 0.0, m.model)))


def verdicts_table(setting: TamperedSetting, *, id: str, source: str) -> Table | None:
    """Counts behind the figure: rows, different responses, and each verdict."""
    models = every_model(setting)
    shown = [v for v in VERDICT_COLUMNS if any(m.verdicts is not None and m.verdicts.get(v.value) for m in models)]
    names = ("model", "size", "tampering", "rows", "distinct responses", "prompts", *(v.value for v in shown), "in the trends")
    rows = [
        (
            model.model,
            numbers.size(model.params_b) + (" (estimated)" if model.size_is_guess else ""),
            model.tampering.replace("_", "-"),
            numbers.count(model.rows),
            numbers.count(None if model.responses is None else model.responses.distinct),
            numbers.count(model.prompts),
            *(numbers.count(None if model.verdicts is None else model.verdicts.get(v.value, 0)) for v in shown),
            "yes" if model.why_not_fitted is None else f"no: {model.why_not_fitted}",
        )
        for model in models
    ]
    numeric = ("size", "rows", "distinct responses", "prompts", *(v.value for v in shown))
    return table(id, "Verdicts of tampered models", names, numeric, rows, source) if rows else None


def shares_table(setting: TamperedSetting, *, id: str, level: float, source: str) -> Table | None:
    """Every share of every model with its interval, and the interval with prompts as clusters."""
    rows = [
        (
            model.model,
            numbers.size(model.params_b),
            QUANTITY_WORDS[quantity],
            numbers.count(share.successes),
            numbers.count(share.trials),
            percent(share.rate),
            _interval(share),
            _clustered(share),
        )
        for model in every_model(setting)
        for quantity, share in model.shares.items()
    ]
    interval = f"{100 * level:g} % interval, %"
    names = ("model", "size", "share", "rows of it", "rows", "percent", interval, "prompts as clusters, %")
    notes = (
        "Wilson intervals take rows as independent; with prompts as clusters they use a design effect, where a prompt was answered "
        "more than once. Hedging is the broad minus the strict rate.",
    )
    numeric = ("size", "rows of it", "rows", "percent", interval, "prompts as clusters, %")
    return table(id, "Shares of verdicts by model", names, numeric, rows, source, notes) if rows else None


def _interval(share: Share) -> str:
    found = share.interval
    return numbers.NOTHING if found is None else f"[{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _clustered(share: Share) -> str:
    found = share.clustered
    if found is None:
        return numbers.NOTHING
    return f"[{100 * found.low:.1f}, {100 * found.high:.1f}] (design effect {found.design_effect:.2f})"


def testability_table(setting: TamperedSetting, *, id: str, alpha: float, source: str) -> Table | None:
    """What models as units could show in each series, before any rate is looked at, and what they show."""
    rows = [
        (
            series.name,
            numbers.count(series.testability.n_models),
            numbers.sizes(series.testability.sizes_b),
            numbers.p_value(series.testability.smallest_p),
            numbers.p_value(series.testability.smallest_p_after_holm),
            numbers.yes_no(series.testability.can_test),
            "; ".join((*series.testability.reasons, *series.testability.needs)) or numbers.NOTHING,
            series.verdict.value,
            these_models_words(series, alpha),
        )
        for series in setting.series
    ]
    names = (
        "series",
        "models",
        "sizes",
        "smallest p",
        "after Holm",
        "testable",
        "why not, and what would do",
        "models as units",
        "these models only",
    )
    caption = "What each series can test, and what may be said"
    return table(id, caption, names, ("models", "smallest p", "after Holm"), rows, source) if rows else None


def trends_table(setting: TamperedSetting, *, id: str, level: float, source: str) -> Table | None:
    """Each share over size: models as units, then rows and prompts as units."""
    rows = [
        (series.name, QUANTITY_WORDS[trend.quantity], *_trend_row(trend)) for series in setting.series for trend in series.trends
    ]
    interval = f"{100 * level:g} % interval"
    names = (
        *("series", "share", "models", "smallest to largest size, %", "rho", "p by models", "smallest p", "Holm p"),
        *("pp per decade", interval, "z by rows", "t by prompts", "p (these models)", "z on distinct responses", "shape"),
    )
    numeric = names[2:-1]
    notes = (
        "Rho and p by models: Spearman with its permutation p, models as units; Holm over refusals and hedging of all "
        "series that can be tested. z and t: Cochran-Armitage trend on log10 size with rows, and with prompts, as units: they "
        "speak of these models only, because models, not rows, replicate size.",
    )
    return table(id, "Shares over model size", names, numeric, rows, source, notes) if rows else None


def _trend_row(trend: Trend) -> tuple[str, ...]:
    test: SpearmanTest | None = trend.by_models
    line = trend.slope
    rates = [] if trend.smallest is None or trend.largest is None else [100 * trend.smallest, 100 * trend.largest]
    if line is not None:
        estimate = numbers.pp(line.slope_pp_per_decade)
    else:
        estimate = numbers.NOTHING if trend.raw is None else f"{signed(trend.raw.difference_pp_per_decade)} (two sizes)"
    z = None if trend.by_rows is None else trend.by_rows.z
    t = None if trend.by_prompts is None else trend.by_prompts.t
    distinct = None if trend.on_distinct_responses is None else trend.on_distinct_responses.z
    return (
        numbers.count(trend.n_models),
        " to ".join(f"{rate:.1f}" for rate in rates) or numbers.NOTHING,
        numbers.NOTHING if test is None else signed(test.rho, 3),
        numbers.p_value(None if test is None else test.p_value),
        numbers.p_value(None if test is None else test.p_floor),
        numbers.p_value(trend.p_holm),
        estimate,
        numbers.pp_interval(None if line is None else line.interval),
        numbers.NOTHING if z is None else signed(z),
        numbers.NOTHING if t is None else signed(t),
        numbers.p_value(trend.item_p),
        numbers.NOTHING if distinct is None else signed(distinct),
        numbers.NOTHING if trend.shape is None else shape_words(trend.shape.shape),
    )


def neighbours_table(setting: TamperedSetting, *, id: str, source: str) -> Table | None:
    """Neighbouring sizes: whether their intervals are disjoint, Fisher's p and Holm."""
    quantities: tuple[Quantity, ...] = ("strict", "broad", "hedging", "refusal")
    rows, noted = [], []
    for series in setting.series:
        for quantity in quantities:
            trend = series.trend(quantity)
            if trend is None or trend.separation is None:
                continue
            separation, sizes = trend.separation, series.testability.sizes_b
            noted.append(separation.note)
            for pair in separation.pairs:
                rows.append(
                    (
                        series.name,
                        QUANTITY_WORDS[quantity],
                        f"{numbers.size(sizes[pair.first])} to {numbers.size(sizes[pair.second])}",
                        signed(100 * pair.difference),
                        numbers.yes_no(pair.disjoint),
                        numbers.p_value(pair.p_value),
                        numbers.p_value(pair.p_holm),
                    )
                )
    names = ("series", "share", "sizes", "difference, pp", "intervals disjoint", "Fisher p", "Holm p")
    notes = (f"Of the strict rate of the first series: {noted[0]}. These models only.",) if noted else ()
    numeric = ("difference, pp", "Fisher p", "Holm p")
    return table(id, "Neighbouring sizes", names, numeric, rows, source, notes) if rows else None


def targets_table(targets: Sequence[TargetComparison], *, id: str, source: str) -> Table | None:
    """What was said against what was done, on the same traces."""
    rows = [
        (
            found.model,
            numbers.size(found.params_b),
            found.condition,
            f"{found.first_target} ({found.first_grader}) minus {found.second_target} ({found.second_grader})",
            numbers.count(found.traces),
            numbers.count(found.both),
            numbers.count(found.first_only),
            numbers.count(found.second_only),
            numbers.count(found.neither),
            signed(100 * found.difference.estimate),
            numbers.pp_interval((100 * found.difference.low, 100 * found.difference.high)),
            numbers.p_value(found.test.p_value),
            numbers.p_value(found.p_holm),
        )
        for found in targets
    ]
    names = (
        *("model", "size", "condition", "targets", "traces", "both comply", "only the first", "only the second", "neither"),
        *("difference, pp", "interval, pp", "McNemar p", "Holm p"),
    )
    return table(id, "Text against action, trace by trace", names, (names[1], *names[4:]), rows, source) if rows else None
