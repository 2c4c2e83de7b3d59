"""The words of the safety gap, each built from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.lineage.results import GapPair, GapSeries, GapSetting, GapSlope, GapVerdict, Options, Unpaired
from safescale.analyses.words import LEVEL_HOLDS, and_list, capital, p_clause, p_words, percent, plural, signed, size_words
from safescale.cells import Cells
from safescale.records.outcomes import Tier
from safescale.stats import distinct_sizes

__all__ = [
    "gap_verdict_words",
    "gap_words",
    "no_scaling_words",
    "nothing_words",
    "result_caveats",
    "result_words",
    "series_caveats",
    "series_words",
    "setting_words",
    "testability_words",
    "unpaired_words",
]

LISTED: Final = 6
"""Up to this many pairs are named one by one."""

METHODS: Final = {
    "exact_permutation": "exact permutation of pairs",
    "monte_carlo_permutation": "permutation of pairs",
    "ols_t": "t test, pairs as units",
}


def gap_words(pair: GapPair) -> str:
    """``gemma-2b (2B): 7.0 % to 78.0 %, gap +71.0 pp [+60.1, +79.3] (100 paired prompts)``."""
    quoted = pair.quoted
    words = f"{pair.tampered.model} ({size_words(pair.params_b)}): {percent(pair.base.rate)} to {percent(pair.tampered.rate)}, "
    words += f"gap {signed(pair.quoted_gap_pp)} pp"
    if quoted is None:
        return words
    words += f" [{signed(100 * quoted.low)}, {signed(100 * quoted.high)}]"
    if pair.headline != "paired" or pair.paired is None:
        return f"{words} (rows as independent)"
    prompts = pair.paired.n11 + pair.paired.n10 + pair.paired.n01 + pair.paired.n00
    every = "" if signed(pair.gap_pp) == signed(pair.quoted_gap_pp) else f"; over all rows {signed(pair.gap_pp)}"
    return f"{words} ({prompts:,} paired prompts{every})"


def no_scaling_words(used: Sequence[GapPair]) -> str | None:
    """
    Why pairs of several sizes are no scaling result: none of their lineages is there at two sizes; None where one is.

    A pair of unknown lineage may be of any, so it tells size from lineage no more than one of a lineage of its own.
    """
    if len(distinct_sizes([pair.params_b for pair in used])) < 2:
        return None
    of_lineage: dict[str, set[float]] = {}
    for pair in used:
        if pair.lineage is not None:
            of_lineage.setdefault(pair.lineage, set()).add(pair.params_b)
    if any(len(sizes) > 1 for sizes in of_lineage.values()):
        return None
    models, unknown = len({pair.base.model for pair in used}), len({p.base.model for p in used if p.lineage is None})
    whose = f"{plural(models, 'model')} of {plural(len(of_lineage), 'known lineage' if unknown else 'lineage')}"
    return (
        f"no scaling result: {whose}, none of them at two sizes, so what goes with size here goes with lineage too; "
        "pairs at two or more sizes of one lineage would do"
    )


def series_words(series: GapSeries, options: Options) -> str:
    """The gaps, how they move with size, and what may be said of it."""
    used = series.used
    if not used:
        return f"{series.name}: no pair can be used ({plural(len(series.pairs), 'pair')} found)."
    parts = [
        f"{series.name}: {series.whole_verdict}{_verdict_basis(series, options)}",
        capital(series.no_scaling_because) if series.no_scaling_because else "",
        f"The gap over size: {over_size}" if (over_size := _over_size(series)) else "",
        _gaps(used),
    ]
    return ". ".join(part for part in parts if part) + "."


def gap_verdict_words(kind: str, used: Sequence[GapPair], options: Options) -> str:
    """``tampered models comply more in 6 of 6 pairs (Holm, these models only), mean gap +32.5 pp``, two-sided."""
    if not used:
        return "no pair can be used"
    mean = f"mean gap {signed(sum(pair.quoted_gap_pp for pair in used) / len(used))} pp"
    if all(pair.p_holm is None for pair in used):
        return f"whether tampering changes a rate cannot be tested without counts, {mean}"
    shown = [pair for pair in used if pair.p_holm is not None and pair.p_holm <= options.alpha]
    more = sum(pair.quoted_gap_pp > 0 for pair in shown)
    of = f"of {plural(len(used), 'pair')} (Holm, these models only), {mean}"
    if not shown:
        return f"no difference between tampered and untampered is shown in any {of}"
    counts = [f"{word} in {n}" for word, n in (("more", more), ("less", len(shown) - more)) if n]
    if options.tier is not Tier.STRICT:
        counts = [words.replace("more", "higher").replace("less", "lower") for words in counts]
    if options.baseline_condition is None:
        subject = "tampered models comply" if options.tier is Tier.STRICT else f"the {_tier(options)} rate of tampered models is"
    else:
        subject = f"under {kind} models comply" if options.tier is Tier.STRICT else f"under {kind} the {_tier(options)} rate is"
    return f"{subject} {' and '.join(counts)} {of}"


def _tier(options: Options) -> str:
    return options.tier.value.replace("_", " ")


def _gaps(used: Sequence[GapPair]) -> str:
    counted = plural(len(used), "pair")
    if len(used) <= LISTED:
        return f"{counted}: {'; '.join(gap_words(pair) for pair in used)}"
    least, most = min(used, key=lambda p: p.quoted_gap_pp), max(used, key=lambda p: p.quoted_gap_pp)
    return f"{counted}, from {gap_words(least)} to {gap_words(most)}"


def _over_size(series: GapSeries) -> str:
    slope, found = series.slope, series.testability
    if slope is not None:
        reasons = " ".join(found.reasons) if series.verdict is GapVerdict.CANNOT_TEST else ""
        words = _slope_words(slope, told=reasons)
        if series.p_holm is not None and found.tests_in_family > 1:
            words += f", after Holm over {found.tests_in_family} tests {p_clause(series.p_holm)}"
        within = series.within_lineages
        return words + (f"; within lineages {_slope_words(within, told=reasons)}" if within is not None else "")
    if series.difference is not None:
        d = series.difference
        inside = "the interval includes zero" if d.low <= 0 <= d.high else "the interval excludes zero, for these models only"
        sizes = distinct_sizes([pair.params_b for pair in series.used])
        return (
            f"gap at {size_words(sizes[1])} minus gap at {size_words(sizes[0])}: {signed(100 * d.estimate)} pp "
            f"[{signed(100 * d.low)}, {signed(100 * d.high)}], {inside}; two sizes make no slope"
        )
    return series.difference_unavailable or ""


def _slope_words(slope: GapSlope, *, told: str) -> str:
    """``told`` holds reasons that are given already: a smallest p in them is not repeated."""
    interval = "" if slope.interval is None else f" [{signed(slope.interval[0])}, {signed(slope.interval[1])}]"
    known = slope.method == "ols_t" or f"smallest attainable p is {p_words(slope.p_floor)}" in told
    floor = "" if known else f"; smallest attainable here {p_words(slope.p_floor)}"
    return (
        f"{signed(slope.slope_pp_per_decade)} pp per decade{interval} over {plural(slope.n, 'pair')}; "
        f"{p_clause(slope.p_value)} ({METHODS[slope.method]}{floor})"
    )


def _verdict_basis(series: GapSeries, options: Options) -> str:
    margin = f"{options.margin_pp:g} pp per decade"
    if series.verdict is GapVerdict.CANNOT_TEST:
        return f" ({'; '.join((*series.testability.reasons, *series.testability.needs))})"
    if series.verdict is GapVerdict.FLAT and series.equivalence_p_holm is not None:
        return f" of {margin} (equivalence test, {p_clause(series.equivalence_p_holm)})"
    if series.verdict is GapVerdict.UNDECIDED and series.equivalence is not None:
        return f" (flat within {margin}: {p_clause(series.equivalence.p_value)})"
    return ""


def testability_words(series: GapSeries) -> str:
    """What pairs as units could show here."""
    found = series.testability
    counted = plural(found.n_models, "pair") + " with a known size and enough rows"
    if len(found.sizes_b) > 1:
        counted += f", {plural(len(found.sizes_b), 'size')} from {size_words(found.sizes_b[0])} to {size_words(found.sizes_b[-1])}"
    if found.can_test and found.smallest_p is not None:
        return f"testable: {counted}; smallest attainable p {p_words(found.smallest_p)}"
    return f"not testable: {counted}; " + "; ".join((*found.reasons, *found.needs))


def series_caveats(series: GapSeries, options: Options) -> tuple[str, ...]:
    """What the numbers of a series raise."""
    used, pairs, found = series.used, series.pairs, []
    lineages = {pair.lineage for pair in used}
    if len(lineages) > 1 and len({pair.params_b for pair in used}) > 1:
        alone = len(lineages) == len(used)
        words = f"pairs of {len(lineages)} lineages together"
        found.append(f"{words}, one of each: size and lineage are not told apart" if alone else words)
    guessed = sum(pair.base.size_is_guess or pair.tampered.size_is_guess for pair in used)
    if guessed:
        now = "the same" if series.without_guesses is series.verdict else series.without_guesses
        those = "it" if guessed == 1 else "them"
        found.append(f"the size of {guessed} of {plural(len(used), 'pair')} is estimated; without {those}: {now}")
    if any(pair.headline == "paired" for pair in used) and any(pair.headline != "paired" for pair in used):
        found.append("some gaps are paired by prompt and some are not")
    ceiling = [pair for pair in used if pair.base.rate > 1 - options.margin_pp / 100]
    if ceiling:
        found.append(
            f"{and_list([pair.base.model for pair in ceiling])} complies nearly always without tampering: no gap could show there"
        )
    unknown = sorted({pair.base.model for pair in used if pair.base.tampering == "unknown"})
    if unknown and options.baseline_condition is None:
        verb = "is unknown; it counts" if len(unknown) == 1 else "is unknown; they count"
        found.append(f"tampering state of {and_list(unknown)} {verb} as not tampered")
    found += [f"{pair.tampered.model} not used: {pair.why_not_used}" for pair in pairs if pair.why_not_used is not None]
    found += [f"{pair.tampered.model}: {note}" for pair in pairs for note in pair.notes]
    return tuple(f"{series.name}: {words}" for words in found)


def unpaired_words(unpaired: Sequence[Unpaired]) -> str:
    """Tampered models without a partner, with the reason of each."""
    listed = [f"{found.model} ({found.reason})" for found in unpaired]
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    return f"{plural(len(listed), 'model')} without a partner: {'; '.join(listed[:LISTED])}{more}"


def setting_words(found: GapSetting) -> str:
    """The answers of one setting."""
    sentences = [series.words for series in found.series]
    if not found.pairs:
        sentences.append(
            f"{GapVerdict.CANNOT_TEST.value}: no tampered model has an untampered one of its lineage and size beside it."
        )
    if found.unpaired:
        sentences.append(f"{capital(unpaired_words(found.unpaired))}.")
    return " ".join(sentences)


def result_caveats(settings: Sequence[GapSetting], cells: Cells, alpha: float) -> tuple[str, ...]:
    """What concerns the corpus as a whole."""
    found = []
    if len(settings) > 1:
        found.append(f"{len(settings)} settings are answered: the level of {alpha:g} {LEVEL_HOLDS}")
    found += [
        f"{and_list(list(same.model_ids))} have the same verdict on all {plural(same.prompts, 'prompt')} "
        f"({plural(same.evaluable, 'row')}, {same.grader}): one series under several ids"
        for same in cells.identical_models
    ]
    return tuple(found)


def nothing_words(counted: int, published: int) -> str:
    """Why there is no pair at all: no model is tampered, or nothing counts."""
    rows = [plural(counted, "counted row")] if counted else []
    rows += [plural(published, "published rate")] if published else []
    return f"{and_list(rows)}, none of a tampered model" if rows else "no graded row counts"


def result_words(settings: Sequence[GapSetting], cells: Cells, alpha: float) -> str:
    """The answer of the corpus."""
    told = [setting for setting in settings if setting.pairs or setting.unpaired]
    if not told:
        nothing = nothing_words(cells.counted, len(cells.aggregates))
        needs = "tampered models and the untampered ones of the same lineage and size, under one grader"
        return f"{GapVerdict.CANNOT_TEST.value}: {nothing}. Needs {needs}."
    heading = len(settings) > 1
    sentences = [f"{capital(s.setting_words)}: {s.words}" if heading else s.words for s in told]
    sentences += [f"Warning: {caveat}." for caveat in result_caveats(settings, cells, alpha) if "one series" in caveat]
    return " ".join(sentences)
