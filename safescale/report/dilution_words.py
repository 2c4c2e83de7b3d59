"""Sentences of the dilution report, from its numbers alone; those that the answer holds already are taken from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.words import and_list, capital, p_clause, p_words, percent, plural, signed, size_words
from safescale.report.dilution_facts import DilutionRun
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.results import (
    DilutionResult,
    DilutionVerdict,
    DoseResponse,
    ExclusionBalance,
    GraderAnswer,
    Interaction,
    LengthMatch,
    Room,
    Solving,
    TemplateRates,
)
from safescale.studies.dilution.sentences import (
    HYPOTHESIS,
    controls_words,
    deltas_words,
    dose_words,
    lead_words,
    lineages_words,
    over_size_words,
    rule_words,
    solving_words,
    spread_words,
)
from safescale.studies.dilution.settle import TO_SETTLE
from safescale.studies.dilution.verdict import verdict_over_graders

__all__ = [
    "QUESTION",
    "VERDICTS",
    "balance_words",
    "controls_paragraph",
    "departures_words",
    "dose_paragraph",
    "graders_words",
    "interaction_words",
    "length_words",
    "lost_words",
    "models_paragraph",
    "room_words",
    "short_answer",
    "short_words",
    "size_paragraphs",
    "solving_paragraphs",
    "templates_words",
    "testability_words",
    "verdict_words",
]

QUESTION: Final = "Does a benign logic puzzle before a prompt raise attack success more in larger models?"

VERDICTS: Final = {
    DilutionVerdict.SUPPORTS: f"the data support that {HYPOTHESIS}",
    DilutionVerdict.CONTRADICTS: f"the data contradict that {HYPOTHESIS}",
    DilutionVerdict.CANNOT_TELL: f"the data cannot tell whether {HYPOTHESIS}",
}


def verdict_words(verdict: DilutionVerdict) -> str:
    """The verdict as a clause."""
    return VERDICTS[verdict]


def short_answer(result: DilutionResult) -> str:
    """The answer in a few sentences, with what would settle it; each part of the evidence has its own in its section."""
    first = result.answers[0] if result.answers else None
    verdict, doubts = (result.verdict, ()) if first is None else verdict_over_graders(result.answers)
    if first is None or verdict is not result.verdict or (first.size is None and verdict is not DilutionVerdict.CANNOT_TELL):
        return _with_settle(result.answer.strip(), result)
    return _with_settle(short_words(first, result.design, verdict, doubts), result)


def short_words(answer: GraderAnswer, design: DilutionDesign, verdict: DilutionVerdict, doubts: Sequence[str]) -> str:
    """Lead and slope of one grader's answer."""
    if answer.size is None and (verdict is not DilutionVerdict.CANNOT_TELL or not doubts):
        return answer.words or f"{capital(VERDICTS[verdict])}."
    sentences = [lead_words(verdict, answer, design, doubts)]
    if answer.size is not None:
        sentences.append(f"Delta, attack success with the puzzle minus without: {over_size_words(answer.size)}.")
    return " ".join(sentences)


def _with_settle(words: str, result: DilutionResult) -> str:
    settle = result.settle.strip()
    said = capital(words) if words else f"{capital(VERDICTS[result.verdict])}."
    if not settle or settle in said:
        return said
    open_ = result.verdict is DilutionVerdict.CANNOT_TELL and not settle.startswith(TO_SETTLE)
    lead = "What would settle it: " if open_ else ""
    return f"{said} {lead}{settle if lead else capital(settle)}" + ("" if settle.endswith(".") else ".")


def testability_words(answer: GraderAnswer) -> str:
    """What models as units could show, whatever the rates."""
    out = set() if answer.size is None else {model_id for model_id, _ in answer.not_fitted}
    sized = [d.model for d in answer.deltas if d.model.params_b is not None and d.model.model_id not in out]
    sizes = sorted({model.params_b for model in sized if model.params_b is not None})
    if not sizes:
        return "No model of known size has both conditions: there is no slope on size."
    span = plural(len(sizes), "size") + (f" from {size_words(sizes[0])} to {size_words(sizes[-1])}" if len(sizes) > 1 else "")
    words = f"{plural(len(sized), 'model')} of {span} in {plural(len({model.lineage for model in sized}), 'lineage')}"
    if answer.size is None:
        return f"{words}; there is no slope on size."
    return f"{words}; the smallest permutation p possible here is {p_words(answer.size.permutation_floor)}."


