"""Tables of the question of provider and scale."""

from __future__ import annotations

from typing import Final

from safescale.analyses.inverse_scaling import SeriesResult
from safescale.analyses.safety_roi import ProviderPlace, ProviderShare, Sensitivity, SettingRoi
from safescale.analyses.safety_roi.sentences import SENSITIVITY_WORDS, fraction
from safescale.analyses.words import percent, signed
from safescale.report import numbers
from safescale.report.document import Table
from safescale.report.table import table
from safescale.stats import CommonalityShares

__all__ = [
    "joint_table",
    "line_table",
    "models_table",
    "places_table",
    "ratios_table",
    "sensitivity_table",
    "share_table",
    "within_table",
]

ONE_MODEL: Final = "one model: provider and model are the same thing here"


def share_table(setting: SettingRoi, *, id: str, level: float, source: str) -> Table:
    """The share of provider with what keeps it from being misread."""
    interval = f"{100 * level:g} % interval"
    numeric = (
        *("models", "providers", "eta²", "by chance", "omega²", interval, "epsilon²", "F", "p of F", "permutation p"),
        "smallest p",
    )
    names = ("providers compared", *numeric, "what the evidence supports")
    rows = [_share_row("all", setting.share)]
    if setting.share_without_single != setting.share:
        rows.append(_share_row("with two models or more", setting.share_without_single))
    notes = [
        "Models are the units. eta² rises with the number of providers whatever they are: by chance it is (providers - 1) / "
        "(models - 1). omega² and epsilon² are freed from that. The interval is of the true share, by the non-central F "
        "distribution; permutation p of random assignments of models to providers, or of all of them."
    ]
    ratio = setting.ratio
    if ratio is not None:
        notes.append(
            f"eta² over R² of size: {ratio.ratio:.1f}, no measure of anything: {ratio.because}. Under no effect of either: "
            f"median {ratio.null_median:.1f}, as large as here with probability {numbers.p_value(ratio.p_as_large)} "
            f"({ratio.draws:,} draws)."
        )
    return table(id, "Share of provider in the variance between models", names, numeric, rows, source, tuple(notes))


def _share_row(name: str, found: ProviderShare) -> tuple[str, ...]:
    share = found.share
    if share is None:
        dashes = (numbers.NOTHING,) * 9
        return (name, str(found.n_models), str(found.n_providers), *dashes, f"{found.verdict.value}: {found.unavailable}")
    return (
        name,
        str(found.n_models),
        str(found.n_providers),
        fraction(share.eta_squared),
        fraction(share.null_expectation),
        _fraction(share.omega_squared),
        _fractions(share.interval),
        _fraction(share.epsilon_squared),
        numbers.NOTHING if share.f is None else f"F({share.df_between}, {share.df_within}) = {share.f:.2f}",
        numbers.p_value(share.p_value),
        _small(share.p_permutation),
        _small(found.p_floor),
        found.verdict.value if found.reason is None else f"{found.verdict.value}: {found.reason}",
    )


def line_table(setting: SettingRoi, *, id: str, level: float, margin_pp: float, power: float, source: str) -> Table | None:
    """The line on size, and what this design could have found."""
    line, detectable = setting.line.slope, setting.line.detectable
    if line is None:
        return None
    interval = f"{100 * level:g} % interval"
    equivalence = setting.line.equivalence
    test = setting.line.test
    permuted = [("permutation p", numbers.p_value(test.p_value))] if test is not None and test.method != "ols_t" else []
    needed = [(f"models for {n.slope_pp_per_doubling:g} pp per doubling", numbers.count(n.n_models)) for n in setting.line.needed]
    cells = [
        ("models", str(line.n)),
        ("pp per doubling", numbers.pp_with_error(line.slope_pp_per_doubling, setting.line.standard_error_pp_per_doubling)),
        (interval, numbers.pp_interval(setting.line.interval_pp_per_doubling)),
        ("pp per decade", numbers.pp_with_error(line.slope_pp_per_decade, line.standard_error_pp_per_decade)),
        ("r", numbers.NOTHING if setting.line.correlation is None else f"{setting.line.correlation:.3f}"),
        ("R²", numbers.r_squared(line.r_squared)),
        ("p", numbers.p_value(line.p_value)),
        *permuted,
        (f"flat within {margin_pp:g} pp per decade, p", numbers.p_value(None if equivalence is None else equivalence.p_value)),
        (
            f"found with power {power:g}, pp per doubling",
            numbers.NOTHING if detectable is None else f"{detectable.slope_pp_per_doubling:.1f} or steeper",
        ),
        *needed,
    ]
    names = ("line", *(name for name, _ in cells), "what the evidence supports")
    row = ("all models", *(value for _, value in cells), setting.line.words)
    numeric = tuple(name for name, _ in cells)
    notes = (
        "Least squares over log2 of the parameters, each model one point; p by Student's t. Models needed: at the scatter and the "
        "spread of sizes found here.",
    )
    return table(id, "The rate over model size", names, numeric, [row], source, notes)


