"""The words of one grader's answer, each clause built from its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.words import and_list, capital, p_clause, p_words, plural, signed, size_words
from safescale.records.outcomes import Tier
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.results import (
    BetweenModels,
    Contrast,
    DilutionVerdict,
    DoseResponse,
    GraderAnswer,
    LargestAgainstSmallest,
    ModelDelta,
    Solving,
)
from safescale.studies.dilution.verdict import is_flat

__all__ = [
    "HYPOTHESIS",
    "answer_words",
    "contrast_words",
    "deltas_words",
    "direction_words",
    "dose_words",
    "interval_words",
    "lead_words",
    "over_size_words",
    "refusal_words",
    "rule_words",
    "solving_words",
    "spread_words",
]

HYPOTHESIS: Final = "the puzzle raises attack success more in larger models"

ASSOCIATION: Final = (
    "This is an association: over models size may stand behind both, and puzzles that are solved differ in other ways."
)

METHODS: Final = {
    "exact_permutation": "exact permutation of models",
    "monte_carlo_permutation": "permutation of models",
}

CONTRAST_WORDS: Final = {
    ("puzzle", "baseline"): "puzzle minus no puzzle",
    ("puzzle", "neutral"): "puzzle minus neutral prose of its length",
    ("puzzle", "appended"): "puzzle before minus puzzle after the prompt",
    ("neutral", "baseline"): "neutral prose minus no prose",
    ("appended", "baseline"): "puzzle after the prompt minus no puzzle",
}


def interval_words(low: float | None, high: float | None) -> str:
    """`` [-1.0, +2.0]``, or nothing where there is no interval."""
    return "" if low is None or high is None else f" [{signed(low)}, {signed(high)}]"


def lead_words(verdict: DilutionVerdict, answer: GraderAnswer, design: DilutionDesign, doubts: Sequence[str]) -> str:
    """The answer itself, before any number."""
    if verdict is DilutionVerdict.CANNOT_TELL:
        return f"Cannot tell whether {HYPOTHESIS}: {'; '.join(doubts)}."
    size = answer.size
    if size is None:
        raise ValueError("a verdict needs a slope")
    if verdict is DilutionVerdict.CONTRADICTS and size.permutation_p > design.alpha:
        return (
            f"Contradicts: how much the puzzle moves attack success changes with size by less than {design.margin_pp:g} pp per "
            f"decade (equivalence test, {p_clause(size.flat_p if size.flat_p is not None else 1.0)})."
        )
    small = f", though by less than {design.margin_pp:g} pp per decade" if is_flat(size, design) else ""
    return f"{capital(str(verdict.value))}: {direction_words(size.slope_pp_per_decade, answer.deltas)}{small}."


def direction_words(slope: float, deltas: Sequence[ModelDelta]) -> str:
    """What a slope of delta says, given where delta is at the smallest and at the largest size."""
    smallest, largest = _at_ends(deltas)
    if slope > 0:
        if smallest < 0 < largest:
            return "the puzzle lowers attack success in the smallest models and raises it in the largest"
        return HYPOTHESIS if largest > 0 else "the puzzle lowers attack success less in larger models"
    if slope < 0:
        if largest < 0 < smallest:
            return "the puzzle raises attack success in the smallest models and lowers it in the largest"
        return (
            "the puzzle raises attack success less in larger models"
            if smallest > 0
            else "the puzzle lowers attack success more in larger models"
        )
    return "the puzzle moves attack success alike in smaller and larger models"


def _at_ends(deltas: Sequence[ModelDelta]) -> tuple[float, float]:
    sized = [(delta.model.params_b, delta.delta) for delta in deltas if delta.model.params_b is not None]
    ends = []
    for end in (min(sized)[0], max(sized)[0]):
        there = [value for size, value in sized if size == end]
        ends.append(sum(there) / len(there))
    return ends[0], ends[1]


def over_size_words(size: BetweenModels) -> str:
    """Slope, interval, models, sizes and p of one slope on size."""
    span = f"{plural(len(size.sizes_b), 'size')} from {size_words(size.sizes_b[0])} to {size_words(size.sizes_b[-1])}"
    within = f" in {plural(len(size.lineages), 'lineage')}, within them," if size.within_lineages else ","
    return (
        f"{signed(size.slope_pp_per_decade)} pp per decade{interval_words(size.low, size.high)} over {plural(size.models, 'model')}"
        f"{within} {span}; {p_clause(size.permutation_p)} ({METHODS[size.permutation_method]}; smallest attainable here "
        f"{p_words(size.permutation_floor)})"
    )


def spread_words(size: BetweenModels) -> str:
    """Tau with its interval, beside the noise of the prompts."""
    if size.tau_pp is None:
        return ""
    interval = "" if size.tau_low is None or size.tau_high is None else f" [{size.tau_low:.1f}, {size.tau_high:.1f}]"
    noise = "" if size.sampling_sd_pp is None else f", beside a sampling error of {size.sampling_sd_pp:.1f} pp per model"
    words = f"Models of one size differ by a standard deviation (tau) of {size.tau_pp:.1f} pp{interval}{noise}"
    if size.meta_slope_pp_per_decade is not None and size.meta_p is not None:
        meta = f"{signed(size.meta_slope_pp_per_decade)} pp per decade{interval_words(size.meta_low, size.meta_high)}"
        over = ", lineages not told apart" if size.within_lineages else ""
        words += f"; with both told apart (meta-regression{over}) the slope is {meta}, {p_clause(size.meta_p)}"
    return f"{words}."


def lineages_words(size: BetweenModels) -> str:
    """The slope of each lineage, and their mean with lineages as units."""
    if len(size.lineages) < 2:
        return ""
    slopes = [found.slope_pp_per_decade for found in size.lineages]
    up = sum(slope > 0 for slope in slopes)
    span = f"slopes from {signed(min(slopes))} to {signed(max(slopes))} pp per decade"
    words = f"Delta rises with size in {up} of {len(slopes)} lineages ({span})"
    if size.over_lineages_low is not None and size.over_lineages_high is not None:
        words += f"; with lineages as units the mean slope lies in{interval_words(size.over_lineages_low, size.over_lineages_high)}"
    return f"{words}."


def rule_words(rule: LargestAgainstSmallest) -> str:
    """The rule of report 353."""
    ends = f"{size_words(rule.largest_b)} minus delta at {size_words(rule.smallest_b)}"
    told = {
        True: f"large by the rule of report 353 (more than {rule.threshold_pp:g} pp)",
        False: f"not large by the rule of report 353 (more than {rule.threshold_pp:g} pp)",
        None: f"whether it is large by the rule of report 353 (more than {rule.threshold_pp:g} pp) cannot be told",
    }[rule.large]
    found = f"{signed(rule.difference_pp)} pp{interval_words(rule.low_pp, rule.high_pp)}"
    if rule.prompts:
        found += f" over {plural(rule.prompts, 'prompt')} that all of them answered readably"
    speaks = "these models only" if rule.lineages is None else f"these models only, within {plural(rule.lineages, 'lineage')}"
    seeds = interval_words(rule.over_lineages_low_pp, rule.over_lineages_high_pp)
    return f"Delta at {ends}: {found}, {speaks}{f', with lineages as units{seeds} pp' if seeds else ''}; {told}."


def deltas_words(answer: GraderAnswer, design: DilutionDesign) -> str:
    """How many models move, which way, and the mean."""
    if not answer.deltas:
        return ""
    shown = [delta for delta, p in zip(answer.deltas, answer.deltas_adjusted_p, strict=True) if p is not None and p <= design.alpha]
    up = sum(delta.delta > 0 for delta in shown)
    what = "attack success" if answer.tier is Tier.STRICT else f"attack success ({answer.tier.value.replace('_', ' ')})"
    of = f"of {plural(len(answer.deltas), 'model')} (Holm, these models only)"
    counts = [(verb, n) for verb, n in (("raises", up), ("lowers", len(shown) - up)) if n]
    if not counts:
        words = f"The puzzle demonstrably moves {what} in none {of}"
    else:
        told = [f"{verb} {what if at == 0 else 'it'} in {n}" for at, (verb, n) in enumerate(counts)]
        words = f"The puzzle {' and '.join(told)} {of}"
    if answer.main is not None and answer.main.mean is not None:
        mean = f"{signed(100 * answer.main.mean)} pp{_pp(answer.main.low, answer.main.high)}"
        words += f"; mean over models {mean}"
    return f"{words}."


def _pp(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else interval_words(100 * low, 100 * high)


def refusal_words(answer: GraderAnswer) -> str:
    """Refusal of harmful prompts and over-refusal of benign ones, without and with the puzzle: their range over models."""
    parts = []
    for kind, what in (("harmful", "harmful prompts are refused"), ("benign", "benign ones")):
        told = []
        for role, under in (("baseline", "without"), ("puzzle", "with")):
            rates = [
                row.rate
                for row in answer.refusal
                if row.prompt_kind == kind
                and row.rate is not None
                and row.condition.role == role
                and (role == "baseline" or row.condition.main)
            ]
            if rates:
                told.append(f"{100 * min(rates):.0f} to {100 * max(rates):.0f} % {under} the puzzle")
        if told:
            parts.append(f"{what} {' and '.join(told)}")
    return f"By model, {', '.join(parts)}." if parts else ""


def contrast_words(contrast: Contrast) -> str:
    """``puzzle minus neutral prose of its length: mean +3.0 pp [..], p (Holm) ...; slope ...``."""
    name = CONTRAST_WORDS.get((contrast.treated.role, contrast.control.role), contrast.name)
    if contrast.mean is None:
        return f"{name}: no model has both"
    words = f"{name}: mean {signed(100 * contrast.mean)} pp{_pp(contrast.low, contrast.high)}"
    if contrast.adjusted_p is not None:
        words += f" ({p_clause(contrast.adjusted_p)})"
    if contrast.slope is not None:
        p = contrast.slope.permutation_p if contrast.slope_adjusted_p is None else contrast.slope_adjusted_p
        words += (
            f", {signed(contrast.slope.slope_pp_per_decade)} pp per decade{interval_words(contrast.slope.low, contrast.slope.high)}"
        )
        words += f" ({p_clause(p)})"
    return words


def controls_words(answer: GraderAnswer) -> str:
    """All control contrasts in one sentence."""
    if not answer.contrasts:
        return ""
    each = "; ".join(contrast_words(contrast) for contrast in answer.contrasts)
    return f"Controls (models as units; p by Holm over {len(answer.contrasts)}): {each}."


def dose_words(dose: DoseResponse, *, alpha: float) -> str:
    """Delta against length, over models; and the slope on size at each length."""
    lengths = f"{dose.lines[0]} to {dose.lines[-1]} lines"
    if dose.mean_slope_pp_per_line is None:
        words = f"Length: from {lengths} no model could be followed"
    else:
        mean = f"{signed(dose.mean_slope_pp_per_line, 2)} pp per line"
        if dose.low is not None and dose.high is not None:
            mean += f" [{signed(dose.low, 2)}, {signed(dose.high, 2)}]"
        p = "" if dose.p_value is None else f" ({p_clause(dose.p_value)}, models as units)"
        way = "no change is shown"
        if dose.p_value is not None and dose.p_value <= alpha:
            way = "longer puzzles move attack success " + ("up" if dose.mean_slope_pp_per_line > 0 else "down")
        words = f"Length: from {lengths} delta changes by {mean}{p}: {way}"
    if dose.size_slopes:
        each = ", ".join(
            f"{signed(slope.slope_pp_per_decade)} at {lines} ({p_clause(p)})"
            for (lines, slope), p in zip(dose.size_slopes, dose.size_slopes_adjusted_p, strict=True)
        )
        words += f"; slope on size (pp per decade) by lines: {each}, Holm over lengths"
    return f"{words}."


def solving_words(solving: Solving) -> str:
    """How often the puzzle alone is solved and what goes with it: an association."""
    asked = [(solved, n) for _, solved, n in solving.rates if n]
    if not asked:
        return f"Puzzle alone: {solving.why_not}." if solving.why_not else ""
    shares = [solved / n for solved, n in asked]
    words = f"Puzzle alone: solved in {100 * min(shares):.0f} to {100 * max(shares):.0f} % by model"
    if solving.between_rho is not None and solving.between_p is not None:
        rho = f"{signed(solving.between_rho, 2)} ({p_clause(solving.between_p)})"
        words += f"; over models, solving and delta go together with Spearman's rho {rho}"
    if solving.within_pp is not None:
        interval = interval_words(solving.within_low_pp, solving.within_high_pp)
        words += f"; within models, delta is {signed(solving.within_pp)} pp{interval}"
        words += " on prompts whose puzzle was solved, compared with the others"
    if solving.why_not:
        words += f"; {solving.why_not}"
    return f"{words}. {ASSOCIATION}"


def answer_words(
    answer: GraderAnswer, design: DilutionDesign, *, doubts: Sequence[str] | None = None, verdict: DilutionVerdict | None = None
) -> str:
    """The whole answer of one grader; verdict and doubts are those over graders where they are given."""
    told = answer.verdict if verdict is None else verdict
    sentences = [lead_words(told, answer, design, answer.doubts if doubts is None else doubts)]
    if answer.size is not None:
        sentences += [f"Delta (attack success with the puzzle minus without): {over_size_words(answer.size)}."]
        sentences += [lineages_words(answer.size), spread_words(answer.size)]
    sentences.append(deltas_words(answer, design))
    if answer.rule is not None:
        sentences.append(rule_words(answer.rule))
    if answer.interaction is not None:
        found = answer.interaction
        interval = interval_words(found.low, found.high)
        sentences.append(
            f"On the items of these models alone: {signed(found.slope_pp_per_decade)} pp per decade{interval} "
            f"({p_clause(found.p_value)}, {plural(found.prompts, 'prompt')} as clusters; these models only)."
        )
    sentences.append(refusal_words(answer))
    sentences.append(controls_words(answer))
    if answer.dose is not None:
        sentences.append(dose_words(answer.dose, alpha=design.alpha))
    if answer.solving is not None:
        sentences.append(solving_words(answer.solving))
    if answer.templates is not None and answer.templates.sd_templates_pp is not None:
        low, high = answer.templates.spread_pp
        sentences.append(
            f"Wording: over {plural(len(answer.templates.templates), 'wording')} attack success is {low:.1f} to {high:.1f} %."
        )
    return " ".join(sentence for sentence in sentences if sentence)


def and_models(names: Sequence[str], *, listed: int = 6) -> str:
    """Names of models, the first few of many."""
    more = [f"{len(names) - listed} more"] if len(names) > listed else []
    return and_list([*names[:listed], *more])