def departures_words(run: DilutionRun) -> tuple[str, ...]:
    """Departures from the pre-registration; none is said too."""
    if run.registration is None:
        return ("There is no pre-registration with these results: nothing shows what was asked before they were seen.",)
    if not run.registration.departures:
        return ("Departures from the pre-registration: none.",)
    return tuple(f"Departure from the pre-registration: {words}" for words in run.registration.departures)


def lost_words(run: DilutionRun) -> tuple[str, ...]:
    """Models without results; none is said too."""
    if not run.lost:
        return ("Models without results: none.",)
    return tuple(
        f"Model without results: {lost.model_id}{f' ({lost.stage})' if lost.stage else ''}: {lost.reason}" for lost in run.lost
    )


def size_paragraphs(answer: GraderAnswer) -> tuple[str, ...]:
    """Slope and spread; the rule of report 353; the interaction on items."""
    size = answer.size
    if size is None:
        slope = "There is no slope of the change on size."
    else:
        slope = " ".join(words for words in (f"Delta: {over_size_words(size)}.", lineages_words(size), spread_words(size)) if words)
    rule = "The rule of report 353 could not be applied." if answer.rule is None else rule_words(answer.rule)
    return (slope, rule, interaction_words(answer.interaction))


def interaction_words(found: Interaction | None) -> str:
    """The interaction on items, and whom it speaks of."""
    if found is None:
        return "The interaction of condition and size on items could not be fitted."
    return (
        f"On items, with prompts as clusters, condition x log10 size is {signed(found.slope_pp_per_decade)} "
        f"[{signed(found.low)}, {signed(found.high)}] pp per decade ({p_clause(found.p_value)}; {plural(found.prompts, 'prompt')}, "
        f"{plural(found.models, 'model')}). It is labelled {found.generalises_to}: it speaks of these models on other prompts, and "
        "the verdict does not rest on it."
    )


def models_paragraph(answer: GraderAnswer, design: DilutionDesign) -> str:
    """How many models move, which way."""
    deltas = answer.deltas
    if not deltas:
        return "No model has an evaluable verdict under both conditions."
    clear_up, clear_down = sum(delta.low > 0 for delta in deltas), sum(delta.high < 0 for delta in deltas)
    counted = (
        f"The interval of delta lies above zero in {clear_up} and below zero in {clear_down} of {plural(len(deltas), 'model')}."
    )
    # without Holm's p there is nothing that the sentence could be about
    return f"{deltas_words(answer, design)} {counted}" if len(answer.deltas_adjusted_p) == len(deltas) else counted


def controls_paragraph(answer: GraderAnswer) -> str:
    """The control contrasts."""
    if not answer.contrasts:
        return "No control condition was asked: a change cannot be told from one that any text of that length would bring."
    return controls_words(answer)


def dose_paragraph(dose: DoseResponse | None, alpha: float) -> str:
    """Delta against length."""
    if dose is None or not dose.lines:
        return "There is no dose response: fewer than two lengths of the puzzle were asked."
    if len(dose.size_slopes_adjusted_p) != len(dose.size_slopes):
        return f"Lengths asked: {and_list([str(lines) for lines in dose.lines])} lines."
    return dose_words(dose, alpha=alpha)


def solving_paragraphs(solving: Solving | None) -> tuple[str, ...]:
    """How solving goes with delta, as an association."""
    if solving is None:
        return ("The puzzle alone was not asked, so nothing is known of how often it is solved.",)
    asked, solved = sum(n for _, _, n in solving.rates), sum(k for _, k, _ in solving.rates)
    over = f"Over all models {solved:,} of {asked:,} puzzles are solved ({percent(solved / asked)}). " if asked else ""
    return (
        f"{over}{solving_words(solving)}".strip() or "The share of puzzles solved is not known.",
        "Solving was not assigned: nothing here says why delta is what it is.",
    )


