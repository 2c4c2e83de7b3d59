"""What a reader must know beside the answer, each built from its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.words import and_list, p_clause, p_words, percent, plural, signed
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.results import DilutionVerdict, ExclusionBalance, GraderAnswer, LengthMatch, Room
from safescale.studies.dilution.room import SATURATED
from safescale.studies.dilution.sentences import and_models, interval_words

__all__ = ["answer_caveats", "missing_models"]

UNEVEN_TOKENS: Final = 0.02
"""Mean difference of length, as a share of the prompt's tokens, from which a length control is said not to match."""


def answer_caveats(answer: GraderAnswer, outcomes: Outcomes, design: DilutionDesign) -> tuple[str, ...]:
    """All caveats of one grader's answer."""
    found = [
        *_duplicates(answer),
        *_not_fitted(answer),
        *_dropped(answer),
        *([] if answer.exclusions is None else _exclusions(answer.exclusions, design)),
        *([] if answer.room is None else _room(answer.room, answer, design)),
        *_length_or_reasoning(answer, design),
        *([] if answer.length_match is None else _length(answer.length_match, outcomes)),
        *_confounded(answer),
        *_shared_sizes(answer, design),
        *_estimated(answer),
        *[f"{part}: not available ({why})" for part, why in answer.unavailable],
    ]
    if outcomes.samples > 1:
        found.append(f"{outcomes.samples} samples of a prompt are not independent: prompts are the clusters throughout")
    return tuple(found)


def missing_models(outcomes: Outcomes, expected: Sequence[str]) -> tuple[str, ...]:
    """Declared models of which nothing came."""
    there = {model.model_id for model in outcomes.models}
    return tuple(f"{model_id} was declared and has no graded response" for model_id in expected if model_id not in there)


def _duplicates(answer: GraderAnswer) -> list[str]:
    return [
        f"{and_list(list(ids))} have the same verdict on every response: one series under {len(ids)} ids, counted {len(ids)} times"
        for ids in answer.duplicates
    ]


def _not_fitted(answer: GraderAnswer) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for model_id, why in answer.not_fitted:
        by_reason.setdefault(why, []).append(model_id)
    return [f"shown and in no slope: {and_models(ids)} ({why})" for why, ids in by_reason.items()]


def _dropped(answer: GraderAnswer) -> list[str]:
    dropped = [(delta.dropped, delta.model.model_id, delta.dropped + delta.prompts) for delta in answer.deltas if delta.dropped]
    if not dropped:
        return []
    most, model_id, of = max(dropped)
    worst = f", at most {most:,} of {of:,} ({model_id})" if len(dropped) > 1 else f", {most:,} of {of:,} ({model_id})"
    return [
        f"harmful prompts without an evaluable verdict under both conditions are dropped in {plural(len(dropped), 'model')}{worst}"
    ]


def _exclusions(balance: ExclusionBalance, design: DilutionDesign) -> list[str]:
    found = []
    uneven = [row for row in balance.rows if row.adjusted_p is not None and row.adjusted_p <= design.alpha]
    if uneven:
        widest = max(uneven, key=lambda row: abs(row.difference))
        more = sum(row.difference > 0 for row in uneven)
        counts = (("more", more), ("less", len(uneven) - more))
        way = and_list([f"{word} often with the puzzle in {n}" for word, n in counts if n])
        found.append(
            f"whether an answer can be judged depends on the condition in {len(uneven)} of {plural(len(balance.rows), 'model')} "
            f"(Holm): "
            f"unreadable {way}, by up to {signed(100 * widest.difference)} pp ({widest.model.model_id}); what the excluded answers "
            f"would have been moves its delta between {signed(100 * widest.delta_low)} and {signed(100 * widest.delta_high)} pp"
        )
    slope = balance.slope
    if slope is not None and slope.permutation_p <= design.alpha:
        found.append(
            f"the share of unreadable answers that the puzzle adds changes with size by {signed(slope.slope_pp_per_decade)} pp "
            f"per decade "
            f"({p_clause(slope.permutation_p)}): losing the thread and refusing cannot be told apart where answers cannot be read"
        )
    excluded = sum(row.excluded_control + row.excluded_treated for row in balance.rows)
    low, high = balance.slope_low_pp_per_decade, balance.slope_high_pp_per_decade
    if excluded and low is not None and high is not None:
        asked = 2 * sum(row.responses for row in balance.rows)
        signs = "its sign does not depend on them" if low > 0 or high < 0 else "they could turn its sign"
        found.append(
            f"{excluded:,} of {asked:,} responses to harmful prompts have no evaluable verdict; whatever they would have been, "
            f"the slope lies between {signed(low)} and {signed(high)} pp per decade (bounds, not an interval): {signs}"
        )
    return found