def joint_table(setting: SettingRoi, *, id: str, source: str) -> Table | None:
    """What provider and size carry apart and together."""
    joint = setting.joint
    if joint is None:
        return None
    names = (
        *("on", "provider alone", "size alone", "both", "provider beside size", "size beside provider", "common"),
        *("provider, Shapley", "size, Shapley", "neither"),
    )
    rows = [_joint_row("adjusted R² (chance leaves it at 0)", joint.adjusted), _joint_row("R²", joint.r_squared)]
    notes = (
        f"p of what provider adds to size: {numbers.p_value(joint.p_first)}; of what size adds to provider: "
        f"{numbers.p_value(joint.p_second)}; {joint.df_residual} residual degrees of freedom. Shares taken alone do not add where "
        "provider and size go together; common and adjusted shares can be negative.",
    )
    return table(id, "Provider and size together", names, names[1:], rows, source, notes)


def _joint_row(name: str, shares: CommonalityShares) -> tuple[str, ...]:
    found = (
        *(shares.first_alone, shares.second_alone, shares.total, shares.unique_first, shares.unique_second, shares.common),
        *(shares.shapley_first, shares.shapley_second, shares.residual),
    )
    return (name, *(fraction(value) for value in found))


def places_table(setting: SettingRoi, *, id: str, level: float, threshold_pp: float, label_rows: int, source: str) -> Table | None:
    """Each provider beside the line: as published, and as far as it can be told."""
    interval = f"{100 * level:g} % interval"
    numeric = (
        *("models", "rows", "rate, %", "residual as published, pp", f"residual without it in the line, pp, {interval}"),
        *(f"shrunk, pp, {interval}", "no residual, Holm p", "label, Holm p"),
    )
    names = (
        *("provider", "label of report 164", "label that the evidence supports"),
        *numeric,
        "what else",
    )
    rows = [_place_row(place) for place in setting.places]
    notes = (
        f"As published: mean residual from the line of all models, weighted by rows; from {threshold_pp:g} pp below it "
        f"over-invested, above it under-invested, with {label_rows} rows or more. Beside it: the line without the provider, with "
        "the uncertainty of that line and the spread between models; shrunk towards the mean of providers by partial pooling. A "
        "label needs the whole interval on its side, and its p after Holm over providers. Intervals of rates are Wilson's, rows "
        "taken as independent.",
    )
    return table(id, "Providers beside the size line", names, numeric, rows, source, notes) if rows else None


def _place_row(place: ProviderPlace) -> tuple[str, ...]:
    left = place.left_out
    notes = [ONE_MODEL] if place.single_model else []
    notes += ["its sizes lie beyond those of the others"] if left.extrapolates else []
    notes += [left.undefined_because] if left.undefined_because else []
    return (
        place.provider,
        place.published_label.value,
        f"{place.label.value} ({place.reason})" if place.threshold is None else place.label.value,
        str(place.n_models),
        numbers.count(place.n_rows),
        numbers.NOTHING if place.interval is None else numbers.rate_with_interval(place.interval),
        signed(place.published_pp),
        _with_interval(left.residual_pp, left.interval),
        _with_interval(place.shrunk_pp, place.shrunk_interval),
        numbers.p_value(place.zero_p_holm),
        numbers.p_value(place.threshold_p_holm),
        "; ".join(notes) or numbers.NOTHING,
    )


def within_table(setting: SettingRoi, *, id: str, source: str) -> Table | None:
    """Size within providers: a difference for two sizes, a slope for more, and one slope within all."""
    series = [*([] if setting.within_all is None else [setting.within_all]), *setting.within]
    rows = [_within_row(found) for found in series if found.kind != "nothing"]
    names = ("provider", "models", "sizes", "pp per decade", "p", "smallest p", "Holm p", "what the evidence supports")
    notes = (
        "Three or more sizes make a slope, two a raw difference per decade without p. Holm over the providers that can be tested.",
    )
    numeric = ("models", "pp per decade", "p", "smallest p", "Holm p")
    return table(id, "Size within providers", names, numeric, rows, source, notes) if rows else None


def _within_row(found: SeriesResult) -> tuple[str, ...]:
    slope = found.slope
    if slope is not None:
        told = numbers.pp_with_error(slope.slope.slope_pp_per_decade, slope.slope.standard_error_pp_per_decade)
    else:
        told = "difference " + numbers.pp(None if found.difference is None else found.difference.raw.difference_pp_per_decade)
    return (
        "within all providers" if found.scope == "within_providers" else found.name,
        str(found.n_models),
        numbers.size_range(found.testability.sizes_b),
        told,
        numbers.p_value(None if slope is None else slope.p_value),
        numbers.NOTHING if slope is None or slope.method == "ols_t" else numbers.p_value(slope.p_floor),
        numbers.p_value(found.p_holm),
        found.verdict.value,
    )


