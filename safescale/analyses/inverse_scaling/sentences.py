"""From an estimate to its result: the sentence, and the caveats that the numbers raise."""

from __future__ import annotations

from safescale.analyses.copies import ONE_SERIES
from safescale.analyses.inverse_scaling.bend import BENDS, bend_words, may_bend
from safescale.analyses.inverse_scaling.estimate import Estimate, bends
from safescale.analyses.inverse_scaling.results import (
    Bend,
    Difference,
    ModelPoint,
    Options,
    Robustness,
    ScalingVerdict,
    SeriesResult,
)
from safescale.analyses.observations import Observation, Series, widest_mix
from safescale.analyses.words import (
    and_list,
    difference_words,
    label_words,
    p_clause,
    p_words,
    plural,
    shape_words,
    size_words,
    slope_words,
)
from safescale.cells import Cells
from safescale.stats import ScalingLabel, wilson_interval

__all__ = ["change_words", "series_result", "verdict_words"]

MIX_CAVEAT = 0.10
"""Share of rows by which the mix of attack classes may differ between models before it is said."""

UNEVEN_ROWS = 10
"""Largest over smallest number of rows of a model up to which nothing is said."""


def series_result(estimate: Estimate, robustness: tuple[Robustness, ...], options: Options, cells: Cells) -> SeriesResult:
    """The result of one series, with everything that was computed and what may be said of it."""
    rows = [o.trials for o in estimate.fitted]
    series = estimate.series
    return SeriesResult(
        scope=series.scope,
        name=series.name,
        attack_classes=series.attack_classes,
        kind=estimate.kind,
        points=tuple(_point(series, o, options) for o in series.observations),
        n_models=len(estimate.fitted),
        n_rows=sum(n for n in rows if n is not None) if None not in rows else None,
        n_prompts=_prompts(estimate, cells),
        testability=estimate.testability,
        slope=estimate.slope,
        label=estimate.label,
        p_holm=estimate.p_holm,
        permutation_p=estimate.permutation_p,
        permutation_p_holm=estimate.permutation_p_holm,
        equivalence=estimate.equivalence,
        equivalence_p_holm=estimate.equivalence_p_holm,
        equivalence_unavailable=estimate.equivalence_unavailable,
        curvature=estimate.curvature,
        curvature_p_holm=estimate.curvature_p_holm,
        curvature_permutation_p=estimate.curvature_permutation_p,
        curvature_unavailable=estimate.curvature_unavailable,
        difference=estimate.difference,
        shape=estimate.shape,
        shape_unavailable=estimate.shape_unavailable,
        verdict=estimate.verdict,
        robustness=robustness,
        words=f"{series.name}: {_numbers(estimate)}{verdict_words(estimate, options)}.",
        caveats=_caveats(estimate, robustness, options),
        generalises_to={"slope": "new_models", "difference": "these_models", "nothing": None}[estimate.kind],
    )


def verdict_words(estimate: Estimate, options: Options) -> str:
    """The verdict with what it rests on."""
    testability, verdict = estimate.testability, estimate.verdict
    if verdict is ScalingVerdict.CANNOT_TEST:
        reasons = and_list(testability.reasons) if testability.reasons else estimate.slope_unavailable or "no slope"
        return f"{verdict} ({reasons}{'; ' + '; '.join(testability.needs) if testability.needs else ''})"
    words = str(verdict.value)
    if estimate.only_across is not None:
        return f"{words}: {estimate.only_across}"
    denied = _denied_words(estimate)
    if verdict is ScalingVerdict.FLAT and estimate.equivalence_p_holm is not None:
        words += f" of {options.margin_pp:g} pp per decade (equivalence test, {p_clause(estimate.equivalence_p_holm)})"
    elif verdict is ScalingVerdict.NOT_A_LINE and estimate.curvature is not None:
        words += f": {bend_words(estimate.curvature, estimate.curvature_p_holm, options.alpha)}"
    elif verdict is ScalingVerdict.UNDECIDED:
        words += _not_flat(estimate, options)
    elif estimate.equivalence is not None and estimate.equivalence.equivalent:
        words += f", by less than {options.margin_pp:g} pp per decade"
    if denied is not None:
        words += f"; {denied}"
    if testability.tests_in_family > 1 and estimate.p_holm is not None:
        of_slope = "slope " if verdict is ScalingVerdict.NOT_A_LINE else ""
        words += f"; {of_slope}after Holm over {testability.tests_in_family} tests {p_clause(estimate.p_holm)}"
    return words


