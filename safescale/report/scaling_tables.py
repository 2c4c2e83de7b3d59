"""Tables of the question of inverse scaling."""

from __future__ import annotations

from typing import Final, Literal

from safescale.analyses.inverse_scaling import ModelPoint, Robustness, SeriesResult, SettingResult
from safescale.analyses.words import percent, signed
from safescale.report import numbers
from safescale.report.document import Table, Value
from safescale.report.table import table

__all__ = [
    "SCOPE_WORDS",
    "difference_table",
    "every_series",
    "nothing_table",
    "rates_table",
    "robustness_table",
    "slope_table",
    "testability_table",
]

SCOPE_WORDS: Final = {
    "class_mean": "mean over classes",
    "rows_pooled": "rows pooled",
    "within_generations": "within generations",
    "within_families": "within families",
    "attack_class": "attack class",
    "same_generation": "generation",
    "same_family": "family",
    "source": "source",
}


def every_series(setting: SettingResult) -> tuple[SeriesResult, ...]:
    """All series of a setting, the ones to quote first; what equals another series (one class, one generation) is shown once."""
    wholes = tuple(series.points for series in (*setting.generations, setting.rows_pooled) if series is not None)
    families = tuple(series for series in setting.families if series.points not in wholes)
    generations, within = _groups(setting.within_generations, "lineage"), _groups(setting.within_families, "family")
    single = (
        None if _is_a_class(setting.class_mean, setting) else setting.class_mean,
        setting.within_generations if len(generations) > 1 else None,
        setting.within_families if len(within) > 1 and within != generations else None,
        None if _is_a_class(setting.rows_pooled, setting) else setting.rows_pooled,
    )
    first = tuple(series for series in single if series is not None)
    return (*first, *setting.attack_classes, *setting.generations, *families)


def _is_a_class(series: SeriesResult | None, setting: SettingResult) -> bool:
    """Whether a pooled series is nothing but an attack class."""
    return series is not None and any(series.points == of_class.points for of_class in setting.attack_classes)


def _groups(series: SeriesResult | None, level: Literal["lineage", "family"]) -> set[frozenset[str]]:
    """The models of a series in groups, whatever the groups are called."""
    members: dict[str | None, set[str]] = {}
    for point in () if series is None else series.points:
        members.setdefault(point.lineage if level == "lineage" else point.family, set()).add(point.model)
    return {frozenset(models) for models in members.values()}


def testability_table(setting: SettingResult, *, id: str, source: str) -> Table:
    """What each series could show, before any rate is looked at."""
    names = (
        "series",
        "kind",
        "models",
        "sizes",
        "decades",
        "smallest p",
        "after Holm",
        "tests",
        "testable",
        "why not, and what would do",
    )
    rows = [
        (
            series.name,
            SCOPE_WORDS[series.scope],
            numbers.count(series.testability.n_models),
            numbers.sizes(series.testability.sizes_b),
            numbers.decades(series.testability.decades),
            numbers.p_value(series.testability.smallest_p),
            numbers.p_value(series.testability.smallest_p_after_holm),
            numbers.count(series.testability.tests_in_family),
            numbers.yes_no(series.testability.can_test),
            "; ".join((*series.testability.reasons, *series.testability.needs)) or numbers.NOTHING,
        )
        for series in every_series(setting)
    ]
    numeric = ("models", "decades", "smallest p", "after Holm", "tests")
    return table(id, "What this corpus can test (models and sizes only; no rate is looked at)", names, numeric, rows, source)


def slope_table(setting: SettingResult, *, id: str, level: float, source: str) -> Table | None:
    """Every series of three or more sizes: estimate, label of report 353, and what the evidence supports."""
    names = (
        *(
            "series",
            "kind",
            "what the evidence supports",
            "models",
            "sizes",
            "rows",
            "slope, pp per decade",
            f"{100 * level:g} % interval",
            "R²",
        ),
        *("label of report 353", "p", "smallest p", "Holm p", "flatness p", "flatness Holm p", "bend p"),
    )
    rows = [_slope_row(series) for series in every_series(setting) if series.slope is not None]
    numeric = (
        "models",
        "rows",
        "slope, pp per decade",
        f"{100 * level:g} % interval",
        "R²",
        "p",
        "smallest p",
        "Holm p",
        "flatness p",
        "flatness Holm p",
        "bend p",
    )
    notes = (
        "pp: percentage points of the rate; a decade is a factor of ten in parameters. Models are the units of p and interval.",
        *(["Bend p: t test of the square of log10 size."] if any(s.curvature is not None for s in every_series(setting)) else []),
    )
    if not rows:
        return None
    values = [_slope_values(series) for series in every_series(setting) if series.slope is not None]
    return table(id, "Slopes over model size", names, numeric, rows, source, notes, values=values, value_names=SLOPE_VALUES)