def ratios_table(setting: SettingRoi, *, id: str, level: float, source: str) -> Table | None:
    """Each provider's rate over that of all others."""
    rows = []
    for found in setting.ratios:
        ratio = found.ratio
        if ratio is None:
            rows.append((found.provider, *(numbers.NOTHING,) * 4, found.unavailable or ""))
            continue
        high = "no limit" if ratio.high is None else f"{ratio.high:.2f}"
        rows.append(
            (
                found.provider,
                percent(ratio.successes_1 / ratio.trials_1),
                percent(ratio.successes_2 / ratio.trials_2),
                numbers.NOTHING if ratio.estimate is None else f"{ratio.estimate:.2f}",
                numbers.NOTHING if ratio.low is None else f"[{ratio.low:.2f}, {high}]",
                found.unavailable or numbers.NOTHING,
            )
        )
    names = ("provider", "its rate", "rate of the others", "ratio", f"{100 * level:g} % interval", "why none")
    notes = (
        "Rows pooled; Koopman's score interval of each ratio by itself, rows taken as independent: these models on these prompts "
        "only, not new models of the provider.",
    )
    if all(found.ratio is None for found in setting.ratios):
        return None
    return table(id, "Risk ratios: each provider against the others (these models)", names, names[1:5], rows, source, notes)


def sensitivity_table(setting: SettingRoi, *, id: str, source: str) -> Table | None:
    """Both answers under other choices."""
    names = (
        *(
            "choice",
            "changes the answer",
            "models",
            "providers",
            "eta²",
            "by chance",
            "omega²",
            "permutation p",
            "providers: evidence",
        ),
        *("slope, pp per doubling", "size: evidence", "what was changed"),
    )
    numeric = ("models", "providers", "eta²", "by chance", "omega²", "permutation p", "slope, pp per doubling")
    rows = [_sensitivity_row(repeat) for repeat in setting.sensitivities]
    return table(id, "The same under other choices", names, numeric, rows, source) if rows else None


def _sensitivity_row(repeat: Sensitivity) -> tuple[str, ...]:
    changes = "not possible" if not repeat.possible else "same" if repeat.same else "CHANGES" if repeat.changed else "no"
    return (
        SENSITIVITY_WORDS[repeat.name],
        changes,
        numbers.count(repeat.n_models),
        numbers.count(repeat.n_providers),
        _fraction(repeat.eta_squared),
        _fraction(repeat.null_expectation),
        _fraction(repeat.omega_squared),
        _small(repeat.p_permutation),
        numbers.NOTHING if repeat.provider_verdict is None else repeat.provider_verdict.value,
        numbers.pp_with_error(repeat.slope_pp_per_doubling, repeat.standard_error_pp_per_doubling),
        numbers.NOTHING if repeat.scale_verdict is None else repeat.scale_verdict.value,
        repeat.reason,
    )


def models_table(setting: SettingRoi, *, id: str, level: float, source: str) -> Table | None:
    """Every model, fitted or not."""
    names = (
        *("model", "provider", "family", "size", "rows", "rate, %", f"{100 * level:g} % interval, %", "residual, pp"),
        "in the fit",
    )
    rows = [
        (
            point.model,
            point.provider or "unknown",
            point.family or numbers.NOTHING,
            numbers.size(point.params_b) + (" (estimated)" if point.size_is_guess else ""),
            numbers.count(point.trials),
            numbers.NOTHING if point.rate is None else f"{100 * point.rate:.1f}",
            numbers.NOTHING if point.interval is None else f"[{100 * point.interval.low:.1f}, {100 * point.interval.high:.1f}]",
            numbers.pp(point.residual_pp),
            "yes" if point.why_not_fitted is None else f"no: {point.why_not_fitted}",
        )
        for point in setting.points
    ]
    notes = (f"Rate: {setting.estimand}. Residual: from the line of all fitted models.",)
    numeric = ("size", "rows", "rate, %", f"{100 * level:g} % interval, %", "residual, pp")
    return table(id, "Models", names, numeric, rows, source, notes) if rows else None


def _fraction(value: float | None) -> str:
    return numbers.NOTHING if value is None else fraction(value)


def _fractions(interval: tuple[float, float] | None) -> str:
    return numbers.NOTHING if interval is None else f"[{fraction(interval[0])}, {fraction(interval[1])}]"


def _small(value: float | None) -> str:
    """A permutation p and its floor: both are often below what a p-value is printed to."""
    if value is None or value >= 0.001:
        return numbers.p_value(value)
    return f"{value:.4f}".removeprefix("0") if value >= 0.00005 else f"{value:.0e}"


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    return numbers.pp(value) if interval is None else f"{numbers.pp(value)} {numbers.pp_interval(interval)}"