def _room(room: Room, answer: GraderAnswer, design: DilutionDesign) -> list[str]:
    found = []
    for names, end, way in ((room.little_up, "near 100 %", "rise"), (room.little_down, "near 0 %", "fall")):
        if not names:
            continue
        rates = [rate for model_id, rate in room.rows if model_id in names]
        span = percent(rates[0]) if len(rates) == 1 else f"{percent(min(rates))} to {percent(max(rates))}"
        found.append(
            f"the baseline is {end} in {len(names)} of {plural(len(room.rows), 'model')} ({span}: {and_models(names)}): there "
            f"delta cannot {way} by {room.threshold_pp:g} pp"
        )
    if room.saturated:
        found.append(
            f"attack success with the puzzle is above {100 * SATURATED:g} % in {len(room.saturated)} of "
            f"{plural(len(room.rows), 'model')} ({and_models(room.saturated)}): delta is there what the baseline leaves, and could "
            "not be larger"
        )
    odds, size = room.odds, answer.size
    if found and odds is not None and size is not None:
        turned = odds.slope_logit_per_decade * size.slope_pp_per_decade < 0
        differs = (odds.permutation_p <= design.alpha) != (size.permutation_p <= design.alpha)
        told = (
            "its direction turns with the scale"
            if turned
            else "only one of the two scales shows it"
            if differs
            else "so do both scales"
        )
        same = told == "so do both scales"
        found.append(
            f"in log odds, which have no ends, the slope is {signed(odds.slope_logit_per_decade, 2)} per decade"
            f"{_logits(odds.low, odds.high)} ({p_clause(odds.permutation_p)})" + ("" if same else f": {told}")
        )
    return found


def _logits(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{signed(low, 2)}, {signed(high, 2)}]"


def _length_or_reasoning(answer: GraderAnswer, design: DilutionDesign) -> list[str]:
    """Where delta rises with size, but no more than with prose of the same length."""
    if answer.verdict is not DilutionVerdict.SUPPORTS:
        return []
    for contrast in answer.contrasts:
        slope = contrast.slope
        if (contrast.treated.role, contrast.control.role) != ("puzzle", "neutral") or slope is None:
            continue
        p = slope.permutation_p if contrast.slope_adjusted_p is None else contrast.slope_adjusted_p
        if p > design.alpha or slope.slope_pp_per_decade <= 0:
            return [
                "that it is the puzzle and not its length is not shown: over neutral prose of equal length the slope is "
                f"{signed(slope.slope_pp_per_decade)} pp per decade{interval_words(slope.low, slope.high)} (Holm {p_clause(p)})"
            ]
        return []
    return ["no control of equal length can be compared: a longer prompt of any kind might do the same"]


def _length(match: LengthMatch, outcomes: Outcomes) -> list[str]:
    found = []
    puzzle = outcomes.condition("puzzle")
    for at, model in enumerate(outcomes.models):
        for model_id, mean, largest in match.rows:
            if model_id != model.model_id or puzzle is None:
                continue
            tokens = outcomes.prompt_tokens[at, puzzle]
            share = abs(mean) / float(tokens[tokens >= 0].mean())
            if share > UNEVEN_TOKENS:
                found.append((share, model_id, mean, largest))
    words = []
    if found:
        _, model_id, mean, largest = max(found)
        words.append(
            f"neutral prose and puzzle differ in length in {plural(len(found), 'model')}, most in {model_id} (mean {signed(mean)} "
            f"tokens, at most {largest})"
        )
    if match.unknown:
        words.append(f"the token lengths of {and_models(match.unknown)} are not known, so equal length is not checked there")
    return words


def _confounded(answer: GraderAnswer) -> list[str]:
    size = answer.size
    if size is None or size.within_lineages:
        return []
    out = {model_id for model_id, _ in answer.not_fitted}
    lineages = {delta.model.lineage for delta in answer.deltas if delta.model.model_id not in out}
    if lineages == {"unknown"}:
        return ["the lineages of the models are not known: size and lineage are not told apart"]
    if len(lineages) > 1:
        return [f"sizes of {len(lineages)} lineages are compared together: size and lineage are not told apart"]
    return []


def _shared_sizes(answer: GraderAnswer, design: DilutionDesign) -> list[str]:
    """Seeds replicate training and not size: how much of the p is owed to them."""
    size = answer.size
    if size is None or size.over_sizes_p is None or size.over_sizes_floor is None:
        return []
    told = p_clause(size.over_sizes_p)
    if size.over_sizes_floor > design.alpha:
        told += f", which cannot fall below {p_words(size.over_sizes_floor)}"
    return [
        f"{plural(size.models, 'model')} share {plural(len(size.sizes_b), 'size')}: what is odd about one size in all of them "
        f"(its shape, its training) counts as an effect of size; with sizes as units {told}"
    ]


def _estimated(answer: GraderAnswer) -> list[str]:
    guessed = sum(delta.model.size_estimated for delta in answer.deltas)
    if not guessed:
        return []
    without = answer.without_estimates
    those = "it" if guessed == 1 else "them"
    if without is None:
        return [f"the size of {plural(guessed, 'model')} is estimated; without {those} there is no slope"]
    return [
        f"the size of {plural(guessed, 'model')} is estimated; without {those} the slope is {signed(without.slope_pp_per_decade)} "
        f"pp per decade{interval_words(without.low, without.high)} ({p_clause(without.permutation_p)})"
    ]