def _slope_row(series: SeriesResult) -> tuple[str, ...]:
    assert series.slope is not None
    line = series.slope.slope
    return (
        series.name,
        SCOPE_WORDS[series.scope],
        series.verdict.value,
        numbers.count(series.n_models),
        numbers.size_range(series.testability.sizes_b),
        numbers.count(series.n_rows),
        numbers.pp_with_error(line.slope_pp_per_decade, line.standard_error_pp_per_decade),
        numbers.pp_interval(line.interval),
        numbers.r_squared(line.r_squared),
        series.label or numbers.NOTHING,
        numbers.p_value(series.slope.p_value),
        # a t test has no smallest attainable p
        numbers.NOTHING if series.slope.method == "ols_t" else numbers.p_value(series.slope.p_floor),
        numbers.p_value(series.p_holm),
        numbers.p_value(None if series.equivalence is None else series.equivalence.p_value),
        numbers.p_value(series.equivalence_p_holm),
        numbers.p_value(None if series.curvature is None else series.curvature.p_value),
    )


SLOPE_VALUES: Final = (
    *("series", "kind", "verdict", "n_models", "n_sizes", "smallest_size_b", "largest_size_b", "n_rows"),
    *("slope_pp_per_decade", "standard_error_pp_per_decade", "interval_low_pp_per_decade", "interval_high_pp_per_decade"),
    *("r_squared", "label_353", "p_value", "p_value_method", "p_floor", "p_holm", "flatness_p", "flatness_p_holm"),
)


def _slope_values(series: SeriesResult) -> tuple[Value, ...]:
    assert series.slope is not None
    test, sizes = series.slope, series.testability.sizes_b
    low, high = test.slope.interval or (None, None)
    return (
        *(series.name, SCOPE_WORDS[series.scope], series.verdict.value, series.n_models, len(sizes)),
        *((sizes[0], sizes[-1]) if sizes else (None, None)),
        *(series.n_rows, test.slope.slope_pp_per_decade, test.slope.standard_error_pp_per_decade, low, high, test.slope.r_squared),
        *(series.label, test.p_value, test.method, None if test.method == "ols_t" else test.p_floor, series.p_holm),
        *(None if series.equivalence is None else series.equivalence.p_value, series.equivalence_p_holm),
    )


def difference_table(setting: SettingResult, *, id: str, source: str) -> Table | None:
    """Every series of two sizes: a difference, never a slope."""
    names = (
        "series",
        "kind",
        "sizes",
        "models",
        "difference, pp",
        "interval, pp",
        "how",
        "raw difference per decade, pp",
        "speaks of",
    )
    rows = [_difference_row(series) for series in every_series(setting) if series.difference is not None]
    notes = ("Two sizes make a difference of these models, larger minus smaller, and no p-value.",)
    numeric = ("models", "difference, pp", "interval, pp", "raw difference per decade, pp")
    return table(id, "Two sizes: differences", names, numeric, rows, source, notes) if rows else None


def _difference_row(series: SeriesResult) -> tuple[str, ...]:
    difference = series.difference
    assert difference is not None
    quoted = difference.paired if difference.headline == "paired" else difference.independent
    interval = None if quoted is None else (100 * quoted.low, 100 * quoted.high)
    return (
        series.name,
        SCOPE_WORDS[series.scope],
        f"{numbers.size(difference.raw.larger_b)} minus {numbers.size(difference.raw.smaller_b)}",
        numbers.count(series.n_models),
        signed(difference.raw.difference_pp if quoted is None else 100 * quoted.estimate),
        numbers.pp_interval(interval),
        difference.headline or "; ".join(difference.unavailable) or numbers.NOTHING,
        signed(difference.raw.difference_pp_per_decade),
        "these models" if series.generalises_to == "these_models" else "new models",
    )


