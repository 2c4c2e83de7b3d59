"""Sentences of the dilution experiment, from its numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.words import and_list, capital, p_clause, percent, plural, signed, size_words
from safescale.report.dilution_facts import DilutionRun
from safescale.studies.dilution.results import (
    BetweenModels,
    DilutionResult,
    DilutionVerdict,
    DoseResponse,
    ExclusionBalance,
    GraderAnswer,
    Interaction,
    LargestAgainstSmallest,
    LengthMatch,
    Room,
    Solving,
    TemplateRates,
)

__all__ = [
    "HYPOTHESIS",
    "QUESTION",
    "VERDICTS",
    "answer_words",
    "balance_words",
    "contrasts_words",
    "deltas_words",
    "departures_words",
    "dose_words",
    "graders_words",
    "interaction_words",
    "length_words",
    "lost_words",
    "room_words",
    "rule_words",
    "size_sentence",
    "solving_words",
    "templates_words",
    "testability_sentence",
]

QUESTION: Final = "Does a benign logic puzzle before a prompt raise attack success more in larger models?"
HYPOTHESIS: Final = "the puzzle raises attack success more in larger models"

VERDICTS: Final = {
    DilutionVerdict.SUPPORTS: "the data support it",
    DilutionVerdict.CONTRADICTS: "the data contradict it",
    DilutionVerdict.CANNOT_TELL: "the data cannot tell",
}


def answer_words(result: DilutionResult) -> str:
    """The answer, with what would settle it unless the answer says so already."""
    answer, settle = result.answer.strip(), result.settle.strip()
    if not settle or settle.rstrip(".") in answer:
        return capital(answer) if answer else f"{capital(VERDICTS[result.verdict])}."
    closed = answer if answer.endswith((".", "?", "!")) else f"{answer}."
    return f"{capital(closed)} What would settle it: {settle.rstrip('.')}."


def testability_sentence(answer: GraderAnswer) -> str:
    """What models as units could show, whatever the rates."""
    sizes = sorted({d.model.params_b for d in answer.deltas if d.model.params_b is not None})
    lineages = {d.model.lineage for d in answer.deltas if d.model.params_b is not None}
    if not sizes:
        return "No model of known size has both conditions: no slope on size."
    span = f"{plural(len(sizes), 'size')}" + (f" from {size_words(sizes[0])} to {size_words(sizes[-1])}" if len(sizes) > 1 else "")
    models = sum(d.model.params_b is not None for d in answer.deltas)
    words = f"{plural(models, 'model')} of {span} in {plural(len(lineages), 'lineage')}"
    if answer.size is None:
        return f"{words}; no slope on size."
    return f"{words}; the smallest permutation p possible here is {p_clause(answer.size.permutation_floor).removeprefix('p = ')}."


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


def deltas_words(answer: GraderAnswer) -> str:
    """How many models have a higher rate with the puzzle, and in how many the interval leaves out zero."""
    deltas = answer.deltas
    if not deltas:
        return "No model has an evaluable verdict under both conditions."
    up, down = sum(d.delta > 0 for d in deltas), sum(d.delta < 0 for d in deltas)
    clear_up, clear_down = sum(d.low > 0 for d in deltas), sum(d.high < 0 for d in deltas)
    return (
        f"Of {plural(len(deltas), 'model')}, attack success is higher with the puzzle in {up}, lower in {down} and equal in "
        f"{len(deltas) - up - down}; the interval lies above zero in {clear_up} and below zero in {clear_down}."
    )


def size_sentence(size: BetweenModels | None, alpha: float, margin_pp: float) -> str:
    """The slope with models as units."""
    if size is None:
        return "There is no slope of the change on size."
    over = f" in {plural(len(size.lineages), 'lineage')}" if size.lineages else ""
    words = (
        f"With models as units the change in attack success goes by {_slope(size)} pp per decade of parameters over "
        f"{plural(size.models, 'model')}{over}; permutation {p_clause(size.permutation_p)}"
        f" (smallest possible {p_clause(size.permutation_floor).removeprefix('p = ')})."
    )
    if size.over_lineages_low is not None and size.over_lineages_high is not None:
        ends = f"[{signed(size.over_lineages_low)}, {signed(size.over_lineages_high)}]"
        words += f" With lineages (training seeds) as units the interval of the mean slope is {ends}."
    if size.tau_pp is not None:
        words += f" Models scatter about the line by tau = {size.tau_pp:.1f} pp beyond what prompts explain."
    if size.flat_p is not None:
        shown = "shows it flat" if size.flat_p <= alpha else "does not show it flat"
        words += f" An equivalence test {shown} within {margin_pp:g} pp per decade ({p_clause(size.flat_p)})."
    return words


def _slope(size: BetweenModels) -> str:
    interval = "" if size.low is None or size.high is None else f" [{signed(size.low)}, {signed(size.high)}]"
    return f"{signed(size.slope_pp_per_decade)}{interval}"


def rule_words(rule: LargestAgainstSmallest | None) -> str:
    """The rule of report 353."""
    if rule is None:
        return "The rule of report 353 could not be applied: there are not two sizes."
    large = {
        True: "large: the whole interval lies above",
        False: "not large: the whole interval lies below",
        None: "open: the interval holds",
    }[rule.large]
    return (
        f"The rule of report 353: delta at the largest size ({size_words(rule.largest_b)}) minus delta at the smallest "
        f"({size_words(rule.smallest_b)}) is {signed(rule.difference_pp)} pp [{signed(rule.low_pp)}, {signed(rule.high_pp)}]; {large} "
        f"{rule.threshold_pp:g} pp. It speaks of these models."
    )


def interaction_words(found: Interaction | None) -> str:
    """The interaction on items, and whom it speaks of."""
    if found is None:
        return "The interaction of condition and size on items could not be fitted."
    return (
        f"On items, with prompts as clusters, condition x log10 size is {signed(found.slope_pp_per_decade)} "
        f"[{signed(found.low)}, {signed(found.high)}] pp per decade ({p_clause(found.p_value)}; {plural(found.prompts, 'prompt')}, "
        f"{plural(found.models, 'model')}). It is labelled {found.generalises_to}: it speaks of these models on other prompts, and the "
        "verdict does not rest on it."
    )


def contrasts_words(answer: GraderAnswer, alpha: float) -> str:
    """Which contrasts stay clear of zero after Holm's correction."""
    if not answer.contrasts:
        return "No control condition was asked: a change cannot be told from one that any text of that length would bring."
    told = [one for one in answer.contrasts if one.adjusted_p is not None]
    clear = [f"{one.name} ({signed(100 * one.mean)} pp)" for one in told if one.mean is not None and (one.adjusted_p or 0) <= alpha]
    words = f"{plural(len(answer.contrasts), 'contrast')} over models as units"
    if len(told) < len(answer.contrasts):
        words += f", {len(answer.contrasts) - len(told)} of them without a test"
    found = and_list(clear) if clear else "none of them"
    return f"{words}; after Holm's correction {found} {'differ' if len(clear) > 1 else 'differs'} from zero at {alpha:g}."