def _denied_words(estimate: Estimate) -> str | None:
    """Both p-values, where a t test would claim what a permutation of models denies."""
    if estimate.verdict is not ScalingVerdict.UNDECIDED or estimate.permutation_p is None or estimate.slope is None:
        return None
    if estimate.only_across is not None:
        return None
    words = f"the t test leans on single models: t test {p_clause(estimate.slope.p_value)}"
    words += f", permutation of models {p_clause(estimate.permutation_p)}"
    corrected = estimate.permutation_p_holm
    if corrected is not None and corrected != estimate.permutation_p and estimate.testability.tests_in_family > 1:
        words += f" (after Holm {p_clause(corrected)})"
    return words


def _not_flat(estimate: Estimate, options: Options) -> str:
    if estimate.equivalence is None:
        return f" ({estimate.equivalence_unavailable})" if estimate.equivalence_unavailable else ""
    margin = f"{options.margin_pp:g} pp per decade"
    if _bend_against_flat(estimate, options) and estimate.curvature is not None and estimate.equivalence_p_holm is not None:
        p = estimate.curvature.p_value
        bend = "they lie on a parabola" if p is None else f"square of log10 size {p_clause(p)}"
        return f" (the slope is flat within {margin}, {p_clause(estimate.equivalence_p_holm)}, but the rates may bend: {bend})"
    return f" (flat within {margin}: {p_clause(estimate.equivalence.p_value)})"


def _bend_against_flat(estimate: Estimate, options: Options) -> bool:
    """Whether a flat slope is not called flat because the rates may bend."""
    flat = estimate.equivalence_p_holm is not None and estimate.equivalence_p_holm <= options.alpha
    denied = estimate.permutation_p_holm is not None and estimate.permutation_p_holm > options.alpha
    return flat and not denied and may_bend(estimate.curvature, options.alpha)


def _numbers(estimate: Estimate) -> str:
    sizes = estimate.testability.sizes_b
    if estimate.slope is not None:
        return f"{slope_words(estimate.slope, sizes)}; "
    if estimate.difference is not None:
        quoted, basis = _quoted(estimate.difference)
        return f"{difference_words(estimate.difference.raw, quoted, basis)}; "
    if len(sizes) == 1:
        models = plural(len(estimate.fitted), "model")
        return f"one size ({models} of {size_words(sizes[0])}), so no slope and no difference in size; "
    if len(sizes) == 2:
        return f"{estimate.slope_unavailable}; "
    return "no model with a known size and enough rows; " if not sizes else f"{estimate.slope_unavailable}; "


def _quoted(difference: Difference) -> tuple[tuple[float, float, float] | None, str | None]:
    if difference.headline == "paired" and difference.paired is not None:
        found = difference.paired
        prompts = found.n11 + found.n10 + found.n01 + found.n00
        return (found.estimate, found.low, found.high), f"paired on {prompts} common prompts"
    if difference.independent is not None:
        counts = difference.independent
        return (counts.estimate, counts.low, counts.high), "Newcombe, rows taken as independent"
    return None, None


def _point(series: Series, observation: Observation, options: Options) -> ModelPoint:
    unit, k, n = observation.unit, observation.successes, observation.trials
    one_proportion = series.pooling == "rows" or len(observation.parts) == 1
    rate = series.rate(observation)
    parts = observation.parts
    return ModelPoint(
        model=unit.model,
        model_ids=unit.model_ids,
        params_b=series.params_b(observation),
        size_is_guess=unit.size_is_guess,
        lineage=unit.lineage,
        family=unit.family,
        tampering=unit.tampering,
        rate=sum(part.rate for part in parts) / len(parts) if rate is None else rate,
        successes=k,
        trials=n,
        counts_implied=any(part.counts_implied for part in parts),
        interval=wilson_interval(k, n, level=options.level) if one_proportion and k is not None and n else None,
        why_not_fitted=series.why_not_fitted(observation, options.min_cell),
    )


def _prompts(estimate: Estimate, cells: Cells) -> int | None:
    parts = [part for o in estimate.fitted for part in o.parts]
    if any(not part.cells for part in parts):
        return None
    return cells.distinct_prompts(cell for part in parts for cell in part.cells)


def _caveats(estimate: Estimate, robustness: tuple[Robustness, ...], options: Options) -> tuple[str, ...]:
    found = [
        estimate.only_across,
        _denied_words(estimate),
        _bend_caveat(estimate, options),
        _shape_caveat(estimate),
        _label_caveat(estimate),
        _mix_caveat(estimate),
        *_data_caveats(estimate),
    ]
    found.extend(change_words(robustness, estimate.verdict, estimate.bend, estimate.label))
    return tuple(caveat for caveat in found if caveat is not None)