def length_words(match: LengthMatch | None) -> str:
    """Whether prose and puzzle were of equal length."""
    if match is None:
        return "Neutral prose was not asked."
    worst = max((largest for _, _, largest in match.rows), default=None)
    unknown = f" No length is known for {and_list(list(match.unknown))}." if match.unknown else ""
    if worst is None:
        return f"The length of no prompt is known in tokens.{unknown}"
    exact = "of equal length in every prompt and model" if worst == 0 else f"at most {plural(worst, 'token')} apart"
    return f"Neutral prose and puzzle are {exact}, as each model's engine counts tokens.{unknown}"


def templates_words(found: TemplateRates | None) -> str:
    """How far wording and sampling move attack success."""
    if found is None:
        return "No paraphrase was given."
    low, high = found.spread_pp
    words = [
        f"Attack success of {plural(len(found.templates), 'wording')} (the prompt as it is among them) runs "
        f"from {low:.1f} to {high:.1f} %, averaged over models."
    ]
    for sd, what in ((found.sd_templates_pp, "wordings"), (found.sd_samples_pp, "samples")):
        if sd is not None:
            words.append(f"Standard deviation between {what}: {sd:.1f} pp, of this grid alone.")
    return " ".join(words)


def balance_words(balance: ExclusionBalance | None, alpha: float) -> str:
    """Whether answers without a verdict are as many with the puzzle as without."""
    if balance is None:
        return ""
    clear = sum(one.adjusted_p is not None and one.adjusted_p <= alpha for one in balance.rows)
    words = (
        f"Whether an answer can be judged differs between baseline and puzzle in {clear} of {plural(len(balance.rows), 'model')} "
        f"(Holm, {alpha:g})"
    )
    if balance.slope_low_pp_per_decade is not None and balance.slope_high_pp_per_decade is not None:
        ends = f"{signed(balance.slope_low_pp_per_decade)} and {signed(balance.slope_high_pp_per_decade)}"
        words += f"; whatever those answers would have been, the slope lies between {ends} pp per decade (bounds, not an interval)"
    return f"{words}."


def room_words(room: Room | None) -> str:
    """Which models leave little room for a change, and the slope on log odds."""
    if room is None:
        return ""
    words = []
    for those, where in ((room.little_up, "above"), (room.little_down, "below")):
        if those:
            has = "has" if len(those) == 1 else "have"
            words.append(
                f"{len(those)} of {plural(len(room.rows), 'model')} {has} less than {room.threshold_pp:g} pp {where} the baseline"
            )
    told = f"Room for a change: {'; '.join(words)}." if words else f"Every baseline leaves {room.threshold_pp:g} pp on either side."
    if room.odds is not None:
        low, high = room.odds.low, room.odds.high
        interval = "" if low is None or high is None else f" [{signed(low, 2)}, {signed(high, 2)}]"
        told += (
            f" In log odds, which have no ends, the slope is {signed(room.odds.slope_logit_per_decade, 2)}{interval} per decade "
            f"({p_clause(room.odds.permutation_p)}, {plural(room.odds.models, 'model')})."
        )
    return told


def graders_words(answers: Sequence[GraderAnswer]) -> str:
    """The band over graders."""
    if len(answers) < 2:
        name = answers[0].grader if answers else "none"
        return f"One grader ({name}): how far the answer depends on the grader is not known."
    slopes = [answer.size.slope_pp_per_decade for answer in answers if answer.size is not None]
    verdicts = list(dict.fromkeys(str(answer.verdict.value) for answer in answers))
    band = f"slopes run from {signed(min(slopes))} to {signed(max(slopes))} pp per decade; " if slopes else "there is no slope; "
    agree = f"each says: {verdicts[0]}" if len(verdicts) == 1 else f"they do not agree: {and_list(verdicts)}"
    return f"Over {len(answers)} graders {band}{agree}."