def dose_words(dose: DoseResponse | None) -> str:
    """The mean slope on lines."""
    if dose is None:
        return "One length of puzzle was asked: there is no dose response."
    lengths = and_list([str(n) for n in dose.lines]) if dose.lines else "no length"
    if dose.mean_slope_pp_per_line is None:
        return f"Lengths asked: {lengths} lines; a slope on length could not be fitted over models."
    interval = "" if dose.low is None or dose.high is None else f" [{signed(dose.low, 2)}, {signed(dose.high, 2)}]"
    p = "" if dose.p_value is None else f", {p_clause(dose.p_value)}"
    return (
        f"Lengths asked: {lengths} lines. Delta goes by {signed(dose.mean_slope_pp_per_line, 2)}{interval} pp a line "
        f"(mean over models as units{p})."
    )


def solving_words(solving: Solving | None) -> tuple[str, ...]:
    """How solving goes with delta, as an association."""
    if solving is None:
        return ("The puzzle alone was not asked, so nothing is known of how often it is solved.",)
    found = []
    asked, solved = sum(n for _, _, n in solving.rates), sum(k for _, k, _ in solving.rates)
    if asked:
        found.append(f"The puzzle alone is solved {solved:,} of {asked:,} times ({percent(solved / asked)}), over all models.")
    if solving.between_rho is not None:
        p = "" if solving.between_p is None else f" (exact {p_clause(solving.between_p)})"
        found.append(f"Between models, the share solved and delta have a rank correlation of {solving.between_rho:+.2f}{p}.")
    if solving.within_pp is not None:
        low, high = solving.within_low_pp, solving.within_high_pp
        interval = "" if low is None or high is None else f" [{signed(low)}, {signed(high)}]"
        found.append(
            f"Within models, delta of prompts whose puzzle was solved minus delta of the others is {signed(solving.within_pp)}{interval} "
            "pp (interval over models)."
        )
    if solving.why_not:
        found.append(f"Not computed: {solving.why_not.rstrip('.')}.")
    found.append("This describes an association. Solving was not assigned, so it says nothing of why delta is what it is.")
    return tuple(found)


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
    if found.sd_templates_pp is not None and found.sd_samples_pp is not None:
        words.append(
            f"Standard deviation between templates {found.sd_templates_pp:.1f} pp, between samples {found.sd_samples_pp:.1f} pp; these "
            "are of this grid alone."
        )
    return " ".join(words)