def change_words(
    robustness: tuple[Robustness, ...], verdict: ScalingVerdict, bend: Bend | None, label: ScalingLabel | None
) -> tuple[str, ...]:
    """A sentence for each repetition under which the verdict changes, the way of a bend, or the label."""
    under = {
        "without_estimated_sizes": "without estimated sizes",
        "active_parameters": "by active parameters",
        "common_prompts": "on common prompts",
    }
    sentences = []
    for repeat in robustness:
        if not repeat.changed or repeat.verdict is None:
            continue
        if repeat.verdict is not verdict:
            now = f"the result changes: {repeat.verdict.value}"
        elif repeat.bend != bend:
            now = f"the result changes: {f'the rates {BENDS[repeat.bend]}' if repeat.bend else repeat.verdict.value}"
        elif repeat.label is not None and label is not None and repeat.label != label:
            # the label is the estimate's side of a threshold; what may be claimed stays
            now = f"only the label of report 353 changes, from {label} to {repeat.label}"
        elif repeat.label != label:
            now = "the answer stays, but it is " + ("no slope any more" if repeat.label is None else "a slope now")
        else:
            continue
        sentences.append(f"{under[repeat.name]} {now} ({repeat.reason})")
    return tuple(sentences)


def _shape_caveat(estimate: Estimate) -> str | None:
    shape = estimate.shape
    if shape is None or shape.shape == "none":
        return None
    names = shape_words(shape.shape)
    largest = max(pair.p_holm for pair, sign in zip(shape.pairs, shape.surviving, strict=True) if sign)
    line = "; a line does not describe it" if shape.shape in ("u", "inverted_u", "several_turns") else ""
    return (
        f"shape over these models: {names} (differences of neighbours survive Holm, {p_words(largest)} or less, "
        f"rows taken as independent){line}"
    )


def _bend_caveat(estimate: Estimate, options: Options) -> str | None:
    """Where the rates bend beside a slope, and where a flat slope could not be looked at for a bend."""
    directed = (ScalingVerdict.COMPLY_MORE, ScalingVerdict.COMPLY_LESS)
    if estimate.verdict in directed and estimate.curvature is not None and bends(estimate, options):
        return f"not a straight line: {bend_words(estimate.curvature, estimate.curvature_p_holm, options.alpha)}"
    if estimate.verdict is ScalingVerdict.FLAT and estimate.curvature_unavailable is not None:
        return f"flat along a line; a bend could not be looked for ({estimate.curvature_unavailable})"
    return None


def _label_caveat(estimate: Estimate) -> str | None:
    """The label where it says another thing than the verdict does."""
    claims = {"INVERSE_SCALING": ScalingVerdict.COMPLY_MORE, "POSITIVE_SCALING": ScalingVerdict.COMPLY_LESS}
    if estimate.label is None:
        return None
    claimed, changes = claims.get(estimate.label), (*claims.values(), ScalingVerdict.NOT_A_LINE)
    if claimed is estimate.verdict or (claimed is None and estimate.verdict not in changes):
        return None
    return label_words(estimate.label)


def _mix_caveat(estimate: Estimate) -> str | None:
    if estimate.series.pooling != "rows" or len(estimate.series.attack_classes) < 2:
        return None
    widest, name = widest_mix(estimate.fitted)
    if widest <= MIX_CAVEAT:
        return None
    return f"the mix of attack classes differs: the share of {name!r} by {100 * widest:.0f} pp between models"


def _data_caveats(estimate: Estimate) -> list[str]:
    found = []
    guesses = sum(o.unit.size_is_guess for o in estimate.fitted)
    if guesses:
        found.append(f"{guesses} of {plural(len(estimate.fitted), 'size')} are estimated")
    implied = sum(any(part.counts_implied for part in o.parts) for o in estimate.fitted)
    if implied:
        found.append(f"counts of {plural(implied, 'model')} are worked out from a published rate and n")
    without_n = sum(o.trials is None for o in estimate.fitted)
    if without_n:
        found.append(f"{plural(without_n, 'model')} published without n: the least number of rows cannot be checked")
    rows = [o.trials for o in estimate.fitted if o.trials]
    if estimate.slope is not None and rows and max(rows) > UNEVEN_ROWS * min(rows):
        found.append(
            f"rows per model range from {min(rows):,} to {max(rows):,} and each model counts as one point: where such rows rise "
            "with size and models do not differ, a test at .05 rejects .08, at worst .14 (docs/explanation/calibration.md)"
        )
    copies = sum(o.unit.copy_note is not None for o in estimate.series.observations)
    if copies:
        found.append(f"{plural(copies, 'model')} not fitted: same verdict on every prompt as another, {ONE_SERIES}")
    left_out = len(estimate.series.observations) - len(estimate.fitted)
    if left_out:
        found.append(f"{plural(left_out, 'model')} shown and not fitted")
    if estimate.difference is not None:
        found.extend(estimate.difference.unavailable)
    return found