def nothing_table(setting: SettingResult, *, id: str, source: str) -> Table | None:
    """Series that give neither a slope nor a difference."""
    rows = [
        (series.name, SCOPE_WORDS[series.scope], str(len(series.points)), numbers.sizes(series.testability.sizes_b), series.words)
        for series in every_series(setting)
        if series.kind == "nothing"
    ]
    names = ("series", "kind", "models shown", "sizes", "why")
    return table(id, "Series without slope or difference", names, ("models shown",), rows, source) if rows else None


def robustness_table(setting: SettingResult, *, id: str, source: str) -> Table | None:
    """Every result once more under another choice, a column per choice."""
    shown = [series for series in every_series(setting) if series.kind != "nothing"]
    names = tuple(dict.fromkeys(repeat.name.replace("_", " ") for series in shown for repeat in series.robustness))
    rows = [
        (series.name, SCOPE_WORDS[series.scope], *(_repeat_words(series, repeat) for repeat in series.robustness))
        for series in shown
    ]
    caption = "The same under other choices (slopes in pp per decade)"
    return table(id, caption, ("series", "kind", *names), (), rows, source) if rows else None


def _repeat_words(series: SeriesResult, repeat: Robustness) -> str:
    """What a repetition gives, and whether that is another result."""
    why = f" ({repeat.reason})" if repeat.reason else ""
    if not repeat.possible or repeat.verdict is None:
        return f"not possible{why}"
    before = None if series.slope is None else series.slope.slope.slope_pp_per_decade
    if series.slope is not None and repeat.slope_pp_per_decade == before and not repeat.changed:
        return f"the same{why}"
    if repeat.slope_pp_per_decade is not None:
        estimate = numbers.pp_with_error(repeat.slope_pp_per_decade, repeat.standard_error_pp_per_decade)
        estimate += f", p {numbers.p_value(repeat.p_value)}, Holm p {numbers.p_value(repeat.p_holm)}"
    else:
        estimate = f"raw difference {numbers.pp(repeat.raw_difference_pp_per_decade)}"
    return f"{'CHANGES: ' if repeat.changed else ''}{estimate}: {repeat.verdict.value}{why}"


def rates_table(setting: SettingResult, *, id: str, level: float, source: str) -> Table | None:
    """The rates behind the figure: every model of every attack class, fitted or not."""
    names = ("model", "attack class", "size", "successes", "rows", "rate", f"{100 * level:g} % interval, %", "in the fit")
    points = [
        (series.name, point)
        for series in setting.attack_classes
        for point in sorted(series.points, key=lambda p: (p.params_b is None, p.params_b or 0.0, p.model))
    ]
    rows = [
        (
            point.model,
            attack_class,
            numbers.size(point.params_b) + (" (estimated)" if point.size_is_guess else ""),
            numbers.count(point.successes),
            numbers.count(point.trials),
            percent(point.rate),
            numbers.NOTHING if point.interval is None else f"[{100 * point.interval.low:.1f}, {100 * point.interval.high:.1f}]",
            "yes" if point.why_not_fitted is None else f"no: {point.why_not_fitted}",
        )
        for attack_class, point in points
    ]
    if not rows:
        return None
    numeric = ("size", "successes", "rows", "rate", f"{100 * level:g} % interval, %")
    notes = ("Wilson intervals take rows as independent.",)
    values = [_rate_values(attack_class, point) for attack_class, point in points]
    caption = "Rates by attack class and model"
    return table(id, caption, names, numeric, rows, source, notes, values=values, value_names=RATE_VALUES)


RATE_VALUES: Final = (
    *("model", "attack_class", "params_b", "size_is_guess", "lineage", "tampering", "successes", "rows"),
    *("rate_fraction", "interval_low_fraction", "interval_high_fraction", "fitted", "why_not_fitted"),
)


def _rate_values(attack_class: str, point: ModelPoint) -> tuple[Value, ...]:
    low, high = (None, None) if point.interval is None else (point.interval.low, point.interval.high)
    return (
        *(point.model, attack_class, point.params_b, numbers.yes_no(point.size_is_guess), point.lineage, point.tampering),
        *(point.successes, point.trials, point.rate, low, high),
        *(numbers.yes_no(point.why_not_fitted is None), point.why_not_fitted),
    )