def balance_words(balance: ExclusionBalance | None, alpha: float) -> str:
    """Whether answers without a verdict are as many with the puzzle as without."""
    if balance is None:
        return ""
    clear = [one.model.model_id for one in balance.rows if one.adjusted_p is not None and one.adjusted_p <= alpha]
    words = f"Answers without a verdict differ between baseline and puzzle in {len(clear)} of {plural(len(balance.rows), 'model')}"
    words += f" (Holm's p at most {alpha:g})" if balance.rows else ""
    if balance.slope_low_pp_per_decade is not None and balance.slope_high_pp_per_decade is not None:
        ends = f"{signed(balance.slope_low_pp_per_decade)} to {signed(balance.slope_high_pp_per_decade)}"
        words += f"; whatever they would have been, the slope lies within {ends} pp per decade"
    return f"{words}."


def room_words(room: Room | None) -> str:
    """Which models leave little room for a change, and the slope on log odds."""
    if room is None:
        return ""
    words = []
    for those, where in ((room.little_up, "above"), (room.little_down, "below")):
        if those:
            words.append(
                f"{plural(len(those), 'model')} of {len(room.rows)} "
                f"{'has' if len(those) == 1 else 'have'} less than {room.threshold_pp:g} pp of room {where} the baseline"
            )
    told = f"{'; '.join(words)}." if words else f"Every baseline leaves {room.threshold_pp:g} pp of room on either side."
    if room.odds is not None:
        low, high = room.odds.low, room.odds.high
        interval = "" if low is None or high is None else f" [{signed(low, 2)}, {signed(high, 2)}]"
        told += (
            f" On the scale of log odds the slope is {signed(room.odds.slope_logit_per_decade, 2)}{interval} per decade "
            f"({p_clause(room.odds.permutation_p)}, {plural(room.odds.models, 'model')})."
        )
    return told


def graders_words(answers: Sequence[GraderAnswer]) -> str:
    """The band over graders."""
    if len(answers) < 2:
        name = answers[0].grader if answers else "none"
        return f"One grader ({name}): how far the answer depends on the grader is not known."
    slopes = [answer.size.slope_pp_per_decade for answer in answers if answer.size is not None]
    verdicts = sorted({VERDICTS[answer.verdict] for answer in answers})
    band = f"slopes run from {signed(min(slopes))} to {signed(max(slopes))} pp per decade; " if slopes else "no slope; "
    agree = f"all say {verdicts[0]}" if len(verdicts) == 1 else f"they do not agree: {and_list(verdicts)}"
    return f"Over {len(answers)} graders {band}{agree}."
