"""A plan in words, answer first; every clause is built from its numbers."""

from __future__ import annotations

from safescale.analyses.plan.results import Detectable, ModelsNeeded, StudyPlan
from safescale.analyses.plan.wanted import LOG10_OF_2, Assumptions
from safescale.analyses.words import and_list, p_words, percent, plural, size_words

__all__ = ["answer_words", "caveats_of", "in_so_many", "models_words", "pp_words", "prompts_words", "reach_words"]

EXACT_UP_TO = 8
"""Up to so many models the slope is tested by an exact permutation (``size_slope_test``)."""

FEW_EVENTS = 5
"""With fewer expected of the rarer outcome, a rate is far from normal."""


def in_so_many(power: float) -> str:
    """``in 80 of 100 studies``."""
    return f"in {100 * power:g} of 100 studies"


def pp_words(value: float) -> str:
    """Percentage points without sign: a digit after the point below 10, none above 100."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if value >= 0.95 else f"{value:.2g}"


def models_words(needed: ModelsNeeded | None) -> str:
    """The number, or that none is enough."""
    if needed is None:
        return "an unknown number of models"
    if needed.n_models is None:
        return "more than 100,000 models"
    return plural(needed.n_models, "model")


def answer_words(plan: StudyPlan) -> str:
    """What is needed, what the models at hand find, whether prompts help, what exact tests and flatness ask for."""
    return " ".join(
        sentence
        for sentence in (
            _need(plan),
            reach_words(plan),
            prompts_words(plan),
            _size_words(plan),
            _flat_words(plan),
            _exact_words(plan),
            _label_words(plan),
        )
        if sentence
    )


def _need(plan: StudyPlan) -> str:
    asked = plan.assumptions
    doubling = f" ({pp_words(asked.effect_pp_per_decade * LOG10_OF_2)} per doubling)"
    effect = f"To find {pp_words(asked.effect_pp_per_decade)} pp per decade{doubling} {in_so_many(asked.power)}"
    if asked.tau_pp is None and asked.design.kind != "standard_error":
        each = and_list([f"{models_words(plan.needed(tau_pp=tau))} at {tau:g} pp" for tau in plan.taus_pp if tau is not None])
        return (
            f"{effect} you need, {spread_words(asked)}{_each(asked)}: {each} between models of one size (tau). Tau decides, and "
            "is not known: state it, or measure it on models of one size."
        )
    needed = plan.needed()
    if asked.design.kind == "standard_error":
        error = asked.design.standard_error_pp_per_decade
        return (
            f"{effect} where {asked.design.n_models} models gave a standard error of {pp_words(error or 0.0)} pp per decade, you "
            f"need {models_words(needed)} spread like those."
        )
    return f"{effect} with {tau_words(asked.tau_pp)} you need {models_words(needed)} {spread_words(asked)}{_each(asked)}."


def tau_words(tau_pp: float | None) -> str:
    """The spread between models in words."""
    if tau_pp == 0:
        return "no spread between models of one size (tau 0)"
    return f"{pp_words(tau_pp or 0.0)} pp between models of one size (tau)"


def spread_words(asked: Assumptions) -> str:
    """Over which sizes models are spread."""
    design = asked.design
    if design.decades is None or design.min_b is None or design.max_b is None:
        return "spread like those of the fit"
    how = "spread evenly" if design.kind == "even" else f"spread like these {design.n_models}"
    return f"{how} over {design.decades:.1f} decades ({size_words(design.min_b)} to {size_words(design.max_b)})"


def _each(asked: Assumptions) -> str:
    if asked.prompts is None:
        return ""
    times = "" if asked.traces_per_prompt == 1 else f", {asked.traces_per_prompt} traces of each"
    return f" with {plural(asked.prompts, 'prompt')} each{times}"


def _these(asked: Assumptions) -> str:
    n = asked.design.n_models
    return f"the {n} models at hand" if asked.design.at_hand else f"{n} models spread so"


def reach_words(plan: StudyPlan) -> str:
    """What the models at hand find as often."""
    asked = plan.assumptions
    if plan.not_detectable_because is not None:
        return f"{plan.not_detectable_because}, so no slope is found, whatever its size."
    if asked.tau_pp is None and asked.design.kind != "standard_error":
        each = [f"{pp_words(row.slope_pp_per_decade)} at {row.tau_pp:g} pp" for row in plan.detectable if row.tau_pp is not None]
        return f"With {_these(asked)} the smallest slope found as often is, in pp per decade, {and_list(each)}."
    found = plan.found_at()
    return "" if found is None else f"With {_these(asked)} {_found_words(found)}."


def _found_words(found: Detectable) -> str:
    slope = f"the smallest slope found as often is {pp_words(found.slope_pp_per_decade)} pp per decade"
    slope += f" ({pp_words(found.slope_pp_per_doubling)} per doubling)"
    if found.possible is False:
        slope += ", steeper than a rate between 0 and 100 % can be over these sizes: nothing is found so often"
    return slope


def prompts_words(plan: StudyPlan) -> str:
    """Whether more prompts help the models at hand, and the floor below which no number of prompts gets."""
    asked, needed, found = plan.assumptions, plan.prompts_at(), plan.found_at()
    if needed is None or found is None or needed.tau_pp is None:
        return ""
    if needed.n_prompts is not None:
        safe = _safe_prompts(plan, needed.n_prompts)
        if asked.prompts is not None and needed.n_prompts <= asked.prompts:
            return f"{plural(needed.n_prompts, 'prompt')} each would do for that{safe}."
        return f"More prompts help: with {plural(needed.n_prompts, 'prompt')} each {_these(asked)} find it{safe}."
    floor = found.endless_prompts_pp_per_decade
    return (
        f"More prompts do not help, models do: with endless prompts {_these(asked)} find no slope below "
        f"{pp_words(floor or 0.0)} pp per decade so often, and "
        f"{pp_words(asked.effect_pp_per_decade)} in {100 * needed.power_limit:.0f} of 100."
    )


def _safe_prompts(plan: StudyPlan, at_estimate: int) -> str:
    """What the upper limit of tau makes of a number of prompts."""
    limit = plan.assumptions.tau_cautious_pp
    cautious = None if limit is None else plan.prompts_at(limit)
    if limit is None or cautious is None or cautious.n_prompts == at_estimate:
        return ""
    number = "no number" if cautious.n_prompts is None else f"{cautious.n_prompts:,}"
    return f" at tau {plan.assumptions.tau_pp or 0:.2g} pp, {number} at its upper limit of {pp_words(limit)} pp"


def _size_words(plan: StudyPlan) -> str:
    asked = plan.assumptions
    words = ""
    if plan.size_gains:
        best = plan.size_gains[0]
        at = "" if asked.tau_pp is not None else " (at tau 5 pp)"
        words = f"The size that helps most is {size_words(best.size_b)}: with one more model there the smallest slope found is "
        words += f"{pp_words(best.slope_pp_per_decade)} pp per decade{at}."
    if plan.sizes_to_reach and asked.tau_pp is not None:
        many = [f"{plan.sizes_to_reach.count(size)} of {size_words(size)}" for size in sorted(set(plan.sizes_to_reach))]
        words += (
            f"{' ' if words else ''}With {plural(len(plan.sizes_to_reach), 'model')} more ({and_list(many)}) they find the effect."
        )
    return words


def _flat_words(plan: StudyPlan) -> str:
    asked, flat = plan.assumptions, plan.flat_at()
    if flat is None:
        return ""
    number = "more than 100,000 models" if flat.n_models is None else plural(flat.n_models, "model")
    here = "" if flat.power_at_hand is None else f" ({_these(asked)}: in {100 * flat.power_at_hand:.0f} of 100)"
    return f"To show that a flat slope is flat within {pp_words(asked.margin_pp)} pp per decade takes {number}{here}."


def _exact_words(plan: StudyPlan) -> str:
    asked, exact = plan.assumptions, plan.exact
    among = f" among {plural(exact.tests, 'test')}" if exact.tests > 1 else ""
    words = f"An exact test{among} needs {exact.sizes_needed} different sizes to reach p = {exact.alpha:g} at all"
    if exact.at_hand is not None and asked.design.at_hand and exact.tests * exact.at_hand > exact.alpha:
        words += f"; the sizes at hand cannot (smallest p {p_words(exact.at_hand)})"
    return words + "."


def _label_words(plan: StudyPlan) -> str:
    sentences = []
    for row in plan.labels:
        if row.n_labels is None:
            sentences.append(
                f"The rate of {row.of} cannot be brought to {100 * row.half_width:g} pp either way ({row.unavailable})."
            )
        else:
            sentences.append(
                f"To know the rate of {row.of} to {100 * row.half_width:g} pp either way, label {row.n_labels:,} of its "
                f"{row.n_traces:,} graded traces."
            )
    seen = plan.through_grader
    if seen is not None and seen.factor <= 0:
        sentences.append("A grader whose sensitivity and specificity sum to 1 or less shows no slope at all.")
    elif seen is not None and seen.models_needed is not None:
        sentences.append(
            f"Such a grader shows {percent(seen.factor)} of a slope, {pp_words(seen.effect_pp_per_decade)} pp per decade of this "
            f"one; that takes {plural(seen.models_needed, 'model')}."
        )
    return " ".join(sentences)


def caveats_of(plan: StudyPlan) -> tuple[str, ...]:
    """What the assumptions themselves raise."""
    asked, needed = plan.assumptions, plan.needed()
    found = []
    if needed is not None and needed.limited_by == "exact_floor":
        found.append(
            f"the t test alone would ask for {plural(needed.by_power or 0, 'model')}; fewer than {plan.exact.sizes_needed} sizes "
            "cannot reach the level in an exact test"
        )
    if needed is not None and needed.n_models is not None and needed.n_models <= EXACT_UP_TO:
        found.append(
            f"up to {EXACT_UP_TO} models safescale tests by an exact permutation, which finds a slope a little less often than the "
            "t test counted here (with 5 models in 77 of 100 where it is 80: docs/how-to/plan-a-study.md)"
        )
    trials = asked.trials
    if trials is not None and trials * min(asked.base_rate, 1 - asked.base_rate) < FEW_EVENTS:
        found.append(
            f"{plural(trials, 'trace')} a model at a rate of {percent(asked.base_rate)} hold fewer than {FEW_EVENTS} of the rarer "
            "outcome: rates are far from normal there, and the numbers of models are rough"
        )
    line = asked.effect_pp_per_decade * (asked.design.decades or 0.0)
    room = 200 * min(asked.base_rate, 1 - asked.base_rate)
    if line > room:
        found.append(
            f"{pp_words(asked.effect_pp_per_decade)} pp per decade over {asked.design.decades or 0:.1f} decades move a rate by "
            f"{pp_words(line)} pp, and about {percent(asked.base_rate)} there is room for {pp_words(room)}: such a line "
            "leaves 0 to 100 %"
        )
    if asked.tau_pp == 0:
        found.append("tau 0 claims that models of one size have one rate; where they differ the number of models is too small")
    if asked.design.note:
        found.append(asked.design.note)
    return tuple(found)
