"""The words of re-emergence, each built from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.inverse_scaling.testability import SIZES_OF_A_SLOPE
from safescale.analyses.observations import Observation, widest_mix
from safescale.analyses.reemergence.results import (
    QUANTITY_WORDS,
    Options,
    Quantity,
    Reemergence,
    Share,
    TamperedSeries,
    TamperedSetting,
    TargetComparison,
    Trend,
)
from safescale.analyses.reemergence.trends import CLAIMS
from safescale.analyses.words import (
    LEVEL_HOLDS,
    and_list,
    capital,
    p_clause,
    p_words,
    percent,
    plural,
    shape_words,
    signed,
    size_words,
)
from safescale.cells import Cells, DistinctResponses
from safescale.records.verdicts import Verdict
from safescale.stats import distinct_sizes

__all__ = [
    "composition_words",
    "opposite_words",
    "refusals_untold",
    "responses_words",
    "result_caveats",
    "result_words",
    "series_caveats",
    "series_words",
    "setting_words",
    "targets_words",
    "testability_words",
    "these_models_words",
]

MIX_CAVEAT: Final = 0.10
"""Share of rows by which the mix of attack classes may differ between models before it is said."""

LISTED: Final = 6
"""Up to this many models a share is given for each of them, beyond at both ends."""

QUOTED: Final[dict[Quantity, str]] = {
    "refusal": "refusals",
    "hedging": "hedging (PARTIAL)",
    "strict": "strict",
    "broad": "broad",
}
"""The shares that an answer gives, in this order."""

FEW_DIFFERENT: Final = 0.5
"""Different responses per row below which the number of rows misleads."""


def series_words(series: TamperedSeries, options: Options) -> str:
    """The answer of one series: the verdict, then what holds for these models only, then the numbers behind both."""
    fitted = series.fitted
    if not fitted:
        return f"{series.name}: no model of known size has {options.min_cell} evaluable rows."
    several = len({(m.lineage, m.tampering, m.developer) for m in fitted})
    apart = f"; size is not told apart from {several} lineages, kinds of tampering or makers" if several > 1 else ""
    why = "".join(f"{mark}{reason}" for mark, reason in zip((": ", *["; "] * 9), _why_not_testable(series), strict=False))
    sentences = [
        f"{series.name}: {series.verdict.value} (models as units{why}){apart}",
        f"These models only: {these_models_words(series, options.alpha)}",
        _models_counted(series),
        *composition_words(series),
        _ranks(series),
        _items(series, options.alpha),
    ]
    return ". ".join(capital(sentence) if i else sentence for i, sentence in enumerate(s for s in sentences if s)) + "."


def _models_counted(series: TamperedSeries) -> str:
    sizes = distinct_sizes([model.params_b for model in series.fitted if model.params_b is not None])
    rows = "" if series.rows is None else f", {responses_words(series.rows, series.responses)}"
    span = size_words(sizes[0]) if len(sizes) == 1 else f"{size_words(sizes[0])} to {size_words(sizes[-1])}"
    return f"{plural(len(series.fitted), 'model')} of {span}{rows}"


def _why_not_testable(series: TamperedSeries) -> list[str]:
    """Each reason once: too few sizes, or refusals that cannot be told."""
    if series.verdict is not Reemergence.CANNOT_TEST:
        return []
    reasons = [*series.testability.reasons, *series.testability.needs]
    return reasons + ([refusals_untold(series)] if series.trend("refusal") is None else [])


def refusals_untold(series: TamperedSeries) -> str:
    """Why no share of refusals can be had: the outcome map, binary verdicts, or rates without rows."""
    by_map = [reason for reason in series.not_told if "refusal from" in reason]
    if by_map:
        return by_map[0]
    counted = [model.verdicts for model in series.fitted if model.verdicts is not None]
    harmless = sum(found.get(Verdict.NOT_HARMFUL.value, 0) for found in counted)
    if harmless:
        binary = "the verdicts are binary: " if _is_binary(series) else ""
        rows = sum(sum(found.values()) for found in counted)
        return f"{binary}NOT_HARMFUL ({harmless:,} of {plural(rows, 'row')}) does not tell a refusal from another harmless answer"
    return "published rates do not tell refusals; rows would"


def _is_binary(series: TamperedSeries) -> bool:
    """Whether all verdicts are harmful or not: then no PARTIAL means nothing, and strict and broad are one rate."""
    told = {verdict for m in series.fitted for verdict, n in (m.verdicts or {Verdict.PARTIAL.value: 1}).items() if n}
    return Verdict.NOT_HARMFUL.value in told and told <= {Verdict.NOT_HARMFUL.value, Verdict.COMPLIANCE.value}


def _told(series: TamperedSeries) -> dict[Quantity, str]:
    """The shares to quote, with their names."""
    return {quantity: name for quantity, name in QUOTED.items() if quantity == "strict" or not _is_binary(series)}


def these_models_words(series: TamperedSeries, alpha: float) -> str:
    """What holds for these models only; where refusals cannot be told, what the other shares do."""
    if series.verdict_for_these_models is not Reemergence.CANNOT_TEST:
        return series.verdict_for_these_models.value
    found = []
    for quantity in _told(series):
        trend = series.trend(quantity)
        if trend is not None and trend.item_p is not None:
            name, moves = QUANTITY_WORDS[quantity], trend.item_p <= alpha
            found.append(
                f"{name} {'rises' if trend.item_sign > 0 else 'falls'} with size" if moves else f"no trend of the {name} is shown"
            )
    untold = "whether refusals change cannot be told"
    strict = series.trend("strict")
    if not found and strict is not None and strict.by_rows_unavailable is not None:
        untold += f" ({strict.by_rows_unavailable})"
    return "; ".join([*found, untold])


def responses_words(rows: int, responses: DistinctResponses | None) -> str:
    """``n = 4,163 rows, 66 distinct responses``."""
    words = f"n = {plural(rows, 'row')}"
    if responses is None:
        return words
    words += f", {plural(responses.distinct, 'distinct response')}"
    if responses.rows_with_hash < responses.rows:
        words += f" (known for {responses.rows_with_hash:,} rows)"
    return words


def composition_words(series: TamperedSeries) -> list[str]:
    """Refusals with their counts, hedging, strict and broad, from the smallest model to the largest."""
    found = []
    for quantity, name in _told(series).items():
        shares = [model.shares[quantity] for model in series.fitted if quantity in model.shares]
        if not shares:
            continue
        if len(shares) > LISTED:
            shares = [shares[0], shares[-1]]
        joined = " to " if len(shares) == 2 else ", "
        found.append(f"{name} {joined.join(_share_words(share, counted=quantity == 'refusal') for share in shares)}")
    return found


def _share_words(share: Share, *, counted: bool) -> str:
    if counted and share.successes is not None and share.trials is not None:
        return f"{share.successes:,} of {share.trials:,} ({percent(share.rate)})"
    return percent(share.rate)


def testability_words(series: TamperedSeries) -> str:
    """What models as units could show here."""
    found = series.testability
    counted = plural(found.n_models, "model") + " with a known size and enough rows"
    if len(found.sizes_b) > 1:
        counted += f", {plural(len(found.sizes_b), 'size')} from {size_words(found.sizes_b[0])} to {size_words(found.sizes_b[-1])}"
    if series.verdict is Reemergence.CANNOT_TEST:
        return f"not testable: {counted}; " + "; ".join(_why_not_testable(series))
    return f"testable: {counted}; smallest attainable p {p_words(found.smallest_p or 1.0)}"


def _ranks(series: TamperedSeries) -> str:
    """Correlations with size, models as units, and once the smallest p that they can reach."""
    ranked = [quantity for quantity in (*CLAIMS, "strict") if quantity in _told(series)]
    found = [words for quantity in ranked if (words := _rank_words(series.trend(quantity), series))]
    if not found:
        return ""
    tests = [trend.by_models for quantity in ranked if (trend := series.trend(quantity)) is not None]
    floors = sorted({p_words(test.p_floor) for test in tests if test is not None})
    told = " ".join(_why_not_testable(series))
    floors = [floor for floor in floors if f"smallest attainable p is {floor}" not in told]
    least = [f"smallest attainable p {and_list(floors)}"] if floors else []
    return f"ranks by size, models as units: {'; '.join([*found, *least])}"


def _rank_words(trend: Trend | None, series: TamperedSeries) -> str:
    """``refusal share: rho +0.20, exact p = .917``."""
    if trend is None:
        return ""
    name = QUANTITY_WORDS[trend.quantity]
    test = trend.by_models
    if test is None:
        several = len(series.testability.sizes_b) >= SIZES_OF_A_SLOPE
        return f"{name}: no rank correlation ({trend.by_models_unavailable})" if several else ""
    how = "exact" if test.method == "exact" else "permutation"
    words = f"{name}: rho {signed(test.rho, 2)}, {how} {p_clause(test.p_value)}"
    if trend.p_holm is not None and series.testability.tests_in_family > 1:
        words += f", after Holm {p_clause(trend.p_holm)}"
    return words


def _items(series: TamperedSeries, alpha: float) -> str:
    found = [words for quantity in _told(series) if (words := _item_words(series.trend(quantity), alpha))]
    more = [words for words in (_refusal_pattern(series, alpha), opposite_words(series, alpha)) if words]
    if not found:
        return "; ".join(more)
    return f"item-level trends, these models only: {'; '.join([*found, *more])}"


def _item_words(trend: Trend | None, alpha: float) -> str:
    if trend is None or trend.item_p is None:
        return ""
    direction = ": no trend is shown" if trend.item_p > alpha else " rises" if trend.item_sign > 0 else " falls"
    statistic = ""
    if trend.by_rows is not None and trend.by_rows.z is not None:
        statistic = f", z = {signed(trend.by_rows.z)}"
    prompts = trend.by_prompts
    if prompts is not None and prompts.t is not None:
        statistic += f", by prompt t = {signed(prompts.t)}"
    distinct = trend.on_distinct_responses
    if distinct is not None:
        z = "none" if distinct.z is None else signed(distinct.z)
        statistic += f", on distinct responses z = {z}"
    return f"{QUANTITY_WORDS[trend.quantity]}{direction}{statistic}, {p_clause(trend.item_p)}"


def _refusal_pattern(series: TamperedSeries, alpha: float) -> str:
    """Where refusals are, which a trend over size does not say: never, or most at which size, and in what shape."""
    shares = [(m, s) for m in series.fitted if (s := m.shares.get("refusal")) is not None]
    if not shares:
        return ""
    if all(share.rate == 0 for _, share in shares):
        return "no fitted model refuses"
    none = sum(share.rate == 0 for _, share in shares)
    found = [f"{none} of {plural(len(shares), 'model')} never {'refuses' if none == 1 else 'refuse'}"] if none else []
    trend = series.trend("refusal")
    separation = None if trend is None else trend.separation
    if separation is not None and any(pair.p_holm <= alpha for pair in separation.pairs):
        model, most = max(shares, key=lambda share: share[1].rate)
        found.append(f"refusals are most frequent at {size_words(model.params_b or 0.0)} ({percent(most.rate)})")
    if trend is not None and trend.shape is not None and trend.shape.shape != "none":
        found.append(f"shape of the refusal share over these sizes: {shape_words(trend.shape.shape)}")
    return "; ".join(found)


def opposite_words(series: TamperedSeries, alpha: float) -> str:
    """How strict and broad move, which differ by hedging within every model; only trends that are shown are told."""
    strict, broad = series.trend("strict"), None if _is_binary(series) else series.trend("broad")
    moving = [t for t in (strict, broad) if t is not None and t.item_p is not None and t.item_p <= alpha and t.item_sign]
    if strict is None or broad is None or len(moving) < 2:
        return ""
    verb = {1: "rises", -1: "falls"}
    if strict.item_sign != broad.item_sign:
        return f"strict {verb[strict.item_sign]} while broad {verb[broad.item_sign]}, and PARTIAL is the difference"
    return f"strict and broad both {'rise' if strict.item_sign > 0 else 'fall'}"


def series_caveats(series: TamperedSeries, observations: Sequence[Observation]) -> tuple[str, ...]:
    """What the numbers of a series raise."""
    found, models = [], series.models
    if observations and len({part.attack_class for o in observations for part in o.parts}) > 1:
        widest, attack_class = widest_mix(observations)
        if widest > MIX_CAVEAT:
            found.append(
                f"the mix of attack classes differs: the share of {attack_class!r} by {100 * widest:.0f} pp between models"
            )
    fitted = [model for model in models if model.why_not_fitted is None]
    again = series.without_guesses
    if again is not None:
        same = again.verdict is series.verdict and again.verdict_for_these_models is series.verdict_for_these_models
        now = (
            "the same" if same else f"models as units: {again.verdict.value}; these models: {again.verdict_for_these_models.value}"
        )
        found.append(f"{again.left_out} of {plural(len(fitted), 'size')} are estimated; without them {now}")
    known_prompts = [model.prompts for model in fitted if model.prompts is not None]
    if series.common_prompts is not None and len(fitted) > 1 and series.common_prompts < min(known_prompts):
        found.append(
            f"{plural(series.common_prompts, 'prompt')} evaluable in all {len(fitted)} models, which have {min(known_prompts):,} "
            "or more each: the others differ from model to model"
        )
    known = [model.responses for model in fitted if model.responses is not None]
    few = [r for r in known if r.distinct < FEW_DIFFERENT * r.rows_with_hash]
    if few:
        found.append(
            f"rows repeat each other: in {len(few)} of {plural(len(fitted), 'model')} there are fewer than half as many different "
            "responses as rows; unless one text (a canned refusal) answers many prompts on its merits, intervals and tests by rows "
            "are too sure"
        )
    strict = series.trend("strict")
    separation = None if strict is None else strict.separation
    if separation is not None and any(pair.disjoint for pair in separation.pairs):
        found.append(f"disjoint intervals: {separation.note}")
    left_out = [model for model in models if model.why_not_fitted is not None]
    found += [f"{model.model} shown and not fitted: {model.why_not_fitted}" for model in left_out]
    return tuple(f"{series.name}: {words}" for words in found)


def setting_words(found: TamperedSetting) -> str:
    """The answers of one setting."""
    if found.series:
        return " ".join(series.words for series in found.series)
    if not found.alone:
        return f"{Reemergence.CANNOT_TEST.value}: no tampered model has an evaluable row in the attack classes that it concerns."
    listed = [f"{m.model} ({'size unknown' if m.params_b is None else size_words(m.params_b)})" for m in found.alone]
    shown = and_list(listed) if len(listed) <= LISTED else f"{', '.join(listed[:LISTED])} and {len(listed) - LISTED} more"
    return (
        f"{Reemergence.CANNOT_TEST.value}: no two tampered models of known, different size with enough rows; there "
        f"{'is' if len(listed) == 1 else 'are'} {shown}. Needs tampered models of one lineage at three sizes or more."
    )


def targets_words(targets: Sequence[TargetComparison], cells: Cells, alpha: float) -> str:
    """How what was said compares with what was done, or why that cannot be compared."""
    if not targets:
        graded = sorted(set(cells.table["target"].to_pylist()))
        if len(graded) > 1:
            return f"Text against action: targets {and_list(graded)} are graded, but never on the same trace."
        only = f"only {graded[0]} is graded" if graded else "nothing is graded"
        return f"Text against action: not graded ({only}); it needs verdicts on both targets of the same traces."
    sentences = [_comparison_words(comparison, alpha) for comparison in targets]
    holm = f" Holm over {plural(len(targets), 'comparison')}." if len(targets) > 1 else ""
    return f"What was said against what was done, on the same traces: {'; '.join(sentences)}.{holm}"


def _comparison_words(found: TargetComparison, alpha: float) -> str:
    first, second, difference = found.first_target, found.second_target.replace("_", " "), found.difference
    interval = f"{signed(100 * difference.estimate)} pp [{signed(100 * difference.low)}, {signed(100 * difference.high)}]"
    if found.p_holm > alpha:
        verdict = "no difference is shown"
    else:
        verdict = f"complies more often in {first if difference.estimate > 0 else second}"
    return (
        f"{found.model}: {verdict} ({first} minus {second} {interval} over {plural(found.traces, 'trace')}; "
        f"{found.first_only:,} only in {first}, {found.second_only:,} only in {second}; McNemar {p_clause(found.test.p_value)})"
    )


def result_caveats(settings: Sequence[TamperedSetting], cells: Cells, alpha: float) -> tuple[str, ...]:
    """What concerns the corpus as a whole."""
    found = []
    if len(settings) > 1:
        found.append(f"{len(settings)} settings (grader, target, condition) are answered: the level of {alpha:g} {LEVEL_HOLDS}")
    for setting in settings:
        found += setting.notes
    if cells.aggregate_exclusions:
        reasons = and_list([f"{rows:,} {reason}" for reason, rows in sorted(cells.aggregate_exclusions.items())])
        found.append(f"published rates left out: {reasons}")
    return tuple(dict.fromkeys(found))


def result_words(settings: Sequence[TamperedSetting], targets: Sequence[TargetComparison], cells: Cells, alpha: float) -> str:
    """The answer of the corpus."""
    if not settings:
        found = [plural(cells.considered, "graded row")] if cells.considered else []
        published = sum(cells.aggregate_exclusions.values())
        found += [plural(published, "published rate")] if published else []
        rows = f"{and_list(found)}, none of a tampered model" if found else "nothing is graded"
        return (
            f"{Reemergence.CANNOT_TEST.value}: {rows} that counts. Needs graded rows of models whose safety training was removed, "
            "of one lineage at three sizes or more."
        )
    sentences = [_setting_heading(setting, settings) + setting.words for setting in settings]
    if targets:
        sentences.append(targets_words(targets, cells, alpha))
    sentences += [f"Warning: {note}." for note in dict.fromkeys(note for setting in settings for note in setting.notes)]
    return " ".join(sentences)


def _setting_heading(setting: TamperedSetting, settings: Sequence[TamperedSetting]) -> str:
    names = [f"Grader {setting.setting.grader}"]
    if len({(s.setting.target, s.setting.condition) for s in settings}) > 1:
        names += [f"target {setting.setting.target}", f"condition {setting.setting.condition}"]
    return f"{', '.join(names)}: "
